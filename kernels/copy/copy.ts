import { axes } from "../draw.ts";
import { elementwise, flat } from "../elementwise.ts";
import type { Op } from "../op.ts";
import copyWgsl from "./copy.wgsl";
import shape from "./shape.wgsl";

const kernel = (file: string, bind?: Record<string, string>) =>
  elementwise<unknown>(`copy/${file}`, copyWgsl + shape, "x", { bind });

/** The same values in storage of their own, `y = x`: x of any shape -> y, either of them a slice of a wider tensor. */
export const copy: Op<unknown> = {
  name: "copy",
  inputs: ["x"],
  batched: ["x", "y", "dy", "dx"],
  linear: [["x"]],
  shapes: ({ x }) => ({ y: x }),
  cost: { forward: "0", x: "0" },
  flops: () => ({ forward: 0, x: 0 }),
  forward: [flat(kernel("forward"))],
  backward: { x: [flat(kernel("backward", { x: "dy", y: "dx" }))] },
  reference: {
    forward: (_, { x }) => ({ y: x.slice() }),
    backward: (_, { dy }) => ({ dx: dy.slice() }),
  },
  bound: {
    forward: (_, { x }) => ({ y: new Float64Array(x.length) }),
    backward: (_, { dy }) => ({ dx: new Float64Array(dy.length) }),
  },
  arbitrary: (draw) => ({ shapes: { x: axes(draw) }, attrs: {} }),
  cases: [
    { what: "an image", shapes: { x: [2, 3, 5, 7] }, attrs: {} },
    { what: "a vector of one", shapes: { x: [1] }, attrs: {} },
    { what: "a matrix, channels over one workgroup", shapes: { x: [3, 67] }, attrs: {} },
    { what: "a bank longer than a small grid", shapes: { x: [9001] }, attrs: {} },
    { what: "several pixels at a step", shapes: { x: [2, 11, 9, 7] }, attrs: {} },
    { what: "several steps at a pixel", shapes: { x: [1, 9, 9, 33] }, attrs: {} },
  ],
};
