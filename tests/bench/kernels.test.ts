// Kernels by themselves, the adapter's roofs, what lies between them, and what of it is to be tuned first.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { kernelTables, rooflineTable } from "../../bench/bench/outputs/kernel_tables.ts";
import { aligned } from "../../bench/bench/outputs/terminal.ts";
import { asJson, asScript, tuneList, tuneListText } from "../../bench/bench/outputs/tune_list.ts";
import copyWgsl from "../../bench/measure/copy.wgsl";
import { type KernelProblem, kernelProblems, measureKernels } from "../../bench/measure/kernels.ts";
import multiplyAdd from "../../bench/measure/multiply_add.wgsl";
import type { KernelRow, LaunchRow, Result, Roofs } from "../../bench/measure/result.ts";
import { floorOf, roofline } from "../../bench/measure/roofline.ts";
import { readRoofs, roofsOf } from "../../bench/measure/roofs.ts";
import workgroup from "../../bench/measure/workgroup.wgsl";
import { TuneError } from "../../engine/errors.ts";
import { planTraining } from "../../engine/optim/training_plan.ts";
import { kernel } from "../../engine/tune/kernel/kernel.ts";
import { conv2d, copy } from "../../kernels/index.ts";
import { atWidth } from "../../kernels/vec4.ts";
import { device, group } from "../harness.ts";
import { LAVAPIPE } from "../plans.ts";
import { networkRow, resultOf } from "./results.ts";

const check = group("bench kernels");
const ROOFS: Roofs = { multiplyAdd: 1e12, copy: 1e11, workgroup: 1e12, dispatch: 1e-6 };
const QUICK = { samples: 3, limit: 0.01, least: 1e-5, quanta: 1 };
const SAME = {
  stride: [1, 1],
  padding: [
    [1, 1],
    [1, 1],
  ],
};
const convolution = (routine: string): KernelProblem => ({
  op: conv2d,
  routine,
  shapes: { x: [1, 8, 8, 16], w: [3, 3, 16, 24] },
  attrs: SAME,
});

async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

check.test("roofs are read, the best of their kernels counts", async () => {
  const readings = await collect(readRoofs(device, QUICK));
  const roofs = roofsOf(readings);
  for (const [roof, value] of Object.entries(roofs))
    assert.ok(value > 0 && Number.isFinite(value), `${roof} ${value}`);
  for (const { roof, best } of readings)
    assert.ok(roof === "dispatch" ? roofs[roof] <= best : roofs[roof] >= best, roof);
});

for (const width of [1, 4] as const)
  check.test(`the kernels of the roofs do what is counted, ${width} at a time`, async () => {
    const values = (count: number, at: (i: number) => number) =>
      Float32Array.from({ length: count }, (_, i) => at(i));
    const verified = async (wgsl: string, x: Float32Array, y: ArrayLike<number>, groups: number) => {
      const buffers = { x, y: { type: "f32" as const, length: y.length } };
      const subject = kernel({
        label: "roofs",
        wgsl: atWidth(wgsl, width),
        buffers,
        grid: [groups, 1, 1],
        answer: { y },
      });
      const candidate = await subject.prepare(device, {});
      const { message } = await candidate.verify();
      candidate.close();
      assert.is(message, undefined);
    };
    const x = values(8 * 64 * 4, (i) => i + 0.5);
    await verified(copyWgsl, x, x, 8);
    // chains z = z a + b by their closed form; each of 8 starts where the lane and the chain say
    const [a, b, steps] = [0.999, 0.25, 8 * 256];
    const chain = (z: number) => a ** steps * z + (b * (1 - a ** steps)) / (1 - a);
    const lanes = (at: (lane: number) => number, count: number) =>
      values(count * width, (i) => at(Math.floor(i / width)));
    const sum = (of: (i: number) => number) =>
      Array.from({ length: 8 }, (_, i) => of(i)).reduce((p, q) => p + q, 0);
    await verified(
      multiplyAdd,
      Float32Array.of(a, b),
      lanes((lane) => sum((i) => chain(lane + i)), 64),
      1,
    );
    const read = (lane: number) => sum((j) => 128 * (lane + 96 * j + 63.5 + 0.25));
    await verified(workgroup, Float32Array.of(0.25), lanes(read, 128), 1);
  });

const launch = (given: Partial<LaunchRow>): LaunchRow => ({
  label: "conv2d/forward_broadcast",
  routine: "conv2d/forward",
  phase: "forward",
  where: "stem/1",
  algorithm: "broadcast",
  tune: { ROWS: 4 },
  grid: [1, 1, 1],
  shapes: { x: [1, 8, 8, 16], w: [3, 3, 16, 24], b: [24], y: [1, 8, 8, 24], dy: [1, 8, 8, 24] },
  attrs: SAME,
  flops: 1e9,
  bytes: 1e6,
  seconds: 2e-3,
  ...given,
});

check.test("a kernel's floor is arithmetic, bytes or the launch, and its gap what is above", () => {
  assert.equal(floorOf({ flops: 1e9, bytes: 1e6 }, ROOFS), { seconds: 1e-3, limit: "multiplyAdd" });
  assert.equal(floorOf({ flops: 1e9, bytes: 1e9 }, ROOFS), { seconds: 1e-2, limit: "copy" });
  assert.equal(floorOf({ flops: 0, bytes: 4 }, ROOFS), { seconds: 1e-6, limit: "dispatch" });
  const rows = [
    launch({}),
    launch({ label: "relu/forward", routine: "relu/forward", flops: 1e6, bytes: 1e9, seconds: 1e-2 }),
    launch({ where: "stem/2", seconds: 4e-3 }),
  ];
  const dots = roofline(rows, ROOFS);
  assert.equal(
    dots.map(({ row, times, roof }) => [row.label, times, roof!.limit]),
    [
      ["conv2d/forward_broadcast", 2, "multiplyAdd"],
      ["relu/forward", 1, "copy"],
    ],
  );
  const [{ roof, intensity, rate, seconds }, onRoof] = dots;
  const near = (got: number, want: number) =>
    assert.ok(Math.abs(got - want) < 1e-9 * want, `${got}, want ${want}`);
  near(roof!.gap, 4e-3);
  near(seconds, 6e-3);
  near(roof!.share, 1 / 3);
  near(intensity, 1000);
  near(rate, 2e9 / 6e-3);
  near(onRoof.roof!.share, 1);
  assert.ok(onRoof.roof!.gap < 1e-12);
  const table = rooflineTable(networkRow("a", 1, { launches: rows }), "a", ROOFS, 1);
  assert.match(aligned(table), /4 ms of 16 ms .* The 1 that lose most of 2\./);
  assert.match(aligned(table), /conv2d\/forward_broadcast.*33 %/);
  assert.equal(
    roofline(rows).map(({ row, roof }) => [row.label, roof]),
    [
      ["relu/forward", undefined],
      ["conv2d/forward_broadcast", undefined],
    ],
    "without roofs the costliest first",
  );
});

check.test("the tune list has what tune takes, kernels of a routine together, the greatest gap first", () => {
  const x = [1, 4, 4, 4];
  const rows = [
    launch({
      label: "relu/forward",
      routine: "relu/forward",
      algorithm: "flat",
      shapes: { x, y: x },
      seconds: 5e-3,
    }),
    launch({
      label: "conv2d/transpose_w",
      routine: "conv2d/x",
      tune: { WG: 8 },
      algorithm: "transposed",
      seconds: 1e-3,
    }),
    launch({ routine: "conv2d/x", algorithm: "transposed", seconds: 8e-3 }),
    launch({ routine: "concat/forward", algorithm: "flat", shapes: { x0: x, x1: x, x2: x, x3: x, y: x } }),
  ];
  const tasks = tuneList(rows, ROOFS);
  assert.equal(
    tasks.map(({ op, routine, algorithm, tune, times }) => ({ op, routine, algorithm, tune, times })),
    [
      { op: "conv2d", routine: "x", algorithm: "transposed", tune: { WG: 8, ROWS: 4 }, times: 1 },
      { op: "relu", routine: "forward", algorithm: "flat", tune: { ROWS: 4 }, times: 1 },
    ],
  );
  assert.equal(tasks[0].shapes, { x: [1, 8, 8, 16], w: [3, 3, 16, 24], b: [24] });
  assert.is(
    tasks[0].command,
    `tessera tune conv2d --routine x --algorithm transposed --shapes '{"x":[1,8,8,16],"w":[3,3,16,24],"b":[24]}' --attrs '${JSON.stringify(SAME)}'`,
  );
  assert.equal(JSON.parse(asJson(tasks)), tasks);
  const result = { networks: [{ launches: rows }], roofs: ROOFS } as unknown as Result;
  assert.equal(JSON.parse(tuneListText(result, "list.json")), tasks);
  assert.throws(() => tuneListText({ ...result, roofs: undefined }, "-"), /no roofs and times of 4 launches/);
  assert.is(tuneListText(result, "-"), asScript(tasks));
  const lines = asScript(tasks).split("\n");
  assert.ok(
    lines.every(
      (line) => line === "" || line.startsWith("# ") || tasks.some(({ command }) => command === line),
    ),
  );
});

check.test("problems of a network, those of most FLOPs first, by operation or routine", () => {
  const { pass } = planTraining(
    (net, images) => {
      const x = net.unit("a", images, 16, 3);
      return net.linear("logits", net.globalAvgPool(net.unit("c", net.unit("b", x, 16, 3), 16, 3)), 10);
    },
    LAVAPIPE,
    { input: [1, 16, 16, 3] },
  );
  const problems = kernelProblems(pass.dispatches);
  assert.ok(problems.every(({ flops }, i) => i === 0 || flops <= problems[i - 1].flops));
  const [first] = problems;
  assert.equal([first.shapes.w, first.times], [[3, 3, 16, 16], 2]);
  const [only, ...others] = kernelProblems(pass.dispatches, ["linear/w"]);
  assert.equal([only.op.name, only.routine, only.times, others.length], ["linear", "w", 1, 0]);
  assert.equal(only.shapes, { x: [1, 16], w: [16, 10], b: [10] });
});

check.test("every algorithm is a row: a time, or why there is none", async () => {
  for (const routine of ["forward", "w"]) {
    const rows = await collect(measureKernels(device, [convolution(routine)], { clock: QUICK }));
    const list = routine === "forward" ? conv2d.forward : conv2d.backward.w;
    assert.equal(
      rows.map(({ algorithm }) => algorithm),
      list.map(({ name }) => name),
    );
    for (const { algorithm, device: took, refusal, flops, bytes, tune } of rows) {
      assert.ok((took === undefined) !== (refusal === undefined), algorithm);
      if (took) assert.ok(flops > 0 && bytes > 0 && Object.keys(tune).length > 0, algorithm);
    }
    assert.ok(rows.at(-1)!.device, "the plain kernel fits every problem");
    if (routine === "forward")
      assert.match(rows.find(({ algorithm }) => algorithm === "winograd_1x4")!.refusal!, "does not fit");
    const [table] = kernelTables(resultOf([], { kernels: rows, roofs: ROOFS }));
    assert.match(aligned(table), /plain/);
    if (routine === "forward") assert.match(table.note!, /winograd_1x4.*: does not fit this problem/);
  }
});

check.test("a kernel that computes something wrong has no time", async () => {
  const [algorithm] = copy.forward;
  const [right] = algorithm.kernels;
  const wrong = { ...right, source: (right.source as string).replace(/= x\[(.*)\];/, "= 2.0 * x[$1];") };
  assert.is.not(wrong.source, right.source);
  const broken = { ...copy, forward: [{ ...algorithm, name: "broken", kernels: [wrong] }, ...copy.forward] };
  const problem = { op: broken, routine: "forward", shapes: { x: [2, 3, 4, 5] }, attrs: {} };
  const [row] = await collect(measureKernels(device, [problem], { clock: QUICK, algorithms: ["broken"] }));
  assert.is(row.device, undefined);
  assert.match(row.refusal!, /^wrong: /);
});

check.test("settings, unknown algorithms, interruption", async () => {
  const problem = convolution("forward");
  const options = { clock: QUICK, algorithms: ["registers"], verify: false };
  const [row] = await collect(
    measureKernels(device, [problem], { ...options, tune: { ROWS: 2, GROUPS: 7 } }),
  );
  assert.is(row.tune.ROWS, 2);
  assert.is(row.tune.GROUPS, undefined);
  const [refused] = await collect(measureKernels(device, [problem], { ...options, tune: { VEC: 5 } }));
  assert.match(refused.refusal!, "does not fit");
  try {
    await collect(measureKernels(device, [problem], { ...options, algorithms: ["registers", "fastest"] }));
    assert.unreachable();
  } catch (error) {
    assert.instance(error, TuneError);
    assert.match((error as Error).message, /no algorithm fastest \(has broadcast, .*plain\)/);
  }
  const stop = new AbortController();
  const rows: KernelRow[] = [];
  for await (const one of measureKernels(device, [problem], {
    clock: QUICK,
    verify: false,
    signal: stop.signal,
  })) {
    rows.push(one);
    stop.abort();
  }
  assert.is(rows.length, 1);
});

check.test("bench kernels from the command line: a result, and errors that say what there is", () => {
  const cli = fileURLToPath(new URL("../../cli.js", import.meta.url));
  const tessera = (...args: string[]) =>
    spawnSync(process.execPath, [cli, "bench", ...args], { encoding: "utf8" });
  const adapter = ["--adapter", device.name.split(":")[0]];
  const given = ["relu", "--shapes", '{"x":[2,3,4,5]}', ...adapter];
  const { stdout, stderr, status } = tessera("kernels", ...given, "--json");
  assert.is(status, 0, stderr);
  const { format, command, host, kernels } = JSON.parse(stdout) as Result;
  assert.is(format, "tessera bench result");
  assert.equal(command.slice(0, 2), ["kernels", "relu"]);
  for (const word of given) assert.ok(command.includes(word), word);
  assert.not(command.includes("--json"));
  assert.ok(host.adapter.length > 0);
  assert.equal(
    kernels.map(({ routine, shapes, flops, bytes }) => ({ routine, shapes, flops, bytes })),
    [{ routine: "relu/forward", shapes: { x: [2, 3, 4, 5] }, flops: 120, bytes: 960 }],
  );
  const refused = tessera("kernels", "relu/y", "--shapes", '{"x":[1,1]}', ...adapter);
  assert.is(refused.status, 2);
  assert.match(refused.stderr, "relu: no routine y (there is forward and x)");
});
check.run();
