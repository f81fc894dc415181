// Ranking as statistics: interleaved rounds, and the set of contenders that nothing distinguishes from the best.

import { stream } from "../random.ts";
import { jointMargins, resampledMedians } from "./bootstrap.ts";
import { median } from "./quantiles.ts";
import { logarithm } from "./ratio.ts";
import { inRounds, type Sampler } from "./rounds.ts";

/** How much contenders are measured, and how sure a ranking must be. */
export interface RankingOptions {
  /**
   * Samples of each contender; an even number, as every second round runs backwards. Where they are measured by a runner,
   * by default as many as take `seconds`.
   */
  readonly rounds?: number;
  /** What a runner's rounds may take: at least 6 in what is given, by default 20 at least in ten seconds. */
  readonly seconds?: number;
  /** Of all statements together: the share of rankings of identical contenders that call all of them tied. */
  readonly confidence?: number;
  readonly resamples?: number;
  readonly seed?: number;
}

/** A contender against the best. */
export interface RankedContender {
  /** Number of the contender, as they were given. */
  readonly contender: number;
  /** Seconds, of its samples as they are. */
  readonly median: number;
  /** Its time over that of the best, with its confidence interval. */
  readonly ratio: number;
  readonly interval: readonly [number, number];
  /** Whether nothing distinguishes it from the best. */
  readonly tied: boolean;
}

/** Contenders in their order, and which of them nothing distinguishes from the best. */
export interface Ranking {
  /** In order of their medians; the first is the best. */
  readonly places: readonly RankedContender[];
  /** Contenders that may be the best. */
  readonly tied: readonly number[];
  /** Seconds, by contender and round. */
  readonly samples: readonly (readonly number[])[];
}

/** Measures contenders, in seconds of one dispatch, in interleaved rounds and compares them (`rankSamples`). */
export async function rankContenders(
  contenders: readonly Sampler[],
  options: RankingOptions = {},
): Promise<Ranking> {
  const { rounds = 20 } = options;
  return rankSamples(await inRounds(contenders, 2 * Math.ceil(rounds / 2)), options);
}

/**
 * Compares the medians of samples that were taken in rounds, each less what its round did to all of them. Rounds are
 * drawn again with replacement, the same for all contenders (paired bootstrap; Efron and Tibshirani 1993, 16.4), and the
 * intervals hold together for all pairs (`jointMargins`).
 */
export function rankSamples(samples: readonly (readonly number[])[], options: RankingOptions = {}): Ranking {
  const { confidence = 0.95, resamples = 1000, seed = 1 } = options;
  const logs = withoutRounds(samples);
  const observed = logs.map(median);
  const draw = resampledMedians(logs, stream(seed));
  const drawn = Array.from({ length: resamples }, draw);
  const pairs = samples.flatMap((_, i) => Array.from({ length: i }, (_, j) => [i, j] as const));
  const off = (resample: number, pair: number) => {
    const [i, j] = pairs[pair];
    return drawn[resample][i] - observed[i] - (drawn[resample][j] - observed[j]);
  };
  const freedom = (logs[0]?.length ?? 0) - 1;
  const margins = jointMargins({ estimates: pairs.length, resamples, off }, confidence, freedom);
  const marginOf = (i: number, j: number) =>
    i === j ? 0 : margins[(Math.max(i, j) * (Math.max(i, j) - 1)) / 2 + Math.min(i, j)];

  const order = [...samples.keys()].sort((a, b) => observed[a] - observed[b]);
  const [best] = order;
  const places = order.map((contender): RankedContender => {
    const difference = observed[contender] - observed[best];
    const margin = marginOf(contender, best);
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
  const logs = samples.map((list) => list.map(logarithm));
  const rounds = (logs[0] ?? []).map((_, round) => median(logs.map((list) => list[round])));
  return logs.map((list) => list.map((value, round) => value - rounds[round]));
}
