// What mutants say of a suite: the share it killed, and of every survivor why.

import type { Explanation, Kind } from "../../../kernels/explanation.ts";
import type { Mutant } from "./mutate.ts";
import type { Kill } from "./mutation.ts";

export type MutantVerdict = "killed" | "survived" | "invalid";

/** What became of one mutant; `invalid` ones do not compile and do not count. */
export interface MutantResult {
  readonly op: string;
  /** The kernel's label. */
  readonly kernel: string;
  readonly mutant: Omit<Mutant, "wgsl">;
  readonly verdict: MutantVerdict;
  /** What killed it: a case; or else it hung (`timeout`), ended its process (`crash`) or lost the device (`lost`). */
  readonly by?: Kill;
}

export type { Explanation, Kind };

export interface Survivor extends MutantResult {
  readonly explanation?: Explanation;
}

export interface KernelScore {
  readonly kernel: string;
  readonly killed: number;
  /** Killed by timeout, crash or loss of the device, which `killed` includes. */
  readonly ended: number;
  readonly invalid: number;
  readonly survivors: readonly Survivor[];
}

const describe = ({ operator, before, after }: MutantResult["mutant"]) =>
  `${operator}: ${before} -> ${after}`;

/** Results by kernel, survivors with the first explanation that fits. */
export function mutationScore(
  results: readonly MutantResult[],
  explanations: readonly Explanation[],
): KernelScore[] {
  const kernels = new Map<string, MutantResult[]>();
  for (const result of results) kernels.set(result.kernel, [...(kernels.get(result.kernel) ?? []), result]);
  return [...kernels].map(([kernel, list]) => ({
    kernel,
    killed: list.filter(({ verdict }) => verdict === "killed").length,
    ended: list.filter(({ by }) => by && /^(timeout|crash|lost)$/.test(by.where)).length,
    invalid: list.filter(({ verdict }) => verdict === "invalid").length,
    survivors: list
      .filter(({ verdict }) => verdict === "survived")
      .map((result) => ({
        ...result,
        explanation: explanations.find(
          (e) => e.kernel.test(kernel) && e.mutant.test(describe(result.mutant)),
        ),
      })),
  }));
}

/** Survivors of a kind; without one, the unexplained. */
export const ofKind = (kind: Kind | undefined, { survivors }: KernelScore): number =>
  survivors.filter(({ explanation }) => explanation?.kind === kind).length;

/** Killed over all that compile and are not equivalent; NaN where there are none. */
export function killedShare(scores: readonly KernelScore[]): number {
  const sum = (of: (score: KernelScore) => number) => scores.reduce((n, score) => n + of(score), 0);
  const killed = sum((s) => s.killed + ofKind("elsewhere", s));
  return killed / (killed + sum((s) => ofKind("hidden", s) + ofKind(undefined, s)));
}
