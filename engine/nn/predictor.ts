import type { Device } from "../device/device.ts";
import type { Model } from "../optim/trainer.ts";
import { Executable } from "../plan/executable.ts";
import { plan } from "../plan/plan.ts";
import { commute } from "../plan/rewrite/commute.ts";
import { Net, type NetOptions } from "./net.ts";
import type { Variables } from "./variables.ts";

export interface PredictorOptions {
  /** Images of a batch and their size: [n,h,w,c]. */
  readonly input: readonly number[];
  readonly net?: NetOptions;
  /** Whose weights: the last ones, or their running average. */
  readonly weights?: "value" | "average";
}

/** A model in evaluation: running statistics, no dropout, on variables that may go on being trained. */
export class Predictor {
  private constructor(private readonly executable: Executable) {}

  /** Plans the evaluation of a model. Throws ShapeError, LimitError or WeightsError where model, adapter or variables do not fit. */
  static async create(
    device: Device,
    model: Model,
    variables: Variables,
    options: PredictorOptions,
  ): Promise<Predictor> {
    const net = new Net({ ...options.net, training: false });
    const made = model(net, net.input("images", options.input));
    const logits = "logits" in made ? made.logits : made;
    commute(net.graph, [logits]);
    const planned = plan(net.graph, device.traits, { outputs: { logits } });
    return new Predictor(await Executable.load(device, planned, (v) => variables.place(v, options.weights)));
  }

  /** Logits [n,classes] of images [n,h,w,c]. Throws ShapeError where their number differs. */
  predict(images: Float32Array): Promise<Float32Array> {
    this.executable.write("images", images);
    this.executable.run();
    return this.executable.read("logits");
  }

  close(): void {
    this.executable.close();
  }
}
