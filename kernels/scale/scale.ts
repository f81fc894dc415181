import { axes } from "../draw.ts";
import { elementwise, flat } from "../elementwise.ts";
import { type Case, type Op, type Shape, size } from "../op.ts";
import { attribute, stored, times } from "../running_error.ts";
import forward from "./forward.wgsl";
import shape from "./shape.wgsl";

export interface ScaleAttrs {
  /** Factor of every element; rounded to float32. */
  readonly scale: number;
}

const kernel = (file: string, bind?: Record<string, string>) =>
  elementwise<ScaleAttrs>(`scale/${file}`, forward + shape, "x", {
    bind,
    uniforms: ({ scale }) => ({ scale }),
  });

/** A tensor of any shape by a constant: `y = scale * x`. */
export const scale: Op<ScaleAttrs> = {
  name: "scale",
  inputs: ["x"],
  batched: ["x", "y", "dy", "dx"],
  cheap: true,
  linear: [["x"]],
  shapes: ({ x }) => ({ y: x }),
  cost: { forward: "x", x: "x" },
  flops: ({ x }) => ({ forward: size(x), x: size(x) }),
  forward: [flat(kernel("forward"))],
  backward: { x: [flat(kernel("backward", { x: "dy", y: "dx" }))] },
  reference: {
    forward: (_, { x }, { scale }) => ({ y: x.map((v) => scale * v) }),
    backward: (_, { dy }, { scale }) => ({ dx: dy.map((v) => scale * v) }),
  },
  bound: {
    forward: (_, { x }, { scale }) => ({ y: scaled(x, scale) }),
    backward: (_, { dy }, { scale }) => ({ dx: scaled(dy, scale) }),
  },
  arbitrary: (draw) => ({
    shapes: { x: axes(draw) },
    attrs: { scale: draw.pick([1, -1, 0.1, 2.5, 0, 1 / 3]) },
  }),
  cases: [
    example("an image", [2, 3, 5, 7], 0.3),
    example("a vector of one", [1], -2),
    example("several pixels at a step", [2, 11, 9, 7], 1 / 3),
    example("several steps at a pixel", [1, 9, 9, 33], -0.1),
  ],
};

const scaled = (values: Float64Array, scale: number) =>
  values.map((v) => times(attribute(scale), stored(v)).error);

function example(what: string, x: Shape, scale: number): Case<ScaleAttrs> {
  return { what, shapes: { x }, attrs: { scale } };
}
