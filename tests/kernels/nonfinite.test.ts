// What every operation makes of infinities, NaN and ties, on the adapter of the tests.

import { ops } from "../../kernels/index.ts";
import { device, group } from "../harness.ts";
import { checkRow } from "./nonfinite/check_row.ts";
import { ROWS } from "./nonfinite/rows.ts";

const check = group("nonfinite");

for (const row of ROWS) check.test(row.what, () => checkRow(device, row));

check.test("every operation has its row", () => {
  const elsewhere = ["cast_f16", "cast_f32"];
  const missing = ops.filter(
    ({ name }) => !elsewhere.includes(name) && !ROWS.some(({ op }) => op.name === name),
  );
  if (missing.length > 0) throw new Error(`no row of ${missing.map(({ name }) => name).join(", ")}`);
});

check.run();
