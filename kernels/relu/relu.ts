import { axes } from "../draw.ts";
import { elementwise, flat } from "../elementwise.ts";
import { type Op, size } from "../op.ts";
import { either, flushed } from "../rounding.ts";
import { withRelu, withReluGradient } from "./append.ts";
import backward from "./backward.wgsl";
import forward from "./forward.wgsl";
import shape from "./shape.wgsl";

const kernel = (file: string, wgsl: string) => elementwise<unknown>(`relu/${file}`, wgsl + shape, "x");

/**
 * Rectified linear unit `y = max(x, 0)` over any shape; the gradient at the kink is 0. A NaN stays a NaN, and the
 * gradient passes there.
 */
export const relu: Op<unknown> = {
  name: "relu",
  inputs: ["x"],
  batched: ["x", "y", "dy", "dx"],
  cheap: true,
  shapes: ({ x }) => ({ y: x }),
  cost: { forward: "x", x: "x" },
  flops: ({ x }) => {
    const n = size(x);
    return { forward: n, x: n };
  },
  forward: [flat(kernel("forward", withRelu(forward)))],
  backward: { x: [flat(kernel("backward", withReluGradient(backward)))] },
  reference: {
    forward: (_, { x }) => ({ y: x.map((v) => Math.max(v, 0)) }),
    backward: (_, { x, dy }) => ({ dx: dy.map((v, i) => (x[i] <= 0 ? 0 : v)) }),
  },
  bound: {
    forward: (_, { x }) => ({ y: x.map((v) => (v > 0 ? flushed(v) : 0)) }),
    /** A subnormal y may be read as 0. */
    backward: (_, { y, dy }) => ({ dx: dy.map((v, i) => (flushed(y[i]) > 0 ? either(Math.abs(v)) : 0)) }),
  },
  /** Clear of the kink, so that the gradient is defined. */
  sample: (_, axes, random) =>
    Float64Array.from({ length: size(axes) }, () => (0.1 + random()) * (random() < 0.5 ? -1 : 1)),
  arbitrary: (draw) => ({ shapes: { x: axes(draw) }, attrs: {} }),
  cases: [
    { what: "an image", shapes: { x: [2, 3, 5, 7] }, attrs: {} },
    { what: "a vector of one", shapes: { x: [1] }, attrs: {} },
    { what: "a matrix", shapes: { x: [3, 10] }, attrs: {} },
    { what: "several pixels at a step", shapes: { x: [2, 11, 9, 7] }, attrs: {} },
    { what: "several steps at a pixel", shapes: { x: [1, 9, 9, 33] }, attrs: {} },
  ],
};
