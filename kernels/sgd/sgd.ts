import { bank } from "../bank.ts";
import { elements } from "../draw.ts";
import { flat } from "../elementwise.ts";
import { ShapeError } from "../errors.ts";
import { type Case, type Op, type Shapes, size, type Values } from "../op.ts";
import { filled } from "../rounding.ts";
import { attribute, minus, plus, stored, times } from "../running_error.ts";
import shape from "./shape.wgsl";
import update from "./update.wgsl";

export interface SgdAttrs {
  readonly momentum: number;
  /** Step along the gradient and the momentum it will have had. */
  readonly nesterov: boolean;
  /** L2: adds `weightDecay * w` to the gradient. */
  readonly weightDecay: number;
}

/**
 * Gradient descent with momentum, in place: `G = factor * g + weightDecay * w`, `momentum = m * momentum + G`,
 * `w -= rate * momentum`, or with Nesterov's (Sutskever et al. 2013, as PyTorch has it) `w -= rate * (G + m * momentum)`.
 * w, g, momentum (0 before the first step) of one shape; rate [1], factor [1] (optional, 1).
 * Where factor is below 0 nothing changes. Throws ShapeError where shapes differ.
 */
export const sgd: Op<SgdAttrs> = {
  name: "sgd",
  inputs: ["w", "g", "momentum", "rate", "factor"],
  optional: () => ({ factor: { shape: [1], value: 1 } }),
  batched: [],
  shapes(t) {
    for (const name of ["g", "momentum"])
      if (String(t[name]) !== String(t.w))
        throw new ShapeError(`sgd: ${name} is [${t[name]}] but w is [${t.w}]`);
    for (const name of ["rate", "factor"])
      if (String(t[name]) !== "1") throw new ShapeError(`sgd: ${name} is [${t[name]}] but [1] is expected`);
    return {};
  },
  cost: { forward: "7 w; 9 w with Nesterov's" },
  flops: ({ w }, { nesterov }) => ({ forward: (nesterov ? 9 : 7) * size(w) }),
  forward: [
    flat(
      bank("sgd/update", update + shape, ({ momentum, nesterov, weightDecay }) => ({
        momentum,
        nesterov: Number(nesterov),
        weight_decay: weightDecay,
      })),
    ),
  ],
  backward: {},
  reference: {
    forward(_, { w, g, momentum, rate: [rate], factor: [factor] }, attrs) {
      if (factor < 0) return { w, momentum };
      const gradient = g.map((v, i) => factor * v + attrs.weightDecay * w[i]);
      const velocity = momentum.map((v, i) => attrs.momentum * v + gradient[i]);
      const step = attrs.nesterov ? gradient.map((v, i) => v + attrs.momentum * velocity[i]) : velocity;
      return { w: w.map((v, i) => v - rate * step[i]), momentum: velocity };
    },
    backward: () => ({}),
  },
  bound: { forward: bound, backward: () => ({}) },
  confined: ["factor"],
  sample: (input, axes, random) =>
    Float64Array.from({ length: size(axes) }, () => (input === "factor" ? random() : 2 * random() - 1)),
  arbitrary(draw) {
    const bank = [elements(draw)];
    return {
      shapes: {
        ...{ w: bank, g: bank, momentum: bank, rate: [1] },
        ...(draw.pick([false, true]) && { factor: [1] }),
      },
      attrs: {
        momentum: draw.pick([0, 0.5, 0.9, 1]),
        nesterov: draw.pick([false, true]),
        weightDecay: draw.pick([0, 1e-4, 0.5]),
      },
    };
  },
  cases: [
    example("one parameter", 1, { momentum: 0.9, nesterov: false, weightDecay: 1e-4 }),
    example("a bank longer than a small grid", 9001, { momentum: 0.9, nesterov: true, weightDecay: 4e-5 }),
    example("no momentum", 131, { momentum: 0, nesterov: false, weightDecay: 0 }),
    example("strong decay of the weights", 67, { momentum: 0.5, nesterov: false, weightDecay: 0.5 }),
    example("strong decay, Nesterov's", 67, { momentum: 0.5, nesterov: true, weightDecay: 0.5 }),
    example("a factor of 0", 5, { momentum: 0.5, nesterov: false, weightDecay: 0.5 }, 0),
    example("a factor below 0", 9001, { momentum: 0.9, nesterov: true, weightDecay: 4e-5 }, -1),
  ],
};

function example(what: string, count: number, attrs: SgdAttrs, factor?: number): Case<SgdAttrs> {
  const shapes = { w: [count], g: [count], momentum: [count], rate: [1], factor: [1] };
  return { what, shapes, attrs, ...(factor !== undefined && { values: { factor: [factor] } }) };
}

/** The kernel's formula. */
function bound(_: Shapes, x: Values, attrs: SgdAttrs): Values {
  const [rate, factor] = [x.rate[0], x.factor[0]].map(stored);
  const [momentum, decay] = [attrs.momentum, attrs.weightDecay].map(attribute);
  const error: Values = { w: filled(x.w.length, 0), momentum: filled(x.w.length, 0) };
  if (x.factor[0] < 0) return error;
  for (let i = 0; i < x.w.length; i++) {
    const w = stored(x.w[i]);
    const gradient = plus(times(factor, stored(x.g[i])), times(decay, w));
    const velocity = plus(times(momentum, stored(x.momentum[i])), gradient);
    const step = attrs.nesterov ? plus(gradient, times(momentum, velocity)) : velocity;
    error.momentum[i] = velocity.error;
    error.w[i] = minus(w, times(rate, step)).error;
  }
  return error;
}
