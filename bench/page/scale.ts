// Where values lie along a side of a plot, and what is written beside it.

import { formatNumber } from "../gradcheck/heat_map.ts";

/** The unit that values are written in. */
export interface Unit {
  readonly name: string;
  /** What one of it is, in what values are given in. */
  readonly size: number;
}

const DURATIONS: readonly Unit[] = [
  { name: "h", size: 3600 },
  { name: "min", size: 60 },
  { name: "s", size: 1 },
  { name: "ms", size: 1e-3 },
  { name: "\u00b5s", size: 1e-6 },
  { name: "ns", size: 1e-9 },
];

/** The largest unit of time of which there are two at least; for less than two nanoseconds those. */
export const durationUnit = (seconds: number): Unit =>
  DURATIONS.find(({ size }) => Math.abs(seconds) >= 2 * size) ?? DURATIONS[DURATIONS.length - 1];

/** A value with its unit, to four figures. */
export const formatQuantity = (value: number, { name, size }: Unit): string =>
  `${figures(value / size)} ${name}`.trim();

/** Seconds in the unit of time that suits them. */
export const formatDuration = (seconds: number): string => formatQuantity(seconds, durationUnit(seconds));

/** Four figures, without powers of ten up to a million. */
export const figures = (value: number): string =>
  Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6
    ? (+value.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: 10 })
    : formatNumber(value).replace(".0e", "e");

/** A side of a plot. Everything is drawn at parts of its length, from 0 to 1. */
export interface Scale {
  readonly label: string;
  at(value: number): number;
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
}

/** Values may lie so many times apart before their logarithms are drawn. */
const LINEAR = 1.5;

/** A scale that holds all values: of their logarithms where they are positive and far apart. */
export function scale(label: string, values: readonly number[], unit: Unit, most = 6, margin = 0.05): Scale {
  const [low, high] = extent(values.map((value) => value / unit.size));
  const logarithmic = low > 0 && high > LINEAR * low;
  const along = logarithmic ? Math.log10 : (value: number) => value;
  const [from, to] = [along(low), along(high)];
  const margins = to > from ? margin * (to - from) : 0.1 * Math.abs(to) || 1;
  const at = (value: number) => (along(value) - from + margins) / (to - from + 2 * margins);
  const bounds: Extent = logarithmic
    ? [10 ** (from - margins), 10 ** (to + margins)]
    : [from - margins, to + margins];
  const ticks = (logarithmic ? logarithmicTicks : linearTicks)(bounds, most);
  return {
    label: unit.name ? `${label} (${unit.name})` : label,
    at: (value) => at(value / unit.size),
    ticks: ticks.map((value) => ({ at: at(value), text: figures(value) })),
  };
}

type Extent = readonly [low: number, high: number];

export function extent(values: readonly number[]): Extent {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return low <= high ? [low, high] : [0, 1];
}

/** Multiples of powers of ten, as many of them as fit. */
function logarithmicTicks([low, high]: Extent, most: number): readonly number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const decades = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  for (const multiples of [[1, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]]) {
    const ticks = decades
      .flatMap((power) => multiples.map((multiple) => Number(`${multiple}e${power}`)))
      .filter((value) => value >= low && value <= high);
    if (ticks.length < 3) return linearTicks([low, high], most);
    if (ticks.length <= most) return ticks;
  }
  const every = Math.ceil(decades.length / most);
  const powers = decades.filter((power) => power % every === 0);
  return powers.map((power) => Number(`1e${power}`)).filter((value) => value >= low && value <= high);
}

/** Multiples of a round step. */
function linearTicks([low, high]: Extent, most: number): readonly number[] {
  const rough = (high - low) / most;
  const power = Math.floor(Math.log10(rough));
  const multiple = [1, 2, 5, 10].find((by) => by * 10 ** power >= rough)!;
  const step = Number(`${multiple}e${power}`);
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}
