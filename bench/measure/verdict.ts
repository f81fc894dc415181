// Whether one of two takes as long as the other: the ratio of their times, where it may lie, and what that allows to say.

import { random } from "../../engine/gradcheck/operations/sampling.ts";
import { median } from "../../engine/tune/clock/clock.ts";
import { student } from "../../engine/tune/clock/ranking.ts";

export type Verdict = "SAME" | "FASTER" | "SLOWER" | "UNCLEAR";

/** What is asked of a verdict. */
export interface VerdictOptions {
  /** Part of the time by which what is called the same may differ. Default 0.03. */
  readonly tolerance?: number;
  /** How many of all intervals of a comparison hold the truth together. Default 0.99. */
  readonly confidence?: number;
  readonly resamples?: number;
  readonly seed?: number;
}

/** The time of B over that of A, and where this may lie. */
export interface Ratio {
  readonly ratio: number;
  readonly interval: readonly [low: number, high: number];
}

export const DEFAULTS = { tolerance: 0.03, confidence: 0.99, resamples: 4000, seed: 1 };

/** Samples of each without which nothing is said. */
export const FEWEST = 6;

/**
 * SAME where the whole interval lies within the tolerance, however surely B differs by less than that; FASTER and SLOWER
 * where the whole interval lies on one side of 1 and the ratio itself beyond the tolerance; else UNCLEAR. Of the
 * tolerance the two sides are reciprocal, so that A and B can change places.
 */
export function verdictOf({ ratio, interval: [low, high] }: Ratio, tolerance = DEFAULTS.tolerance): Verdict {
  const most = 1 + tolerance;
  if (low >= 1 / most && high <= most) return "SAME";
  if (low > 1 && ratio > most) return "SLOWER";
  if (high < 1 && ratio < 1 / most) return "FASTER";
  return "UNCLEAR";
}

/**
 * Samples that were taken in turns: the median of the ratios of what was measured side by side, in which the drift of
 * the machine cancels. The turns are drawn again with replacement (paired bootstrap; Efron and Tibshirani 1993, 16.4).
 */
export function pairedRatio(
  a: readonly number[],
  b: readonly number[],
  options: VerdictOptions = {},
): Ratio | undefined {
  const turns = Math.min(a.length, b.length);
  if (turns < FEWEST) return undefined;
  const differences = Array.from({ length: turns }, (_, i) => log(b[i]) - log(a[i]));
  const next = random(options.seed ?? DEFAULTS.seed);
  return ratio(median(differences), redrawn(differences, next), turns - 1, options);
}

/** Samples of two runs, by the ratio of their medians: each run's are drawn again by themselves. */
export function ratioOfMedians(
  a: readonly number[],
  b: readonly number[],
  options: VerdictOptions = {},
): Ratio | undefined {
  const fewer = Math.min(a.length, b.length);
  if (fewer < FEWEST) return undefined;
  const [logsA, logsB] = [a.map(log), b.map(log)];
  const next = random(options.seed ?? DEFAULTS.seed);
  const [drawA, drawB] = [redrawn(logsA, next), redrawn(logsB, next)];
  return ratio(median(logsB) - median(logsA), () => drawB() - drawA(), fewer - 1, options);
}

const log = (seconds: number): number => Math.log(Math.max(seconds, Number.EPSILON));

/**
 * The interval around an estimate by the standardised deviations of those drawn again, raised as Student's quantile is
 * above the normal, for their standard error is an estimate too.
 */
function ratio(estimate: number, draw: () => number, freedom: number, options: VerdictOptions): Ratio {
  const { confidence, resamples } = { ...DEFAULTS, ...options };
  const deviations = Array.from({ length: resamples }, () => draw() - estimate);
  const mean = deviations.reduce((sum, value) => sum + value, 0) / resamples;
  const square = deviations.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const error = Math.sqrt(square / (resamples - 1));
  const sizes = deviations.map(Math.abs).sort((x, y) => x - y);
  const greatest = sizes[Math.ceil(confidence * resamples) - 1];
  const margin = error > 0 ? error * student(greatest / error, freedom) : 0;
  return {
    ratio: Math.exp(estimate),
    interval: [Math.exp(estimate - margin), Math.exp(estimate + margin)],
  };
}

/**
 * Medians of samples drawn again with replacement, in blocks of neighbours: what others do on the machine lasts longer than
 * a turn, and neighbours say less than their number (circular block bootstrap; Politis and Romano 1992). Counted by
 * rank, as a comparison draws thousands of thousands.
 */
function redrawn(values: readonly number[], next: () => number): () => number {
  const { length } = values;
  const order = [...values.keys()].sort((x, y) => values[x] - values[y]);
  const ranks = new Uint32Array(length);
  for (const [rank, i] of order.entries()) ranks[i] = rank;
  const block = Math.ceil(length ** (1 / 3));
  const counts = new Uint32Array(length);
  const [lower, upper] = [(length - 1) >> 1, length >> 1];
  return () => {
    counts.fill(0);
    for (let drawn = 0, at = 0; drawn < length; drawn++, at++) {
      if (drawn % block === 0) at = Math.floor(next() * length);
      counts[ranks[at % length]]++;
    }
    let rank = 0;
    let seen = counts[0];
    while (seen <= lower) seen += counts[++rank];
    const low = values[order[rank]];
    while (seen <= upper) seen += counts[++rank];
    return (low + values[order[rank]]) / 2;
  };
}
