// Whether one of two takes as long as the other: the ratio of their times, its interval, and what that allows to say.

import { stream } from "../random.ts";
import { jointMargins, resampledMedians } from "./bootstrap.ts";
import { median } from "./quantiles.ts";

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

/** The time of B over that of A, with its confidence interval. */
export interface Ratio {
  readonly ratio: number;
  readonly interval: readonly [low: number, high: number];
}

/** Options of a verdict where none are given. */
export const VERDICT_DEFAULTS = { tolerance: 0.03, confidence: 0.99, resamples: 4000, seed: 1 };

/** Samples of each without which nothing is said. */
export const FEWEST_SAMPLES = 6;

/**
 * SAME where the whole interval is within the tolerance, however surely B differs by less than that; FASTER and SLOWER
 * where the whole interval is on one side of 1 and the ratio itself beyond the tolerance; else UNCLEAR. The two sides of
 * the tolerance are reciprocal, so that A and B can change places.
 */
export function verdictOf(
  { ratio, interval: [low, high] }: Ratio,
  tolerance = VERDICT_DEFAULTS.tolerance,
): Verdict {
  const most = 1 + tolerance;
  if (low >= 1 / most && high <= most) return "SAME";
  if (low > 1 && ratio > most) return "SLOWER";
  if (high < 1 && ratio < 1 / most) return "FASTER";
  return "UNCLEAR";
}

/**
 * Of samples that were taken in turns: the median of the ratios of what was measured side by side, in which the drift of
 * the machine cancels (paired bootstrap; Efron and Tibshirani 1993, 16.4). Undefined for fewer than 6 samples.
 */
export function pairedRatio(
  a: readonly number[],
  b: readonly number[],
  options: VerdictOptions = {},
): Ratio | undefined {
  const turns = Math.min(a.length, b.length);
  if (turns < FEWEST_SAMPLES) return undefined;
  const differences = Array.from({ length: turns }, (_, i) => logarithm(b[i]) - logarithm(a[i]));
  const draw = resampledMedians([differences], stream(seedOf(options)), blockOf(turns));
  return ratioOf(median(differences), () => draw()[0], turns - 1, options);
}

/** Of the samples of two runs: the ratio of their medians, each run's drawn again by themselves. As `pairedRatio`. */
export function ratioOfMedians(
  a: readonly number[],
  b: readonly number[],
  options: VerdictOptions = {},
): Ratio | undefined {
  const fewer = Math.min(a.length, b.length);
  if (fewer < FEWEST_SAMPLES) return undefined;
  const random = stream(seedOf(options));
  const [logsA, logsB] = [a.map(logarithm), b.map(logarithm)];
  const [drawA, drawB] = [logsA, logsB].map((logs) => resampledMedians([logs], random, blockOf(logs.length)));
  return ratioOf(median(logsB) - median(logsA), () => drawB()[0] - drawA()[0], fewer - 1, options);
}

/** Logarithm of a time; of one too short to be read, of the smallest step of a float. */
export const logarithm = (seconds: number): number => Math.log(Math.max(seconds, Number.EPSILON));

const seedOf = ({ seed = VERDICT_DEFAULTS.seed }: VerdictOptions) => seed;
/** Neighbours that are drawn together. */
const blockOf = (length: number) => Math.ceil(length ** (1 / 3));

function ratioOf(estimate: number, draw: () => number, freedom: number, options: VerdictOptions): Ratio {
  const { confidence, resamples } = { ...VERDICT_DEFAULTS, ...options };
  const deviations = Array.from({ length: resamples }, () => draw() - estimate);
  const resampled = { estimates: 1, resamples, off: (i: number) => deviations[i] };
  const [margin] = jointMargins(resampled, confidence, freedom);
  return {
    ratio: Math.exp(estimate),
    interval: [Math.exp(estimate - margin), Math.exp(estimate + margin)],
  };
}
