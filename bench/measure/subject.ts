// A network on a device, ready to be measured: steps on images that are always the same, and what they leave behind.

import type { Device } from "../../engine/device/device.ts";
import { Predictor } from "../../engine/nn/predictor.ts";
import { type StateDict, Variables } from "../../engine/nn/variables.ts";
import { Trainer } from "../../engine/optim/trainer.ts";
import type { Executable } from "../../engine/plan/executable.ts";
import { stream } from "../../engine/random.ts";
import { size } from "../../kernels/op.ts";
import { inputOf, modelOf, netOf, type Planning, planStep, type Setting } from "./setting.ts";

/** Of learning, small: what the loss does in many steps on one batch is not what is measured. */
const RATE = 1e-3;

/** What a step computed: the loss of training, the logits of evaluation. */
export interface StepOutcome {
  readonly loss?: number;
  readonly logits?: Float32Array;
}

export interface StepSubject {
  /** What runs in a step, in order. */
  readonly parts: readonly Executable[];
  readonly variables: Variables;
  step(): Promise<StepOutcome>;
  close(): void;
}

/** Puts a network on a device, to learn at `rate`. Throws as `Trainer.create` and `Predictor.create` do. */
export async function stepSubjectOf(
  device: Device,
  setting: Setting,
  planning: Planning = {},
  rate = RATE,
): Promise<StepSubject> {
  const { seed, mode } = setting;
  const input = inputOf(setting);
  const random = stream(seed, "images");
  const images = Float32Array.from({ length: size(input) }, () => 2 * random() - 1);
  const options = { input, net: netOf(setting), ...planning };
  if (mode === "train") {
    const trainer = await Trainer.create(device, modelOf(setting), { ...options, seed, rate });
    const labels = Int32Array.from({ length: input[0] }, () => Math.floor(random() * trainer.classes));
    const { pass, update, variables } = trainer;
    return {
      parts: [pass, update],
      variables,
      step: () => trainer.step(images, labels),
      close: () => trainer.close(),
    };
  }
  const variables = await Variables.create(device, planStep(setting, device.traits).variables, { seed });
  const predictor = await Predictor.create(device, modelOf(setting), variables, options).catch((error) => {
    variables.close();
    throw error;
  });
  return {
    parts: [predictor.pass],
    variables,
    step: async () => ({ logits: await predictor.predict(images) }),
    close() {
      predictor.close();
      variables.close();
    },
  };
}

/** Euclidean norm of all values. */
export function normOf(tensors: Iterable<{ readonly data: Float32Array }>): number {
  let squares = 0;
  for (const { data } of tensors) for (let i = 0; i < data.length; i++) squares += data[i] * data[i];
  return Math.sqrt(squares);
}

/**
 * Weights on which float32 is sharp, as at the usual ones of a deep stack of relus it is not: filters of zero mean over
 * their input channels, shifts of batch norm around 1.5, running variances that keep activations of one size.
 */
export function tame(variables: Variables, seed: number): StateDict {
  const state = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const { path, shape, initial } of variables.specs.values()) {
    const random = stream(seed, path);
    const data = Float32Array.from(initial(shape, random));
    if (path.endsWith("/w") && shape.length === 4) center(data, shape);
    if (path.endsWith("/beta")) for (let i = 0; i < data.length; i++) data[i] = 0.5 + random() + random();
    if (path.endsWith("/variance")) data.fill(6);
    state.set(path, { shape, data });
  }
  return state;
}

/** Takes from every filter its mean over input channels, window by window; of one channel nothing would be left. */
function center(w: Float32Array, [r, s, c, o]: readonly number[]): void {
  if (c === 1) return;
  for (let window = 0; window < r * s; window++)
    for (let filter = 0; filter < o; filter++) {
      const first = window * c * o + filter;
      let sum = 0;
      for (let channel = 0; channel < c; channel++) sum += w[first + channel * o];
      for (let channel = 0; channel < c; channel++) w[first + channel * o] -= sum / c;
    }
}
