import { axes } from "../draw.ts";
import { elementwise, flat } from "../elementwise.ts";
import { ShapeError } from "../errors.ts";
import { type Op, type Shape, size } from "../op.ts";
import forward from "./forward.wgsl";
import layout from "./shape.wgsl";

export interface FillAttrs {
  readonly shape: Shape;
  /** Rounded to float32. */
  readonly value: number;
}

/**
 * A tensor of one repeated value, `y = value`: no inputs -> y [shape].
 * Throws ShapeError where the shape is empty or an axis is no whole number above 0.
 */
export const fill: Op<FillAttrs> = {
  name: "fill",
  inputs: [],
  batched: ["y"],
  shapes(_, { shape }) {
    if (shape.length === 0 || !shape.every((n) => Number.isInteger(n) && n > 0))
      throw new ShapeError(`fill: shape is [${shape}] but whole numbers above 0 are expected`);
    return { y: shape };
  },
  cost: { forward: "0" },
  flops: () => ({ forward: 0 }),
  forward: [
    flat(elementwise("fill/forward", forward + layout, "y", { uniforms: ({ value }) => ({ value }) })),
  ],
  backward: {},
  reference: {
    forward: ({ y }, _, { value }) => ({ y: new Float64Array(size(y)).fill(Math.fround(value)) }),
    backward: () => ({}),
  },
  bound: {
    forward: ({ y }) => ({ y: new Float64Array(size(y)) }),
    backward: () => ({}),
  },
  arbitrary: (draw) => ({
    shapes: {},
    attrs: { shape: axes(draw), value: draw.pick([0, 1, -2.5, 0.1, 1e-40, 3e38]) },
  }),
  cases: [
    { what: "an image", shapes: {}, attrs: { shape: [2, 3, 5, 7], value: 1 } },
    { what: "a vector of one, zeroed", shapes: {}, attrs: { shape: [1], value: 0 } },
    { what: "channels over one workgroup", shapes: {}, attrs: { shape: [1, 3, 3, 67], value: -2.5 } },
    { what: "a bank longer than a small grid", shapes: {}, attrs: { shape: [9001], value: 0.1 } },
    { what: "several pixels at a step", shapes: {}, attrs: { shape: [2, 11, 9, 7], value: 0.1 } },
  ],
};
