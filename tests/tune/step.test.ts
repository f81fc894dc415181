// Tuning for a whole step: what is faster alone must be faster in the step, and the step faster with it.

import * as assert from "uvu/assert";
import { formatOutcome, merged } from "../../bench/tune/step.ts";
import type { Traits } from "../../engine/device/traits.ts";
import { parseTuningTable, readTuningTable, type TuningTable } from "../../engine/device/tuning_table.ts";
import { LimitError, TuneError } from "../../engine/errors.ts";
import type { Model } from "../../engine/nn/model.ts";
import { planTraining } from "../../engine/optim/training_plan.ts";
import { decide, type Problem } from "../../engine/plan/choose.ts";
import { rankSamples } from "../../engine/statistics/ranking.ts";
import type { RoutineDescription } from "../../engine/tune/kernel/routine.ts";
import { routine } from "../../engine/tune/kernel/routine.ts";
import type { Header } from "../../engine/tune/records/record.ts";
import { recordedSpace } from "../../engine/tune/results/recording.ts";
import type { Row } from "../../engine/tune/results/row.ts";
import { type Evaluator, Runner } from "../../engine/tune/runner/runner.ts";
import type { Configuration } from "../../engine/tune/space/space.ts";
import { groupId } from "../../engine/tune/step/groups.ts";
import {
  configurationOf,
  searchedSpace,
  settledSpace,
  waysOf,
} from "../../engine/tune/step/problem_space.ts";
import { type StepOptions, type Steps, tuneStep } from "../../engine/tune/step/step.ts";
import { trainingSteps } from "../../engine/tune/step/training_steps.ts";
import { conv2d } from "../../kernels/index.ts";
import { device, group } from "../harness.ts";

const check = group("tune step");

const TRAITS: Traits = {
  ...device.traits,
  ...{ name: "test adapter", class: "cpu", subgroupSize: 8, tuningTable: undefined },
  features: new Set(["subgroups"]),
};
const ENVIRONMENT = { adapter: "test", driver: "1", implementation: "test", toggles: [] };

/** Two convolutions of the same sizes, one of others, and what comes after. */
const small: Model = (net, images) => {
  let x = net.unit("stem", images, 16, [3, 3], { stride: [2, 2] });
  x = net.unit("one", x, 16, [1, 1]);
  x = net.unit("two", x, 16, [1, 1]);
  return net.linear("logits", net.globalAvgPool(x), 5);
};
const OPTIONS = { input: [1, 32, 32, 3] } as const;

/** Seconds of a launch of a routine, as it is set. */
type Cost = (routine: string, set: Configuration) => number;
/** Noise that cancels in medians. */
const noisy = (seconds: number, i: number) => seconds * (1 + 1e-3 * Math.sin(7 * i));

/** Steps that nothing runs: each dispatch takes what it costs, the whole step `factor` times their sum. */
function fakeSteps(
  cost: Cost,
  { factor = (_: boolean): number => 1, traits = TRAITS } = {},
): Steps & { opened: number } {
  const planned = (tuningTable?: TuningTable) => {
    const { pass, update } = planTraining(small, traits, { ...OPTIONS, tuningTable });
    return [...pass.dispatches, ...update.dispatches];
  };
  const steps = {
    opened: 0,
    traits,
    plan: planned,
    async open(tuningTable?: TuningTable) {
      steps.opened++;
      const dispatches = planned(tuningTable);
      const seconds = dispatches.map(({ node, algorithm, kernel }) =>
        cost(`${node.op.name}/${node.routine}`, { algorithm, ...kernel.tune }),
      );
      let turn = 0;
      return {
        async profile() {
          turn++;
          return dispatches.map((dispatch, i) => ({ dispatch, seconds: noisy(seconds[i], turn + i) }));
        },
        async run() {
          return noisy(factor(tuningTable !== undefined) * seconds.reduce((a, b) => a + b, 0), turn++);
        },
        close() {
          steps.opened--;
        },
      };
    },
  };
  return steps;
}

/** An evaluator that measures nothing, and what it was asked. */
function fakeEvaluator(cost: Cost, asked: { of: RoutineDescription; set: Configuration }[] = []) {
  return (of: RoutineDescription): Evaluator => {
    const name = `${of.op.name}/${of.routine}`;
    const seconds = (set: Configuration) => cost(name, set);
    const spent = { compilation: 0, verification: 0, benchmark: 0, framework: 0, search: 0 };
    return {
      environment: async () => ENVIRONMENT,
      inspect: async () => ({}),
      print: async () => "",
      async evaluate(configuration) {
        asked.push({ of, set: configuration });
        const objective = seconds(configuration);
        const times = [objective];
        return { configuration, status: "ok", objective, times, spent, timestamp: "" };
      },
      rank: async (list) =>
        rankSamples(list.map((set) => Array.from({ length: 20 }, (_, i) => noisy(seconds(set), i)))),
      close() {},
    };
  };
}

/** One row a lane makes forward convolutions by broadcast twice as fast, three make gradients to w so. */
const alone: Cost = (name, { algorithm, ROWS }) => {
  const fast = { "conv2d_moments/forward": 1, "conv2d/w": 3 }[name] === ROWS && algorithm === "broadcast";
  return fast ? 0.5e-3 : 1e-3;
};
/** In the step gradients to w are slower so. */
const inStep: Cost = (name, set) =>
  name === "conv2d/w" && alone(name, set) < 1e-3 ? 1.2e-3 : alone(name, set);
const run = (options: Partial<StepOptions> & Pick<StepOptions, "steps">) =>
  tuneStep({
    ...{ evaluator: fakeEvaluator(alone), share: 1, strategy: "beam_search", budget: { evaluations: 40 } },
    ...options,
  });

check.test("what is faster alone and in the step is kept, what is slower in the step is not", async () => {
  const steps = fakeSteps(inStep);
  const found = await run({ steps });
  assert.is(steps.opened, 0, "steps left open");
  const of = (name: string) => found.findings.filter(({ group: { routine: is } }) => is === name);
  const forward = of("conv2d_moments/forward").filter(({ alone: { now } }) => now.tune.ROWS !== 1);
  assert.is(forward.length, 2);
  for (const {
    group: at,
    kept,
    predicted,
    inStep: took,
    alone: { best, ratio },
  } of forward) {
    assert.ok(kept);
    assert.is(best!.tune.ROWS, 1);
    assert.ok(Math.abs(ratio! - 0.5) < 1e-2 && Math.abs(took!.ratio - 0.5) < 1e-2);
    assert.ok(Math.abs(predicted - at.launches * 0.5e-3) < 1e-5, `${predicted}`);
  }
  assert.equal(forward.map(({ group: at }) => at.launches).sort(), [1, 2]);
  for (const {
    kept,
    why,
    alone: { best },
  } of of("conv2d/w")) {
    assert.is(best!.tune.ROWS, 3);
    assert.not(kept);
    assert.is(why, "no faster in the step");
  }
  assert.ok(found.findings.some(({ why }) => why === "nothing differs from the present choice"));
  const predicted = found.findings.reduce((sum, one) => sum + (one.kept ? one.predicted : 0), 0);
  assert.is(found.predicted, predicted);
  assert.ok(Math.abs(found.achieved - 1.5e-3) < 1e-4, `${found.achieved}`);
  assert.ok(Math.abs(found.predicted - 1.5e-3) < 1e-4, `${found.predicted}`);
  assert.equal(Object.keys(found.problems), ["conv2d_moments/forward"]);
  assert.match(formatOutcome(found), /1\.5\d ms predicted, 1\.\d+ ms achieved\. Accepted\.$/);

  const text = JSON.stringify({ adapter: "test", problems: found.problems });
  const tuningTable = readTuningTable("tuning_table.json", text);
  for (const { group: at } of forward) {
    const chosen = decide(at.node, { ...TRAITS, tuningTable });
    assert.match(chosen.why, /tuning_table\.json: .*, this problem/);
    assert.is(chosen.kernels[0].tune.ROWS, 1);
  }
});

check.test("where the step is slower nothing is accepted", async () => {
  const found = await run({ steps: fakeSteps(inStep, { factor: (tuned) => (tuned ? 1.2 : 1) }) });
  assert.ok(found.findings.some(({ kept }) => kept));
  assert.ok(found.step!.ratio > 1);
  assert.equal(found.problems, {});
  assert.match(formatOutcome(found), /Slower by its interval: not accepted\.$/);
});

check.test("where nothing is faster alone no step is measured", async () => {
  const found = await run({ steps: fakeSteps(() => 1e-3), evaluator: fakeEvaluator(() => 1e-3), top: 2 });
  assert.is(found.findings.length, 2);
  for (const { alone: of, inStep: took, kept } of found.findings)
    assert.equal([of.best, took, kept], [undefined, undefined, false]);
  assert.is(found.step, undefined);
  assert.equal([found.predicted, found.achieved, found.problems], [0, 0, {}]);
  assert.match(formatOutcome(found), /^Nothing is faster in the step/);
});

check.test("the costliest problems come first, as many as make up the share", async () => {
  const cost: Cost = (name) => (name === "conv2d/w" ? 1 : 1e-6);
  const { findings, groups } = await run({
    steps: fakeSteps(cost),
    evaluator: fakeEvaluator(cost),
    share: 0.9,
  });
  assert.equal(new Set(findings.map(({ group: { routine: of } }) => of)), new Set(["conv2d/w"]));
  assert.is(findings[0].group.launches, 2);
  assert.ok(groups.length > findings.length);
});

const at = (name: string, traits: Traits) => {
  const shapes = { x: [1, 17, 17, 64], w: [3, 3, 64, 64], b: [64], y: [1, 17, 17, 64] };
  const attrs = {
    stride: [1, 1],
    padding: [
      [1, 1],
      [1, 1],
    ],
  };
  const problem: Problem = { op: conv2d, routine: name, shapes, attrs };
  return { problem, ways: waysOf(problem, traits) };
};

check.test("an algorithm of a wider bound is taken only where the tables take it", () => {
  const names = ({ ways: { present, others } }: ReturnType<typeof at>) =>
    [present, ...others].map(({ algorithm }) => algorithm.name);
  assert.not(names(at("forward", TRAITS)).some((name) => name.startsWith("winograd")));
  const table = { routines: { "conv2d/forward": [{ algorithm: "winograd_4x4" }] } };
  const tuningTable = parseTuningTable("test", table);
  const given = names(at("forward", { ...TRAITS, tuningTable }));
  assert.is(given[0], "winograd_4x4");
  assert.equal(
    given.filter((name) => name.startsWith("winograd")),
    ["winograd_4x4"],
  );
  assert.ok(given.includes("broadcast"));
});

check.test("tunables are varied where they are read; the settled ones are among the configurations", () => {
  const { problem, ways } = at("forward", TRAITS);
  const all = [ways.present, ...ways.others];
  const settled = settledSpace(all);
  assert.equal(
    all.map((way) => settled.indexOf(configurationOf(way, all))),
    [...all.keys()],
  );
  assert.is(settled.size, all.length);
  const searched = all.filter(({ algorithm }) => algorithm.name !== "workgroup");
  const space = searchedSpace(problem, all, searched);
  const sizes = new Map<string, number>();
  for (let i = 0; i < space.size; i++) {
    const name = String(space.at(i).algorithm);
    sizes.set(name, (sizes.get(name) ?? 0) + 1);
  }
  for (const way of searched) {
    const most = [...way.choices.values()].reduce((product, values) => product * values.length, 1);
    assert.is(sizes.get(way.algorithm.name), most, way.algorithm.name);
    assert.ok(space.indexOf(configurationOf(way, all)) >= 0);
  }
  assert.is(sizes.size, searched.length);
  const begin = Object.fromEntries(space.parameters.map(({ name, default: value }) => [name, value!]));
  assert.equal(begin, configurationOf(searched[0], all));
});

check.test("a kernel that the step cannot take is reported, and leaves the others", async () => {
  const steps = fakeSteps(alone);
  const { plan, open } = steps;
  const checked = (tuningTable?: TuningTable) => {
    const tables = Object.values(tuningTable?.problems["conv2d/w"] ?? {});
    if (tables.some(({ tune }) => tune?.ROWS === 3)) throw new LimitError("four at a time");
    return tuningTable;
  };
  const found = await run({
    steps: Object.assign(steps, {
      plan: (tuningTable: TuningTable) => plan(checked(tuningTable)!),
      open: (tuningTable?: TuningTable) => open(checked(tuningTable)),
    }),
  });
  const refused = found.findings.filter(({ why }) => why === "not in the step: four at a time");
  assert.is(refused.length, 2);
  assert.ok(found.findings.some(({ kept }) => kept));
});

check.test("a second run evaluates nothing that the first has recorded", async () => {
  const kept = new Map<string, Row>();
  const runs: { of: string; header: Header }[] = [];
  const cache: StepOptions["cache"] = (of, header) => {
    runs.push({ of: groupId(of), header });
    const keyOf = ({ configuration }: Pick<Row, "configuration">) =>
      groupId(of) + JSON.stringify(configuration);
    return {
      find: (row) => kept.get(keyOf(row)),
      append: (row) => kept.size < kept.set(keyOf(row), row).size,
    };
  };
  const times: number[] = [];
  for (let i = 0; i < 2; i++) {
    const asked: Parameters<typeof fakeEvaluator>[1] = [];
    await run({ steps: fakeSteps(alone), evaluator: fakeEvaluator(alone, asked), top: 2, cache });
    times.push(asked.length);
  }
  assert.equal(times, [kept.size, 0]);
  assert.is(runs.length, 4, "a run has one header, whatever its searches");
  const [{ of, header }] = runs;
  const rows = [...kept].flatMap(([key, row]) => (key.startsWith(of) ? [row] : []));
  assert.is(recordedSpace(rows, header.space.parameters).size, rows.length);
  assert.ok(rows.length > 4 && kept.size > rows.length, `${rows.length} of ${kept.size}`);
});

check.test("why a search ended is reported, and an abort ends all", async () => {
  const steps = fakeSteps(alone);
  const failing = (of: RoutineDescription): Evaluator => ({
    ...fakeEvaluator(alone)(of),
    rank: () => Promise.reject(new Error("no sign of life")),
  });
  const { findings } = await run({ steps, evaluator: failing, top: 1 });
  assert.is(findings[0].why, "no sign of life");
  assert.not(findings[0].kept);
  let rows = 0;
  const stop = new AbortController();
  const evaluated = () => {
    if (++rows === 3) stop.abort();
    return undefined;
  };
  const observer = { tuning: () => ({ evaluated }) };
  const reason = await run({ steps, observer, signal: stop.signal }).catch((error: Error) => error);
  assert.equal([(reason as Error).name, rows], ["AbortError", 3]);
  assert.is(steps.opened, 0);
});

for (const [options, message] of [
  [{ share: 0 }, /share is 0/],
  [{ share: 1.5 }, /share is 1.5/],
  [{ top: 0 }, /top is 0/],
  [{ rounds: 0.5 }, /rounds is 0.5/],
] as const)
  check.test(`refused: ${message}`, async () => {
    const error = await run({ steps: fakeSteps(alone), ...options }).catch((raised: Error) => raised);
    assert.instance(error, TuneError);
    assert.match((error as Error).message, message);
  });

check.test("new entries are merged before a table's own for the same problem, and leave the rest", () => {
  const table = {
    class: "cpu",
    routines: { "conv2d/x": [{ algorithm: "plain" }] },
    problems: { "conv2d/x": { a: { algorithm: "plain" }, b: { algorithm: "plain" } } },
  };
  const found = { "conv2d/x": { b: { algorithm: "broadcast" } }, "conv2d/w": { c: { tune: { ROWS: 1 } } } };
  const made = merged(table, found);
  assert.equal(made, {
    ...table,
    problems: {
      "conv2d/x": { a: { algorithm: "plain" }, b: { algorithm: "broadcast" } },
      "conv2d/w": found["conv2d/w"],
    },
  });
  parseTuningTable("merged", made);
});

check.test("a step on the adapter: it ends, and what it finds is a table", async () => {
  const tiny: Model = (net, images) =>
    net.linear("logits", net.globalAvgPool(net.unit("one", images, 8, [1, 1])), 3);
  const found = await tuneStep({
    steps: trainingSteps(device, tiny, { input: [2, 8, 8, 3] }),
    evaluator: (of) => new Runner(routine(of), { clock: { samples: 3, least: 1e-3 } }),
    ...{ top: 1, budget: { evaluations: 3 }, finalists: 2, ranking: { rounds: 2 }, profiles: 2, rounds: 2 },
  });
  assert.is(found.findings.length, 1);
  assert.ok(found.seconds > 0);
  parseTuningTable("found", { problems: found.problems });
  assert.is(found.findings[0].alone.evaluated > 0, true);
});

check.run();
