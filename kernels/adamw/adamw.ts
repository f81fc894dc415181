import { bank } from "../bank.ts";
import { elements } from "../draw.ts";
import { flat } from "../elementwise.ts";
import { ShapeError } from "../errors.ts";
import { type Case, type Op, type Shapes, size, type Values } from "../op.ts";
import { filled } from "../rounding.ts";
import { attribute, minus, over, plus, root, stored, times } from "../running_error.ts";
import shape from "./shape.wgsl";
import update from "./update.wgsl";

export interface AdamwAttrs {
  /** Decay of the mean of the gradient, and of the mean of its square. */
  readonly beta1: number;
  readonly beta2: number;
  /** Added outside the root. */
  readonly epsilon: number;
  /** Decoupled: each step takes `rate * weightDecay * w` off w, whatever the gradient. */
  readonly weightDecay: number;
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101, algorithm 2, decay times the learning
 * rate as PyTorch has it), in place: `G = factor * g`, `mean = beta1 * mean + (1 - beta1) * G`,
 * `variance = beta2 * variance + (1 - beta2) * G^2`,
 * `w -= rate * (mean / correction[0] / (sqrt(variance / correction[1]) + epsilon) + weightDecay * w)`.
 * w, g, mean, variance (both 0 before the first step) of one shape; rate [1], factor [1] (optional, 1),
 * correction [2]: 1 - beta1^t and 1 - beta2^t of step t, counted from 1. A gradient whose square exceeds float32, and
 * one that is not finite, spoil their own parameter for good, and no other.
 * Where factor is below 0 nothing changes. Throws ShapeError where shapes differ.
 */
export const adamw: Op<AdamwAttrs> = {
  name: "adamw",
  inputs: ["w", "g", "mean", "variance", "rate", "factor", "correction"],
  optional: () => ({ factor: { shape: [1], value: 1 } }),
  batched: [],
  shapes(t) {
    for (const name of ["g", "mean", "variance"])
      if (String(t[name]) !== String(t.w))
        throw new ShapeError(`adamw: ${name} is [${t[name]}] but w is [${t.w}]`);
    for (const [name, want] of Object.entries({ rate: 1, factor: 1, correction: 2 }))
      if (String(t[name]) !== String(want))
        throw new ShapeError(`adamw: ${name} is [${t[name]}] but [${want}] is expected`);
    return {};
  },
  cost: { forward: "17 w" },
  flops: ({ w }) => ({ forward: 17 * size(w) }),
  forward: [
    flat(
      bank("adamw/update", update + shape, ({ beta1, beta2, epsilon, weightDecay }) => ({
        beta1,
        rest1: 1 - beta1,
        beta2,
        rest2: 1 - beta2,
        epsilon,
        weight_decay: weightDecay,
      })),
    ),
  ],
  backward: {},
  reference: {
    forward(_, { w, g, mean, variance, rate: [rate], factor: [factor], correction: [c1, c2] }, attrs) {
      if (factor < 0) return { w, mean, variance };
      const { beta1, beta2, epsilon, weightDecay } = attrs;
      const first = mean.map((v, i) => beta1 * v + (1 - beta1) * factor * g[i]);
      const second = variance.map((v, i) => beta2 * v + (1 - beta2) * (factor * g[i]) ** 2);
      const step = first.map((v, i) => v / c1 / (Math.sqrt(second[i] / c2) + epsilon));
      return { w: w.map((v, i) => v - rate * (step[i] + weightDecay * v)), mean: first, variance: second };
    },
    backward: () => ({}),
  },
  bound: { forward: bound, backward: () => ({}) },
  /** Variances, corrections, the learning rate and the factor are positive. */
  sample(input, axes, random) {
    const [least, span] = { variance: [0.1, 1], rate: [0.05, 0.1], factor: [0, 1], correction: [0.2, 0.7] }[
      input
    ] ?? [-1, 2];
    return Float64Array.from({ length: size(axes) }, () => least + span * random());
  },
  confined: ["correction", "factor"],
  arbitrary(draw) {
    const bank = [elements(draw)];
    return {
      shapes: {
        ...{ w: bank, g: bank, mean: bank, variance: bank, rate: [1], correction: [2] },
        ...(draw.pick([false, true]) && { factor: [1] }),
      },
      attrs: {
        beta1: draw.pick([0, 0.5, 0.9, 0.99]),
        beta2: draw.pick([0, 0.6, 0.9, 0.999]),
        epsilon: draw.pick([1, 1e-3, 1e-8]),
        weightDecay: draw.pick([0, 0.01, 0.5]),
      },
    };
  },
  cases: [
    example("one parameter", 1, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 }),
    example("a bank longer than a small grid", 9001, {
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0.01,
    }),
    example("large epsilon, no decay of the weights", 131, {
      beta1: 0.5,
      beta2: 0.9,
      epsilon: 0.5,
      weightDecay: 0,
    }),
    example("strong decay of the weights", 67, { beta1: 0.8, beta2: 0.6, epsilon: 1e-3, weightDecay: 0.5 }),
    example("a factor of 0", 5, { beta1: 0.8, beta2: 0.6, epsilon: 1e-3, weightDecay: 0.5 }, 0),
    example("a factor below 0", 9001, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 }, -1),
    {
      what: "the first step",
      shapes: { w: [3], g: [3], mean: [3], variance: [3], rate: [1], correction: [2] },
      attrs: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
      values: { mean: [0, 0, 0], variance: [0, 0, 0], g: [1, -1e-3, 0.5], correction: [0.1, 0.001] },
    },
  ],
};

function example(what: string, count: number, attrs: AdamwAttrs, factor?: number): Case<AdamwAttrs> {
  const bank = { w: [count], g: [count], mean: [count], variance: [count] };
  const shapes = { ...bank, rate: [1], factor: [1], correction: [2] };
  return { what, shapes, attrs, ...(factor !== undefined && { values: { factor: [factor] } }) };
}

/** The kernel's formula. A square beyond float32 leaves open what becomes of the variance and the weight. */
function bound(_: Shapes, x: Values, { beta1, beta2, epsilon, weightDecay }: AdamwAttrs): Values {
  const [rate, factor, c1, c2] = [x.rate[0], x.factor[0], ...x.correction].map(stored);
  const [keep1, rest1, keep2, rest2] = [beta1, 1 - beta1, beta2, 1 - beta2].map(attribute);
  const [added, decay] = [epsilon, weightDecay].map(attribute);
  const error: Values = {
    w: filled(x.w.length, 0),
    mean: filled(x.w.length, 0),
    variance: filled(x.w.length, 0),
  };
  if (x.factor[0] < 0) return error;
  for (let i = 0; i < x.w.length; i++) {
    const w = stored(x.w[i]);
    const gradient = times(factor, stored(x.g[i]));
    const first = plus(times(keep1, stored(x.mean[i])), times(rest1, gradient));
    const second = plus(times(keep2, stored(x.variance[i])), times(times(rest2, gradient), gradient));
    const step = over(over(first, c1), plus(root(over(second, c2)), added));
    error.mean[i] = first.error;
    error.variance[i] = second.error;
    error.w[i] = minus(w, times(rate, plus(step, times(decay, w)))).error;
  }
  return error;
}
