import { TuneError } from "../../errors.ts";
import type { Parameter, Value } from "./space.ts";

/** A parameter that takes these values, in this order. */
export const list = (name: string, values: readonly Value[], value?: Value): Parameter => {
  if (value !== undefined && !values.includes(value))
    throw new TuneError(`parameter ${name}: default ${value} is not one of ${values.join(", ")}`);
  return { name, values, ...(value !== undefined && { default: value }) };
};

/** From `first` to `last`, both included where the steps meet them. Throws TuneError where no step leads there. */
export function range(name: string, first: number, last: number, step = 1): Parameter {
  const steps = (last - first) / step;
  if (!(steps >= 0 && Number.isFinite(steps)))
    throw new TuneError(`parameter ${name}: steps of ${step} do not lead from ${first} to ${last}`);
  // A few roundings more than a step that was meant to meet the last value.
  return list(
    name,
    Array.from({ length: Math.floor(steps + 1e-9) + 1 }, (_, i) => first + i * step),
  );
}

/** Powers of two from `first` to `last`, both included. Throws TuneError where either is none. */
export function powersOfTwo(name: string, first: number, last: number): Parameter {
  const [low, high] = [first, last].map(Math.log2);
  if (!(Number.isInteger(low) && Number.isInteger(high) && low <= high))
    throw new TuneError(`parameter ${name}: ${first} and ${last} are not powers of two in their order`);
  return list(
    name,
    Array.from({ length: high - low + 1 }, (_, i) => first * 2 ** i),
  );
}

/** False and true. */
export const booleans = (name: string): Parameter => list(name, [false, true]);

/** One of these words. */
export const enumeration = (name: string, ...words: readonly string[]): Parameter => list(name, words);
