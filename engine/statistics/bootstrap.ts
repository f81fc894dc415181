// The bootstrap of medians, and the confidence intervals that come of it.

import { ascending } from "./quantiles.ts";

/**
 * Draws samples again with replacement, the same ones of every list, and returns the median of each list. They are drawn
 * in blocks of neighbours, which say less than their number where a disturbance outlasts one sample (circular block
 * bootstrap; Politis and Romano 1992); in blocks of 1 it is the ordinary bootstrap. Counted by rank, as a comparison
 * draws millions of times.
 */
export function resampledMedians(
  lists: readonly (readonly number[])[],
  random: () => number,
  block = 1,
): () => number[] {
  const length = lists[0]?.length ?? 0;
  const orders = lists.map((values) => [...values.keys()].sort((x, y) => values[x] - values[y]));
  const ranks = orders.map((order) => {
    const of = new Uint32Array(length);
    for (const [rank, i] of order.entries()) of[i] = rank;
    return of;
  });
  const [drawn, counts] = [new Uint32Array(length), new Uint32Array(length)];
  const [lower, upper] = [(length - 1) >> 1, length >> 1];
  const medianOf = (values: readonly number[], which: number): number => {
    counts.fill(0);
    for (const i of drawn) counts[ranks[which][i]]++;
    let rank = 0;
    let seen = counts[0];
    while (seen <= lower) seen += counts[++rank];
    const low = values[orders[which][rank]];
    while (seen <= upper) seen += counts[++rank];
    return (low + values[orders[which][rank]]) / 2;
  };
  return () => {
    for (let i = 0, at = 0; i < length; i++, at++) {
      if (i % block === 0) at = Math.floor(random() * length);
      drawn[i] = at % length;
    }
    return length === 0 ? lists.map(() => Number.NaN) : lists.map(medianOf);
  };
}

/** Student's quantile from the normal one (Cornish-Fisher expansion, first term; Abramowitz and Stegun 26.7.5). */
export const student = (z: number, freedom: number): number => z + (z ** 3 + z) / (4 * freedom);

/** Some estimates, and by how much each was off in every resample. */
export interface Resampled {
  readonly estimates: number;
  readonly resamples: number;
  off(resample: number, estimate: number): number;
}

/**
 * Half the widths of confidence intervals that hold together for all estimates, so that the best of many equals does not
 * win by having been lucky: the critical value is that of the greatest standardised deviation (Westfall and Young 1993,
 * 2.3), raised as Student's is above the normal, for the standard errors are estimates too.
 */
export function jointMargins(
  { estimates, resamples, off }: Resampled,
  confidence: number,
  freedom: number,
): number[] {
  const errors = Array.from({ length: estimates }, (_, estimate) => {
    let mean = 0;
    for (let i = 0; i < resamples; i++) mean += off(i, estimate);
    mean /= resamples;
    let square = 0;
    for (let i = 0; i < resamples; i++) square += (off(i, estimate) - mean) ** 2;
    return Math.sqrt(square / Math.max(1, resamples - 1));
  });
  const greatest = Array.from({ length: resamples }, (_, i) =>
    errors.reduce(
      (most, error, estimate) => (error > 0 ? Math.max(most, Math.abs(off(i, estimate)) / error) : most),
      0,
    ),
  );
  const normal = ascending(greatest)[Math.ceil(confidence * resamples) - 1] ?? 0;
  const critical = student(normal, freedom);
  return errors.map((error) => (error > 0 ? critical * error : 0));
}
