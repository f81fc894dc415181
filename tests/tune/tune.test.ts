// A run as a whole: rows whatever happens, what the adapter refuses is counted by reason, resumed without measuring again.

import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { Device } from "../../engine/device/device.ts";
import { parseTuningTable } from "../../engine/device/tuning_table.ts";
import { decide } from "../../engine/plan/choose.ts";
import type { Ranking, RankingOptions } from "../../engine/statistics/ranking.ts";
import { kernel as described } from "../../engine/tune/kernel/kernel.ts";
import { routine } from "../../engine/tune/kernel/routine.ts";
import { RunRecord } from "../../engine/tune/records/record.node.ts";
import { readRecord } from "../../engine/tune/records/record.ts";
import type { Row } from "../../engine/tune/results/row.ts";
import { Runner } from "../../engine/tune/runner/runner.ts";
import type { Configuration } from "../../engine/tune/space/space.ts";
import { type Observer, spaceOf, tune } from "../../engine/tune/tune.ts";
import { conv2d, relu } from "../../kernels/index.ts";
import { device, group } from "../harness.ts";
import { FAULTS, planted } from "./planted.ts";

const check = group("tune run");

/** A table that makes another choice than the kernel does. */
const OWN = { routines: { "conv2d/forward": [{ algorithm: "plain", tune: { WG_X: 64, WG_Y: 4 } }] } };
/** Timing is not what is tested here. */
const clock = { samples: 3, least: 1e-3 };
const ranking = { rounds: 2 };

check.test(
  "every configuration is a row; a record is gone on with, and nothing is measured twice",
  async () => {
    const path = join(mkdtempSync(join(tmpdir(), "tessera-")), "run.jsonl");
    const { none, wrong, outside, compile } = FAULTS;
    const options = { kernel: planted, problem: "doubling", clock, ranking };
    const params = { FAULT: [none, wrong, outside, compile], WG: [64, 4096] };
    const run = async (budget?: { evaluations: number }) => {
      const seen: [Row, boolean][] = [];
      const observer: Observer = {
        evaluated(row, known) {
          seen.push([row, known]);
          return { order: seen.length };
        },
      };
      let record: RunRecord | undefined;
      const cache = (header: ConstructorParameters<typeof RunRecord>[1]) => {
        record = new RunRecord(path, header);
        return record;
      };
      const made = await tune({ ...options, params, budget, cache, observers: [observer] });
      record!.close();
      return { made, seen };
    };
    const first = await run({ evaluations: 2 });
    assert.is(first.made.stopped, "evaluations");
    assert.equal(
      first.seen.map(([, known]) => known),
      [false, false],
    );
    const second = await run();
    assert.equal(
      second.seen.map(([, known]) => known),
      [true, true, false, false],
    );
    const statuses = second.made.results.map(({ configuration: { FAULT }, status }) => [FAULT, status]);
    assert.ok(["ok", "unrankable"].includes(String(statuses[0][1])), String(statuses[0]));
    assert.equal(statuses.slice(1), [
      [wrong, "correctness"],
      [outside, "correctness"],
      [compile, "compile"],
    ]);
    assert.equal([...second.made.refused.values()], [4]);
    assert.match([...second.made.refused.keys()][0], /maxComputeWorkgroupSizeX is \d+ but 4096 is needed/);
    const { sections } = readRecord(readFileSync(path));
    assert.equal(
      sections.flatMap(({ rows }) => rows.map(({ metrics }) => metrics?.order)),
      [1, 2, 3, 4],
    );
  },
);

check.test("an operation's space is its tunables, cut by constraints of every kind", async () => {
  const problem = { shapes: { x: [2, 9, 9, 12] }, attrs: {} };
  const space = spaceOf({ op: relu, problem, constraints: ["WG * GROUPS <= 4096 and WG > 16"] });
  assert.ok(space.size > 0 && space.size < space.cartesian);
  const made = await tune({
    op: relu,
    problem,
    constraints: ["WG * GROUPS <= 4096 and WG > 16", ({ GROUPS }) => Number(GROUPS) <= 64],
    strategy: "random_sample",
    budget: { evaluations: 2 },
    clock,
    ranking,
    finalists: 2,
    seed: 3,
  });
  assert.is(made.results.length, 2);
  for (const { configuration, status } of made.results) {
    assert.ok(Number(configuration.GROUPS) <= 64);
    assert.ok(["ok", "unrankable"].includes(status), status);
  }
  if (made.best) assert.ok(made.tied.includes(made.best));
});

check.test(
  "an operation's defaults are what a plan takes for the problem, where its adapter is known",
  async () => {
    const shapes = { x: [1, 9, 9, 16], w: [1, 1, 16, 24], b: [24] };
    const problem = {
      shapes,
      attrs: {
        stride: [1, 1],
        padding: [
          [0, 0],
          [0, 0],
        ],
      },
      algorithm: "plain",
    };
    const { kernels } = decide(
      { op: conv2d, routine: "forward", shapes: { ...shapes, y: [1, 9, 9, 24] }, attrs: problem.attrs },
      { ...device.traits, tuningTable: parseTuningTable("own", OWN) },
      { algorithm: "plain" },
    );
    const opened = await Device.open({ tuningTable: OWN });
    const runner = new Runner(routine({ op: conv2d, ...problem }), { open: async () => opened });
    const standard = await runner.standard();
    assert.equal(standard, { algorithm: "plain", ...kernels[0].tune });
    const space = spaceOf({ op: conv2d, problem }, standard);
    assert.equal(
      space.parameters.map(({ name, default: value }) => [name, value]),
      [
        ["WG_X", 64],
        ["WG_Y", 4],
      ],
    );
    runner.close();
  },
);

check.test(
  "what is compared with is evaluated first and among the finalists; refusals are rows where met",
  async () => {
    const seen: Row[] = [];
    const made = await tune({
      kernel: planted,
      problem: "doubling",
      params: { FAULT: [FAULTS.none], WG: [4096, 32, 128] },
      against: [{ FAULT: FAULTS.none, WG: 64 }],
      lazy: true,
      finalists: 1,
      clock,
      ranking,
      observers: [{ evaluated: (row) => void seen.push(row) }],
    });
    assert.is(seen[0].configuration.WG, 64);
    assert.equal(
      made.results.map(({ configuration: { WG }, status }) => [WG, status === "constraints"]),
      [
        [64, false],
        [4096, true],
        [32, false],
        [128, false],
      ],
    );
    assert.is(made.refused.size, 0);
    if (seen[0].status === "ok") assert.ok(made.finalists.some(({ configuration: { WG } }) => WG === 64));
  },
);

check.test("an objective of one's own", async () => {
  const problem = { shapes: { x: [1, 5, 5, 8] }, attrs: {} };
  const made = await tune({
    op: relu,
    problem,
    params: { WG: [16, 64], GROUPS: [16] },
    objective: ({ configuration }) => -Number(configuration.WG),
    clock,
  });
  const timed = made.results.filter(({ status }) => status === "ok");
  assert.is(
    made.best?.configuration.WG,
    timed.length > 0 ? Math.max(...timed.map((r) => Number(r.configuration.WG))) : undefined,
  );
  assert.is(made.ranking, undefined);
});

for (const [what, options, message] of [
  ["neither kernel nor op", { params: { A: [1] } }, /neither kernel nor op/],
  ["both", { kernel: planted, op: relu, params: { A: [1] } }, /kernel planted and op relu/],
  ["no sizes", { op: conv2d, problem: 3 }, /problem of conv2d is 3 but shapes/],
  ["no parameters", { kernel: planted }, /params are missing/],
  [
    "an algorithm that is none",
    { op: relu, problem: { shapes: { x: [4] }, attrs: {}, algorithm: "fast" } },
    /relu\/forward has no algorithm fast \(has flat/,
  ],
  ["a constraint on nothing", { kernel: planted, params: { A: [1] }, constraints: ["B > 1"] }, /asks for B/],
] as const)
  check.test(`refused: ${what}`, async () => {
    try {
      await tune(options as Parameters<typeof tune>[0]);
    } catch (error) {
      assert.match((error as Error).message, message);
      return;
    }
    assert.unreachable("not refused");
  });

check.test("a budget of seconds covers the ranking", async () => {
  let asked: RankingOptions | undefined;
  class Watched extends Runner {
    override rank(configurations: readonly Configuration[], options: RankingOptions): Promise<Ranking> {
      asked = options;
      return super.rank(configurations, { ...options, rounds: 2 });
    }
  }
  const params = { WG: [16, 32, 64], PAD: Array.from({ length: 400 }, (_, i) => i + 1) };
  const runner = new Watched(described(planted), { device, clock });
  try {
    const budget = { seconds: 1.5 };
    const { stopped, finalists } = await tune({
      kernel: planted,
      params,
      evaluator: runner,
      budget,
      clock,
      strategy: "random_sample",
    });
    assert.is(stopped, "seconds");
    assert.ok(finalists.length > 1);
    assert.ok(asked!.seconds! >= 0 && asked!.seconds! <= 0.2 * budget.seconds, `${asked!.seconds}`);
  } finally {
    runner.close();
  }
});

check.test("a device that is given is measured on and stays open", async () => {
  const own = await Device.open();
  try {
    const open = () => Promise.reject(new Error("another device was opened"));
    const options = { kernel: planted, params: { WG: [32, 64] }, clock, ranking, device: own, open };
    const { results } = await tune(options);
    assert.is(results.length, 2);
    own.check();
    assert.is((await tune(options)).results.length, 2);
  } finally {
    own.close();
  }
});

check.run();
