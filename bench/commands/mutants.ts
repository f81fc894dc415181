import { appendFileSync } from "node:fs";
import { resolve } from "node:path";
import { mutationTest } from "../../engine/gradcheck/mutation.node.ts";
import { printScore, type Result, score, share } from "../../engine/gradcheck/score.ts";
import { explained } from "../mutants/explained.ts";

export interface MutantsOptions {
  readonly kernel?: string;
  readonly limit?: number;
  readonly seed: number;
  readonly module?: string;
  readonly out?: string;
}

/** The share of the mutants killed below which the command fails. */
const GOAL = 0.95;

/** Seeds faults in kernels, prints what share the cases kill and which survive. */
export async function mutants(operations: readonly string[], options: MutantsOptions): Promise<void> {
  const results: Result[] = [];
  const tests = mutationTest({
    ...options,
    module: options.module && resolve(options.module),
    operations: operations.length > 0 ? operations : undefined,
    onProgress: (kernel, done, total) =>
      process.stderr.isTTY && process.stderr.write(`\r\x1b[K${kernel} ${done + 1}/${total}`),
  });
  for await (const result of tests) {
    results.push(result);
    if (options.out) appendFileSync(options.out, `${JSON.stringify(result)}\n`);
  }
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  const scores = score(results, explained);
  console.log(printScore(scores));
  if (!(share(scores) >= GOAL)) process.exitCode = 1;
}
