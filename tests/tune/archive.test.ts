// The WGSL of a row, kept in its record: printed as it was, compared, and run again from the record alone.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import * as assert from "uvu/assert";
import { diff } from "../../bench/tune/diff.ts";
import { reproRow } from "../../bench/tune/repro.ts";
import { showRecording } from "../../bench/tune/show.ts";
import { RunRecord, shaderOf } from "../../engine/tune/index.node.ts";
import * as tune from "../../engine/tune/index.ts";
import { relu } from "../../kernels/index.ts";
import { device, group } from "../harness.ts";

const check = group("tune archive");
const cli = fileURLToPath(new URL("../../cli.js", import.meta.url));
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

const T1 = JSON.stringify({
  General: { BenchmarkName: "twice" },
  ConfigurationSpace: {
    TuningParameters: [
      { Name: "WG", Type: "uint", Values: "[32, 64, 65536]", Default: 64 },
      { Name: "BY", Type: "uint", Values: "[2, 3]", Default: 2 },
    ],
  },
  KernelSpecification: {
    Language: "WGSL",
    KernelName: "main",
    KernelFile: "twice.wgsl",
    GlobalSize: { X: "256" },
    LocalSize: { X: "WG" },
    Flops: "256 * BY",
    Arguments: [
      { Name: "x", Type: "float", Size: 256, AccessType: "ReadOnly", FillType: "Random" },
      { Name: "y", Type: "float", Size: 256, AccessType: "WriteOnly" },
    ],
  },
});
const TWICE = `// y[i] = BY x[i]
override WG: u32 = 64;
const BY: u32 = 2u;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(WG) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < 256) { y[id.x] = f32(BY) * x[id.x]; }
}
`;
const ORIGIN: tune.Origin = { t1: T1, wgsl: TWICE, seed: 3 };
const problem = tune.readT1(T1);
const headerOf = (origin: tune.Origin | undefined, kernel = "twice"): tune.Header => ({
  kernel,
  environment: { adapter: "another", driver: "1", implementation: "test", toggles: [], features: ["a"] },
  space: tune.describeSpace(problem.space),
  problem: [],
  ...(origin && { origin }),
});
const rowOf = (configuration: tune.Configuration, status: tune.Status, text?: string): tune.Row => ({
  configuration,
  status,
  ...(status === "ok" ? { objective: 0.5, times: [0.5] } : { message: `${status} it was`, times: [] }),
  spent: { compilation: 0, verification: 0, benchmark: 0, framework: 0, search: 0 },
  ...(text !== undefined && { wgsl: sha256(text) }),
  timestamp: "2026-01-02T03:04:05.678Z",
});

async function inFolder(body: (at: (name: string) => string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tessera-archive-"));
  try {
    await body((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Writes rows, each with its text where it has one. */
async function write(
  path: string,
  header: tune.Header,
  rows: readonly (readonly [row: tune.Row, text?: string])[],
): Promise<void> {
  const record = new RunRecord(path, header);
  try {
    for (const [row, text] of rows) {
      if (text !== undefined) await record.archive(sha256(text), async () => text);
      record.append(row);
    }
  } finally {
    record.close();
  }
}

/** What a command prints, and the exit code that it asks for. */
async function said(act: () => Promise<void>): Promise<{ text: string; code: number }> {
  const { log } = console;
  const before = process.exitCode;
  const lines: string[] = [];
  console.log = (line: string) => void lines.push(line);
  try {
    process.exitCode = 0;
    await act();
    return { text: lines.join("\n"), code: Number(process.exitCode) };
  } finally {
    console.log = log;
    process.exitCode = before;
  }
}

async function refused(act: () => Promise<void>, message: RegExp): Promise<void> {
  const raised = await said(act).then(
    () => "nothing was refused",
    (error: Error) => `${error.name}: ${error.message}`,
  );
  assert.match(raised, message);
}

check.test("texts come back as they were, each is kept once, and those alike take little space", () =>
  inFolder(async (at) => {
    const lines = (count: number) =>
      Array.from({ length: count }, (_, i) => `let v${i} = ${(i * 7919) % 10007};`).join("\n");
    const long = lines(3000); // beyond the 32 KiB that deflate looks back
    const variants = Array.from({ length: 50 }, (_, i) => `const TN = ${i};\n${lines(1000)}`);
    const words = fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(words, async (texts) => {
        rmSync(at("r"), { force: true });
        for (const part of [texts, texts.toReversed()])
          await write(
            at("r"),
            headerOf(undefined),
            part.map((text, i) => [rowOf({ i }, "ok", text), text]),
          );
        const contents = tune.readRecord(readFileSync(at("r")));
        assert.is(contents.shaders.size, new Set(texts).size);
        for (const text of texts) assert.is(shaderOf(contents, sha256(text)), text);
      }),
      { numRuns: 20 },
    );
    rmSync(at("r"));
    const record = new RunRecord(at("r"), headerOf(undefined));
    for (const text of variants) await record.archive(sha256(text), async () => text);
    const { size } = statSync(at("r"));
    await record.archive(sha256(long), async () => long);
    await record.archive(sha256(long), async () => assert.unreachable("asked for what is there") ?? "");
    record.close();
    const bytes = readFileSync(at("r"));
    const contents = tune.readRecord(bytes);
    for (const text of [...variants, long]) assert.is(shaderOf(contents, sha256(text)), text);
    const [header, first] = bytes.toString().split("\n");
    const each = (size - header.length - first.length) / variants.length;
    assert.ok(each < 400, `${each} bytes each`);
    assert.is(shaderOf(contents, sha256("never")), undefined);
  }),
);

check.test("cut at any byte a record with texts is gone on with, and ends as if it had not been", () =>
  inFolder(async (at) => {
    const texts = [1, 2, 3].map((i) => `const A = ${i};\n`);
    const rows = texts.map((text, i) => [rowOf({ i }, "runtime", text), text] as const);
    await write(at("r"), headerOf(undefined), rows);
    const whole = readFileSync(at("r"));
    for (let cut = 0; cut < whole.length; cut++) {
      writeFileSync(at("r"), whole.subarray(0, cut));
      await write(at("r"), headerOf(undefined), rows);
      assert.ok(readFileSync(at("r")).equals(whole), `cut at ${cut}`);
    }
  }),
);

check.test("a text that is not what was kept is refused", () =>
  inFolder(async (at) => {
    await write(at("r"), headerOf(undefined), [[rowOf({ i: 1 }, "ok", "one"), "one"]]);
    const text = readFileSync(at("r"), "utf8");
    const of = (changed: string) => () => shaderOf(tune.readRecord(Buffer.from(changed)), sha256("two"), "r");
    assert.throws(of(text.replaceAll(sha256("one"), sha256("two"))), /r: WGSL .* is not what was kept/);
    assert.throws(
      of(text.replaceAll(sha256("one"), sha256("two")).replace(/"deflated":"/, '"deflated":"////')),
      /r: WGSL .* cannot be unpacked/,
    );
    assert.throws(
      () => tune.readRecord(Buffer.from(text.replace(/"deflated"/, '"packed"')), "r"),
      /r:2: .*deflated/,
    );
  }),
);

check.test("a run keeps the text of every row, and what it was made of", () =>
  inFolder(async (at) => {
    let record: RunRecord | undefined;
    const run = (kernel: tune.TuneOptions) =>
      tune.tune({
        ...kernel,
        clock: { samples: 3, least: 1e-3 },
        finalists: 0,
        cache: (header) => (record = new RunRecord(at("r"), header)),
      });
    const description = tune.kernelOf(problem, TWICE, ORIGIN.seed);
    await run({ kernel: description, origin: ORIGIN, params: problem.space.parameters, problem: [] });
    record!.close();
    const sizes = { shapes: { x: [1, 5, 5, 8] }, attrs: {} };
    await run({ op: relu, problem: sizes, params: { WG: [16], GROUPS: [16] } });
    record!.close();
    const contents = tune.readRecord(readFileSync(at("r")));
    const [{ header, rows }, of] = contents.sections;
    assert.equal(header.origin, ORIGIN);
    assert.equal(of.header.origin, { routine: { op: "relu", ...sizes } });
    assert.equal(
      rows.map(({ configuration: { BY } }) => BY),
      [2, 3, 2, 3],
    ); // a workgroup of 65536 is refused before
    for (const { metrics, objective, configuration } of rows)
      if (metrics) assert.is(metrics["GFLOP/s"], (256 * Number(configuration.BY)) / objective! / 1e9);
    assert.ok(rows[0].metrics);
    for (const { wgsl, configuration } of rows)
      assert.is(shaderOf(contents, wgsl!), TWICE.replace("= 2u", `= ${configuration.BY}u`));
    const printed = tune.routine({ op: relu, ...sizes }).print(device, of.rows[0].configuration);
    assert.is(shaderOf(contents, of.rows[0].wgsl!), printed);
    assert.is(contents.shaders.size, 3);
  }),
);

const wrong = TWICE.replace("= 2u", "= 3u");

check.test("show prints the text of a row and nothing else, or says why there is none", () =>
  inFolder(async (at) => {
    const other = rowOf({ WG: 64, BY: 3 }, "compile", wrong);
    const rows = [
      [rowOf({ WG: 64, BY: 2 }, "ok", TWICE), TWICE],
      [other],
      [rowOf({ WG: 32, BY: 2 }, "timeout")],
    ] as const;
    await write(at("r"), headerOf(ORIGIN), rows);
    const { stdout, status } = spawnSync(process.execPath, [cli, "tune", "show", at("r"), "best", "--wgsl"]);
    assert.equal([stdout.toString(), status], [TWICE, 0]);
    const table = { top: 20 };
    assert.match(
      (await said(() => showRecording(at("r"), "best", table))).text,
      /wgsl +[0-9a-f]{64}, printed by tessera tune show .*r 1 --wgsl\n/,
    );
    assert.match((await said(() => showRecording(at("r"), "2", table))).text, /wgsl +[0-9a-f]{64}\n/);
    const print = (name: string, row?: string) => () =>
      showRecording(at(name), row, { ...table, wgsl: true });
    await refused(
      print("r", "2"),
      /ValueError: .*r: no WGSL of row 2: the record does not keep the text of [0-9a-f]{64}/,
    );
    await refused(print("r", "3"), /ValueError: .*r: no WGSL of row 3: there was none/);
    await refused(print("r"), /ValueError: --wgsl needs the row/);
    writeFileSync(at("t4"), tune.writeT4({ rows: rows.map(([row]) => row) }));
    await refused(print("t4", "1"), /ValueError: .*t4: no WGSL of row 1: T4 keeps no text/);
  }),
);

check.test("diff tells what two rows set, what came of them, and how their texts differ", () =>
  inFolder(async (at) => {
    const [a, b] = [rowOf({ WG: 64, BY: 2 }, "ok", TWICE), rowOf({ WG: 32, BY: 3 }, "ok", wrong)];
    await write(at("r"), headerOf(ORIGIN), [
      [{ ...a, metrics: { "GFLOP/s": 2 } }, TWICE],
      [{ ...b, objective: 2, error: 0.25 }, wrong],
    ]);
    await write(at("other"), headerOf(ORIGIN), [[b], [a, TWICE]]);
    const { text } = await said(() => diff(at("r"), "1", "2", {}));
    assert.match(text, /│ WG +│ +64 │ +32 │ +│\n│ BY +│ +2 │ +3 │/);
    assert.match(text, /│ time .* 500 ms │ .* 2 s │ +4 │/);
    assert.match(text, /in both: kernel twice, device another, status ok\n/);
    assert.match(
      text,
      /\n--- .*r row 1\n\+\+\+ .*r row 2\n@@ -1,6 \+1,6 @@\n \/\/ y\[i\].*\n override.*\n-const BY: u32 = 2u;\n\+const BY: u32 = 3u;\n @group/,
    );
    const against = { against: at("other") };
    assert.match((await said(() => diff(at("r"), "1", "2", against))).text, /\nthe same WGSL, [0-9a-f]{64}$/);
    assert.match(
      (await said(() => diff(at("r"), "1", "1", against))).text,
      /\n.*other: no WGSL of row 1: the record does not keep/,
    );
    await refused(() => diff(at("r"), "1", "3", {}), /ValueError: .*r: no row 3/);
  }),
);

check.test(
  "repro runs a row from its record alone, and the exit code says whether its status is the same",
  () =>
    inFolder(async (at) => {
      const fault = { WG: 64, BY: 3 };
      await write(at("r"), headerOf(ORIGIN), [
        [rowOf(fault, "correctness", wrong), wrong],
        [rowOf({ WG: 65536, BY: 2 }, "constraints")],
        [rowOf({ ...fault, WG: 32 }, "ok", wrong), wrong],
      ]);
      const again = (row: string) => said(() => reproRow(at("r"), row, {}));
      const first = await again("1");
      assert.is(first.code, 0, first.text);
      assert.match(first.text, /WGSL: the same, byte for byte\n/);
      assert.match(first.text, /in both: kernel twice, WG 64, BY 3, status correctness/);
      assert.match(
        first.text,
        /environment: adapter: another then, .* now\n +driver: 1 then, .*\n[\s\S]* features: -a \+/,
      );
      assert.match(first.text, /│ message +│ +correctness it was │ .*256 values wrong/);
      const limited = await again("2");
      assert.is(limited.code, 0, limited.text);
      assert.match(limited.text, /WGSL: the adapter cannot have it/);
      const other = await again("3");
      assert.is(other.code, 1, other.text);
      assert.match(other.text, /not reproduced: ok then, correctness now$/);
    }),
);

check.test("where other WGSL is made now, a kernel runs as it is kept and an operation as it is", () =>
  inFolder(async (at) => {
    const fault = { WG: 64, BY: 3 };
    const right = wrong.replace("f32(BY)", "2.0");
    await write(at("r"), headerOf(ORIGIN), [[rowOf(fault, "correctness", right), right]]);
    const kept = await said(() => reproRow(at("r"), "1", { json: true }));
    const { wgsl, archived, repeated, changed } = JSON.parse(kept.text);
    assert.equal([kept.code, wgsl, archived, repeated.wgsl], [1, "changed", true, sha256(right)]);
    assert.ok(["ok", "unrankable"].includes(repeated.status), repeated.status);
    assert.ok(changed.some((line: string) => line.startsWith("adapter: another then")));
    const now = await said(() => diff(at("r"), "1", "now", {}));
    assert.match(now.text, /^--- .*r row 1\n\+\+\+ made now\n[\s\S]*\n-.* 2\.0 \* x.*\n\+.* f32\(BY\) \* x/);
    const origin = { routine: { op: "relu", shapes: { x: [1, 5, 5, 8] }, attrs: {} } };
    const space = tune.describeSpace(new tune.Space([tune.list("WG", [16]), tune.list("GROUPS", [16])]));
    await write(at("op"), { ...headerOf(origin, "relu/forward"), space }, [
      [rowOf({ WG: 16, GROUPS: 16 }, "compile", "broken"), "broken"],
    ]);
    const made = await said(() => reproRow(at("op"), "1", {}));
    assert.is(made.code, 1);
    assert.match(made.text, /WGSL: what is made now, and ran, .* the engine's kernels have changed\n/);
    assert.match(made.text, /how it differs: tessera tune diff .*op 1 now\n/);
    assert.match(made.text, /not reproduced: compile then, (ok|unrankable) now$/);
  }),
);

check.test("repro of what is not known to be made of anything is refused", () =>
  inFolder(async (at) => {
    const row = rowOf({ WG: 64, BY: 2 }, "ok", TWICE);
    await write(at("r"), headerOf(undefined), [[row, TWICE]]);
    await refused(
      () => reproRow(at("r"), "1", {}),
      /ValueError: .*r: what row 1 was made of is not known: the record does not say/,
    );
    writeFileSync(at("t4"), tune.writeT4({ rows: [row] }));
    await refused(() => reproRow(at("t4"), "1", {}), /ValueError: .*t4: what row 1 .*: T4 does not say/);
    const unknown = { routine: { op: "relo", shapes: { x: [1] }, attrs: {} } };
    await write(at("unknown"), headerOf(unknown), [[row]]);
    await refused(() => reproRow(at("unknown"), "1", {}), /no operation relo \(has /);
  }),
);

check.run();
