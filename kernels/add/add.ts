import { axes } from "../draw.ts";
import { elementwise, flat } from "../elementwise.ts";
import { ShapeError } from "../errors.ts";
import { type Op, size } from "../op.ts";
import { plus, stored } from "../running_error.ts";
import backward from "./backward.wgsl";
import forward from "./forward.wgsl";
import shape from "./shape.wgsl";

const kernel = (file: string, wgsl: string, bind?: Record<string, string>) =>
  elementwise<unknown>(`add/${file}`, wgsl + shape, "a", { bind });

const term = (dx: string) => [flat(kernel("backward", backward, { dx }))];

/** Sum of two tensors of the same shape, `y = a + b`. */
export const add: Op<unknown> = {
  name: "add",
  inputs: ["a", "b"],
  batched: ["a", "b", "y", "dy", "da", "db"],
  linear: [["a", "b"]],
  shapes({ a, b }) {
    if (String(a) !== String(b)) throw new ShapeError(`add: a is [${a}] but b is [${b}]`);
    return { y: a };
  },
  cost: { forward: "a", a: "0", b: "0" },
  flops: ({ a }) => ({ forward: size(a), a: 0, b: 0 }),
  forward: [flat(kernel("forward", forward))],
  backward: { a: term("da"), b: term("db") },
  reference: {
    forward: (_, { a, b }) => ({ y: a.map((v, i) => v + b[i]) }),
    backward: (_, { dy }) => ({ da: dy.slice(), db: dy.slice() }),
  },
  bound: {
    forward: (_, { a, b }) => ({ y: a.map((v, i) => plus(stored(v), stored(b[i])).error) }),
    backward: (_, { dy }) => ({ da: new Float64Array(dy.length), db: new Float64Array(dy.length) }),
  },
  arbitrary(draw) {
    const shape = axes(draw);
    return { shapes: { a: shape, b: shape }, attrs: {} };
  },
  cases: [
    { what: "images", shapes: { a: [2, 3, 5, 7], b: [2, 3, 5, 7] }, attrs: {} },
    { what: "vectors", shapes: { a: [65], b: [65] }, attrs: {} },
    { what: "several pixels at a step", shapes: { a: [2, 11, 9, 7], b: [2, 11, 9, 7] }, attrs: {} },
    { what: "several steps at a pixel", shapes: { a: [1, 9, 9, 33], b: [1, 9, 9, 33] }, attrs: {} },
  ],
};
