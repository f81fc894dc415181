import type { Device } from "../device/device.ts";
import type { Traits } from "../device/traits.ts";
import { Executable } from "../plan/executable.ts";
import { type Plan, type PlanOptions, plan } from "../plan/plan.ts";
import { commute } from "../plan/rewrite/commute.ts";
import type { Model } from "./model.ts";
import { Net, type NetOptions, type VariableSpec } from "./net.ts";
import type { Variables } from "./variables.ts";

export interface PredictorOptions extends Pick<PlanOptions, "choose" | "fuse"> {
  /** Images of a batch and their size: [n,h,w,c]. */
  readonly input: readonly number[];
  readonly net?: NetOptions;
  /** Whose weights: the last ones, or their running average. */
  readonly weights?: "value" | "average";
}

/** An evaluation as a plan, before any device has seen it. */
export interface PredictionPlan {
  readonly variables: ReadonlyMap<string, VariableSpec>;
  readonly pass: Plan;
}

/** Traces a model in evaluation and plans it for an adapter. Throws as `Predictor.create` does. */
export function planPrediction(model: Model, traits: Traits, options: PredictorOptions): PredictionPlan {
  const net = new Net({ ...options.net, training: false });
  const made = model(net, net.input("images", options.input));
  const logits = "logits" in made ? made.logits : made;
  commute(net.graph, [logits]);
  const { choose, fuse } = options;
  return {
    variables: net.variables,
    pass: plan(net.graph, traits, { outputs: { logits }, choose, fuse }),
  };
}

/** A model in evaluation: running statistics, no dropout, on variables that may go on being trained. */
export class Predictor {
  private constructor(readonly pass: Executable) {}

  /** Plans the evaluation of a model. Throws ShapeError, LimitError or WeightsError where model, adapter or variables do not fit. */
  static async create(
    device: Device,
    model: Model,
    variables: Variables,
    options: PredictorOptions,
  ): Promise<Predictor> {
    const { pass } = planPrediction(model, device.traits, options);
    return new Predictor(await Executable.load(device, pass, (v) => variables.place(v, options.weights)));
  }

  /** Logits [n,classes] of images [n,h,w,c]. Throws ShapeError where their number differs. */
  predict(images: Float32Array): Promise<Float32Array> {
    this.pass.write("images", images);
    this.pass.run();
    return this.pass.read("logits");
  }

  close(): void {
    this.pass.close();
  }
}
