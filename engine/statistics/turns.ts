// Two measured in turns until it is clear which is faster: A B, then B A, so that a drift affects both alike.

import { pairedRatio, type Ratio, VERDICT_DEFAULTS, type VerdictOptions, verdictOf } from "./ratio.ts";
import { inRounds, type Sampler } from "./rounds.ts";

/** How one sample of each of the two is taken. */
export interface SamplerPair {
  readonly a: Sampler;
  readonly b: Sampler;
}

/** How long two are measured, and what of the comparison is reported meanwhile. */
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
/** Rounds at most. */
export const MOST_ROUNDS = FIRST * 2 ** (LOOKS - 1);

/** The samples of a pair, and their ratio. */
export interface PairSamples {
  readonly a: readonly number[];
  readonly b: readonly number[];
  /** Undefined where they are too few. */
  readonly ratio?: Ratio;
}

/**
 * Measures pairs in turns. Their ratios are looked at after 32 rounds, 64, 128 and so on, and a pair that is decided is
 * measured no more. To look often and stop when one likes what one sees finds differences that are not there: every look
 * of every pair has its share of the errors that are allowed (Bonferroni over pairs and looks), and the number of looks
 * is fixed beforehand. The intervals that come back hold with that.
 */
export async function compareInTurns(
  pairs: readonly SamplerPair[],
  options: TurnOptions = {},
): Promise<PairSamples[]> {
  const { time = Infinity, signal, now = () => performance.now() / 1e3, onRound } = options;
  const { tolerance, confidence = VERDICT_DEFAULTS.confidence } = options;
  const share = { ...options, confidence: 1 - (1 - confidence) / (LOOKS * pairs.length) };
  const samples = pairs.map(() => ({ a: [] as number[], b: [] as number[] }));
  const ratios: (Ratio | undefined)[] = pairs.map(() => undefined);
  let undecided = [...pairs.keys()];
  const end = now() + time;
  let done = 0;
  let goesOn = now() < end;
  while (undecided.length > 0 && done < MOST_ROUNDS && goesOn && !signal?.aborted) {
    const goOn = (rounds: number) => {
      done = rounds;
      onRound?.(rounds, undecided.length);
      goesOn = now() < end;
      return goesOn;
    };
    const next = done === 0 ? FIRST : 2 * done;
    const contenders = undecided.flatMap((i) => [pairs[i].a, pairs[i].b]);
    const taken = await inRounds(contenders, next - done, { signal, goOn, from: done });
    for (const [k, i] of undecided.entries()) {
      samples[i].a.push(...taken[2 * k]);
      samples[i].b.push(...taken[2 * k + 1]);
      ratios[i] = pairedRatio(samples[i].a, samples[i].b, share);
    }
    undecided = undecided.filter((i) => !ratios[i] || verdictOf(ratios[i], tolerance) === "UNCLEAR");
  }
  return samples.map(({ a, b }, i) => ({ a, b, ...(ratios[i] && { ratio: ratios[i] }) }));
}
