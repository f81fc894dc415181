// The clock that knows itself: how fine it reads, how often a dispatch must be repeated to be read, and when it cannot be.

import type { Reading } from "../results/row.ts";

/** Seconds that one submission took: by timestamps at both ends of its pass where there are any, and for the host. */
export interface Measured {
  readonly timestamp?: number;
  readonly wall: number;
}

/** Submits so many dispatches in one pass and waits for them. */
export type Measure = (dispatches: number) => Promise<Measured>;

/** Smallest steps of the clocks, in seconds; no `timestamp` where there are none or they stand still. */
export interface Quanta {
  readonly timestamp?: number;
  readonly wall: number;
}

/** What a clock asks of a sample, and when it gives up. */
export interface ClockOptions {
  /** What a sample must last, in steps of the clock: a step is then a hundredth of it at most. */
  readonly quanta?: number;
  /** Seconds that a sample must last reserved: what the host does now and then is then small. */
  readonly least?: number;
  /** Samples of a dispatch; up to eight times as many where the machine is so noisy that they say too little. */
  readonly samples?: number;
  /** Dispatches in a sample at most. */
  readonly most?: number;
  /** Seconds after which no more is tried; three samples are taken all the same. */
  readonly limit?: number;
  /** Greatest standard error of a slope, as a part of it, at which it says enough. */
  readonly error?: number;
}

const DEFAULTS: Required<ClockOptions> = {
  quanta: 100,
  least: 0.005,
  samples: 7,
  most: 2 ** 14,
  limit: 10,
  error: 0.15,
};

/** Samples without which there is no median to speak of. */
const FEWEST = 3;
/** Times as many samples as usual where the slope is still unsure. */
const PATIENCE = 8;
/** Seconds of a single dispatch from which on it is read alone: what a pass or a submission costs is nothing to them. */
const LONG: Readonly<Record<Reading["source"], number>> = { timestamp: 0.005, wall: 0.25 };

/** What a clock says of a dispatch. */
export interface Timing {
  readonly reading: Reading;
  /** Seconds of one dispatch, by sample. */
  readonly times: readonly number[];
  /** Why the times cannot be compared with others. */
  readonly unrankable?: string;
}

type Source = Reading["source"];
type Point = readonly [dispatches: number, seconds: number];

/** A dispatch with the number of repeats at which it can be read. */
export interface Gauge {
  readonly source: Reading["source"];
  readonly quantum: number;
  /** Dispatches in a sample. */
  readonly repeats: number;
  /** Whether they are read alone, and not with twice as many. */
  readonly alone: boolean;
  /** Seconds of one dispatch, roughly. */
  readonly estimate: number;
  /** Seconds that finding out took. */
  readonly spent: number;
  /** Why no number of repeats will do. */
  readonly unrankable?: string;
}

/**
 * Reads dispatches shorter than its own step by repeating them in one pass. A sample is the difference between n
 * and 2n dispatches, divided by n, in which the fixed cost of a submission cancels. Timestamps count as long as the
 * wall clock does not contradict them.
 */
export class Clock {
  readonly options: Required<ClockOptions>;

  constructor(
    readonly quanta: Quanta,
    options: ClockOptions = {},
  ) {
    this.options = { ...DEFAULTS, ...options };
  }

  /** Samples of a dispatch; of one that takes longer than `hopeless` seconds no more than needed. */
  async time(measure: Measure, hopeless = Infinity): Promise<Timing> {
    const gauge = await this.gauge(measure);
    const { samples, limit, error } = this.options;
    const brief = gauge.unrankable !== undefined || gauge.estimate > hopeless;
    const wanted = brief ? FEWEST : samples;
    const points: Point[] = [];
    const times: number[] = [];
    const sample = sampler(measure, gauge);
    let spent = gauge.spent;
    const unsure = () => !gauge.alone && !brief && standardError(points) > error;
    const enough = () => times.length >= wanted && (times.length >= PATIENCE * wanted || !unsure());
    while (times.length < FEWEST || (spent < limit && !enough())) {
      const read = await sample();
      points.push(...read);
      times.push(slope(read));
      spent += read.reduce((sum, [, seconds]) => sum + seconds, 0);
    }
    const { source, quantum, repeats } = gauge;
    const reading: Reading = { source, quantum, repeats, ...(!gauge.alone && { r2: determination(points) }) };
    const poor = unsure()
      ? `time over the number of dispatches is known to ${percent(standardError(points))} where ${percent(error)} is asked for (r2 ${reading.r2!.toFixed(2)})`
      : undefined;
    const unrankable = gauge.unrankable ?? poor;
    return { reading, times, ...(unrankable && { unrankable }) };
  }

  /** Finds the clock to trust and the number of repeats. */
  async gauge(measure: Measure): Promise<Gauge> {
    const { wall } = await measure(1); // the driver may compile at the first dispatch
    const found =
      this.quanta.timestamp === undefined ? undefined : await this.#gauge(measure, "timestamp", wall);
    return found ?? (await this.#gauge(measure, "wall", wall))!;
  }

  /** Undefined where the wall clock contradicts timestamps. */
  async #gauge(measure: Measure, source: Source, warm: number): Promise<Gauge | undefined> {
    const { most, limit, least, quanta } = this.options;
    const quantum = this.quanta[source]!;
    const need = Math.max(least, quanta * quantum);
    let spent = warm;
    const read = async (dispatches: number) => {
      const measured = await measure(dispatches);
      spent += measured.wall;
      return { timestamp: measured.timestamp ?? 0, wall: measured.wall };
    };
    const gauge = (repeats: number, estimate: number, alone: boolean, unrankable?: string): Gauge => ({
      source,
      quantum,
      repeats,
      alone,
      estimate,
      spent,
      unrankable,
    });
    const alone = await read(1);
    if (alone[source] >= Math.max(LONG[source], need))
      return this.#contradicts(source, alone) ? undefined : gauge(1, alone[source], true);

    for (let n = 1, before: Required<Measured> | undefined; ; ) {
      const [one, two] = [await read(n), await read(2 * n)];
      const grown = { timestamp: two.timestamp - one.timestamp, wall: two.wall - one.wall };
      const growth = grown[source];
      // on a noisy host a difference may be small by chance; what is so long by itself is no fixed cost
      const enough = growth >= need || one[source] >= 8 * need;
      if (enough || n >= most || spent >= limit) {
        // a pause of the host in the longer of two looks like this: it does not come twice
        if (!before && spent < limit) {
          before = grown;
          continue;
        }
        if (this.#contradicts(source, grown) && this.#contradicts(source, before ?? grown)) return undefined;
        const short = enough
          ? undefined
          : `${n} dispatches take ${ms(growth)} where ${ms(need)} are needed: ${quanta} steps of ${ms(quantum)} of the ${source} clock and no less than ${ms(least)}`;
        return gauge(n, two[source] / (2 * n), false, short);
      }
      before = undefined;
      const wanted = growth > 0 ? Math.ceil((1.3 * n * need) / growth) : 4 * n;
      n = Math.min(most, Math.max(2 * n, Math.min(wanted, 16 * n)));
    }
  }

  /**
   * Whether the wall clock contradicts timestamps: they cannot take longer than the host waits, and of what it waits for
   * many dispatches at least a quarter is theirs, but for some steps of the wall clock that a busy host adds.
   */
  #contradicts(source: Source, { timestamp, wall }: Required<Measured>): boolean {
    if (source === "wall") return false;
    const step = this.quanta.wall;
    return timestamp > 1.5 * wall + 4 * step || timestamp < (wall - 20 * step) / 4;
  }
}

/**
 * Takes samples of a dispatch: readings at `repeats` and twice as many, the longer first every other time, so that a
 * drift cancels.
 */
export function sampler(
  measure: Measure,
  { source, repeats, alone }: Pick<Gauge, "source" | "repeats" | "alone">,
) {
  let turn = 0;
  return async (): Promise<readonly Point[]> => {
    const counts = alone ? [repeats] : turn++ % 2 === 0 ? [repeats, 2 * repeats] : [2 * repeats, repeats];
    const points: Point[] = [];
    for (const n of counts) points.push([n, (await measure(n))[source] ?? 0]);
    return points;
  };
}

/**
 * What suits all of some dispatches: a busy host treats long submissions unlike short ones, so that those which are
 * compared must be read alike.
 */
export const common = (gauges: readonly Gauge[]): Pick<Gauge, "source" | "repeats" | "alone"> => ({
  source: gauges.every(({ source }) => source === "timestamp") ? "timestamp" : "wall",
  repeats: Math.max(...gauges.map(({ repeats }) => repeats)),
  alone: gauges.every(({ alone }) => alone),
});

/** Seconds of one dispatch, from the readings of a sample: their difference, in which fixed cost cancels. */
export function slope(points: readonly Point[]): number {
  const [[n, first], second] = points;
  return second ? (second[1] - first) / (second[0] - n) : first / n;
}

/**
 * Seconds of one dispatch, from the readings of a sample: all of them, with a third of the slope's noise. What is left of
 * the fixed cost is in all contenders alike and makes ties of differences, never a best that is none.
 */
export function mean(points: readonly Point[]): number {
  const sum = (of: 0 | 1) => points.reduce((total, point) => total + point[of], 0);
  return sum(1) / sum(0);
}

/** Coefficient of determination of the least-squares line through the readings. */
function determination(points: readonly Point[]): number {
  const middle = (of: 0 | 1) => points.reduce((total, point) => total + point[of], 0) / points.length;
  const [mx, my] = [middle(0), middle(1)];
  const sum = (of: (dx: number, dy: number) => number) =>
    points.reduce((total, [x, y]) => total + of(x - mx, y - my), 0);
  const [xx, xy, yy] = [sum((x) => x * x), sum((x, y) => x * y), sum((_, y) => y * y)];
  if (yy === 0) return 0; // a clock that stands still
  return xy <= 0 ? 0 : (xy * xy) / (xx * yy);
}

/** Standard error of the slope of that line, as a part of it. */
function standardError(points: readonly Point[]): number {
  const r2 = determination(points);
  return Math.sqrt((1 - r2) / (r2 * (points.length - 2)));
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;
const ms = (seconds: number): string => `${Number((seconds * 1e3).toPrecision(3))} ms`;
