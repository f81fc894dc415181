// Every operation, every case, every algorithm the adapter can run, every tunable value: the forward values and all
// gradients against the float64 reference, within the operation's bound.
import { tunables } from "../engine/device/reflect.ts";
import { algorithms, LAYOUTS, type Problem, problem, run } from "../engine/gradcheck/routine.ts";
import { ops } from "../kernels/index.ts";
import type { Algorithm, Case, Op } from "../kernels/op.ts";
import { device, group } from "./harness.ts";

for (const op of ops) {
  const check = group(op.name === "concat" ? `concat of ${op.inputs.length}` : op.name);
  for (const example of op.cases) {
    const p = problem(op, example);
    for (const [routine, algorithm] of algorithms(device, op, example, p))
      check.test(`${example.what}: ${routine} ${algorithm.name}`, () =>
        checkAll(op, example, p, routine, algorithm),
      );
  }
  check.run();
}

/** The defaults in every layout; then every tunable at each of its values with the others at default. */
async function checkAll(
  op: Op,
  example: Case<any>,
  p: Problem,
  routine: string,
  { name, kernels }: Algorithm<any>,
) {
  for (const layout of LAYOUTS) await run(device, op, example, p, routine, { algorithm: name, layout });
  const values = new Map<string, readonly number[]>();
  for (const kernel of kernels) for (const [key, { choices }] of tunables(kernel)) values.set(key, choices);
  values.delete("LANES"); // the adapter's subgroup size decides it
  for (const [key, choices] of values)
    for (const value of choices)
      await run(device, op, example, p, routine, {
        algorithm: name,
        layout: "dense",
        tune: { [key]: value },
      });
}
