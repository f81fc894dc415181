// The float64 references, by which kernels are judged, against PyTorch in float64.
import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { readFixtures, verifyFixture } from "../engine/gradcheck/operations/fixtures.ts";
import { problem } from "../engine/gradcheck/operations/problem.ts";
import { Report } from "../engine/gradcheck/report/report.ts";
import { ops } from "../kernels/index.ts";
import { group } from "./harness.ts";

const check = group("fixtures");
const fixtures = readFixtures(readFileSync("tests/goldens/operations.safetensors"));

for (const name of new Set(fixtures.map(({ op }) => op.name)))
  check.test(name, () => {
    const report = new Report();
    for (const fixture of fixtures)
      if (fixture.op.name === name) for (const finding of verifyFixture(fixture)) report.add(finding);
    for (const { check, cases, figure, where } of process.env.DEBUG ? report.rows : [])
      console.log(name, check, cases, figure, where);
    assert.ok(report.passed, report.failures.map(({ message }) => message).join("\n"));
  });

check.test("every operation is there, with every gradient it has", () => {
  for (const op of ops.filter(({ inputs }) => inputs.length > 0)) {
    const own = fixtures.filter((fixture) => fixture.op === op);
    assert.ok(own.length > 1, `${op.name} has ${own.length} fixtures`);
    const judged = new Set(own.flatMap(({ want }) => Object.keys(want.backward)));
    const missing = Object.keys(problem(op, op.cases[0]).want.backward).filter((name) => !judged.has(name));
    assert.equal(missing, [], op.name);
  }
});

check.run();
