import { adamw as adamwOp, rmsprop as rmspropOp, sgd as sgdOp } from "../../kernels/index.ts";
import type { Runnable } from "../../kernels/op.ts";
import { checkChoice, checkNames, checkNumber } from "../arguments.ts";

/** An update rule over flat tensors of parameters. */
export interface Optimizer {
  readonly name: string;
  /**
   * Updates `w` in place from the gradient `g`, with inputs for the slots and scalars and, where it has them, `rate` and
   * `factor`, which multiplies the gradient; a factor below 0 must leave everything as it is.
   */
  readonly op: Runnable;
  /** Values it keeps for every parameter, by the operation's input, and what they start at. */
  readonly slots: Readonly<Record<string, number>>;
  /** Attributes of the update for parameters to which weight decay does or does not apply. */
  attrs(decayed: boolean): Readonly<Record<string, unknown>>;
  /** Inputs that change with the step (counted from 1), beside `rate` and `factor`. */
  scalars?(step: number): Readonly<Record<string, readonly number[]>>;
}

export interface DecayOptions {
  /** L2 weight decay: adds `weightDecay * w` to the gradient (AdamW: decoupled). */
  readonly weightDecay?: number;
}

/**
 * RMSProp as TensorFlow has it: the mean square starts at 1, epsilon is inside the root, and the learning rate inside
 * the momentum. Defaults are those of arXiv 1602.07261, section 4: decay 0.9, epsilon 1.0; momentum 0.9.
 * Throws ValueError where an option is unknown or outside its range.
 */
export function rmsprop(
  options: { decay?: number; momentum?: number; epsilon?: number } & DecayOptions = {},
): Optimizer {
  const defaults = { decay: 0.9, momentum: 0.9, epsilon: 1, weightDecay: 0 };
  const { decay, momentum, epsilon, weightDecay } = checked("rmsprop", defaults, options);
  return {
    name: "rmsprop",
    op: rmspropOp,
    slots: { mean_square: 1, momentum: 0 },
    attrs: (decayed) => ({ decay, momentum, epsilon, weightDecay: decayed ? weightDecay : 0 }),
  };
}

/** Stochastic gradient descent with momentum, Nesterov's on request. Throws as `rmsprop` does. */
export function sgd(options: { momentum?: number; nesterov?: boolean } & DecayOptions = {}): Optimizer {
  const defaults = { momentum: 0.9, nesterov: false, weightDecay: 0 };
  const { momentum, nesterov, weightDecay } = checked("sgd", defaults, options);
  return {
    name: "sgd",
    op: sgdOp,
    slots: { momentum: 0 },
    attrs: (decayed) => ({ momentum, nesterov, weightDecay: decayed ? weightDecay : 0 }),
  };
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101, algorithm 2). Throws as `rmsprop` does.
 */
export function adamw(
  options: { beta1?: number; beta2?: number; epsilon?: number } & DecayOptions = {},
): Optimizer {
  const defaults = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };
  const { beta1, beta2, epsilon, weightDecay } = checked("adamw", defaults, options);
  return {
    name: "adamw",
    op: adamwOp,
    slots: { mean: 0, variance: 0 },
    attrs: (decayed) => ({ beta1, beta2, epsilon, weightDecay: decayed ? weightDecay : 0 }),
    scalars: (step) => ({ correction: [1 - beta1 ** step, 1 - beta2 ** step] }),
  };
}

/** Decays of running means, which must stay below 1. */
const DECAYS = ["decay", "momentum", "beta1", "beta2"];

/** Options in place of their defaults, each judged by its kind. */
function checked<T extends Record<string, number | boolean>>(
  call: string,
  defaults: T,
  options: Partial<T>,
): T {
  checkNames(call, options, Object.keys(defaults));
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  for (const [name, value] of Object.entries(given))
    if (typeof defaults[name] === "boolean") checkChoice(call, name, value, [true, false]);
    else checkNumber(call, name, value, { least: 0, ...(DECAYS.includes(name) && { most: 1, below: true }) });
  return { ...defaults, ...given };
}
