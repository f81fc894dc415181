import { axes } from "../draw.ts";
import { elementwise, flat } from "../elementwise.ts";
import { ShapeError } from "../errors.ts";
import { type Case, type Op, type Shape, size } from "../op.ts";
import { reduction, reductionBound } from "../reduction.ts";
import { attribute, minus, stored, times } from "../running_error.ts";
import backward from "./backward.wgsl";
import partials from "./partials.wgsl";
import shape from "./shape.wgsl";

const bind = { wanted: "target" }; // `target` is a reserved word of WGSL

const gradient = (dx: string, sign: 1 | -1) => [
  flat(
    elementwise<unknown>("mean_squared_error/backward", backward + shape, "x", {
      bind: { ...bind, dx },
      uniforms: (_, { x }) => ({ scale: (sign * 2) / size(x) }),
    }),
  ),
];

/**
 * Mean over all elements of the squared distance of x and target: `loss = mean((x - target)^2)`.
 * x, target of one shape -> loss [1], with gradients to both. It is not split over a batch: x must fit one storage
 * binding. Throws ShapeError where the shapes differ.
 */
export const meanSquaredError: Op<unknown> = {
  name: "mean_squared_error",
  inputs: ["x", "target"],
  batched: [],
  shapes({ x, target }) {
    if (String(x) !== String(target))
      throw new ShapeError(`mean_squared_error: x is [${x}] but target is [${target}]`);
    return { loss: [1] };
  },
  cost: { forward: "3 x", x: "3 x", target: "3 x" },
  flops: ({ x }) => ({ forward: 3 * size(x), x: 3 * size(x), target: 3 * size(x) }),
  forward: [
    reduction(
      "mean_squared_error",
      { wgsl: partials, shape, into: "loss", bind },
      { scale: ({ x }) => 1 / size(x) },
    ),
  ],
  backward: { x: gradient("dx", 1), target: gradient("dtarget", -1) },
  reference: {
    forward: (_, { x, target }) => ({
      loss: Float64Array.of(x.reduce((s, v, i) => s + (v - target[i]) ** 2, 0) / x.length),
    }),
    backward(_, { x, target, dloss }) {
      const dx = x.map((v, i) => (2 * (v - target[i]) * dloss[0]) / x.length);
      return { dx, dtarget: dx.map((v) => -v) };
    },
  },
  bound: {
    /** Of the squares of differences that are rounded, and their sum. */
    forward(t, { x, target }) {
      const squares = Array.from(x, (v, i) => {
        const d = minus(stored(v), stored(target[i]));
        return times(d, d);
      });
      const [sum, carried] = [
        squares.reduce((s, v) => s + v.value, 0),
        squares.reduce((s, v) => s + v.error, 0),
      ];
      const near = { value: sum, error: carried + reductionBound(x.length, sum + carried) };
      return { loss: Float64Array.of(times(attribute(1 / size(t.x)), near).error) };
    },
    backward(t, { x, target, dloss }) {
      const dx = x.map((v, i) => {
        const d = minus(stored(v), stored(target[i]));
        return times(times(attribute(2 / size(t.x)), d), stored(dloss[0])).error;
      });
      return { dx, dtarget: dx };
    },
  },
  arbitrary(draw) {
    const shape = axes(draw);
    return { shapes: { x: shape, target: shape }, attrs: {} };
  },
  cases: [
    example("images", [2, 3, 5, 7]),
    example("a vector of one", [1]),
    example("rows of a regression", [3, 67]),
    example("several pixels at a step", [2, 11, 9, 7]),
    example("more partials than threads", [1, 9, 9, 131]),
    { ...example("no distance", [4]), values: { x: [1, -2, 3, 0], target: [1, -2, 3, 0] } },
  ],
};

function example(what: string, shape: Shape): Case<unknown> {
  return { what, shapes: { x: shape, target: shape }, attrs: {} };
}
