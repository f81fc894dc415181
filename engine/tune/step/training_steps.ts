import { size } from "../../../kernels/op.ts";
import type { Device } from "../../device/device.ts";
import type { TuningTable } from "../../device/tuning_table.ts";
import type { Model } from "../../nn/model.ts";
import type { TrainerOptions } from "../../optim/options.ts";
import { Trainer } from "../../optim/trainer.ts";
import { planTraining } from "../../optim/training_plan.ts";
import { stream } from "../../random.ts";
import type { Step, Steps } from "./step.ts";

/** The training step of a model on a device, on images of noise: what a step takes does not depend on what it learns. */
export const trainingSteps = (device: Device, model: Model, options: TrainerOptions): Steps => ({
  traits: device.traits,
  plan(tuningTable) {
    const { pass, update } = planTraining(model, device.traits, { ...options, tuningTable });
    return [...pass.dispatches, ...update.dispatches];
  },
  async open(tuningTable?: TuningTable): Promise<Step> {
    const trainer = await Trainer.create(device, model, { ...options, tuningTable });
    const next = stream(1);
    const images = new Float32Array(size(options.input)).map(() => 2 * next() - 1);
    const labels = new Int32Array(options.input[0]).map((_, i) => i % trainer.classes);
    const run = async (): Promise<number> => {
      const start = performance.now();
      await trainer.step(images, labels);
      return (performance.now() - start) / 1e3;
    };
    try {
      await run(); // the first waits for memory and for what the driver compiles late
    } catch (error) {
      trainer.close();
      throw error;
    }
    return {
      run,
      async profile() {
        return Object.values(await trainer.profile()).flat();
      },
      close: () => trainer.close(),
    };
  },
});
