import { bank } from "../bank.ts";
import { elements } from "../draw.ts";
import { flat } from "../elementwise.ts";
import { ShapeError } from "../errors.ts";
import { type Case, type Op, type Shapes, size, type Values } from "../op.ts";
import { filled } from "../rounding.ts";
import { attribute, inverseRoot, minus, plus, stored, times } from "../running_error.ts";
import { vec4OrScalar } from "../vec4.ts";
import shape from "./shape.wgsl";
import update from "./update.wgsl";

export interface RmspropAttrs {
  /** Decay of the mean square. */
  readonly decay: number;
  readonly momentum: number;
  /** Added to the mean square inside the root. */
  readonly epsilon: number;
  /** L2: adds `weightDecay * w` to the gradient. */
  readonly weightDecay: number;
}

/**
 * RMSProp as TensorFlow's ApplyRMSProp has it (epsilon inside the root, learning rate inside the momentum), in place:
 * `G = factor * g + weightDecay * w`, `mean_square = decay * mean_square + (1 - decay) * G^2`,
 * `momentum = m * momentum + rate * G / sqrt(mean_square + epsilon)`, `w -= momentum`.
 * w, g, mean_square (1 before the first step), momentum (0) of one shape; rate [1], factor [1] (optional, 1).
 * A gradient whose square exceeds float32, and one that is not finite, spoil their own parameter for good, and no other.
 * Where factor is below 0 nothing changes. Throws ShapeError where shapes differ.
 */
export const rmsprop: Op<RmspropAttrs> = {
  name: "rmsprop",
  inputs: ["w", "g", "mean_square", "momentum", "rate", "factor"],
  optional: () => ({ factor: { shape: [1], value: 1 } }),
  batched: [],
  shapes(t) {
    for (const name of ["g", "mean_square", "momentum"])
      if (String(t[name]) !== String(t.w))
        throw new ShapeError(`rmsprop: ${name} is [${t[name]}] but w is [${t.w}]`);
    for (const name of ["rate", "factor"])
      if (String(t[name]) !== "1")
        throw new ShapeError(`rmsprop: ${name} is [${t[name]}] but [1] is expected`);
    return {};
  },
  cost: { forward: "14 w" },
  flops: ({ w }) => ({ forward: 14 * size(w) }),
  forward: vec4OrScalar(
    ({ w }) => size(w),
    (width) =>
      flat(
        bank(
          width === 1 ? "rmsprop/update" : "rmsprop/update_vec4",
          update + shape,
          ({ decay, momentum, epsilon, weightDecay }) => ({
            ...{ decay, rest: 1 - decay, momentum, epsilon },
            weight_decay: weightDecay,
          }),
          width,
        ),
      ),
  ),
  backward: {},
  reference: {
    forward(_, { w, g, mean_square, momentum, rate: [rate], factor: [factor] }, attrs) {
      if (factor < 0) return { w, mean_square, momentum };
      const gradient = g.map((v, i) => factor * v + attrs.weightDecay * w[i]);
      const square = mean_square.map((v, i) => attrs.decay * v + (1 - attrs.decay) * gradient[i] ** 2);
      const step = momentum.map(
        (v, i) => attrs.momentum * v + (rate * gradient[i]) / Math.sqrt(square[i] + attrs.epsilon),
      );
      return { w: w.map((v, i) => v - step[i]), mean_square: square, momentum: step };
    },
    backward: () => ({}),
  },
  bound: { forward: bound, backward: () => ({}) },
  confined: ["factor"],
  /** Mean squares, the learning rate and the factor are positive. */
  sample(input, axes, random) {
    const [least, span] = { mean_square: [0.1, 1], rate: [0.05, 0.1], factor: [0, 1] }[input] ?? [-1, 2];
    return Float64Array.from({ length: size(axes) }, () => least + span * random());
  },
  arbitrary(draw) {
    const bank = [elements(draw)];
    return {
      shapes: {
        ...{ w: bank, g: bank, mean_square: bank, momentum: bank, rate: [1] },
        ...(draw.pick([false, true]) && { factor: [1] }),
      },
      attrs: {
        decay: draw.pick([0, 0.5, 0.9, 0.99]),
        momentum: draw.pick([0, 0.3, 0.9]),
        epsilon: draw.pick([1, 1e-3, 1e-8]),
        weightDecay: draw.pick([0, 4e-5, 0.5]),
      },
    };
  },
  cases: [
    example("the paper's, one parameter", 1, { decay: 0.9, momentum: 0.9, epsilon: 1, weightDecay: 4e-5 }),
    example("a bank longer than a small grid", 9001, {
      decay: 0.9,
      momentum: 0.9,
      epsilon: 1,
      weightDecay: 4e-5,
    }),
    example("a bank of fours longer than a small grid", 9004, {
      decay: 0.9,
      momentum: 0.9,
      epsilon: 1,
      weightDecay: 4e-5,
    }),
    example("small epsilon, no momentum", 131, { decay: 0.99, momentum: 0, epsilon: 1e-3, weightDecay: 0 }),
    example("strong decay of the weights", 67, {
      decay: 0.5,
      momentum: 0.3,
      epsilon: 0.25,
      weightDecay: 0.5,
    }),
    example("a factor of 0", 8, { decay: 0.5, momentum: 0.3, epsilon: 0.25, weightDecay: 0.5 }, 0),
    example(
      "a factor of 0, one by one",
      5,
      { decay: 0.5, momentum: 0.3, epsilon: 0.25, weightDecay: 0.5 },
      0,
    ),
    example("a factor below 0", 9004, { decay: 0.9, momentum: 0.9, epsilon: 1, weightDecay: 4e-5 }, -1),
    example(
      "a factor below 0, one by one",
      9001,
      { decay: 0.9, momentum: 0.9, epsilon: 1, weightDecay: 0 },
      -1,
    ),
    {
      what: "a gradient of 0",
      shapes: { w: [3], g: [3], mean_square: [3], momentum: [3], rate: [1] },
      attrs: { decay: 0.9, momentum: 0.9, epsilon: 1e-3, weightDecay: 0 },
      values: { g: [0, 0, 0], mean_square: [1, 0.5, 1e-20] },
    },
  ],
};

function example(what: string, count: number, attrs: RmspropAttrs, factor?: number): Case<RmspropAttrs> {
  const shapes = { w: [count], g: [count], mean_square: [count], momentum: [count], rate: [1], factor: [1] };
  return { what, shapes, attrs, ...(factor !== undefined && { values: { factor: [factor] } }) };
}

/** The kernel's formula. A square beyond float32 leaves open what becomes of all three. */
function bound(_: Shapes, x: Values, attrs: RmspropAttrs): Values {
  const [rate, factor] = [x.rate[0], x.factor[0]].map(stored);
  const [keep, rest, epsilon] = [attrs.decay, 1 - attrs.decay, attrs.epsilon].map(attribute);
  const [momentum, decay] = [attrs.momentum, attrs.weightDecay].map(attribute);
  const error: Values = {
    w: filled(x.w.length, 0),
    mean_square: filled(x.w.length, 0),
    momentum: filled(x.w.length, 0),
  };
  if (x.factor[0] < 0) return error;
  for (let i = 0; i < x.w.length; i++) {
    const w = stored(x.w[i]);
    const gradient = plus(times(factor, stored(x.g[i])), times(decay, w));
    const square = plus(times(keep, stored(x.mean_square[i])), times(times(rest, gradient), gradient));
    const scaled = times(gradient, inverseRoot(plus(square, epsilon)));
    const step = plus(times(momentum, stored(x.momentum[i])), times(rate, scaled));
    error.mean_square[i] = square.error;
    error.momentum[i] = step.error;
    error.w[i] = minus(w, step).error;
  }
  return error;
}
