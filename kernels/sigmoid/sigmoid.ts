import { axes } from "../draw.ts";
import { elementwise, flat } from "../elementwise.ts";
import isNan from "../is_nan.wgsl";
import { type Case, type Op, type Shape, size } from "../op.ts";
import { exact, exponential, minus, over, plus, stored, times } from "../running_error.ts";
import backward from "./backward.wgsl";
import forward from "./forward.wgsl";
import shape from "./shape.wgsl";

const kernel = (file: string, wgsl: string) => elementwise<unknown>(`sigmoid/${file}`, wgsl + shape, "x");

/**
 * Logistic function `y = 1 / (1 + exp(-x))` over any shape, without overflow for any x; its gradient is
 * `dy * y * (1 - y)`. A NaN stays a NaN.
 */
export const sigmoid: Op<unknown> = {
  name: "sigmoid",
  inputs: ["x"],
  batched: ["x", "y", "dy", "dx"],
  cheap: true,
  shapes: ({ x }) => ({ y: x }),
  cost: { forward: "4 x", x: "3 x" },
  flops: ({ x }) => ({ forward: 4 * size(x), x: 3 * size(x) }),
  forward: [flat(kernel("forward", forward + isNan))],
  backward: { x: [flat(kernel("backward", backward))] },
  reference: {
    forward: (_, { x }) => ({
      y: x.map((v) => (v >= 0 ? 1 : Math.exp(v)) / (1 + Math.exp(-Math.abs(v)))),
    }),
    backward: (_, { y, dy }) => ({ dx: dy.map((d, i) => d * y[i] * (1 - y[i])) }),
  },
  bound: {
    /** The kernel's formula. */
    forward: (_, { x }) => ({
      y: x.map((v) => {
        const e = exponential({ ...stored(v), value: -Math.abs(v) });
        return over(v >= 0 ? exact(1) : e, plus(exact(1), e)).error;
      }),
    }),
    backward: (_, { y, dy }) => ({
      dx: dy.map((d, i) => {
        const near = stored(y[i]);
        return times(stored(d), times(near, minus(exact(1), near))).error;
      }),
    }),
  },
  /** Up to where it is flat. */
  sample: (_, axes, random) => Float64Array.from({ length: size(axes) }, () => 12 * random() - 6),
  arbitrary: (draw) => ({ shapes: { x: axes(draw) }, attrs: {} }),
  cases: [
    example("an image", [2, 3, 5, 7]),
    example("several pixels at a step", [2, 11, 9, 7]),
    example("several steps at a pixel", [1, 9, 9, 33]),
    { ...example("flat on either side", [8]), values: { x: [-200, -90, -20, -1e-3, 0, 20, 90, 3e38] } },
  ],
};

function example(what: string, x: Shape): Case<unknown> {
  return { what, shapes: { x }, attrs: {} };
}
