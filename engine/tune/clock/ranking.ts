// Ranking as statistics: an interleaved second measurement, and the set of those that nothing tells from the best.

import { random } from "../../gradcheck/operations/sampling.ts";
import { median } from "./clock.ts";

/** Seconds of one dispatch of a contender, by one sample. */
export type Contender = () => Promise<number>;

/** How much contenders are measured, and how sure a ranking must be. */
export interface RankingOptions {
  /** Samples of each contender; an even number, as every second round runs backwards. Where they are measured by a runner, by default as many as take ten seconds, 20 at least. */
  readonly rounds?: number;
  /** Of all statements together: with identical contenders so many rankings name all as tied. */
  readonly confidence?: number;
  readonly resamples?: number;
  readonly seed?: number;
}

/** A contender against the best. */
export interface Place {
  /** Number of the contender, as they were given. */
  readonly contender: number;
  /** Seconds, of its samples as they are. */
  readonly median: number;
  /** Its time over that of the best, and where this may lie. */
  readonly ratio: number;
  readonly interval: readonly [number, number];
  /** Whether nothing tells it from the best. */
  readonly tied: boolean;
}

/** Contenders in their order, and which of them nothing tells from the best. */
export interface Ranking {
  /** In order of their medians; the first is the best. */
  readonly places: readonly Place[];
  /** Contenders that may be the best. */
  readonly tied: readonly number[];
  /** Seconds, by contender and round. */
  readonly samples: readonly (readonly number[])[];
}

/**
 * Measures contenders in turns, A B C then C B A, so that a drift touches all alike, and compares them.
 */
export async function rank(contenders: readonly Contender[], options: RankingOptions = {}): Promise<Ranking> {
  const { rounds = 20 } = options;
  const samples: number[][] = contenders.map(() => []);
  const order = [...contenders.keys()];
  for (let round = 0; round < 2 * Math.ceil(rounds / 2); round++)
    for (const i of round % 2 === 0 ? order : order.toReversed()) samples[i].push(await contenders[i]());
  return compare(samples, options);
}

/**
 * Compares the medians of samples that were taken in rounds, each less what its round did to all of them. Rounds are
 * drawn again with replacement, the same for all contenders (paired bootstrap; Efron and Tibshirani 1993, 16.4). The
 * intervals hold together for all pairs, so that the best of many equals does not win by having been lucky: the critical
 * value is that of the greatest standardised difference of any two (Westfall and Young 1993, 2.3), raised as Student's
 * is above the normal, for the standard errors are estimates too.
 */
export function compare(samples: readonly (readonly number[])[], options: RankingOptions = {}): Ranking {
  const { confidence = 0.95, resamples = 1000, seed = 1 } = options;
  const logs = withoutRounds(samples);
  const observed = logs.map(median);
  const deviations = bootstrap(logs, observed, resamples, random(seed));
  const errors = samples.map((_, i) => samples.map((_, j) => (j < i ? spread(deviations, i, j) : 0)));
  const error = (i: number, j: number) => errors[Math.max(i, j)][Math.min(i, j)];
  const greatest = deviations.map((deviation) => {
    let most = 0;
    for (let i = 0; i < deviation.length; i++)
      for (let j = 0; j < i; j++)
        if (errors[i][j] > 0) most = Math.max(most, Math.abs(deviation[i] - deviation[j]) / errors[i][j]);
    return most;
  });
  const normal = greatest.sort((a, b) => a - b)[Math.ceil(confidence * resamples) - 1] ?? 0;
  const critical = student(normal, (logs[0]?.length ?? 0) - 1);

  const order = [...samples.keys()].sort((a, b) => observed[a] - observed[b]);
  const [best] = order;
  const places = order.map((contender): Place => {
    const difference = observed[contender] - observed[best];
    const margin = critical * error(contender, best);
    return {
      contender,
      median: median(samples[contender]),
      ratio: Math.exp(difference),
      interval: [Math.exp(difference - margin), Math.exp(difference + margin)],
      tied: difference <= margin,
    };
  });
  const tied = places.filter((place) => place.tied).map(({ contender }) => contender);
  return { places, tied, samples };
}

/** Logarithms of samples less what their round did to all: its median over the contenders. */
function withoutRounds(samples: readonly (readonly number[])[]): number[][] {
  const logs = samples.map((list) => list.map((seconds) => Math.log(Math.max(seconds, Number.EPSILON))));
  const rounds = (logs[0] ?? []).map((_, round) => median(logs.map((list) => list[round])));
  return logs.map((list) => list.map((value, round) => value - rounds[round]));
}

/** Student's quantile from the normal one (Cornish-Fisher expansion, first term; Abramowitz and Stegun 26.7.5). */
export const student = (z: number, freedom: number): number => z + (z ** 3 + z) / (4 * freedom);

/** By resample, how far each contender's median is from the one observed. */
function bootstrap(
  logs: readonly (readonly number[])[],
  observed: readonly number[],
  resamples: number,
  next: () => number,
): number[][] {
  const rounds = logs[0]?.length ?? 0;
  return Array.from({ length: resamples }, () => {
    const drawn = Array.from({ length: rounds }, () => Math.floor(next() * rounds));
    return logs.map((list, i) => median(drawn.map((round) => list[round])) - observed[i]);
  });
}

/** Standard deviation of the difference of two contenders' medians. */
function spread(deviations: readonly (readonly number[])[], i: number, j: number): number {
  const differences = deviations.map((deviation) => deviation[i] - deviation[j]);
  const mean = differences.reduce((a, b) => a + b, 0) / differences.length;
  const square = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(square / Math.max(1, differences.length - 1));
}
