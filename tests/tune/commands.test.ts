// What works on recordings without a device: look, convert there and back, compare searches; and how it refuses.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import * as assert from "uvu/assert";
import { exportRecording, importRecording } from "../../bench/tune/exchange.ts";
import { scoreStrategies } from "../../bench/tune/score.ts";
import { showRecording } from "../../bench/tune/show.ts";
import { describeDevice } from "../../engine/device/device_info.ts";
import { RunRecord } from "../../engine/tune/index.node.ts";
import * as tune from "../../engine/tune/index.ts";
import { device, group } from "../harness.ts";
import { rugged } from "./spaces.ts";

const check = group("tune commands");
const cli = fileURLToPath(new URL("../../cli.js", import.meta.url));
const tessera = (...args: string[]) =>
  spawnSync(process.execPath, [cli, "tune", ...args], { encoding: "utf8", maxBuffer: 2 ** 26 });
const json = (...args: string[]) => {
  const { stdout, stderr, status } = tessera(...args);
  assert.is(status, 0, stderr);
  return JSON.parse(stdout);
};

const { space } = rugged;
/** A row of every configuration; of the first five, each another way to fail. */
const rows: tune.Row[] = Array.from({ length: space.size }, (_, i) => {
  const failed =
    i < 5 ? (["compile", "runtime", "timeout", "correctness", "compile"] as const)[i] : undefined;
  const seconds = rugged.objective(i) / 1024;
  const spent = { compilation: 0.5, verification: 0.25, benchmark: 0.125, framework: 0, search: 0 };
  return {
    configuration: space.at(i),
    status: failed ?? "ok",
    ...(failed
      ? { message: `${failed} it did on run ${i}\nat line 7` }
      : { objective: seconds, error: 0.25 }),
    times: failed ? [] : [seconds, 0.5 * seconds, 2 * seconds],
    spent,
    timestamp: "2026-01-02T03:04:05.678Z",
  };
});
const best = rows.reduce((a, b) => ((b.objective ?? Infinity) < (a.objective ?? Infinity) ? b : a));
const header: tune.Header = {
  kernel: "test/forward",
  environment: { adapter: "none", driver: "1", implementation: "test", toggles: [] },
  space: tune.describeSpace(new tune.Space(space.parameters, [tune.constraint("tx * ty <= 4096")])),
  problem: [4],
};
const recording: tune.Recording = { rows, space, kernel: "test/forward", device: "none", problem: [4] };

/** The same rows in three formats, in a folder that is gone afterwards. */
async function inFolder(body: (at: (name: string) => string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tessera-tune-"));
  const at = (name: string) => join(folder, name);
  try {
    writeFileSync(at("own.jsonl"), tune.writeRecord(recording, header));
    writeFileSync(at("t4.json.gz"), gzipSync(tune.writeT4(recording)));
    writeFileSync(at("cache"), tune.writeKernelTuner(recording)); // recognised by its content
    await body(at);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

check.test("show prints the best rows, what became of the others, and one row in full", () =>
  inFolder((at) => {
    for (const name of ["own.jsonl", "t4.json.gz", "cache"]) {
      const { stdout, status } = tessera("show", at(name), "--top", "2");
      assert.is(status, 0);
      const number = rows.indexOf(best) + 1;
      assert.match(stdout, /test\/forward on none, problem \[4\], 294 rows/);
      assert.match(stdout, /in all rows: lanes 4/);
      assert.match(stdout, new RegExp(`error / bound │\n.*\n│ +${number} │ +${best.configuration.tx} │`));
      assert.match(stdout, /│ ok +│ +0\.25 │/);
      assert.match(stdout, /and 292 more/);
      assert.match(stdout, /│ +289 │ ok +│ +│\n│ +2 │ compile +│ compile it did on run 0 +│/);
    }
    assert.match(tessera("show", at("cache"), "best").stdout, /row +\d+ of 294\nkernel +test\/forward\n/);
    assert.match(tessera("show", at("cache"), "2").stdout, /message +runtime it did on run 1\n +at line 7/);
    assert.equal(json("show", at("own.jsonl"), "best", "--json"), { row: rows.indexOf(best) + 1, ...best });
    const [{ counts, rows: shown }] = json("show", at("own.jsonl"), "--status", "timeout", "--json");
    assert.equal(counts[0], { status: "ok", message: "", rows: 289 });
    assert.equal(shown, [{ row: 3, ...rows[2] }]);
  }),
);

check.test("a file of another format is a record and that file again, with keys that nobody knows", () =>
  inFolder((at) => {
    const odd = (text: string) =>
      JSON.parse(text.replaceAll('"timestamp":', '"odd": [1, "x"], "timestamp":'));
    const t4 = { ...odd(tune.writeT4(recording)), more: { of: "it" } };
    const cache = { ...odd(tune.writeKernelTuner(recording)), more: 3 };
    for (const [format, wanted] of [
      ["t4", t4],
      ["kernel-tuner", cache],
    ] as const) {
      const record = at(`${format}.jsonl`);
      writeFileSync(at(format), JSON.stringify(wanted));
      assert.is(tessera("import", at(format), record).status, 0);
      const { stdout, status } = tessera("export", record, "--format", format);
      assert.is(status, 0);
      assert.equal(JSON.parse(stdout), wanted);
      assert.is(tessera("export", record, "--format", format, "--out", at("again.gz")).status, 0);
      assert.is(gunzipSync(readFileSync(at("again.gz"))).toString(), stdout);
      const { sections } = tune.readRecord(readFileSync(record));
      assert.is(sections[0].header.environment.adapter, "none");
      const plain = sections[0].rows.map(({ original: _, ...row }: any) => row.configuration);
      assert.equal(
        plain,
        rows.map(({ configuration }) => configuration),
      );
    }
    // and from one into the other
    assert.is(tessera("export", at("t4.jsonl"), "--format", "kernel-tuner", "--out", at("other")).status, 0);
    const other = tune.readKernelTuner(readFileSync(at("other"), "utf8"));
    assert.equal(
      other.rows.map(({ objective }) => objective),
      rows.map(({ objective }) => objective),
    );
  }),
);

const problem: tune.T1Problem = {
  name: "test",
  language: "WGSL",
  kernel: "main",
  file: "test.wgsl",
  space: new tune.Space(space.parameters, [tune.constraint("tx * ty <= 64")]),
  problemSize: [7],
  localSize: [],
  globalSize: [],
  arguments: [],
  budget: [],
  notes: [],
};

check.test("an import takes the space of a T1 problem, and refuses rows that are not of it", () =>
  inFolder((at) => {
    writeFileSync(at("t1.json"), tune.writeT1(problem));
    const { status, stderr } = tessera("import", at("t4.json.gz"), at("out.jsonl"), "--t1", at("t1.json"));
    assert.is(status, 0, stderr);
    const outside = rows.filter(({ configuration: { tx, ty } }) => Number(tx) * Number(ty) > 64).length;
    assert.match(stderr, new RegExp(`${outside} of 294 rows break the constraints of test`));
    const [{ header: made }] = tune.readRecord(readFileSync(at("out.jsonl"))).sections;
    assert.equal(made.space, tune.describeSpace(problem.space));
    assert.equal([made.kernel, made.problem], ["test/forward", [4]]);
    const fewer = new tune.Space([{ name: "tx", values: [1, 2] }, ...space.parameters.slice(1)]);
    writeFileSync(at("fewer.json"), tune.writeT1({ ...problem, space: fewer }));
    const refused = tessera("import", at("cache"), at("none.jsonl"), "--t1", at("fewer.json"));
    assert.match(refused.stderr, /FormatError: .*row 85: tx is 4, not one of 1, 2/);
    const lacking = new tune.Space(space.parameters.slice(1));
    writeFileSync(at("lacking.json"), tune.writeT1({ ...problem, space: lacking }));
    const unknown = tessera("import", at("cache"), at("none.jsonl"), "--t1", at("lacking.json"));
    assert.match(unknown.stderr, /FormatError: .*row 1 has tx, which .*lacking\.json has not/);
    assert.not(existsSync(at("none.jsonl")));
  }),
);

check.test("scores are those of the library, the same in every format, random search first", () =>
  inFolder(async (at) => {
    const files = ["own.jsonl", "t4.json.gz", "cache"].map(at);
    const options = ["--repeats", "5", "--seed", "3"];
    const names = ["surrogate", "hill_climbing"];
    const { spaces, strategies } = json("score", ...files, ...options, "--strategy", ...names, "--json");
    assert.equal(
      spaces.map((one: any) => [one.name, one.configurations, one.withObjective]),
      [
        ["own", 294, 289],
        ["t4", 294, 289],
        ["cache", 294, 289],
      ],
    );
    assert.is(strategies[0].strategy, "random_sample");
    assert.equal(
      strategies
        .slice(1)
        .map((one: any) => one.strategy)
        .sort(),
      names.toSorted(),
    );
    assert.ok(strategies[1].all.score >= strategies[2].all.score);
    const recorded = tune.recorded(space, rows);
    const baseline = new tune.Baseline(recorded);
    for (const { strategy, spaces: scores, all } of strategies) {
      const runs = await tune.rehearse(recorded, baseline, { strategy }, { repeats: 5, first: 3 });
      const { score, low, high } = tune.score(baseline, runs, { seed: 3 });
      for (const one of scores) assert.equal([one.score, one.low, one.high], [score, low, high]);
      assert.ok(Math.abs(all.score - score) < 1e-12 && all.low <= all.score && all.score <= all.high);
    }
    const { stdout } = tessera(
      "score",
      files[0],
      files[1],
      ...options,
      "--axis",
      "seconds",
      "--strategy",
      names[1],
    );
    assert.match(
      stdout,
      /own: .*; 289 of 294 configurations have an objective; scored from \d+ to \d+ evaluations, [\d.]+ to [\d.]+ s/,
    );
    assert.match(stdout, /│ strategy +│ +own │ +t4 │ +all │\n.*\n│ random_sample +│ +-?\d\.\d{3} \[-?\d/);
  }),
);

check.test("an interrupted score prints what is finished", () =>
  inFolder(async (at) => {
    const child = spawn(process.execPath, [cli, "tune", "score", at("own.jsonl"), "--repeats", "100000"]);
    const said = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const)
      child[stream].on("data", (data) => {
        if (said.stdout === "" && stream === "stdout") child.kill("SIGINT"); // it has begun
        said[stream] += data;
      });
    const [code] = await once(child, "close");
    assert.is(code, 130, said.stderr);
    assert.match(said.stdout, /│ strategy /);
    assert.not.match(said.stdout, /surrogate/);
    assert.match(said.stderr, /interrupted/);
  }),
);

check.test("runs that do not compare stay apart, those that do are one", () =>
  inFolder((at) => {
    const half = (part: tune.Row[], change: object = {}) =>
      tune.writeRecord({ rows: part }, { ...header, ...change } as tune.Header);
    const values = (least: number, most: number) => ({
      parameters: space.parameters.map((one, i) => (i > 0 ? one : { name: "tx", values: [least, most] })),
      constraints: [],
    });
    const of = (...tx: number[]) => rows.filter(({ configuration }) => tx.includes(Number(configuration.tx)));
    writeFileSync(
      at("two.jsonl"),
      half(of(8, 64), { space: values(8, 64) }) + half(of(1, 2), { space: values(1, 2), seed: 4 }),
    );
    const [one, ...none] = json("show", at("two.jsonl"), "--json", "--top", "1000");
    assert.equal([one.rows.length, none.length], [168, 0]);
    writeFileSync(at("three.jsonl"), readFileSync(at("two.jsonl"), "utf8") + half(of(4), { problem: [5] }));
    assert.equal(
      json("show", at("three.jsonl"), "--json").map(({ problem: its }: any) => its),
      [[4], [5]],
    );
    const { status, stderr } = tessera("export", at("three.jsonl"), "--format", "t4");
    assert.is(status, 2);
    assert.match(
      stderr,
      /ValueError: .*holds 2 runs; choose one by --run:\n +1: test\/forward on none, problem \[4\], 168 rows\n +2: /,
    );
    const { stdout } = tessera("export", at("three.jsonl"), "--format", "t4", "--run", "2");
    assert.is(JSON.parse(stdout).results.length, 42);
    assert.match(tessera("show", at("three.jsonl"), "best", "--run", "3").stderr, /no run 3:\n +1: /);
    // a line that a crash has torn is left out, and said
    writeFileSync(at("torn.jsonl"), readFileSync(at("own.jsonl")).subarray(0, -9));
    const torn = tessera("show", at("torn.jsonl"));
    assert.match(torn.stdout, /293 rows/);
    assert.match(torn.stderr, /its last line is torn: \d+ bytes are left out/);
  }),
);

check.test("what goes wrong is said with the file, exits with 2 and leaves every file as it was", () =>
  inFolder(async (at) => {
    writeFileSync(at("t1.json"), tune.writeT1(problem));
    writeFileSync(at("text"), "all is well");
    writeFileSync(at("cut.gz"), readFileSync(at("t4.json.gz")).subarray(0, 99));
    writeFileSync(at("cut.json"), tune.writeT4(recording).slice(0, 999));
    writeFileSync(at("fails.jsonl"), tune.writeRecord({ rows: rows.slice(0, 5) }, header));
    writeFileSync(at("empty.jsonl"), tune.writeRecord({ rows: [] }, header));
    const before = readdirSync(at(".")).map((name) => [name, readFileSync(at(name), "latin1")]);
    const own = at("own.jsonl");
    const table = { top: 20 };
    const runs = { repeats: 2, axis: "evaluations", cutoff: 0.96, seed: 0 } as const;
    const t4 = { format: "t4" };
    const refusals: readonly (readonly [act: () => Promise<void>, says: RegExp])[] = [
      [() => showRecording(at("none"), undefined, table), /FormatError: .*none: no such file/],
      [() => showRecording(at("."), undefined, table), /FormatError: .*directory/],
      [
        () => showRecording(at("text"), undefined, table),
        /FormatError: .*text: no recording: neither T4 .* it begins with "all is well"/,
      ],
      [
        () => showRecording(at("t1.json"), undefined, table),
        /FormatError: .*a tuning problem \(T1\), not a recording/,
      ],
      [() => showRecording(at("cut.gz"), undefined, table), /FormatError: .*cut\.gz: cannot be unpacked/],
      [() => showRecording(at("cut.json"), undefined, table), /FormatError: .*cut\.json: not JSON/],
      [
        () => showRecording(own, "295", table),
        /ValueError: .*own\.jsonl: no row 295 \(has best and 1 to 294\)/,
      ],
      [() => showRecording(own, "0", table), /ValueError: .*no row 0/],
      [() => showRecording(own, "worst", table), /ValueError: .*no row worst/],
      [
        () => showRecording(at("fails.jsonl"), "best", table),
        /ValueError: .*no row is ok .*\(2 compile, 1 runtime, /,
      ],
      [() => showRecording(at("empty.jsonl"), "1", table), /ValueError: .*no row 1 \(has none\)/],
      [() => scoreStrategies([own, at("none")], runs), /FormatError: .*none: no such file/],
      [
        () => scoreStrategies([own], { ...runs, strategy: ["tabu"] }),
        /TuneError: no strategy tabu \(has brute_force, random_sample, /,
      ],
      [() => scoreStrategies([own], { ...runs, cutoff: 1 }), /FormatError: .*own\.jsonl: .* at the optimum/],
      [() => scoreStrategies([at("fails.jsonl")], runs), /FormatError: .*fails\.jsonl: score: 0 of 5/],
      [() => scoreStrategies([at("empty.jsonl")], runs), /FormatError: .*empty\.jsonl: no rows are in it/],
      [() => importRecording(at("t4.json.gz"), own, {}), /ValueError: .*own\.jsonl: is there already/],
      [() => importRecording(own, at("new"), {}), /FormatError: .*is a record of tuning already/],
      [() => importRecording(at("text"), at("new"), {}), /FormatError: .*text: no recording/],
      [
        () => importRecording(at("cache"), at("new"), { t1: at("cache") }),
        /FormatError: .*cache: expected ConfigurationSpace/,
      ],
      [() => importRecording(at("cache"), at("text/new"), {}), /FormatError: .*new: cannot be written/],
      [
        () => exportRecording(own, { ...t4, out: own }),
        /ValueError: .*own\.jsonl: cannot be written: it is an input/,
      ],
      [
        () => exportRecording(own, { ...t4, out: at("fails.jsonl") }),
        /ValueError: .*fails\.jsonl: is a record of tuning/,
      ],
      [() => exportRecording(at("empty.jsonl"), t4), /FormatError: .*no rows are in it/],
    ];
    for (const [act, says] of refusals) {
      const raised = await act().then(
        () => "nothing was refused",
        (error: Error) => `${error.name}: ${error.message}`,
      );
      assert.match(raised, says);
    }
    const faults: readonly (readonly [args: string[], says: RegExp])[] = [
      [["show", own, "295"], /^ValueError: .*own\.jsonl: no row 295 .*\n$/],
      [["show", own, "--status", "fine"], /Allowed choices are ok, constraints, compile/],
      [["score", own, "--axis", "space"], /Allowed choices are evaluations, seconds/],
      [["score", own, "--repeats", "1"], /a whole number of at least 2 is expected/],
      [["score", own, "--cutoff", "0.5"], /a number above 0\.5 and at most 1 is expected/],
      [["export", own, "--format", "csv"], /Allowed choices are t4, kernel-tuner/],
    ];
    for (const [args, says] of faults) {
      const { status, stdout, stderr } = tessera(...args);
      assert.is(status, 2, `${args.join(" ")}: ${stderr}`);
      assert.match(stderr, says);
      assert.is(stdout, "", args.join(" "));
    }
    assert.equal(
      readdirSync(at(".")).map((name) => [name, readFileSync(at(name), "latin1")]),
      before,
    );
  }),
);

check.test("the guide's tuning: a kernel is searched, its rows recorded, shown and exported", () =>
  inFolder(async (at) => {
    const x = Float32Array.from({ length: 4096 }, (_, i) => i / 8);
    const triple = tune.kernel({
      label: "triple",
      wgsl: `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
override WG: u32 = 64;
@compute @workgroup_size(WG) fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = 3 * x[id.x]; }`,
      buffers: { x, y: { type: "f32", length: x.length } },
      grid: ({ WG }) => [x.length / Number(WG), 1, 1],
      answer: { y: x.map((value) => 3 * value) },
    });
    const space = new tune.Space([tune.powersOfTwo("WG", 16, 128)]);
    const runner = new tune.Runner(triple, { clock: { samples: 3, least: 1e-3 } });
    const { adapter, driver, implementation } = await describeDevice(device);
    const environment = { adapter, driver, implementation, toggles: [] };
    const of = { kernel: "triple", environment, space: tune.describeSpace(space), problem: [x.length] };
    const record = new RunRecord(at("triple.jsonl"), of);
    const evaluate = async (index: number) => {
      const row = await runner.evaluate(space.at(index));
      record.append(row);
      return row.status === "ok" ? row.objective! : Infinity;
    };
    const { history } = await tune.search({
      space,
      strategy: "hill_climbing",
      budget: { evaluations: 3 },
      evaluate,
    });
    runner.close();
    record.close();
    assert.is(history.length, 3);
    const [{ rows: measured, kernel }] = json("show", at("triple.jsonl"), "--json");
    assert.is(kernel, "triple");
    for (const { status, error } of measured) {
      assert.ok(status === "ok" || status === "unrankable", status);
      assert.ok(error <= 1);
    }
    assert.is(measured.length, 3);
    const { stdout } = tessera("export", at("triple.jsonl"), "--format", "t4");
    assert.is(JSON.parse(stdout).results.length, 3);
  }),
);

check.run();
