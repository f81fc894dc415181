// Checks of what a caller passes. Each throws a ValueError that names the call, the argument, what is expected and what
// was given, and returns nothing.
import { ValueError } from "./errors.ts";

/** A value for a message: short, whatever it is. */
export function formatValue(value: unknown): string {
  if (typeof value === "function") return value.name ? `the function ${value.name}` : "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return showObject(value);
  const readable = (_: string, v: unknown) => (typeof v === "bigint" ? `${v}n` : v);
  const text =
    typeof value === "number" || value === undefined
      ? String(value)
      : (JSON.stringify(Array.isArray(value) ? value.slice(0, 30) : value, readable) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

/** An object by its class: `a Promise`, `an Int32Array`. */
function showObject(value: object): string {
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  const name = tag === "Object" ? (value.constructor?.name ?? tag) : tag;
  return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name === "Object" ? "object" : name}`;
}

/** What is expected of an argument, as a message ends. */
export function refuse(call: string, name: string, value: unknown, want: string): never {
  throw new ValueError(`${call}: ${name} is ${formatValue(value)} but ${want} is expected`);
}

/** The options are an object and have no other names than `known`. */
export function checkNames(call: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    refuse(call, "the argument", options, "an object of options");
  const unknown = Object.keys(options as object).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new ValueError(`${call}: there is no option ${unknown} (has ${known.join(", ")})`);
}

/** A whole number from `least` to `most`. */
export function checkWhole(call: string, name: string, value: unknown, least = 0, most = Infinity): void {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  refuse(
    call,
    name,
    value,
    `a whole number ${most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`}`,
  );
}

/** A finite number from `least` to `most`, or below `most` where `open`. */
export function checkNumber(
  call: string,
  name: string,
  value: unknown,
  { least = -Infinity, most = Infinity, above = false, below = false } = {},
): void {
  const v = value as number;
  const low = above ? v > least : v >= least;
  const high = below ? v < most : v <= most;
  if (typeof value === "number" && Number.isFinite(v) && low && high) return;
  const limits = [
    ...(least > -Infinity ? [`${above ? "above" : "of at least"} ${least}`] : []),
    ...(most < Infinity ? [`${below ? "below" : "of at most"} ${most}`] : []),
  ];
  refuse(call, name, value, `a finite number${limits.length ? ` ${limits.join(" and ")}` : ""}`);
}

/** One of some names. */
export function checkChoice(call: string, name: string, value: unknown, choices: readonly unknown[]): void {
  if (!choices.includes(value))
    throw new ValueError(
      `${call}: ${name} is ${formatValue(value)} but one of ${choices.map(formatValue).join(", ")} is expected`,
    );
}

/** A seed of the counter-based random numbers: 32 bits. */
export const checkSeed = (call: string, seed: unknown): void =>
  checkWhole(call, "seed", seed, 0, 2 ** 32 - 1);

/** A shape: whole sizes of at least 1, `rank` of them where given. */
export function checkShape(call: string, name: string, shape: unknown, rank?: number): void {
  const sizes = Array.isArray(shape) && shape.length > 0 && shape.every((n) => Number.isInteger(n) && n >= 1);
  if (!sizes || (rank !== undefined && shape.length !== rank))
    refuse(call, name, shape, `a list of ${rank === undefined ? "" : `${rank} `}whole sizes of at least 1`);
}
