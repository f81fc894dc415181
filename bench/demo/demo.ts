import { join } from "node:path";
import { Presets, SingleBar } from "cli-progress";
import { cacheFolder } from "../../engine/cache.node.ts";
import { ImageBatches } from "../../engine/data/batches.node.ts";
import { formatLeftOut, scanFolder } from "../../engine/data/folder.node.ts";
import type { Device } from "../../engine/device/device.ts";
import { adamw } from "../../engine/optim/optimizers.ts";
import { Trainer } from "../../engine/optim/trainer.ts";
import type { Profile } from "../../engine/plan/executable.ts";
import { median } from "../../engine/statistics/quantiles.ts";
import { size } from "../../kernels/index.ts";
import { getModel, listEntries, netOptions } from "../../models/index.ts";
import { interruptible } from "../command_line/interrupt.ts";
import { openDevice } from "../command_line/open_device.ts";
import { formatTable, number, text } from "../command_line/table.ts";
import { drawDataset } from "./draw.ts";

export interface DemoOptions {
  readonly data?: string;
  readonly image?: number;
  readonly batch?: number;
  readonly steps?: number;
  readonly rate?: number;
  /** Bytes of device memory that training keeps to. */
  readonly memory?: number;
  readonly seed: number;
  /** Tuning table asked before those of the engine. */
  readonly tuningTable?: string;
  readonly adapter?: string;
}

/** What a run looks like on an adapter of some speed: images and steps that take about three minutes in all. */
interface Scale {
  readonly image: number;
  readonly batch: number;
  readonly steps: number;
  /** Seconds after which a network takes no further step. */
  readonly seconds: number;
  /** Drawn images to learn: few where there is time for few steps, so that the loss can be seen to fall. */
  readonly images: number;
}

const SCALES: Readonly<Record<string, Scale>> = {
  swiftshader: { image: 107, batch: 4, steps: 6, seconds: 30, images: 4 },
  lavapipe: { image: 107, batch: 8, steps: 12, seconds: 40, images: 8 },
  hardware: { image: 299, batch: 16, steps: 60, seconds: 60, images: Infinity },
};

interface Row {
  readonly name: string;
  readonly parameters: number;
  readonly flops: number;
  readonly seconds: Readonly<Record<"forward" | "backward" | "update" | "step", number>>;
  readonly bytes: number;
  /** Bytes of the arena as a multiple of the most that are alive at once. */
  readonly arena: number;
  readonly losses: readonly number[];
}

/** Trains the three networks for some steps and prints what they cost side by side. */
export const demo = (options: DemoOptions): Promise<void> =>
  interruptible((signal) => trainAll(options, signal));

async function trainAll(options: DemoOptions, signal: AbortSignal): Promise<void> {
  const device = await openDevice({ adapter: options.adapter, tuningTable: options.tuningTable });
  try {
    const { image, batch, steps, seconds, images } = {
      ...(SCALES[device.kind] ?? SCALES.hardware),
      ...given(options),
    };
    console.log(`${device.name} (${device.kind}), ${device.implementation}`);
    if (device.software)
      console.log(
        `No GPU is used, so images are ${image}x${image} and not 299x299; --image, --batch and --steps change that.`,
      );
    const data = options.data ?? (await draw());
    if (signal.aborted) return;
    const { classes, samples: all, leftOut } = await scanFolder(data);
    const samples = options.data ? all : spread(all, images);
    console.log(`${samples.length} images of ${classes.length} classes in ${data}\n`);
    if (leftOut.length > 0) console.log(`left out: ${formatLeftOut(leftOut)}\n`);
    const rows: Row[] = [];
    const batches = new ImageBatches(samples, { batch, size: image, seed: options.seed, flip: true });
    try {
      for (const { name } of listEntries().filter(({ variant }) => variant === "paper")) {
        const run = { name, classes: classes.length, image, batch, steps, seconds, ...options };
        const row = await train(device, batches, { ...run, signal });
        if (row) rows.push(row);
        if (row) console.log(`${name}: loss ${row.losses.map((loss) => loss.toFixed(2)).join(" ")}`);
        if (signal.aborted) break;
      }
    } finally {
      if (rows.length > 0) print(rows, device, { image, batch });
      if (batches.bad.length > 0) console.log(`\nnot decoded: ${formatLeftOut(batches.bad)}`);
    }
  } finally {
    device.close();
  }
}

/** So many of the samples, evenly spread over the classes. */
const spread = <T>(samples: readonly T[], count: number): readonly T[] =>
  samples.filter((_, i) => i % Math.max(1, Math.floor(samples.length / count)) === 0);

const given = ({ image, batch, steps }: DemoOptions): Partial<Scale> =>
  Object.fromEntries(
    Object.entries({ image, batch, steps, seconds: steps && Infinity }).filter(([, v]) => v !== undefined),
  );

async function draw(): Promise<string> {
  const bar = new SingleBar(
    { format: "drawing images {bar} {value}/{total}", clearOnComplete: true },
    Presets.shades_classic,
  );
  let started = false;
  const onProgress = (done: number, total: number) => {
    if (!started) bar.start(total, 0);
    started = true;
    bar.update(done);
  };
  try {
    return await drawDataset(join(cacheFolder(), "shapes"), { onProgress });
  } finally {
    if (started) bar.stop();
  }
}

interface Run extends Omit<Scale, "images">, DemoOptions {
  readonly name: string;
  readonly classes: number;
  readonly image: number;
  readonly batch: number;
  readonly steps: number;
  readonly signal: AbortSignal;
}

async function train(device: Device, batches: ImageBatches, run: Run): Promise<Row | undefined> {
  const bar = new SingleBar(
    { format: `${run.name.padEnd(20)} {bar} step {value}/{total}  {what}`, hideCursor: true },
    Presets.shades_classic,
  );
  bar.start(run.steps, 0, { what: "compiling" });
  let trainer: Trainer | undefined;
  try {
    trainer = await Trainer.create(device, getModel(run.name, { classes: run.classes }), {
      input: [run.batch, run.image, run.image, 3],
      optimizer: adamw({ weightDecay: 4e-5 }),
      rate: run.rate ?? 5e-4,
      clip: 2,
      seed: run.seed,
      memory: run.memory,
      net: netOptions(run.name, { batchNorm: { decay: 0.9 } }),
    });
    const losses: number[] = [];
    const times: number[] = [];
    const end = performance.now() + run.seconds * 1e3;
    for (
      let step = 0;
      step < run.steps && !run.signal.aborted && (step < 3 || performance.now() < end);
      step++
    ) {
      const { images, labels } = await batches.at(step);
      const begin = performance.now();
      const { loss } = await trainer.step(images, labels);
      times.push((performance.now() - begin) / 1e3);
      losses.push(loss);
      bar.update(step + 1, { what: `loss ${losses[0].toFixed(3)} -> ${loss.toFixed(3)}` });
    }
    if (losses.length === 0) return undefined;
    bar.setTotal(losses.length);
    const timed = device.gpu.features.has("timestamp-query") && !run.signal.aborted;
    const phases = timed ? await trainer.profile() : undefined;
    const total = (profile: Profile | undefined) =>
      profile?.reduce((sum, { seconds }) => sum + seconds, 0) ?? NaN;
    const { arena, lowerBound } = trainer.pass.plan.memory();
    const dispatches = [...trainer.pass.plan.dispatches, ...trainer.update.plan.dispatches];
    return {
      name: run.name,
      parameters: [...trainer.variables.specs.values()]
        .filter((s) => s.trainable)
        .reduce((n, { shape }) => n + size(shape), 0),
      flops: dispatches.reduce((sum, { flops }) => sum + flops, 0),
      seconds: {
        forward: total(phases?.forward),
        backward: total(phases?.backward),
        update: total(phases?.update),
        step: median(times.length > 1 ? times.slice(1) : times),
      },
      bytes: trainer.bytes,
      arena: arena / lowerBound,
      losses,
    };
  } finally {
    bar.stop();
    trainer?.close();
  }
}

const duration = (s: number) =>
  Number.isNaN(s) ? "-" : s >= 1 ? `${s.toFixed(2)} s` : `${(s * 1e3).toFixed(1)} ms`;

function print(
  rows: readonly Row[],
  device: Device,
  { image, batch }: { image: number; batch: number },
): void {
  const costs = ["GFLOP/step", "forward", "backward", "update", "step", "GFLOP/s", "memory"];
  const columns = [...["network", "loss"].map(text), ...["parameters", ...costs].map(number)];
  const cells = rows.map(({ name, losses, parameters, flops, seconds, bytes }) => [
    name,
    `${losses[0].toFixed(2)} -> ${losses[losses.length - 1].toFixed(2)} (${losses.length} steps)`,
    `${(parameters / 1e6).toFixed(2)} M`,
    (flops / 1e9).toFixed(1),
    duration(seconds.forward),
    duration(seconds.backward),
    duration(seconds.update),
    duration(seconds.step),
    (flops / seconds.step / 1e9).toFixed(1),
    `${(bytes / 2 ** 20).toFixed(0)} MiB`,
  ]);
  console.log(`\n${formatTable(columns, cells)}`);
  console.log(
    `${batch} images of ${image}x${image} a step on ${device.name}. Forward, backward and update: device time of one step; step: median wall time after the first.`,
  );
  const arenas = rows.map(({ arena }) => `${arena.toFixed(2)} x`).join(", ");
  console.log(`Arena: ${arenas} lower bound, the most bytes of activations alive at once.`);
}
