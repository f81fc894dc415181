// Tuning tables: what they say of a problem, what is wrong in one, and that those shipped name what exists.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { classOf } from "../engine/device/adapter_class.ts";
import { Device } from "../engine/device/device.ts";
import { tunables } from "../engine/device/reflect.ts";
import type { Traits } from "../engine/device/traits.ts";
import { parseTuningTable, readTuningTable } from "../engine/device/tuning_table.ts";
import { FormatError, LimitError } from "../engine/errors.ts";
import { Graph } from "../engine/graph/graph.ts";
import { withGradients } from "../engine/graph/signature.ts";
import type { Choose } from "../engine/plan/choose.ts";
import { plan } from "../engine/plan/plan.ts";
import { problemKey, SHIPPED } from "../engine/plan/tables/preferences.ts";
import { conv2d, type Op, ops } from "../kernels/index.ts";
import { device, group } from "./harness.ts";

const check = group("tuning tables");
const TRAITS: Traits = {
  ...device.traits,
  name: "test adapter",
  class: "gpu",
  features: new Set(["subgroups"]),
  subgroupSize: 8,
};
const GIVEN = { x: [1, 8, 8, 16], w: [3, 3, 16, 32], b: [32] };
const ATTRS = {
  stride: [1, 1],
  padding: [
    [1, 1],
    [1, 1],
  ],
};

/** The one launch of a convolution, 3x3, 16 to 32 channels, 64 pixels, with a table and the caller's own choice. */
function launch(table: object, { choose, op = conv2d }: { choose?: Choose; op?: Op } = {}) {
  const graph = new Graph();
  const [x, w, b] = Object.entries(GIVEN).map(([name, shape]) => graph.input(name, shape));
  const { y } = graph.apply(op, { x, w, b }, ATTRS);
  const traits = { ...TRAITS, tuningTable: parseTuningTable("test", table) };
  const [{ algorithm, kernel, why }] = plan(graph, traits, { outputs: { y }, choose }).dispatches;
  return { algorithm, tune: kernel.tune, why };
}

const rules = (...list: object[]) => ({ routines: { "conv2d/forward": list } });
const plain = { algorithm: "plain" };

check.test("the first rule that holds wins", () => {
  const made = launch(
    rules({ when: { window: "1x1" }, algorithm: "broadcast" }, plain, { tune: { ROWS: 1 } }),
  );
  assert.equal(made.algorithm, "plain");
  assert.is(made.why, "test: conv2d/forward[1]");
});

for (const [what, when, holds] of [
  ["window", { window: "3x3" }, true],
  ["another window", { window: "1x7" }, false],
  ["one of several windows", { window: ["1x7", "3x3"] }, true],
  ["stride", { stride: "1x1" }, true],
  ["channels in", { inputs: 16 }, true],
  ["channels out", { outputs: { least: 32, most: 32 } }, true],
  ["channels out beyond", { outputs: { least: 33 } }, false],
  ["channels out below", { outputs: { most: 31 } }, false],
  ["pixels", { pixels: { most: 64 } }, true],
  ["images", { images: [2, 4] }, false],
  ["subgroupSize", { subgroupSize: 8 }, true],
  ["all conditions", { inputs: 16, outputs: 33 }, false],
] as const)
  check.test(`a rule by ${what} ${holds ? "holds" : "does not hold"}`, () => {
    assert.is(
      launch(rules({ when, algorithm: "plain" }, { algorithm: "broadcast" })).algorithm === "plain",
      holds,
    );
  });

check.test("an exact problem goes before the rules", () => {
  const key = problemKey({ ...GIVEN, ...conv2d.shapes(GIVEN, ATTRS as never) }, ATTRS);
  const table = { ...rules({ algorithm: "broadcast" }), problems: { "conv2d/forward": { [key]: plain } } };
  assert.is(launch(table).why, "test: conv2d/forward, this problem");
  assert.is(launch(table).algorithm, "plain");
});

check.test("the key of a problem leaves out gradients and the order of names", () => {
  const shapes = { ...GIVEN, ...conv2d.shapes(GIVEN, ATTRS as never) };
  const key = problemKey(shapes, ATTRS);
  assert.is(key, problemKey(withGradients(shapes), { padding: ATTRS.padding, stride: ATTRS.stride }));
  assert.is.not(key, problemKey({ ...shapes, x: [2, 8, 8, 16] }, ATTRS));
  assert.is.not(key, problemKey(shapes, { ...ATTRS, stride: [2, 1] }));
});

check.test("a rule that does not fit or exist, or lacks its feature, falls through", () => {
  const bare = { ...TRAITS, features: new Set<string>(), subgroupSize: 0 };
  const graph = new Graph();
  const other = { ...conv2d, name: "convolution" }; // that no shipped table speaks of
  const { y } = graph.apply(other, { x: graph.input("x", GIVEN.x), w: graph.input("w", GIVEN.w) }, ATTRS);
  const routines = { "convolution/forward": [{ algorithm: "broadcast" }, { algorithm: "fft" }] };
  const tuningTable = parseTuningTable("test", { routines });
  const [{ algorithm, why }] = plan(graph, { ...bare, tuningTable }, { outputs: { y } }).dispatches.slice(-1);
  assert.equal([algorithm, why], ["registers", "the operation's order"]);
  const fits = { ...conv2d.forward[1], name: "small", fits: () => false };
  const op = { ...conv2d, forward: [fits, ...conv2d.forward] };
  assert.is(launch(rules({ algorithm: "small" }, plain), { op }).algorithm, "plain");
  assert.throws(
    () => launch({}, { op, choose: () => ({ algorithm: "small" }) }),
    (error: Error) =>
      error instanceof LimitError && /conv2d\/forward: .* small does not fit/.test(error.message),
  );
});

check.test("tunables are the rule's, then the operation's own", () => {
  const tile = launch(rules({ algorithm: "broadcast", tune: { ROWS: 1, ELSE: 3 } })).tune;
  assert.is(tile.ROWS, 1);
  assert.is(tile.COLS, launch({}, { choose: () => ({ algorithm: "broadcast" }) }).tune.COLS);
});

check.test("the caller's choice overrides; what it leaves open is the rule's for that algorithm", () => {
  const table = rules(
    { when: { window: "3x3" }, algorithm: "plain" },
    { algorithm: "broadcast", tune: { ROWS: 1 } },
  );
  assert.is(launch(table).algorithm, "plain");
  const made = launch(table, { choose: () => ({ algorithm: "broadcast", tune: { COLS: 2 } }) });
  assert.equal([made.algorithm, made.tune.ROWS, made.tune.COLS, made.why], ["broadcast", 1, 2, "the caller"]);
});

check.test("a caller gets routine, shapes and attributes", () => {
  const seen: unknown[] = [];
  launch({}, { choose: (routine, { x }, { stride }) => void seen.push(routine, x, stride) });
  assert.equal(seen, ["conv2d/forward", GIVEN.x, [1, 1]]);
});

check.test("a fused operation takes the rules of its own name, then the plain one's", () => {
  const op = { ...conv2d, name: "conv2d_moments" };
  assert.is(launch(rules(plain), { op }).why, "test: conv2d/forward[0]");
  const own = { "conv2d_moments/forward": [{ algorithm: "broadcast" }] };
  const made = launch({ routines: { ...rules(plain).routines, ...own } }, { op });
  assert.is(made.why, "test: conv2d_moments/forward[0]");
});

check.test("a table is for adapters of its name and class", () => {
  const of = (head: object) => launch({ ...head, ...rules(plain) }).algorithm === "plain";
  assert.ok(of({ adapter: "TEST" }) && of({ class: "gpu" }) && of({ adapter: "^test", class: "gpu" }));
  assert.not(of({ adapter: "nvidia" }) || of({ class: "cpu" }) || of({ class: "discrete" }));
});

for (const [what, table, says] of [
  ["no JSON", "{", /^t\.json: not JSON: /],
  ["a list", "[]", /^t\.json: the table is \[\] but an object is expected/],
  ["an unknown name", { rules: {} }, /^t\.json: the table .*"rules" but one of adapter, class, /],
  ["an unknown class", { class: "tpu" }, /^t\.json: class is "tpu" but one of cpu, discrete, /],
  ["a bad pattern", { adapter: "(" }, /^t\.json: adapter is "\(" but a regular expression/],
  ["no routine", { routines: { conv2d: [] } }, /^t\.json: a routine is "conv2d" but <op>\/<routine>/],
  ["no list", { routines: { "a/b": {} } }, /^t\.json: routines\["a\/b"\] is \{\} but a list of rules/],
  [
    "an unknown fact",
    rules({ when: { widow: "1x1" } }),
    /forward"\]\[0\]\.when .*"widow" but one of window, /,
  ],
  ["a number for text", rules({ when: { window: 3 } }), /\.when\.window is 3 but text such as "3x3"/],
  ["text for a number", rules({ when: { pixels: "8" } }), /\.when\.pixels is "8" but a number/],
  ["a range of text", rules({ when: { stride: { least: 1 } } }), /\.when\.stride is .* but text/],
  ["a bad end", rules({ when: { pixels: { leest: 1 } } }), /pixels .*"leest" but one of least, most/],
  ["no name", rules({ algorithm: 3 }), /\[0\]\.algorithm is 3 but a name/],
  ["a fraction", rules({ tune: { ROWS: 0.5 } }), /\[0\]\.tune\.ROWS is 0\.5 but a whole number/],
  ["no choice", { problems: { "a/b": { k: 1 } } }, /problems\["a\/b"\]\["k"\] is 1 but an object/],
] as const)
  check.test(`${what} in a table is a FormatError with path and place`, () => {
    assert.throws(
      () => readTuningTable("t.json", typeof table === "string" ? table : JSON.stringify(table)),
      (error: Error) => error instanceof FormatError && says.test(error.message),
    );
  });

check.test("a device takes a table from a file or an object", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tessera-tables-"));
  const path = join(folder, "mine.json");
  try {
    writeFileSync(path, JSON.stringify(rules(plain)));
    for (const tuningTable of [path, rules(plain)]) {
      const nothing = await Device.open({ adapter: "null", tuningTable });
      assert.equal(nothing.traits.tuningTable?.routines["conv2d/forward"][0].algorithm, "plain");
      nothing.close();
    }
    const refused = (tuningTable: string) =>
      Device.open({ adapter: "null", tuningTable }).catch((error) => error);
    const absent = await refused(join(folder, "absent.json"));
    assert.ok(absent instanceof FormatError && /absent\.json: cannot be read/.test(absent.message));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

check.test("every routine, algorithm and tunable of a shipped table exists", () => {
  for (const { path, routines, problems } of SHIPPED) {
    const exact = Object.entries(problems).map(([name, keys]) => [name, Object.values(keys)] as const);
    for (const [name, choices] of [...Object.entries(routines), ...exact]) {
      const [op, routine] = name.split("/");
      const found = ops.find((one) => one.name === op);
      const algorithms = routine === "forward" ? found?.forward : found?.backward[routine];
      assert.ok(algorithms, `${path}: ${name}`);
      for (const { algorithm, tune = {} } of choices) {
        const named = algorithms.filter((one) => algorithm === undefined || one.name === algorithm);
        assert.ok(named.length > 0, `${path}: ${name}: ${algorithm}`);
        const space = new Map(named.flatMap(({ kernels }) => kernels.flatMap((k) => [...tunables(k)])));
        for (const [tunable, value] of Object.entries(tune))
          assert.ok(space.get(tunable)?.choices.includes(value), `${path}: ${name}: ${tunable}=${value}`);
      }
    }
  }
});

for (const [words, want] of [
  ["mesa software llvmpipe (LLVM 15.0.6, 256 bits)", "cpu"],
  ["google swiftshader", "cpu"],
  ["nvidia hopper NVIDIA H200", "discrete"],
  ["nvidia ampere Orin (nvgpu)", "integrated"],
  ["apple metal-3", "integrated"],
  ["intel gen-12lp", "integrated"],
  ["intel xe-hpg Intel(R) Arc(TM) A770", "discrete"],
  ["amd rdna-3 AMD Radeon RX 7900 XTX", "discrete"],
  ["amd rdna-2 AMD Radeon Graphics (RADV)", "integrated"],
  ["amd rdna-2", "gpu"],
  ["", "gpu"],
] as const)
  check.test(`an adapter called "${words}" is of class ${want}`, () => {
    const [vendor = "", architecture = "", ...rest] = words.split(" ");
    assert.is(classOf({ vendor, architecture, description: rest.join(" ") } as GPUAdapterInfo), want);
  });

check.run();
