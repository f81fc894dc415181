import { axes } from "../draw.ts";
import { elementwise, flat } from "../elementwise.ts";
import { ShapeError } from "../errors.ts";
import { type Case, type Op, type Shape, size } from "../op.ts";
import { withActivation, withReluGradient } from "../relu/append.ts";
import { either, flushed } from "../rounding.ts";
import { attribute, plus, stored, times } from "../running_error.ts";
import backward from "./backward.wgsl";
import backwardLinear from "./backward_linear.wgsl";
import forward from "./forward.wgsl";
import shape from "./shape.wgsl";

export interface ScaleAddReluAttrs {
  /** Factor of the residual; 0.1 to 0.3 in the paper. */
  readonly scale: number;
  /** Whether the sum passes a rectified linear unit. */
  readonly relu: boolean;
}

const kernel = (file: string, wgsl: string) =>
  elementwise<ScaleAddReluAttrs>(`scale_add_relu/${file}`, wgsl + shape, "x", {
    uniforms: ({ scale, relu }) => ({ scale, relu: Number(relu) }),
  });

/**
 * Scaled residual sum `y = relu(x + scale * r)` of tensors of one shape, or `y = x + scale * r` without the relu
 * (arXiv 1602.07261, figure 20). The gradient at the kink is 0. A NaN stays a NaN, and the gradient passes
 * there.
 * Throws ShapeError where the shapes differ.
 */
export const scaleAddRelu: Op<ScaleAddReluAttrs> = {
  name: "scale_add_relu",
  inputs: ["x", "r"],
  batched: ["x", "r", "y", "dy", "dx", "dr"],
  shapes({ x, r }) {
    if (String(x) !== String(r)) throw new ShapeError(`scale_add_relu: x is [${x}] but r is [${r}]`);
    return { y: x };
  },
  cost: { forward: "3 x; 2 x without relu", "x r": "2 x; x without relu" },
  flops({ x }, { relu }) {
    const n = size(x);
    return { forward: (relu ? 3 : 2) * n, "x r": (relu ? 2 : 1) * n };
  },
  forward: [flat(kernel("forward", withActivation(forward)))],
  backward: {
    "x r": [
      {
        ...flat(kernel("backward", withReluGradient(backward))),
        name: "masked",
        fits: (_, { relu }) => relu,
      },
      { ...flat(kernel("backward_linear", backwardLinear)), name: "linear", fits: (_, { relu }) => !relu },
    ],
  },
  reference: {
    forward: (_, { x, r }, { scale, relu }) => ({
      y: x.map((v, i) => (relu ? Math.max(v + scale * r[i], 0) : v + scale * r[i])),
    }),
    backward(_, { y, dy }, { scale, relu }) {
      const dx = dy.map((v, i) => (relu && y[i] <= 0 ? 0 : v));
      return { dx, dr: dx.map((v) => scale * v) };
    },
  },
  bound: {
    /** The kernel's formula; the relu adds no error. */
    forward: (_, { x, r }, { scale }) => ({
      y: x.map((v, i) => plus(stored(v), times(attribute(scale), stored(r[i]))).error),
    }),
    /** Where y is subnormal it may be read as 0, and masks or not. */
    backward(_, { y, dy }, { scale, relu }) {
      const open = y.map((v) => (relu ? flushed(v) : 0));
      const shut = y.map((v) => (relu && v <= 0 ? 1 : 0));
      const scaled = (v: number) => times(attribute(scale), stored(v)).error;
      return {
        dx: dy.map((v, i) => (open[i] > 0 ? either(Math.abs(v)) : 0)),
        dr: dy.map((v, i) => (open[i] > 0 ? either(Math.abs(scale * v)) : 0) + (shut[i] ? 0 : scaled(v))),
      };
    },
  },
  /** |x| is above 1, so that the sum keeps clear of the kink for any scale up to 1. */
  sample: (input, axes, random) =>
    Float64Array.from({ length: size(axes) }, () =>
      input === "x" ? (1.1 + random()) * (random() < 0.5 ? -1 : 1) : 2 * random() - 1,
    ),
  arbitrary(draw) {
    const shape = axes(draw);
    return {
      shapes: { x: shape, r: shape },
      attrs: { scale: draw.pick([1, 0.17, 0.1, -0.5, 0, 2.5]), relu: draw.pick([false, true]) },
    };
  },
  cases: [
    example("35x35 block", [2, 3, 5, 7], { scale: 0.17, relu: true }),
    example("17x17 block, channels over one workgroup", [1, 3, 3, 67], { scale: 0.1, relu: true }),
    example("8x8 block", [3, 2, 2, 33], { scale: 0.2, relu: true }),
    example("last block, without relu", [2, 3, 3, 10], { scale: 1, relu: false }),
    example("scaled, without relu", [1, 5, 4, 9], { scale: 0.3, relu: false }),
    example("several pixels at a step", [2, 11, 9, 7], { scale: 0.17, relu: true }),
    example("several pixels at a step, without relu", [2, 11, 9, 7], { scale: 0.17, relu: false }),
    example("several steps at a pixel", [1, 9, 9, 33], { scale: 0.17, relu: true }),
    example("several steps at a pixel, without relu", [1, 9, 9, 33], { scale: 0.17, relu: false }),
    example("a matrix", [3, 10], { scale: -0.5, relu: true }),
    example("a vector of one", [1], { scale: 0.2, relu: false }),
  ],
};

function example(what: string, x: Shape, attrs: ScaleAddReluAttrs): Case<ScaleAddReluAttrs> {
  return { what, shapes: { x, r: x }, attrs };
}
