import { mutationTest } from "../../engine/gradcheck/mutants/mutation.node.ts";
import {
  type KernelScore,
  killedShare,
  type MutantResult,
  mutationScore,
  ofKind,
  type Survivor,
} from "../../engine/gradcheck/mutants/score.ts";
import { survivors } from "../../kernels/survivors.ts";
import { formatTable, number, text } from "../command_line/table.ts";
import type { MutationScore } from "./page.ts";

/** Share of the mutants that the cases must kill. */
export const GOAL = 0.95;

export interface MutantsRun {
  readonly adapter?: string;
  /** Modules in place of our operations, and names of operations. */
  readonly modules: readonly string[];
  readonly operations: readonly string[];
  /** Most mutants of a kernel. */
  readonly limit?: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  onProgress(kernel: string, done: number, total: number): void;
}

/** Seeds faults in the kernels of operations, and scores what their cases see of them. */
export async function scoreMutants(run: MutantsRun): Promise<KernelScore[]> {
  const { operations, modules, signal } = run;
  const results: MutantResult[] = [];
  const suites = [
    ...(operations.length > 0 ? [{ operations }] : []),
    ...modules.map((module) => ({ module })),
  ];
  for (const suite of suites)
    for await (const result of mutationTest({ ...run, ...suite })) {
      results.push(result);
      if (signal.aborted) break;
    }
  return mutationScore(results, survivors);
}

/** A line a kernel and one for all, then the survivors by reason, unexplained ones first, with what was changed. */
export function printScores(scores: readonly KernelScore[]): void {
  const counts = ["score", "killed", "equivalent", "elsewhere", "hidden", "unexplained", "invalid"];
  const rows = [...scores.map((one) => row(one.kernel, [one])), row("all kernels", scores)];
  console.log(`\nfaults seeded in kernels\n${formatTable([text("kernel"), ...counts.map(number)], rows)}`);
  const byReason = new Map<string, Survivor[]>();
  for (const survivor of scores.flatMap(({ survivors }) => survivors)) {
    const { explanation } = survivor;
    const reason = explanation ? `${explanation.kind}: ${explanation.reason}` : "unexplained";
    byReason.set(reason, [...(byReason.get(reason) ?? []), survivor]);
  }
  for (const [reason, survivors] of [...byReason].sort(
    ([a], [b]) => Number(b === "unexplained") - Number(a === "unexplained"),
  )) {
    console.log(`\n${reason}`);
    for (const { kernel, mutant } of survivors)
      console.log(`  ${kernel} ${mutant.id}\n    - ${mutant.before}\n    + ${mutant.after}`);
  }
}

function row(name: string, scores: readonly KernelScore[]): (string | number)[] {
  const sum = (of: (score: KernelScore) => number) => scores.reduce((n, s) => n + of(s), 0);
  const kinds = (["equivalent", "elsewhere", "hidden", undefined] as const).map((kind) =>
    sum((s) => ofKind(kind, s)),
  );
  return [
    name,
    percent(killedShare(scores)),
    sum(({ killed }) => killed),
    ...kinds,
    sum(({ invalid }) => invalid),
  ];
}

const percent = (value: number) => (Number.isNaN(value) ? "-" : `${(100 * value).toFixed(1)} %`);

/** The same for a page. */
export const forPage = (scores: readonly KernelScore[]): MutationScore[] =>
  scores.map((s) => ({
    kernel: s.kernel,
    killed: s.killed + ofKind("elsewhere", s),
    valid: s.killed + s.survivors.length - ofKind("equivalent", s),
    survivors: s.survivors.map(({ mutant: { line, before, after, operator }, explanation }) => ({
      line,
      before,
      after,
      operator,
      reason: explanation && `${explanation.kind}: ${explanation.reason}`,
    })),
  }));
