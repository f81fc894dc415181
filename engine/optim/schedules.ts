import { checkNames, checkNumber } from "../arguments.ts";

/** Learning rate of a step, counted from 0. */
export type Schedule = (step: number) => number;

/**
 * `rate * factor ^ floor(step / every)`: the staircase of arXiv 1602.07261, section 4, is 0.045, decayed by 0.94
 * every two epochs. Throws ValueError where an option is unknown or outside its range.
 */
export function staircase(options: { rate?: number; factor?: number; every: number }): Schedule {
  checkNames("staircase", options, ["rate", "factor", "every"]);
  const { rate = 0.045, factor = 0.94, every } = options;
  checkNumber("staircase", "rate", rate, { least: 0 });
  checkNumber("staircase", "factor", factor, { least: 0, above: true });
  checkNumber("staircase", "every", every, { least: 0, above: true });
  return (step) => rate * factor ** Math.floor(step / every);
}

/** Decay of a running average at a step: `min(decay, (1 + step) / (10 + step))`, as TensorFlow's moving average. */
export const averageDecay = (decay: number, step: number): number =>
  Math.min(decay, (1 + step) / (10 + step));
