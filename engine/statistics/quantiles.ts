// Quantiles, and how well the middle one is known.

/** Values in ascending order; a copy. */
export const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

/** Quantile of values in ascending order, linear between the two nearest (Hyndman and Fan 1996, type 7); NaN of none. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

/** Middle value in any order, the mean of the middle two where there are two; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Samples, and how they are distributed. */
export interface Spread {
  readonly samples: readonly number[];
  readonly median: number;
  /** Quartiles. */
  readonly low: number;
  readonly high: number;
  readonly least: number;
  /** Half the 95 % confidence interval of the median, as a part of it. */
  readonly uncertainty: number;
}

/**
 * How many of `count` samples in ascending order are below the 95 % confidence interval of their median, whatever their
 * distribution (the sign test's): the true median is below that many with a chance of a fortieth at most. With fewer
 * than 6 samples it is none, and all of them together make less than 95 %.
 */
export function belowInterval(count: number): number {
  let below = 0;
  let [chance, sum] = [2 ** -count, 2 ** -count];
  while (sum <= 0.025 && below < count) {
    below++;
    chance *= (count - below + 1) / below;
    sum += chance;
  }
  return below;
}

/** How samples are distributed; every figure is NaN where there are none. */
export function spreadOf(samples: readonly number[]): Spread {
  const sorted = ascending(samples);
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(sorted, share));
  const cut = Math.max(0, belowInterval(sorted.length) - 1);
  const width = sorted[sorted.length - 1 - cut] - sorted[cut];
  return {
    samples,
    median: middle,
    low,
    high,
    least: sorted[0] ?? NaN,
    uncertainty: width === 0 ? 0 : width / 2 / middle,
  };
}

/** Samples at more than this many median deviations from the median are outliers (Iglewicz and Hoaglin's 3.5 scores). */
const FAR = 3.5 / 0.6745;

/** Samples far from the others: beyond 3.5 modified z-scores of the median, and more than a tenth from it. */
export function outliers({ samples, median: middle }: Spread): number[] {
  const deviation = median(samples.map((value) => Math.abs(value - middle)));
  return samples.filter((value) => {
    const off = Math.abs(value - middle);
    return off > FAR * deviation && off > middle / 10;
  });
}
