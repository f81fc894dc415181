// Training end to end on drawn images: the loss falls to nearly nothing, the same seed gives the same bits, a step
// leaves nothing behind, and parts of a batch add up to the whole.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as assert from "uvu/assert";
import { drawDataset } from "../bench/demo/draw.ts";
import { ImageBatches } from "../engine/data/batches.node.ts";
import { scanFolder } from "../engine/data/folder.node.ts";
import { LimitError } from "../engine/errors.ts";
import type { Tensor } from "../engine/graph/graph.ts";
import type { Model } from "../engine/nn/model.ts";
import type { Net } from "../engine/nn/net.ts";
import { adamw, type Optimizer, rmsprop, sgd } from "../engine/optim/optimizers.ts";
import type { TrainerOptions } from "../engine/optim/options.ts";
import { averageDecay, staircase } from "../engine/optim/schedules.ts";
import { Trainer } from "../engine/optim/trainer.ts";
import { stream } from "../engine/random.ts";
import { getModel, netOptions } from "../models/index.ts";
import { device, group } from "./harness.ts";

const check = group("training");
const STEPS = 200;
const AGAIN = 20;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** One drawn image of each class: small enough to be learnt by heart in 200 steps. */
async function batches(): Promise<{ data: ImageBatches; classes: number }> {
  const folder = mkdtempSync(join(tmpdir(), "tessera-training-"));
  try {
    const { classes, samples } = await scanFolder(
      await drawDataset(join(folder, "shapes"), { perClass: 1, size: 96 }),
    );
    const data = new ImageBatches(samples, { batch: classes.length, size: 75, seed: 1 });
    await data.at(0); // all are decoded now
    return { data, classes: classes.length };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const drawn = batches();

const start = async (name: string, classes: number): Promise<Trainer> =>
  Trainer.create(device, getModel(name, { classes }), {
    input: [classes, 75, 75, 3],
    optimizer: adamw({ weightDecay: 0 }),
    rate: 0.003,
    clip: 2,
    net: netOptions(name, { width: 1 / 8 }),
  });

for (const name of ["inception-v4", "inception-resnet-v1", "inception-resnet-v2"])
  check.test(`${name}, ${STEPS} steps`, async () => {
    const { data, classes } = await drawn;
    const trainer = await start(name, classes);
    const losses: number[] = [];
    let early: Awaited<ReturnType<Trainer["variables"]["read"]>> | undefined;
    let heap = 0;
    const made = countCreations();
    try {
      for (let step = 0; step < STEPS; step++) {
        const { images, labels } = await data.at(step);
        losses.push((await trainer.step(images, labels)).loss);
        if (step === 0) made.reset();
        if (step === AGAIN - 1) {
          assert.equal(made.counts(), {}, "objects made on the device by steps after the first");
          early = await trainer.variables.read();
          made.reset();
          heap = heapUsed();
        }
      }
      assert.equal(made.counts(), {}, "objects made on the device by later steps");
      const growth = heapUsed() - heap;
      assert.ok(growth < 2 ** 19, `the heap grew by ${growth} bytes from step ${AGAIN} to step ${STEPS}`);
      const last = losses.slice(-10).reduce((a, b) => a + b) / 10;
      assert.ok(last < 0.05, `the loss went from ${losses[0]} to ${last}`);
      assert.ok(losses[0] > 1);
    } finally {
      made.stop();
      trainer.close();
    }

    const second = await start(name, classes);
    try {
      for (let step = 0; step < AGAIN; step++) {
        const { images, labels } = await data.at(step);
        assert.is((await second.step(images, labels)).loss, losses[step], `loss of step ${step}`);
      }
      for (const [path, { data: values }] of await second.variables.read())
        assert.equal(bits(values), bits(early!.get(path)!.data), path);
    } finally {
      second.close();
    }
  });

const bits = (values: Float32Array): Buffer =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength);

function heapUsed(): number {
  collect();
  collect(); // what the first found in array buffers is freed by the second
  const { heapUsed: used, external } = process.memoryUsage();
  return used + external;
}

/** Counts what is created on the device, command encoders apart. */
function countCreations() {
  const gpu = device.gpu as unknown as Record<string, (...args: unknown[]) => unknown>;
  const names = [
    "createBuffer",
    "createBindGroup",
    "createBindGroupLayout",
    "createComputePipeline",
    "createComputePipelineAsync",
    "createShaderModule",
    "createQuerySet",
  ];
  let counts: Record<string, number> = {};
  for (const name of names) {
    const original = gpu[name];
    gpu[name] = (...args) => {
      counts[name] = (counts[name] ?? 0) + 1;
      return original.apply(device.gpu, args);
    };
  }
  return {
    counts: () => counts,
    reset: () => {
      counts = {};
    },
    stop: () => {
      for (const name of names) delete gpu[name];
    },
  };
}

// A small net without batch norm, whose gradient is a mean over images: parts of a batch must add up to it.
const plain: Model = (net: Net, x: Tensor) =>
  net.linear(
    "logits",
    net.globalAvgPool(net.relu(net.conv2d("b", net.relu(net.conv2d("a", x, 8, 3)), 8, 3, { stride: 2 }))),
    4,
  );

const INPUT = [4, 9, 9, 3] as const;
const next = stream(9);
const images = Float32Array.from({ length: 4 * 9 * 9 * 3 }, () => 2 * next() - 1);
const labels = Int32Array.of(3, 0, 2, 1);

async function weightsAfter(steps: number, options: Partial<TrainerOptions>, slot = "value") {
  const trainer = await Trainer.create(device, plain, { input: INPUT, seed: 3, rate: 0.1, ...options });
  try {
    const results = [];
    for (let step = 0; step < steps; step++) results.push(await trainer.step(images, labels));
    const values = [...(await trainer.variables.read(slot)).values()].flatMap(({ data }) => [...data]);
    return { values, results };
  } finally {
    trainer.close();
  }
}

const close = (got: readonly number[], want: readonly number[], bound: number) => {
  const norm = Math.hypot(...want);
  const error = Math.hypot(...want.map((v, i) => v - got[i])) / norm;
  assert.ok(error < bound, `relative error ${error}`);
};

check.test("micro-batches add up to the batch", async () => {
  const whole = await weightsAfter(3, { clip: 0.5 });
  for (const microBatches of [2, 4]) {
    const parts = await weightsAfter(3, { clip: 0.5, microBatches });
    close(parts.values, whole.values, 1e-6);
    close(
      parts.results.map(({ loss }) => loss),
      whole.results.map(({ loss }) => loss),
      1e-6,
    );
    close(
      parts.results.map(({ norm }) => norm!),
      whole.results.map(({ norm }) => norm!),
      1e-6,
    );
    assert.equal(
      parts.results.map(({ top1 }) => top1),
      whole.results.map(({ top1 }) => top1),
    );
  }
});

check.test("a budget of memory counts all that a trainer holds", async () => {
  for (const options of [{}, { average: 0.9, optimizer: adamw() }]) {
    const make = (memory?: number) =>
      Trainer.create(device, plain, { input: INPUT, clip: 1, ...options, memory });
    const trainer = await make();
    const { bytes } = trainer;
    trainer.close();
    try {
      (await make(bytes - 1)).close();
      assert.unreachable("less than a trainer takes was enough");
    } catch (error) {
      assert.instance(error, LimitError);
      assert.match(
        (error as Error).message,
        `${bytes - 1} bytes are allowed but a step takes ${bytes} at least`,
      );
    }
    (await make(bytes)).close();
  }
});

check.test("clipping scales the whole gradient to the limit", async () => {
  const free = await weightsAfter(1, { optimizer: sgd({ momentum: 0 }), clip: 1e9 });
  const norm = free.results[0].norm!;
  const clipped = await weightsAfter(1, { optimizer: sgd({ momentum: 0 }), clip: norm / 4 });
  const first = await weightsAfter(0, {});
  const moved = (to: readonly number[]) => to.map((v, i) => v - first.values[i]);
  close(
    moved(clipped.values).map((v) => 4 * v),
    moved(free.values),
    1e-4,
  );
});

check.test("weight decay reaches weights and not biases", async () => {
  for (const make of [rmsprop, sgd, adamw] as ((o: { weightDecay: number }) => Optimizer)[]) {
    const [without, decayed] = [
      await weightsAfter(1, { optimizer: make({ weightDecay: 0 }) }),
      await weightsAfter(1, { optimizer: make({ weightDecay: 0.5 }) }),
    ];
    assert.not.equal(without.values.slice(0, 200), decayed.values.slice(0, 200));
  }
});

check.test("the running average follows the weights", async () => {
  let average = (await weightsAfter(0, {})).values;
  for (const step of [0, 1, 2, 3]) {
    const { values } = await weightsAfter(step + 1, {});
    const decay = averageDecay(0.999, step);
    average = average.map((v, i) => decay * v + (1 - decay) * values[i]);
  }
  close((await weightsAfter(4, { average: 0.999 }, "average")).values, average, 1e-5);
});

check.test("the learning rate goes down in steps", async () => {
  const schedule = staircase({ rate: 0.045, factor: 0.94, every: 2 });
  assert.equal([0, 1, 2, 3, 4].map(schedule), [0.045, 0.045, 0.045 * 0.94, 0.045 * 0.94, 0.045 * 0.94 ** 2]);
  const { results } = await weightsAfter(3, { rate: schedule });
  assert.equal(
    results.map(({ rate }) => rate),
    [0.045, 0.045, 0.045 * 0.94],
  );
});

check.run();
