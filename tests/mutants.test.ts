// The mutator makes the faults it says, and the cases catch them: a sample here, all of them with `tessera gradcheck --mutants`.

import * as assert from "uvu/assert";
import { mutants } from "../engine/gradcheck/mutants/mutate.ts";
import { mutationTest } from "../engine/gradcheck/mutants/mutation.node.ts";
import { killedShare, type MutantResult, mutationScore } from "../engine/gradcheck/mutants/score.ts";
import { survivors } from "../kernels/survivors.ts";
import { group } from "./harness.ts";

const check = group("mutants");

const TEXT = `// a[i] in a comment is no index
const WG: u32 = 4u; // @tune 4 8
@group(0) @binding(0) var<storage, read_write> a: array<f32>;
fn main(i: u32) {
  if (i >= shape.n) { return; }
  for (var k = 0u; k < shape.n; k++) { sum += a[i * shape.a_stride + k]; }
  a[i] = fma(a[i], -2.0, sum - 1.0 / sum);
}
struct Shape { n: u32, a_stride: u32, b_stride: u32 }`;

const after = (line: number) =>
  mutants(TEXT)
    .filter((mutant) => mutant.line === line)
    .map((mutant) => `${mutant.operator}: ${mutant.after}`);

check.test("a guard is dropped and its comparison moved", () =>
  assert.equal(after(5), [
    "guard dropped: if (false && (i >= shape.n)) { return; }",
    "comparison at its edge: if (i > shape.n) { return; }",
  ]),
);

check.test("a loop loses its start, its end, its steps, its sum and its index", () =>
  assert.equal(
    after(6).map((text) => text.replace("{ sum += a[i * shape.a_stride + k]; }", "{...}")),
    [
      "constant: for (var k = 1u; k < shape.n; k++) {...}",
      "comparison at its edge: for (var k = 0u; k <= shape.n; k++) {...}",
      "last iteration dropped: for (var k = 0u; k + 1 < shape.n; k++) {...}",
      "every second iteration: for (var k = 0u; k < shape.n; k += 2) {...}",
      "sign: for (var k = 0u; k < shape.n; k++) { sum -= a[i * shape.a_stride + k]; }",
      "accumulator lost: for (var k = 0u; k < shape.n; k++) { sum = a[i * shape.a_stride + k]; }",
      "index off by one: for (var k = 0u; k < shape.n; k++) { sum += a[(i * shape.a_stride + k) + 1]; }",
      "operator: for (var k = 0u; k < shape.n; k++) { sum += a[i + shape.a_stride + k]; }",
      "right factor dropped: for (var k = 0u; k < shape.n; k++) { sum += a[i  + k]; }",
      "left factor dropped: for (var k = 0u; k < shape.n; k++) { sum += a[ shape.a_stride + k]; }",
      "sign: for (var k = 0u; k < shape.n; k++) { sum += a[i * shape.a_stride - k]; }",
      "right term dropped: for (var k = 0u; k < shape.n; k++) { sum += a[i * shape.a_stride ]; }",
      "left term dropped: for (var k = 0u; k < shape.n; k++) { sum += a[ k]; }",
    ],
  ),
);

check.test("a fused product loses a sign, a factor and what it is added to", () =>
  assert.equal(after(7), [
    "index off by one: a[(i) + 1] = fma(a[i], -2.0, sum - 1.0 / sum);",
    "accumulator lost: a[i] = ((a[i]) * (-2.0));",
    "sign: a[i] = fma(-(a[i]), -2.0, sum - 1.0 / sum);",
    "left factor dropped: a[i] = fma(1.0, -2.0, sum - 1.0 / sum);",
    "right factor dropped: a[i] = fma(a[i], 1.0, sum - 1.0 / sum);",
    "index off by one: a[i] = fma(a[(i) + 1], -2.0, sum - 1.0 / sum);",
    "sign: a[i] = fma(a[i], 2.0, sum - 1.0 / sum);",
    "constant: a[i] = fma(a[i], -1.0, sum - 1.0 / sum);",
    "sign: a[i] = fma(a[i], -2.0, sum + 1.0 / sum);",
    "right term dropped: a[i] = fma(a[i], -2.0, sum );",
    "operands swapped: a[i] = fma(a[i], -2.0, ((1.0 / sum) - (sum)));",
    "constant: a[i] = fma(a[i], -2.0, sum - 0.0 / sum);",
    "operator: a[i] = fma(a[i], -2.0, sum - 1.0 % sum);",
    "right factor dropped: a[i] = fma(a[i], -2.0, sum - 1.0 );",
    "operands swapped: a[i] = fma(a[i], -2.0, sum - ((sum) / (1.0)));",
  ]),
);

check.test("nothing else is touched, and every text and id is its own", () => {
  const list = mutants(TEXT);
  assert.equal(
    list.filter(({ line }) => line < 5 || line > 7),
    [],
  );
  for (const of of ["id", "wgsl"] as const) assert.is(new Set(list.map((m) => m[of])).size, list.length);
});

check.test("of statements that differ in numbers only, three are mutated", () => {
  const lines = Array.from({ length: 9 }, (_, i) => `  acc_${i} = acc_${i} * b_${i};`);
  const list = mutants(`fn main() {\n${lines.join("\n")}\n}`);
  assert.equal([...new Set(list.map(({ line }) => line))], [2, 6, 10]);
});

check.test("the cases kill a sample of faults in small kernels", async () => {
  const results: MutantResult[] = [];
  const sample = { operations: ["relu", "add", "max_pool2d"], limit: 8, seed: 1 };
  for await (const result of mutationTest(sample)) results.push(result);
  const scores = mutationScore(results, survivors);
  const unexplained = scores.flatMap(({ survivors }) => survivors.filter((s) => !s.explanation));
  assert.equal(
    unexplained.map(({ kernel, mutant }) => `${kernel} ${mutant.id}: ${mutant.after}`),
    [],
  );
  assert.is(scores.length, 6);
  assert.ok(killedShare(scores) > 0.7, `${killedShare(scores)} killed`);
});

check.run();
