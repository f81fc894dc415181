import { axes } from "../draw.ts";
import { elementwise, flat } from "../elementwise.ts";
import isNan from "../is_nan.wgsl";
import { type Case, type Op, type Shape, size } from "../op.ts";
import { attribute, exact, exponential, minus, over, plus, stored, times } from "../running_error.ts";
import backward from "./backward.wgsl";
import forward from "./forward.wgsl";
import shape from "./shape.wgsl";

const kernel = (file: string, wgsl: string) => elementwise<unknown>(`tanh/${file}`, wgsl + shape, "x");

/**
 * Hyperbolic tangent `y = tanh(x)` over any shape, to a few units in the last place for any x; its gradient is
 * `dy * (1 - y^2)`. A NaN stays a NaN.
 */
export const tanh: Op<unknown> = {
  name: "tanh",
  inputs: ["x"],
  batched: ["x", "y", "dy", "dx"],
  cheap: true,
  shapes: ({ x }) => ({ y: x }),
  cost: { forward: "5 x", x: "3 x" },
  flops: ({ x }) => ({ forward: 5 * size(x), x: 3 * size(x) }),
  forward: [flat(kernel("forward", forward + isNan))],
  backward: { x: [flat(kernel("backward", backward))] },
  reference: {
    forward: (_, { x }) => ({ y: x.map(Math.tanh) }),
    backward: (_, { y, dy }) => ({ dx: dy.map((d, i) => d * (1 - y[i] ** 2)) }),
  },
  bound: {
    forward: (_, { x }) => ({ y: x.map((v) => (Math.abs(v) < NEAR ? near(v) : far(v))) }),
    backward: (_, { y, dy }) => ({
      dx: dy.map((d, i) => {
        const square = times(stored(y[i]), stored(y[i]));
        return times(stored(d), minus(exact(1), square)).error;
      }),
    }),
  },
  /** Up to where it is flat. */
  sample: (_, axes, random) => Float64Array.from({ length: size(axes) }, () => 6 * random() - 3),
  arbitrary: (draw) => ({ shapes: { x: axes(draw) }, attrs: {} }),
  cases: [
    example("an image", [2, 3, 5, 7]),
    example("several pixels at a step", [2, 11, 9, 7]),
    example("several steps at a pixel", [1, 9, 9, 33]),
    { ...example("flat on either side", [8]), values: { x: [-3e38, -90, -20, -9, 9, 20, 90, 3e38] } },
    { ...example("near 0", [9]), values: { x: [-0.25, -0.2499, -0.2, -1e-3, 0, 1e-6, 0.1, 0.2499, 0.25] } },
  ],
};

/** Below it the kernel sums the series, of which it has the first five terms. */
const NEAR = 0.25;

/** The kernel's formula, and the terms of the series that it leaves out. */
function near(v: number): number {
  const x = stored(v);
  const square = times(x, x);
  const [a9, ...rest] = [62 / 2835, -17 / 315, 2 / 15, -1 / 3].map(attribute);
  const series = rest.reduce((sum, a) => plus(a, times(square, sum)), a9);
  return plus(x, times(times(x, square), series)).error + Math.abs(v) * 2 ** -26;
}

/** The kernel's formula. */
function far(v: number): number {
  const e = exponential({ value: -2 * Math.abs(v), error: 0 });
  return over(minus(exact(1), e), plus(exact(1), e)).error;
}

function example(what: string, x: Shape): Case<unknown> {
  return { what, shapes: { x }, attrs: {} };
}
