import type { Traits } from "../engine/device/traits.ts";
import { rmsprop } from "../engine/optim/optimizers.ts";
import { planTraining } from "../engine/optim/training_plan.ts";
import { getModel, netOptions } from "../models/index.ts";

/** The adapter the plan files are written for: lavapipe's limits, subgroups of 8. */
export const LAVAPIPE: Traits = {
  name: "lavapipe",
  class: "cpu",
  features: new Set(["subgroups", "shader-f16", "timestamp-query"]),
  subgroupSize: 8,
  maxBindingBytes: 2 ** 27,
  maxBufferBytes: 2 ** 32 - 1,
  maxWorkgroups: 65535,
  maxInvocations: 1024,
  maxWorkgroupBytes: 2 ** 15,
  maxBindings: 16,
  uniformAlignment: 16,
};

const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** The dispatches of one training step of a network on one image of 299x299, and its memory, as text. */
export function describeStep(name: string): string {
  const { pass, update } = planTraining(getModel(name), LAVAPIPE, {
    input: [1, 299, 299, 3],
    optimizer: rmsprop({ weightDecay: 4e-5 }),
    clip: 2,
    net: netOptions(name),
  });
  const { arena, lowerBound, peak } = pass.memory();
  const memory = `arena ${mib(arena)}, at least ${mib(lowerBound)} alive at ${peak.at}`;
  return `${pass.describe()}\n${update.describe()}\n${memory}\n`;
}
