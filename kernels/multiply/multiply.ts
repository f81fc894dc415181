import { axes } from "../draw.ts";
import { elementwise, flat } from "../elementwise.ts";
import { ShapeError } from "../errors.ts";
import { type Case, type Op, type Shape, size } from "../op.ts";
import { stored, times } from "../running_error.ts";
import backward from "./backward.wgsl";
import forward from "./forward.wgsl";
import shape from "./shape.wgsl";

const gradient = (of: string, other: string) => [
  flat(
    elementwise<unknown>("multiply/backward", backward + shape, "a", {
      bind: { dx: of, factor: other },
    }),
  ),
];

/**
 * Product of two tensors of the same shape, element by element: `y = a * b`.
 * Throws ShapeError where the shapes differ.
 */
export const multiply: Op<unknown> = {
  name: "multiply",
  inputs: ["a", "b"],
  batched: ["a", "b", "y", "dy", "da", "db"],
  linear: [["a"], ["b"]],
  shapes({ a, b }) {
    if (String(a) !== String(b)) throw new ShapeError(`multiply: a is [${a}] but b is [${b}]`);
    return { y: a };
  },
  cost: { forward: "a", a: "a", b: "a" },
  flops: ({ a }) => ({ forward: size(a), a: size(a), b: size(a) }),
  forward: [flat(elementwise("multiply/forward", forward + shape, "a"))],
  backward: { a: gradient("da", "b"), b: gradient("db", "a") },
  reference: {
    forward: (_, { a, b }) => ({ y: a.map((v, i) => v * b[i]) }),
    backward: (_, { a, b, dy }) => ({ da: dy.map((d, i) => d * b[i]), db: dy.map((d, i) => d * a[i]) }),
  },
  bound: {
    forward: (_, { a, b }) => ({ y: product(a, b) }),
    backward: (_, { a, b, dy }) => ({ da: product(dy, b), db: product(dy, a) }),
  },
  arbitrary: (draw) => {
    const shape = axes(draw);
    return { shapes: { a: shape, b: shape }, attrs: {} };
  },
  cases: [
    example("images", [2, 3, 5, 7]),
    example("vectors", [65]),
    example("several pixels at a step", [2, 11, 9, 7]),
    example("several steps at a pixel", [1, 9, 9, 33]),
  ],
};

const product = (a: Float64Array, b: Float64Array) => a.map((v, i) => times(stored(v), stored(b[i])).error);

function example(what: string, shape: Shape): Case<unknown> {
  return { what, shapes: { a: shape, b: shape }, attrs: {} };
}
