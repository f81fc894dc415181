// A row: what an operation makes of infinities, NaN and ties.

import type { Op, Shapes } from "../../../kernels/op.ts";

export const { NaN: N, POSITIVE_INFINITY: I } = Number;

/** What a value may be, by the letter that stands for it below. */
export const SIGNS: Record<string, (v: number) => boolean> = {
  n: Number.isNaN,
  "+": (v) => v === I,
  "-": (v) => v === -I,
  ".": Number.isFinite,
  "!": (v) => !Number.isFinite(v), // an exponential of a NaN may be infinite
  "0": (v) => v === 0,
  "1": (v) => v === 1,
  "2": (v) => v === 2,
  m: (v) => v === -1,
  w: (v) => v === 2 ** 32 - 1, // ranks below every number of best classes: wrong
  "*": () => true,
};

export interface Row {
  readonly what: string;
  readonly op: Op<any>;
  readonly shapes: Shapes;
  readonly attrs?: unknown;
  /** Inputs, and for a gradient outputs and their gradients; all others are 1. */
  readonly values: Readonly<Record<string, readonly number[]>>;
  readonly routine?: string;
  /** Signs of what comes out, by tensor. */
  readonly want: Readonly<Record<string, string>>;
}

export const one = (name: string, values: readonly number[]) => ({
  shapes: { [name]: [values.length] },
  values: { [name]: values },
});
export const pool = (window: number, stride = 1) => ({
  window: [1, window],
  stride: [1, stride],
  padding: [
    [0, 0],
    [0, 0],
  ],
});
