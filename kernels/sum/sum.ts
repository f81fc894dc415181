import { axes } from "../draw.ts";
import { elementwise, flat } from "../elementwise.ts";
import { type Op, size } from "../op.ts";
import { reduction, reductionBound } from "../reduction.ts";
import { flushed } from "../rounding.ts";
import { stored, times } from "../running_error.ts";
import backward from "./backward.wgsl";
import partials from "./partials.wgsl";
import shape from "./shape.wgsl";

export interface SumAttrs {
  /** Sum the squares of the elements. */
  readonly squares: boolean;
}

const twice = (v: number) => ({ value: 2 * v, error: 2 * flushed(v) });

/**
 * Sum of all elements, or of their squares, in a fixed order: x of any shape -> y [1]. It is not split over a batch: x must fit one storage binding.
 */
export const sum: Op<SumAttrs> = {
  name: "sum",
  inputs: ["x"],
  batched: [],
  shapes: () => ({ y: [1] }),
  cost: { forward: "x; 2 x of squares", x: "0; 2 x of squares" },
  flops: ({ x }, { squares }) => ({ forward: size(x) * (squares ? 2 : 1), x: squares ? 2 * size(x) : 0 }),
  forward: [
    reduction(
      "sum",
      { wgsl: partials, shape },
      { scale: () => 1, uniforms: ({ squares }) => ({ squares: Number(squares) }) },
    ),
  ],
  backward: {
    x: [
      flat(
        elementwise("sum/backward", backward + shape, "x", {
          uniforms: ({ squares }) => ({ squares: Number(squares) }),
        }),
      ),
    ],
  },
  reference: {
    forward: (_, { x }, { squares }) => ({
      y: Float64Array.of(x.reduce((s, v) => s + (squares ? v * v : v), 0)),
    }),
    backward: (_, { x, dy }, { squares }) => ({ dx: x.map((v) => (squares ? 2 * v * dy[0] : dy[0])) }),
  },
  bound: {
    forward: (_, { x }, { squares }) => ({
      y: Float64Array.of(
        reductionBound(
          x.length,
          x.reduce((s, v) => s + (squares ? v * v : Math.abs(v)), 0),
        ),
      ),
    }),
    backward: (_, { x, dy }, { squares }) => ({
      dx: x.map((v) => (squares ? times(twice(v), stored(dy[0])).error : 0)),
    }),
  },
  /** Away from 0, so that every element weighs more than the bound. */
  sample: (_, axes, random) =>
    Float64Array.from({ length: size(axes) }, () => (0.5 + random()) * (random() < 0.5 ? -1 : 1)),
  arbitrary: (draw) => ({ shapes: { x: axes(draw) }, attrs: { squares: draw.pick([false, true]) } }),
  cases: [
    { what: "an image", shapes: { x: [2, 3, 5, 7] }, attrs: { squares: false } },
    { what: "squares of an image", shapes: { x: [2, 3, 5, 7] }, attrs: { squares: true } },
    { what: "a vector of one", shapes: { x: [1] }, attrs: { squares: true } },
    { what: "channels over one workgroup", shapes: { x: [3, 67] }, attrs: { squares: false } },
    { what: "squares, several pixels at a step", shapes: { x: [2, 11, 9, 7] }, attrs: { squares: true } },
    { what: "squares of more partials than threads", shapes: { x: [9001] }, attrs: { squares: true } },
    { what: "more partials than threads", shapes: { x: [1, 9, 9, 131] }, attrs: { squares: false } },
  ],
};
