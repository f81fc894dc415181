import { withColumns } from "../columns.ts";
import type { Epilogue } from "../conv2d/broadcast.ts";
import { batched, type Conv2dAttrs, conv2d, example, outputShape } from "../conv2d/conv2d.ts";
import {
  backward,
  broadcasting,
  byColumns,
  forward,
  type Joined,
  renamed,
  suited,
} from "../conv2d/epilogue.ts";
import { ShapeError } from "../errors.ts";
import { type Case, type Op, size } from "../op.ts";
import { withActivation, withReluGradient } from "../relu/append.ts";
import { abs } from "../rounding.ts";
import { attribute, type Near, plus, stored, times } from "../running_error.ts";
import { type ScaleAddReluAttrs, scaleAddRelu } from "../scale_add_relu/scale_add_relu.ts";
import backwardTerm from "./backward.wgsl";

export type Conv2dResidualAttrs = Conv2dAttrs & ScaleAddReluAttrs;

const epilogue: Epilogue = {
  formula: [
    "y[n,p,q,o] = max(shortcut[n,p,q,o] + scale * (b[o] + sum over r,s,c of",
    "  x[n, p*stride_h - top + r, q*stride_w - left + s, c] * w[r,s,c,o]), 0), or the sum itself where there is no relu",
  ],
  reads: { b: "o", shortcut: "n p q o" },
  append: withActivation,
  column: () => ["let bias = b[col];"],
  value:
    "activation(fma(shape.scale, sum + bias, shortcut[shape.shortcut_offset + row * shape.shortcut_stride + col]))",
};

/** The sum on a convolution that was stored. */
const after: Joined<Conv2dResidualAttrs> = {
  /** Of a sum of the shortcut and a convolution that is off by itself; the relu adds no error. */
  bound(t, v, attrs, convolution) {
    const { y } = conv2d.reference.forward(t, v, attrs);
    const error = convolution(t, v, attrs).y;
    const sum = (value: number, i: number): Near =>
      plus(stored(v.shortcut[i]), times(attribute(attrs.scale), { value, error: error[i] }));
    return { y: y.map((value, i) => sum(value, i).error) };
  },
  names: { y: "convolved" },
  temporaries: ({ y }) => ({ convolved: y }),
  tune: scaleAddRelu.forward[0].tune,
  kernels: scaleAddRelu.forward[0].kernels.map((kernel) => ({
    ...renamed<Conv2dResidualAttrs, ScaleAddReluAttrs>(kernel, { x: "shortcut", r: "convolved" }),
    flops: ({ y }, attrs) => scaleAddRelu.flops({ x: y }, attrs).forward,
  })),
};

const term = (gradient: string, scale?: number) =>
  byColumns<Conv2dResidualAttrs>(
    "conv2d_residual/backward",
    withReluGradient(withColumns(backwardTerm)),
    { dx: gradient },
    (attrs) => ({ scale: scale ?? attrs.scale, relu: Number(attrs.relu) }),
    ({ relu }) => Number(relu) + (scale === undefined ? 1 : 0),
  );

/** The gradient of the convolution's output, for its own gradients. */
const before: Joined<Conv2dResidualAttrs> = {
  /** The convolution's for the largest dy that the mask may hand on, and what its error makes of x and w. */
  bound(t, v, attrs, convolution) {
    const { dr } = scaleAddRelu.reference.backward(t, v, attrs);
    const rounded = scaleAddRelu.bound.backward(t, v, attrs).dr;
    const { y } = conv2d.reference.forward(t, v, attrs);
    // what is not finite decides on the mask, by a y of 0 too
    const masked = (i: number) => attrs.relu && !Number.isFinite(v.shortcut[i] + attrs.scale * y[i]);
    const error = rounded.map((e, i) => (masked(i) ? Infinity : e));
    const own = convolution(t, { ...v, dy: dr.map((d, i) => Math.abs(d) + error[i]) }, attrs);
    const carried = conv2d.reference.backward(t, { x: abs(v.x), w: abs(v.w), dy: error }, attrs);
    return Object.fromEntries(
      Object.entries(own).map(([name, of]) => [name, of.map((e, i) => e + carried[name][i])]),
    );
  },
  names: { dy: "dconvolved" },
  temporaries: ({ y }) => ({ dconvolved: y }),
  tune: suited,
  kernels: [term("dconvolved")],
};

/**
 * Residual block's last convolution and its scaled sum (arXiv 1602.07261, figure 20):
 * `y = relu(shortcut + scale * conv2d(x, w, b))`, or the sum itself without the relu.
 * x [n,h,wd,c], w [r,s,c,o], b [o] (optional), shortcut [n,p,q,o] -> y [n,p,q,o]; window, stride and padding as in
 * conv2d, the relu as in scale_add_relu: its gradient at the kink is 0, and a NaN stays a NaN.
 * Throws ShapeError where conv2d would, or the shortcut has not the shape of y.
 */
export const conv2dResidual: Op<Conv2dResidualAttrs> = {
  name: "conv2d_residual",
  inputs: ["x", "w", "b", "shortcut"],
  optional: conv2d.optional,
  batched: [...batched, "shortcut", "dshortcut", "convolved", "dconvolved"],
  shapes(t, attrs) {
    const y = outputShape("conv2d_residual", t, attrs);
    if (String(t.shortcut) !== String(y))
      throw new ShapeError(`conv2d_residual: shortcut is [${t.shortcut}] but the convolution makes [${y}]`);
    return { y };
  },
  cost: {
    forward: "2 y r s c + 4 y; 2 y r s c + 3 y without relu",
    x: "2 y r s c + 2 y; 2 y r s c + y without relu",
    w: "2 y r s c + 2 y; 2 y r s c + y without relu",
    b: "3 y; 2 y without relu",
    shortcut: "y; 0 without relu",
  },
  flops(t, attrs) {
    const sum = scaleAddRelu.flops({ x: t.y }, attrs);
    const mask = attrs.relu ? size(t.y) : 0;
    const term = mask + size(t.y); // and the scale
    const { forward, x, w, b } = conv2d.flops(t, attrs);
    return { forward: forward + sum.forward, x: x + term, w: w + term, b: b + term, shortcut: mask };
  },

  forward: forward(
    broadcasting("conv2d_residual/forward_broadcast", epilogue, ({ scale, relu }) => ({
      scale,
      relu: Number(relu),
    })),
    after,
  ),
  backward: {
    x: backward("x", before),
    w: backward("w", before),
    b: backward("b", before),
    shortcut: [{ name: "plain", kernels: [term("dshortcut", 1)], tune: suited }],
  },

  reference: {
    forward(t, v, attrs) {
      const { y } = conv2d.reference.forward(t, v, attrs);
      return scaleAddRelu.reference.forward(t, { x: v.shortcut, r: y }, attrs);
    },
    backward(t, v, attrs) {
      const { dx, dr } = scaleAddRelu.reference.backward(t, v, attrs);
      return { ...conv2d.reference.backward(t, { ...v, dy: dr }, attrs), dshortcut: dx };
    },
  },

  bound: {
    forward: (t, v, attrs) => after.bound(t, v, attrs, conv2d.bound.forward),
    backward: (t, v, attrs) => ({
      ...before.bound(t, v, attrs, conv2d.bound.backward),
      dshortcut: scaleAddRelu.bound.backward(t, v, attrs).dx,
    }),
  },
  /** |shortcut| is more than the scaled convolution can be, so that the sum keeps clear of the kink. */
  sample(input, axes, random, { scale }, { w: [r, s, c] }) {
    const least = input === "shortcut" ? 0.1 + Math.abs(scale) * (r * s * c + 1) : 0;
    return Float64Array.from({ length: size(axes) }, () => {
      const v = 2 * random() - 1;
      return v + Math.sign(v) * least;
    });
  },

  arbitrary(draw) {
    const { shapes, attrs } = conv2d.arbitrary!(draw);
    const scale = draw.pick([1, 0.17, 0.1, -0.5, 0, 2.5]);
    return withShortcut({ what: "", shapes, attrs }, { scale, relu: draw.pick([false, true]) });
  },
  cases: [
    withShortcut(example("35x35 block", [2, 3, 5, 16], [1, 1, 33]), { scale: 0.17, relu: true }),
    withShortcut(example("17x17 block, channels over one tile", [1, 5, 7, 9], [1, 1, 67]), {
      scale: 0.1,
      relu: true,
    }),
    withShortcut(example("last block, without relu", [3, 2, 2, 12], [1, 1, 10]), { scale: 1, relu: false }),
    withShortcut(
      example("3x3 stride 2, pixels over one tile", [3, 9, 9, 3], [3, 3, 5], { stride: 2, pad: [1, 1] }),
      {
        scale: -0.5,
        relu: true,
      },
    ),
    withShortcut(example("one pixel, one channel", [1, 1, 1, 1], [1, 1, 1]), { scale: 0.3, relu: false }),
  ],
};

function withShortcut(
  { what, shapes, attrs }: Case<Conv2dAttrs>,
  own: ScaleAddReluAttrs,
): Case<Conv2dResidualAttrs> {
  const shortcut = outputShape("conv2d_residual", { b: [shapes.w[3]], ...shapes }, attrs);
  return { what, shapes: { ...shapes, shortcut }, attrs: { ...attrs, ...own } };
}
