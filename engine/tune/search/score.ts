import { TuneError } from "../../errors.ts";
import { stream } from "../../random.ts";
import { ascending, quantile } from "../../statistics/quantiles.ts";
import { type Recorded, replay } from "../results/replay.ts";
import { type Run, type SearchTask, search } from "./search.ts";

/** What runs are compared at: equal numbers of evaluations, or equal seconds of their clocks. */
export type Axis = "evaluations" | "seconds";

/** How runs are compared; by default as Willemsen et al. (FGCS, 2024) propose. */
export interface ScoreOptions {
  readonly axis?: Axis;
  /** Where the comparison begins and ends: shares of the way from the median to the optimum that random search has gone. */
  readonly start?: number;
  readonly cutoff?: number;
  /** Points at which performance is taken. */
  readonly points?: number;
  /** How runs are joined: the configuration of the mean rank, or the mean or median of their objectives. */
  readonly join?: "rank" | "mean" | "median";
  /** Of the interval. */
  readonly confidence?: number;
  /** Samples of runs, drawn with replacement, behind the interval. */
  readonly resamples?: number;
  readonly seed?: number;
}

/** A score with its interval, and the curve whose mean it is. */
export interface Score {
  /** 0 is random search, 1 the optimum all the time; below 0 is worse than random search. */
  readonly score: number;
  readonly low: number;
  readonly high: number;
  /** P(t) at equally spaced points of the axis. */
  readonly performance: readonly number[];
  /** Scores of the resamples, ascending: what the interval is made of. */
  readonly resampled: readonly number[];
}

const DEFAULTS = {
  axis: "evaluations",
  start: 0.5,
  cutoff: 0.96,
  points: 100,
  join: "rank",
  confidence: 0.95,
  resamples: 1000,
  seed: 0,
} as const;

/**
 * Expected course of random search without replacement over a recorded space. Configurations are ranked 1 (worst) to V
 * (best) of those that have an objective; rank 0 is a run that has found none and counts as rank 1.
 * Willemsen, Schoonhoven, Filipovič, Tørring, van Nieuwpoort and van Werkhoven, "A methodology for comparing
 * optimization algorithms for auto-tuning" (FGCS, 2024), equation 6: the expected best rank of M draws of N is
 * M (N + 1) / (M + 1). Throws TuneError for a space without two different objectives.
 */
export class Baseline {
  /** Rank of each configuration by its index. */
  readonly ranks: Uint32Array;
  /** Objectives by rank - 1: worst first. */
  readonly objectives: Float64Array;
  readonly optimum: number;
  readonly #median: number;
  readonly #course: (evaluations: number) => number;
  /** Mean of an evaluation's seconds, and their variance over its square. */
  readonly #cost: { readonly mean: number; readonly spread: number };

  constructor({ space, objective, cost }: Recorded) {
    const all = Array.from({ length: space.size }, (_, index) => ({ index, objective: objective(index) }));
    const valid = all
      .filter((one) => Number.isFinite(one.objective))
      .sort((a, b) => b.objective - a.objective);
    this.objectives = Float64Array.from(valid, (one) => one.objective);
    this.optimum = this.objectives[valid.length - 1];
    if (valid.length < 2 || this.objectives[0] === this.optimum)
      throw new TuneError(
        `score: ${valid.length} of ${space.size} configurations have objectives, none different`,
      );
    this.ranks = new Uint32Array(space.size);
    for (const [i, { index }] of valid.entries()) this.ranks[index] = i + 1;
    this.#median = this.atRank((valid.length + 1) / 2);
    this.#course = monotone(expectedRanks(space.size, valid.length).map((rank) => this.atRank(rank)));
    const seconds = all.map(({ index }) => cost(index));
    const mean = seconds.reduce((sum, s) => sum + s, 0) / seconds.length;
    const variance = seconds.reduce((sum, s) => sum + (s - mean) ** 2, 0) / seconds.length;
    this.#cost = { mean, spread: mean > 0 ? variance / mean ** 2 : 0 };
  }

  /** Objective of a rank, linear between two. */
  atRank(rank: number): number {
    const place = Math.max(0, rank - 1);
    const below = Math.min(Math.floor(place), this.objectives.length - 1);
    const above = Math.min(below + 1, this.objectives.length - 1);
    return this.objectives[below] + (place - below) * (this.objectives[above] - this.objectives[below]);
  }

  /** Objective that random search is expected to have reached. */
  at(point: number, axis: Axis = "evaluations"): number {
    return this.#course(axis === "evaluations" ? point : this.#evaluations(point));
  }

  /** Seconds in which random search completes so many evaluations, by the mean. */
  seconds(evaluations: number): number {
    return evaluations * this.#cost.mean;
  }

  /** Evaluations that random search needs for a share of the way from the median to the optimum. */
  reaches(share: number): number {
    const target = this.#median - share * (this.#median - this.optimum);
    let evaluations = 1;
    while (this.#course(evaluations) > target && evaluations < this.ranks.length) evaluations++;
    return evaluations;
  }

  /**
   * Evaluations expected to be complete at a time, the one under way not counted: the renewal theorem's t / mean - 1/2
   * + variance / (2 mean²), which is half an evaluation less than t / mean where all take the same.
   */
  #evaluations(seconds: number): number {
    return Math.max(0, seconds / this.#cost.mean + (this.#cost.spread - 1) / 2);
  }
}

/**
 * Expected best rank after 0, 1, ... `size` draws without replacement of which only `valid` have a rank:
 * V - (N - M) / (M + 1) + C(N - V, M + 1) / C(N, M), which is M (N + 1) / (M + 1) where V = N.
 */
export function expectedRanks(size: number, valid: number): number[] {
  const failing = size - valid;
  const ranks = [0];
  let allFail = 1; // C(N - V, M) / C(N, M)
  for (let drawn = 1; drawn <= size; drawn++) {
    allFail *= Math.max(0, failing - drawn + 1) / (size - drawn + 1);
    ranks.push(valid - (size - drawn) / (drawn + 1) + (allFail * Math.max(0, failing - drawn)) / (drawn + 1));
  }
  return ranks;
}

/**
 * Monotone piecewise cubic through values at 0, 1, 2, ... (Fritsch and Carlson, 1980, with the slopes of Fritsch and
 * Butland, 1984): between two values it leaves neither. Constant beyond both ends.
 */
export function monotone(values: readonly number[]): (x: number) => number {
  const last = values.length - 1;
  const rise = (i: number) => values[i + 1] - values[i];
  const slope = (i: number): number => {
    if (last < 1) return 0;
    if (i === 0) return rise(0);
    if (i === last) return rise(last - 1);
    const [before, after] = [rise(i - 1), rise(i)];
    return before * after <= 0 ? 0 : (2 * before * after) / (before + after);
  };
  return (x) => {
    if (!(x > 0)) return values[0];
    if (x >= last) return values[last];
    const i = Math.floor(x);
    const t = x - i;
    const hermite = (3 - 2 * t) * t * t;
    const bend = t * (1 - t) * (slope(i) * (1 - t) - slope(i + 1) * t);
    return values[i] + hermite * rise(i) + bend;
  };
}

/** Equally spaced points of an axis from the start to the cut-off; whole numbers where they count evaluations. */
function grid(baseline: Baseline, { axis, start, cutoff, points }: Required<ScoreOptions>): number[] {
  const [from, to] = [start, cutoff].map((share) => baseline.reaches(share));
  const spaced = Array.from({ length: points }, (_, i) => from + ((to - from) * i) / Math.max(1, points - 1));
  const times =
    axis === "seconds" ? spaced.map((evaluations) => baseline.seconds(evaluations)) : spaced.map(Math.round);
  const open = times.filter((time) => baseline.at(time, axis) > baseline.optimum);
  if (open.length === points) return times;
  throw new TuneError(
    `score: random search is at the optimum at ${points - open.length} of ${points} points`,
  );
}

/** Best rank of a run at each point of the axis, 0 where it had found nothing. */
function course({ history }: Run, { ranks }: Baseline, times: readonly number[], axis: Axis): Float64Array {
  let best = 0;
  let read = 0;
  return Float64Array.from(times, (time) => {
    while (read < history.length && (axis === "evaluations" ? read + 1 : history[read].seconds) <= time)
      best = Math.max(best, ranks[history[read++].index]);
    return best;
  });
}

/** Objective of several runs together at each point. */
function joined(
  baseline: Baseline,
  courses: readonly Float64Array[],
  how: Required<ScoreOptions>["join"],
): number[] {
  return Array.from(courses[0], (_, point) => {
    let sum = 0;
    if (how === "median") {
      const sorted = Float64Array.from(courses, (ranks) => ranks[point]).sort();
      const middle = [(sorted.length - 1) >> 1, sorted.length >> 1];
      return average(middle.map((i) => baseline.atRank(sorted[i])));
    }
    for (const ranks of courses) sum += how === "rank" ? ranks[point] : baseline.atRank(ranks[point]);
    return how === "rank" ? baseline.atRank(sum / courses.length) : sum / courses.length;
  });
}

/**
 * Score of runs over one recorded space: the mean over the axis of
 * P(t) = (F_random(t) - F(t)) / (F_random(t) - F_optimum), with a percentile bootstrap over the runs.
 * After Willemsen et al. (FGCS, 2024); two things differ, so that random search itself scores
 * 0: a random search may draw configurations that fail, and runs are joined at their mean rank, of which the random
 * course is the expectation (`join` has the mean and the median of objectives too).
 * Throws TuneError without runs, or where random search is at the optimum before the cut-off.
 */
export function score(baseline: Baseline, runs: readonly Run[], options: ScoreOptions = {}): Score {
  const settings = { ...DEFAULTS, ...options };
  if (runs.length === 0) throw new TuneError("score: no runs");
  const times = grid(baseline, settings);
  const courses = runs.map((run) => course(run, baseline, times, settings.axis));
  const random = times.map((time) => baseline.at(time, settings.axis));
  const performance = (chosen: readonly Float64Array[]) =>
    joined(baseline, chosen, settings.join).map(
      (reached, i) => (random[i] - reached) / (random[i] - baseline.optimum),
    );
  const draw = stream(settings.seed, "bootstrap");
  const resampled = Array.from({ length: settings.resamples }, () =>
    average(performance(runs.map(() => courses[Math.floor(draw() * courses.length)]))),
  );
  return summary(performance(courses), resampled, settings.confidence);
}

/** Score over several spaces, each counting the same; their resamples are joined one by one. */
export function overall(scores: readonly Score[], confidence = DEFAULTS.confidence): Score {
  if (scores.length === 0) throw new TuneError("score: no scores");
  const resamples = Math.min(...scores.map(({ resampled }) => resampled.length));
  const draw = stream(0, "overall");
  const resampled = Array.from({ length: resamples }, () =>
    average(scores.map(({ resampled: own }) => own[Math.floor(draw() * own.length)])),
  );
  const performance = scores[0].performance.map((_, i) => average(scores.map((one) => one.performance[i])));
  return summary(performance, resampled, confidence);
}

const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function summary(performance: readonly number[], samples: readonly number[], confidence: number): Score {
  const resampled = ascending(samples);
  const tail = (1 - confidence) / 2;
  const [low, high] = [tail, 1 - tail].map((share) => quantile(resampled, share));
  return { score: average(performance), low, high, performance, resampled };
}

/**
 * Replays a strategy over a recorded space, as long as the score looks, by default 100 times, with seeds that count on
 * from `first`, or 0.
 */
export async function rehearse(
  recorded: Recorded,
  baseline: Baseline,
  { strategy, settings }: Pick<SearchTask, "strategy" | "settings">,
  options: ScoreOptions & { repeats?: number; first?: number } = {},
): Promise<Run[]> {
  const { repeats = 100, first = 0, axis = DEFAULTS.axis, cutoff = DEFAULTS.cutoff } = options;
  const evaluations = baseline.reaches(cutoff);
  const budget = axis === "seconds" ? { seconds: baseline.seconds(evaluations) } : { evaluations };
  const runs: Run[] = [];
  for (let seed = first; seed < first + repeats; seed++)
    runs.push(await search({ space: recorded.space, strategy, settings, budget, seed, ...replay(recorded) }));
  return runs;
}
