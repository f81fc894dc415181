// What a browser and Node must agree on: every operation's cases, infinities and NaN, a small network's evaluation, and
// two training steps.
import type { Device } from "../../engine/device/device.ts";
import { algorithms, LAYOUTS, runLayout } from "../../engine/gradcheck/operations/launch.ts";
import { problem } from "../../engine/gradcheck/operations/problem.ts";
import type { Node } from "../../engine/graph/graph.ts";
import type { Model } from "../../engine/nn/model.ts";
import { Predictor } from "../../engine/nn/predictor.ts";
import { Trainer } from "../../engine/optim/trainer.ts";
import { select } from "../../engine/plan/choose.ts";
import { stream } from "../../engine/random.ts";
import { ops, routines } from "../../kernels/index.ts";
import { getModel, netOptions } from "../../models/index.ts";
import { checkRow } from "../kernels/nonfinite/check_row.ts";
import { ROWS } from "../kernels/nonfinite/rows.ts";

export interface Findings {
  readonly adapter: string;
  /** Cases run, and the largest error / bound of each operation. */
  readonly cases: number;
  readonly worst: Readonly<Record<string, number>>;
  readonly logits: readonly number[];
  readonly losses: readonly number[];
  /** Sums of all weights after the steps, by path of some. */
  readonly weights: readonly number[];
}

const NAME = "inception-resnet-v1";
const INPUT = [4, 75, 75, 3] as const;
const CLASSES = 5;

/** Runs it all on a device. Throws at the first value beyond its bound. */
export async function scenario(device: Device): Promise<Findings> {
  const worst: Record<string, number> = {};
  let cases = 0;
  for (const op of ops)
    for (const example of op.cases) {
      const p = problem(op, example);
      for (const [routine, { name }] of algorithms(device, op, example, p)) {
        // what a plan would choose, and the last, which every adapter can run: Node computes the others
        const node = { op, routine, attrs: example.attrs, shapes: p.shapes } as unknown as Node;
        const [{ algorithm }] = select([node], device.traits);
        if (name !== algorithm.name && name !== routines(op)[routine].at(-1)!.name) continue;
        for (const layout of LAYOUTS) {
          const outcome = await runLayout(device, op, example, p, routine, { algorithm: name, layout }, 1);
          if (outcome?.message)
            throw new Error(`${op.name}/${routine} ${name} ${layout}: ${outcome.message}`);
          worst[op.name] = Math.max(worst[op.name] ?? 0, outcome?.figure ?? 0);
          cases++;
        }
      }
    }
  for (const row of ROWS) await checkRow(device, row);
  return { adapter: device.name, cases, worst, ...(await network(device)) };
}

async function network(device: Device) {
  const options = netOptions(NAME, { width: 1 / 8 });
  const small = getModel(NAME, { classes: CLASSES, keep: 1, repeats: [1, 1, 1] });
  const random = stream(3, "images");
  const images = Float32Array.from({ length: INPUT.reduce((a, b) => a * b, 1) }, () => 2 * random() - 1);
  const labels = Int32Array.of(0, 1, 2, 3);

  const trainer = await Trainer.create(device, small, {
    input: INPUT,
    seed: 5,
    rate: 0.01,
    clip: 2,
    net: options,
  });
  const predictor = await Predictor.create(device, small, trainer.variables, { input: INPUT, net: options });
  const logits = [...(await predictor.predict(images))];
  const losses = [(await trainer.step(images, labels)).loss, (await trainer.step(images, labels)).loss];
  const state = await trainer.variables.read();
  const weights = [...state.values()].map(({ data }) => data.reduce((sum, v) => sum + v, 0));
  predictor.close();
  trainer.close();
  return { logits, losses, weights };
}

const tiny: Model = (net, x) => net.linear("logits", net.globalAvgPool(net.unit("1", x, 4, 3)), 3);
const train = (device: Device) => Trainer.create(device, tiny, { input: [2, 8, 8, 3], seed: 1 });

/** What calls give that are pending on a device when it is destroyed, and the next ones. */
export async function destroyed(device: Device): Promise<string[]> {
  const trainer = await train(device);
  const step = () => trainer.step(new Float32Array(384), Int32Array.of(0, 1));
  const read = () => trainer.variables.read();
  await step();
  const done = () => device.gpu.queue.onSubmittedWorkDone();
  const calls = [step, read, () => device.buffer("b", 16, 128), () => device.settle("run", done())];
  const outcomes = (made: Promise<unknown>[]) =>
    Promise.all(
      made.map((one) =>
        one.then(
          () => "no error",
          (error: Error) => error.name,
        ),
      ),
    );
  const pending = outcomes(calls.map((call) => call()));
  device.gpu.destroy();
  const first = await pending;
  return [...first.slice(0, 2), ...(await outcomes(calls.map((call) => call())))];
}

/** Losses of a step on the same images over memory of their own, shared between threads, and resizable. */
export async function handedOver(device: Device): Promise<number[]> {
  const values = Float32Array.from({ length: 384 }, (_, i) => Math.sin(i));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
  const resizable = new (ArrayBuffer as any)(1536, { maxByteLength: 4096 }) as ArrayBuffer;
  const losses: number[] = [];
  for (const buffer of [new ArrayBuffer(1536), new SharedArrayBuffer(1536), memory.buffer, resizable]) {
    const images = new Float32Array(buffer, 0, 384);
    images.set(values);
    const trainer = await train(device);
    losses.push((await trainer.step(images, Int32Array.of(0, 1))).loss);
    trainer.close();
  }
  return losses;
}
