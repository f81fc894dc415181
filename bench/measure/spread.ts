// What is said of readings: quantiles, and how well the middle one is known.

import type { Spread } from "./result.ts";

/** Readings beyond so many median deviations from the median are outliers (Iglewicz and Hoaglin's 3.5 scores). */
const FAR = 3.5 / 0.6745;

/** Quantile of sorted values, between two of them by their distance; NaN of none. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

const ascending = (values: readonly number[]) => [...values].sort((a, b) => a - b);

/**
 * How many of `count` sorted readings lie below the 95 % confidence interval of their median, whatever their
 * distribution: so many or fewer fall below the true median with a chance of a fortieth at most. With fewer than 6
 * readings it is none, and all of them together make less than 95 %.
 */
export function outside(count: number): number {
  let below = 0;
  let [chance, sum] = [2 ** -count, 2 ** -count];
  while (sum <= 0.025 && below < count) {
    below++;
    chance *= (count - below + 1) / below;
    sum += chance;
  }
  return below;
}

/** What is said of readings in seconds. All is NaN of none. */
export function spread(samples: readonly number[]): Spread {
  const sorted = ascending(samples);
  const [low, median, high] = [0.25, 0.5, 0.75].map((share) => quantile(sorted, share));
  const cut = Math.max(0, outside(sorted.length) - 1);
  const width = sorted[sorted.length - 1 - cut] - sorted[cut];
  return {
    samples,
    median,
    low,
    high,
    least: sorted[0] ?? NaN,
    uncertainty: width === 0 ? 0 : width / 2 / median,
  };
}

/** Those far from the others: beyond 3.5 modified z-scores of the median, and more than a tenth from it. */
export function outliers({ samples, median }: Spread): number[] {
  const deviation = quantile(ascending(samples.map((value) => Math.abs(value - median))), 0.5);
  return samples.filter((value) => {
    const off = Math.abs(value - median);
    return off > FAR * deviation && off > median / 10;
  });
}
