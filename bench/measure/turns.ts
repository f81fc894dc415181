// Two measured in turns until it is clear which is faster: A B, then B A, so that a drift touches both alike.

import { DEFAULTS, pairedRatio, type Ratio, type VerdictOptions, verdictOf } from "./verdict.ts";

/** Seconds of one turn. */
export type Turn = () => Promise<number>;

/** What is measured of both. */
export interface Pair {
  readonly a: Turn;
  readonly b: Turn;
}

export interface TurnOptions extends VerdictOptions {
  /** Seconds after which no new round begins. */
  readonly time?: number;
  readonly signal?: AbortSignal;
  /** Of the wall clock, in seconds. */
  readonly now?: () => number;
  readonly onRound?: (round: number, undecided: number) => void;
}

/** Rounds at the first look; every further one comes at twice as many. */
const FIRST = 32;
/** Looks in all: the last may come earlier, when time is up. */
const LOOKS = 7;
export const MOST_ROUNDS = FIRST * 2 ** (LOOKS - 1);

/** The samples of a pair, and what they say. */
export interface Taken {
  readonly a: readonly number[];
  readonly b: readonly number[];
  /** Undefined where they are too few. */
  readonly ratio?: Ratio;
}

/**
 * Measures pairs in turns. What is said of them is looked at after 32 rounds, 64, 128 and so on, and a pair that is
 * decided is measured no more. To look often and stop when one likes what one sees finds differences that are not there:
 * every look of every pair has its share of what all may be wrong (Bonferroni over pairs and looks), and the number
 * of looks is fixed beforehand. The intervals that come back hold with that.
 */
export async function inTurns(pairs: readonly Pair[], options: TurnOptions = {}): Promise<Taken[]> {
  const { time = Infinity, signal, now = () => performance.now() / 1e3 } = options;
  const { tolerance = DEFAULTS.tolerance, confidence = DEFAULTS.confidence } = options;
  const share = { ...options, confidence: 1 - (1 - confidence) / (LOOKS * pairs.length) };
  const samples = pairs.map(() => ({ a: [] as number[], b: [] as number[] }));
  const ratios: (Ratio | undefined)[] = pairs.map(() => undefined);
  let undecided = [...pairs.keys()];
  const look = () => {
    for (const i of undecided) ratios[i] = pairedRatio(samples[i].a, samples[i].b, share);
    undecided = undecided.filter((i) => !ratios[i] || verdictOf(ratios[i], tolerance) === "UNCLEAR");
  };
  const end = now() + time;
  let round = 0;
  for (let next = FIRST; undecided.length > 0 && round < MOST_ROUNDS && now() < end; round++) {
    for (const i of undecided)
      for (const which of round % 2 === 0 ? (["a", "b"] as const) : (["b", "a"] as const)) {
        if (signal?.aborted) break;
        samples[i][which].push(await pairs[i][which]());
      }
    if (signal?.aborted) break;
    options.onRound?.(round + 1, undecided.length);
    if (round + 1 < next) continue;
    look();
    next *= 2;
  }
  look();
  return samples.map(({ a, b }, i) => ({ a, b, ...(ratios[i] && { ratio: ratios[i] }) }));
}
