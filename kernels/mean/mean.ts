import { axes } from "../draw.ts";
import { elementwise, flat } from "../elementwise.ts";
import { type Case, type Op, type Shape, size } from "../op.ts";
import { reduction, reductionBound } from "../reduction.ts";
import { attribute, stored, times } from "../running_error.ts";
import backward from "./backward.wgsl";
import partials from "./partials.wgsl";
import shape from "./shape.wgsl";

const scale = (of: Shape) => 1 / size(of);

/**
 * Mean of all elements, in a fixed order: x of any shape -> y [1]. It is not split over a batch: x must fit one storage
 * binding.
 */
export const mean: Op<unknown> = {
  name: "mean",
  inputs: ["x"],
  batched: [],
  linear: [["x"]],
  shapes: () => ({ y: [1] }),
  cost: { forward: "x", x: "x" },
  flops: ({ x }) => ({ forward: size(x), x: size(x) }),
  forward: [reduction("mean", { wgsl: partials, shape }, { scale: ({ x }) => scale(x) })],
  backward: {
    x: [
      flat(
        elementwise("mean/backward", backward + shape, "x", {
          uniforms: (_, { x }) => ({ scale: scale(x) }),
        }),
      ),
    ],
  },
  reference: {
    forward: (_, { x }) => ({ y: Float64Array.of(x.reduce((s, v) => s + v, 0) / x.length) }),
    backward: (_, { x, dy }) => ({ dx: x.map(() => dy[0] / x.length) }),
  },
  bound: {
    forward(t, { x }) {
      const [sum, magnitudes] = [x.reduce((s, v) => s + v, 0), x.reduce((s, v) => s + Math.abs(v), 0)];
      const near = { value: sum, error: reductionBound(x.length, magnitudes) };
      return { y: Float64Array.of(times(attribute(scale(t.x)), near).error) };
    },
    backward: (t, { x, dy }) => {
      const { error } = times(attribute(scale(t.x)), stored(dy[0]));
      return { dx: x.map(() => error) };
    },
  },
  /** Away from 0, so that every element weighs more than the bound. */
  sample: (_, axes, random) =>
    Float64Array.from({ length: size(axes) }, () => (0.5 + random()) * (random() < 0.5 ? -1 : 1)),
  arbitrary: (draw) => ({ shapes: { x: axes(draw) }, attrs: {} }),
  cases: [
    example("an image", [2, 3, 5, 7]),
    example("a vector of one", [1]),
    example("channels over one workgroup", [3, 67]),
    example("several pixels at a step", [2, 11, 9, 7]),
    example("more partials than threads", [1, 9, 9, 131]),
  ],
};

function example(what: string, x: Shape): Case<unknown> {
  return { what, shapes: { x }, attrs: {} };
}
