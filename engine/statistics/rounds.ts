/** Takes one sample of a contender. */
export type Sampler<T = number> = () => Promise<T>;

export interface RoundOptions {
  /** Ends the rounds before the next sample; what was taken until then is returned. */
  readonly signal?: AbortSignal;
  /** Asked after each round, with how many are done: false ends them. */
  readonly goOn?: (done: number) => boolean;
  /** Rounds done before these, where they are continued: every second round of all runs backwards. */
  readonly from?: number;
}

/**
 * Samples of contenders in interleaved rounds, A B C, then C B A, so that a drift of the machine affects all alike.
 * Returns the samples of each contender.
 */
export async function inRounds<T>(
  contenders: readonly Sampler<T>[],
  rounds: number,
  { signal, goOn = () => true, from = 0 }: RoundOptions = {},
): Promise<T[][]> {
  const samples: T[][] = contenders.map(() => []);
  const order = [...contenders.keys()];
  for (let round = from; round < from + rounds; round++) {
    for (const i of round % 2 === 0 ? order : order.toReversed()) {
      if (signal?.aborted) return samples;
      samples[i].push(await contenders[i]());
    }
    if (!goOn(round + 1)) break;
  }
  return samples;
}
