// The table in docs/costs.md is that of the operations, and its formulas are what `flops` counts.

import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { problemShapes } from "../../engine/gradcheck/operations/problem.ts";
import { withGradients } from "../../engine/graph/signature.ts";
import { ops } from "../../kernels/index.ts";
import { byFormula, COSTS, routinesOf, withTable } from "../costs_table.ts";
import { group } from "../harness.ts";

const check = group("costs table");

check.test("docs/costs.md is current: npm run docs:costs", () => {
  const page = readFileSync(COSTS, "utf8");
  if (withTable(page) !== page) assert.snapshot(page, withTable(page));
});

for (const op of ops)
  check.test(`${op.name} of ${op.inputs.length}: its formulas are its FLOPs`, () => {
    for (const example of op.cases) {
      const shapes = withGradients(problemShapes(op, example));
      const said = op.flops(shapes, example.attrs);
      for (const routine of routinesOf(op)) {
        const stated = byFormula(op, routine, shapes, example.attrs);
        assert.ok(
          stated.includes(said[routine] ?? 0),
          `${op.name}/${routine}, ${example.what}: flops ${said[routine]}, by formula ${stated.join(" or ")}`,
        );
      }
    }
  });

check.run();
