import { axes } from "../draw.ts";
import { elementwise, flat } from "../elementwise.ts";
import { ShapeError } from "../errors.ts";
import { type Op, size } from "../op.ts";
import { attribute, stored, times } from "../running_error.ts";
import backward from "./backward.wgsl";
import forward from "./forward.wgsl";
import shape from "./shape.wgsl";

export interface DropoutAttrs {
  /** Probability that an element is kept, above 0 and at most 1. */
  readonly keep: number;
  /** Distinguishes the dropouts of one network: a whole number below 2^32. */
  readonly key: number;
}

/** Random bits are compared in whole numbers, so that the float64 side draws the same mask. */
const threshold = (keep: number) => Math.ceil(keep * 2 ** 24);

const kernel = (file: string, wgsl: string) =>
  elementwise<DropoutAttrs>(`dropout/${file}`, wgsl + shape, "x", {
    uniforms: ({ keep, key }) => ({ key, threshold: threshold(keep), scale: 1 / keep }),
  });

/** What is kept of `values`, scaled, by the mask of `[seed, step]`. */
const masked = (values: Float64Array, [seed, step]: Float64Array, { keep, key }: DropoutAttrs) =>
  values.map((v, i) =>
    random(seed, step, key, i) >>> 8 < threshold(keep) ? v / keep : Number.isFinite(v) ? 0 : NaN,
  );

/** The kernel's formula; what is dropped is 0 without error. */
const bound = (values: Float64Array, counter: Float64Array, attrs: DropoutAttrs) =>
  masked(values, counter, attrs).map((kept, i) =>
    kept === 0 ? 0 : times(attribute(1 / attrs.keep), stored(values[i])).error,
  );

/**
 * Dropout `y = x / keep` where a random number of the element is below `keep`, else 0 (Srivastava et al. 2014,
 * with the scaling at training time). x of any shape, counter [seed, step] as u32 -> y. The random numbers follow
 * from seed, step, `key` and the element's index alone, so the gradient draws them again and the same counter
 * gives the same mask on every adapter. What is dropped is NaN where x is infinite or NaN, as with PyTorch.
 * Throws ShapeError where counter is not [2] or an attribute is out of range.
 */
export const dropout: Op<DropoutAttrs> = {
  name: "dropout",
  inputs: ["x", "counter"],
  dtypes: { counter: "u32" },
  batched: [], // the mask counts elements from the first of the whole tensor
  linear: [["x"]],
  shapes({ x, counter }, { keep, key }) {
    if (String(counter) !== "2") throw new ShapeError(`dropout: counter is [${counter}] but [2] is expected`);
    if (!(keep > 0 && keep <= 1))
      throw new ShapeError(`dropout: keep is ${keep} but a number above 0 and at most 1 is expected`);
    if (key !== key >>> 0)
      throw new ShapeError(`dropout: key is ${key} but a whole number below 2^32 is expected`);
    return { y: x };
  },
  cost: { forward: "x", x: "x" },
  flops: ({ x }) => ({ forward: size(x), x: size(x) }),
  forward: [flat(kernel("forward", forward))],
  backward: { x: [flat(kernel("backward", backward))] },
  reference: {
    forward: (_, { x, counter }, attrs) => ({ y: masked(x, counter, attrs) }),
    backward: (_, { counter, dy }, attrs) => ({ dx: masked(dy, counter, attrs) }),
  },
  bound: {
    forward: (_, { x, counter }, attrs) => ({ y: bound(x, counter, attrs) }),
    backward: (_, { dy, counter }, attrs) => ({ dx: bound(dy, counter, attrs) }),
  },
  sample: (input, axes, draw) =>
    Float64Array.from({ length: size(axes) }, () =>
      input === "counter" ? Math.floor(2 ** 32 * draw()) : 2 * draw() - 1,
    ),
  arbitrary: (draw) => ({
    shapes: { x: axes(draw), counter: [2] },
    attrs: { keep: draw.pick([1, 0.8, 0.5, 0.25, 0.01, 1e-8]), key: draw.pick([0, 1, 2 ** 32 - 1]) },
  }),
  cases: [
    example("pooled features", [4, 1, 1, 37], 0.8),
    example("a matrix", [3, 130], 0.5, 1),
    example("an image", [1, 5, 7, 3], 0.25, 2 ** 32 - 1),
    example("nothing dropped", [2, 65], 1),
    example("nearly all dropped", [2, 200], 0.01),
    example("one value", [1], 0.5),
    { ...example("counter at zero", [2, 40], 0.8), values: { counter: [0, 0] } },
    { ...example("counter at its end", [2, 40], 0.8), values: { counter: [2 ** 32 - 1, 2 ** 32 - 1] } },
    // the random bits of element 6 are the threshold itself
    { ...example("at the threshold", [8], 9165562 / 2 ** 24), values: { counter: [1, 2] } },
    example("several steps at a pixel", [3, 2 ** 15 + 5], 0.8),
    example("several pixels at a step", [2, 11, 9, 7], 0.8),
  ],
};

function example(what: string, x: readonly number[], keep: number, key = 0) {
  return { what, shapes: { x, counter: [2] }, attrs: { keep, key } };
}

/** Scatters the bits of a word, as in shape.wgsl; no two words have the same image. */
function scatter(word: number): number {
  let h = (word + 0x9e3779b9) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
  return h ^ (h >>> 15);
}

/** 32 random bits for every element `i` of the stream that seed, step and key name: bit for bit the kernels'. */
export const random = (seed: number, step: number, key: number, i: number): number =>
  scatter(scatter(scatter(scatter(i) ^ seed) ^ step) ^ key) >>> 0;
