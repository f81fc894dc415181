// Every operation, every case, every algorithm the adapter can run: the reference against differences of itself,
// forward values and all gradients against the reference within the operation's bound, in every layout and in every
// third case at every tunable value (`tessera gradcheck --tunables each` takes all cases); gradients for linearity;
// workgroup memory for races; a few random problems.
import { differences } from "../engine/gradcheck/operations/differences.ts";
import { fuzz } from "../engine/gradcheck/operations/fuzz.ts";
import { algorithms } from "../engine/gradcheck/operations/launch.ts";
import { linearity } from "../engine/gradcheck/operations/linearity.ts";
import { problem } from "../engine/gradcheck/operations/problem.ts";
import { races } from "../engine/gradcheck/operations/races.ts";
import { attempt, trials } from "../engine/gradcheck/operations/trial.ts";
import { type Finding, passes } from "../engine/gradcheck/report/report.ts";
import { device, group } from "./harness.ts";
import { checkedOps } from "./operations.ts";
import { fast } from "./selection.ts";

/** Random problems of each operation; `tessera gradcheck --fuzz` takes more. */
const FUZZ = 4;
const SEED = 1;
/** SwiftShader takes seconds to compile a large tile: there the other settings are left to the command. */
const SETTINGS = fast || device.kind === "swiftshader" ? "tuned" : "each";
/** Convolution's tiles have dozens of settings, each a long text of its own to compile: likewise. */
const TILES = ["registers", "workgroup", "workgroup_split", "broadcast_split"];

for (const op of checkedOps) {
  const check = group(op.name === "concat" ? `concat of ${op.inputs.length}` : op.name);
  for (const [i, example] of op.cases.entries()) {
    const tunablesOf = (algorithm: string) =>
      i % 3 === 0 && !TILES.includes(algorithm) ? SETTINGS : "tuned";
    const p = problem(op, example, { seed: SEED });
    check.test(`${example.what}: reference`, () => {
      for (const finding of differences(op, example, SEED)) expect(finding);
    });
    for (const [routine, algorithm] of algorithms(device, op, example, p))
      check.test(`${example.what}: ${routine} ${algorithm.name}`, async () => {
        for (const trial of trials(op, example, routine, algorithm, tunablesOf(algorithm.name), SEED))
          expect(await attempt(device, op, trial, p));
        if (routine in op.backward) expect(await linearity(device, op, example, p, routine, algorithm));
      });
  }
  check.test("workgroup memory has no races", () => {
    for (const finding of races(device, op)) expect(finding);
  });
  check.test(`${FUZZ} random problems`, () =>
    fuzz(device, op, { count: FUZZ, seed: SEED, tunables: SETTINGS }, expect),
  );
  check.run();
}

function expect(finding: Finding | undefined): void {
  if (!finding || passes(finding.figure)) return;
  const { check, where, message, repro } = finding;
  throw new Error(`${check}, ${where}: ${message}${repro ? `\n  tessera gradcheck repro '${repro}'` : ""}`);
}
