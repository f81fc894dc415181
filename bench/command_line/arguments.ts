import { InvalidArgumentError } from "commander";

// Numbers as people write them on the command line; what is none is refused with what it must be.

export const whole = (least: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new InvalidArgumentError(`not a whole number from ${least} on.`);
  return value;
};

export const positive = (text: string) => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("not a number above 0.");
  return value;
};

/** Above `least` and at most 1. */
export const share = (least: number) => (text: string) => {
  const value = Number(text);
  if (!(value > least && value <= 1)) throw new InvalidArgumentError(`not above ${least} and at most 1.`);
  return value;
};

const UNITS: Readonly<Record<string, number>> = { "": 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

export const bytes = (text: string) => {
  const [, amount, unit] = /^([\d.]+) *(|[KMG]iB)$/.exec(text) ?? [];
  if (!(Number(amount) > 0)) throw new InvalidArgumentError("not bytes such as 900MiB or 2GiB.");
  return Math.floor(Number(amount) * UNITS[unit]);
};
