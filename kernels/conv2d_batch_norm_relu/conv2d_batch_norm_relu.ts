import { withColumns } from "../columns.ts";
import type { Epilogue } from "../conv2d/broadcast.ts";
import { batched, type Conv2dAttrs, conv2d, example, outputShape } from "../conv2d/conv2d.ts";
import { broadcasting, byColumns, forward, type Joined, suited } from "../conv2d/epilogue.ts";
import { ShapeError } from "../errors.ts";
import { type Case, type Op, size } from "../op.ts";
import { withActivation } from "../relu/append.ts";
import { attribute, inverseRoot, minus, plus, stored, times } from "../running_error.ts";
import normalise from "./normalise.wgsl";

export interface Conv2dBatchNormReluAttrs extends Conv2dAttrs {
  /** Added to the variance. */
  readonly epsilon: number;
  /** Whether the normalised value passes a rectified linear unit; default true. */
  readonly relu?: boolean;
}

const uniforms = ({ epsilon, relu = true }: Conv2dBatchNormReluAttrs) => ({ epsilon, relu: Number(relu) });

const perElement = ({ relu = true }: Conv2dBatchNormReluAttrs) => (relu ? 4 : 3);

const epilogue: Epilogue = {
  formula: [
    "y[n,p,q,o] = max((z - running_mean[o]) * gamma[o] / sqrt(running_var[o] + epsilon) + beta[o], 0), or the sum itself",
    "where there is no relu, with",
    "z = b[o] + sum over r,s,c of x[n, p*stride_h - top + r, q*stride_w - left + s, c] * w[r,s,c,o]",
  ],
  reads: { b: "o", gamma: "o", beta: "o", running_mean: "o", running_var: "o" },
  append: withActivation,
  column: () => [
    "let bias = b[col];",
    "let mean = running_mean[col];",
    "let scale = inverseSqrt(running_var[col] + shape.epsilon) * gamma[col];",
    "let shift = beta[col];",
  ],
  // centred first: a mean far from zero costs no accuracy
  value: "activation(fma(sum + bias - mean, scale, shift))",
};

/** The same on a convolution that was stored. */
const after: Joined<Conv2dBatchNormReluAttrs> = {
  names: { y: "convolved" },
  temporaries: ({ y }) => ({ convolved: y }),
  tune: suited,
  kernels: [
    byColumns(
      "conv2d_batch_norm_relu/normalise",
      withActivation(withColumns(normalise)),
      { x: "convolved" },
      uniforms,
      perElement,
    ),
  ],
  /** The kernels' formula on a convolution that is off by itself; the relu adds no error. */
  bound(t, v, attrs, convolution) {
    const { y } = conv2d.reference.forward(t, v, attrs);
    const error = convolution(t, v, attrs).y;
    const mean = Array.from(v.running_mean, stored);
    const scale = Array.from(v.running_var, (variance, o) =>
      times(inverseRoot(plus(stored(variance), attribute(attrs.epsilon))), stored(v.gamma[o])),
    );
    return {
      y: y.map((value, i) => {
        const o = i % t.y[3];
        const centred = minus({ value, error: error[i] }, mean[o]);
        return plus(times(centred, scale[o]), stored(v.beta[o])).error;
      }),
    };
  },
};

/**
 * Convolution, batch normalisation by running statistics and relu, for inference:
 * `y = relu((conv2d(x, w, b) - running_mean) * gamma / sqrt(running_var + epsilon) + beta)`, the relu optional.
 * x [n,h,wd,c], w [r,s,c,o], b [o] (optional: 0), gamma [o] (optional: 1), beta, running_mean, running_var [o] ->
 * y [n,p,q,o]; window, stride and padding as in conv2d. A NaN stays a NaN.
 * It has no gradient: training needs the convolution itself, for the statistics of the batch and their gradients.
 * Throws ShapeError where conv2d would, a parameter is not [o], or epsilon is not above 0.
 */
export const conv2dBatchNormRelu: Op<Conv2dBatchNormReluAttrs> = {
  name: "conv2d_batch_norm_relu",
  inputs: ["x", "w", "b", "gamma", "beta", "running_mean", "running_var"],
  optional: ({ w }) => {
    const o = [w?.[3] ?? 0];
    return { b: { shape: o, value: 0 }, gamma: { shape: o, value: 1 } };
  },
  batched: [...batched, "convolved"],
  shapes({ x, w, b, ...parameters }, attrs) {
    const y = outputShape("conv2d_batch_norm_relu", { x, w, b }, attrs);
    for (const [name, axes] of Object.entries(parameters))
      if (String(axes) !== String([y[3]]))
        throw new ShapeError(`conv2d_batch_norm_relu: ${name} is [${axes}] but w makes ${y[3]} channels`);
    if (!(attrs.epsilon > 0))
      throw new ShapeError(
        `conv2d_batch_norm_relu: epsilon is ${attrs.epsilon} but a number above 0 is expected`,
      );
    return { y };
  },
  cost: { forward: "2 y r s c + 5 y; 2 y r s c + 4 y without relu" },
  flops: (t, attrs) => ({
    forward: conv2d.flops(t, attrs).forward + perElement(attrs) * size(t.y),
  }),

  forward: forward(broadcasting("conv2d_batch_norm_relu/forward_broadcast", epilogue, uniforms), after),
  backward: {},

  reference: {
    forward(t, v, { epsilon, relu = true, ...window }) {
      const { y } = conv2d.reference.forward(t, v, window);
      return {
        y: y.map((z, i) => {
          const o = i % t.y[3];
          const normal = (z - v.running_mean[o]) / Math.sqrt(v.running_var[o] + epsilon);
          const sum = normal * v.gamma[o] + v.beta[o];
          return relu ? Math.max(sum, 0) : sum;
        }),
      };
    },
    backward: () => ({}),
  },
  bound: {
    forward: (t, v, attrs) => after.bound(t, v, attrs, conv2d.bound.forward),
    backward: () => ({}),
  },
  /** Variances are positive. */
  sample: (input, axes, random) =>
    Float64Array.from({ length: size(axes) }, () =>
      input === "running_var" ? 0.5 + random() : 2 * random() - 1,
    ),

  arbitrary(draw) {
    const { shapes, attrs } = conv2d.arbitrary!(draw);
    const own = { epsilon: draw.pick([1e-3, 1e-5, 0.1, 1, 1e-10]), relu: draw.pick([true, false]) };
    const gamma = draw.pick([false, true]);
    return withStatistics({ what: "", shapes, attrs }, own, gamma);
  },
  cases: [
    withStatistics(example("1x1", [2, 5, 5, 8], [1, 1, 16])),
    withStatistics(example("3x3 same, channels over one tile", [1, 6, 7, 5], [3, 3, 67], { pad: [1, 1] }), {
      epsilon: 0.1,
    }),
    withStatistics(example("1x7, without relu", [1, 5, 9, 6], [1, 7, 10], { pad: [0, 3] }), { relu: false }),
    withStatistics(
      example("3x3 stride 2, pixels over one tile, without gamma", [3, 13, 9, 3], [3, 3, 5], { stride: 2 }),
      {},
      false,
    ),
    withStatistics(example("one pixel, one channel", [1, 1, 1, 1], [1, 1, 1])),
  ],
};

function withStatistics(
  { what, shapes, attrs }: Case<Conv2dAttrs>,
  own: { epsilon?: number; relu?: boolean } = {},
  gamma = true,
): Case<Conv2dBatchNormReluAttrs> {
  const o = [shapes.w[3]];
  return {
    what,
    shapes: { ...shapes, ...(gamma && { gamma: o }), beta: o, running_mean: o, running_var: o },
    attrs: { ...attrs, epsilon: 1e-3, ...own },
  };
}
