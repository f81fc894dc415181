// Options that several commands have, and numbers as people write them. Anything else is refused with what is expected.

import { type Command, InvalidArgumentError } from "commander";

/** Adds `--adapter`. */
export const withAdapter = (command: Command): Command =>
  command.option("--adapter <name>", "part of the adapter's name: llvmpipe, swiftshader, nvidia ...");

/** Adds `--json`, which means the same of every command: its result as JSON on stdout, where nothing else is written. */
export const withJson = (command: Command): Command =>
  command.option("--json", "print the result as JSON and nothing else");

/** Integers from `least`. */
export const whole = (least: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new InvalidArgumentError(`a whole number of at least ${least} is expected.`);
  return value;
};

export const positive = (text: string) => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("a number above 0 is expected.");
  return value;
};

/** Above `least` and at most 1. */
export const parseShare = (least: number) => (text: string) => {
  const value = Number(text);
  if (!(value > least && value <= 1))
    throw new InvalidArgumentError(`a number above ${least} and at most 1 is expected.`);
  return value;
};

const UNITS: Readonly<Record<string, number>> = { "": 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

export const parseBytes = (text: string) => {
  const [, amount, unit] = /^([\d.]+) *(|[KMG]iB)$/.exec(text) ?? [];
  if (!(Number(amount) > 0)) throw new InvalidArgumentError("bytes such as 900MiB or 2GiB are expected.");
  return Math.floor(Number(amount) * UNITS[unit]);
};
