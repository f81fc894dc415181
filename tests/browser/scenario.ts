// What a browser and Node must agree on: every operation's cases, infinities and NaN, a small network's evaluation, and
// two training steps.
import type { Device } from "../../engine/device/device.ts";
import { algorithms, LAYOUTS, run } from "../../engine/gradcheck/operations/launch.ts";
import { problem } from "../../engine/gradcheck/operations/problem.ts";
import type { Node } from "../../engine/graph/graph.ts";
import { stream } from "../../engine/nn/initialisers.ts";
import { Predictor } from "../../engine/nn/predictor.ts";
import { Trainer } from "../../engine/optim/trainer.ts";
import { select } from "../../engine/plan/choose.ts";
import { ops, routines } from "../../kernels/index.ts";
import { model, netOptions } from "../../models/index.ts";
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
          const outcome = await run(device, op, example, p, routine, { algorithm: name, layout }, 1);
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
  const small = model(NAME, { classes: CLASSES, keep: 1, repeats: [1, 1, 1] });
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
