import { checkChoice, checkNumber, checkWhole, refuse } from "../engine/arguments.ts";
import type { CommonOptions } from "./entry.ts";

/** Options of Inception-v4 and the Inception-ResNets, all of them set. */
export interface InceptionOptions extends CommonOptions {
  /** Blocks on the 35x35, 17x17 and 8x8 grids. */
  readonly repeats: readonly [number, number, number];
  /** Residual scales of those blocks. */
  readonly scales: readonly [number, number, number];
  /** Probability with which dropout keeps a value. */
  readonly keep: number;
  /** Whether training has TF-slim's auxiliary head. */
  readonly auxiliary: boolean;
}

/** What the three networks of the paper have in common where no options are given. */
export const INCEPTION_DEFAULTS = {
  classes: 1000,
  scales: [0.17, 0.1, 0.2],
  keep: 0.8,
  auxiliary: false,
} as const;

/** Smallest image side for which the last grid of these networks has a pixel. */
export const SMALLEST_IMAGE = 75;

/** Throws ValueError where an option is outside its range. */
export function checkInceptionOptions({ repeats, scales, keep, auxiliary }: InceptionOptions): void {
  const three = (name: string, values: unknown) => {
    if (!Array.isArray(values) || values.length !== 3)
      refuse("model", name, values, "a list of three numbers");
    return values as readonly number[];
  };
  for (const count of three("repeats", repeats)) checkWhole("model", "repeats", count, 1);
  for (const scale of three("scales", scales)) checkNumber("model", "scales", scale);
  checkNumber("model", "keep", keep, { least: 0, above: true, most: 1 });
  checkChoice("model", "auxiliary", auxiliary, [true, false]);
}
