import { size } from "../../kernels/op.ts";
import { checkChoice, checkNames, checkShape } from "../arguments.ts";
import { type FloatValues, toFloats } from "../device/arrays.ts";
import type { Device } from "../device/device.ts";
import type { Traits } from "../device/traits.ts";
import { ClosedError, ShapeError, ValueError, WeightsError } from "../errors.ts";
import { Executable, type HostTensor } from "../plan/executable.ts";
import { type Plan, type PlanOptions, plan } from "../plan/plan.ts";
import { Queue } from "../queue.ts";
import { type Model, traceEvaluation } from "./model.ts";
import type { VariableSpec } from "./net.ts";
import { checkNetOptions, type NetOptions } from "./net_options.ts";
import type { Variables } from "./variables.ts";

export interface PredictorOptions extends Pick<PlanOptions, "choose" | "fuse"> {
  /** Images that are computed at once and their size: [n,h,w,c], or any rank with the batch first. */
  readonly input: readonly number[];
  /** What the layers have in common; by default what the variables were made with. */
  readonly net?: NetOptions;
  /** Whose weights: the last ones, or their running average. */
  readonly weights?: "value" | "average";
  /** Layers, blocks and named tensors, by path, that `outputs` gives beside the model's own. */
  readonly outputs?: readonly string[];
}

/** An evaluation as a plan, before any device has seen it. */
export interface PredictionPlan {
  readonly variables: ReadonlyMap<string, VariableSpec>;
  readonly pass: Plan;
}

const NAMES = ["input", "net", "weights", "outputs", "choose", "fuse"];

/** Traces a model in evaluation and plans it for an adapter. Throws as `Predictor.create` does. */
export function planPrediction(model: Model, traits: Traits, options: PredictorOptions): PredictionPlan {
  checkNames("predictor", options, NAMES);
  const { input, choose, fuse } = options;
  checkShape("predictor", "input", input);
  if (options.weights !== undefined)
    checkChoice("predictor", "weights", options.weights, ["value", "average"]);
  if (options.net) checkNetOptions("predictor: net", options.net);
  const { net, outputs } = traceEvaluation(model, input, options.net, options.outputs);
  for (const [name, { shape }] of Object.entries(outputs))
    if (shape[0] !== input[0])
      throw new ShapeError(
        `predictor: ${name} is [${shape}] but its leading axis must be the ${input[0]} images`,
      );
  const pass = plan(net.graph, traits, { outputs, choose, fuse });
  const other = [...pass.inputs.keys()].find((name) => name !== "images");
  if (other !== undefined)
    throw new ShapeError(`predictor: in evaluation the model reads the input ${other}`);
  return { variables: net.variables, pass };
}

/**
 * A model in evaluation: running statistics, no dropout, on variables that may go on being trained. Calls are queued:
 * each takes its images before it returns.
 */
export class Predictor {
  readonly #queue = new Queue();
  #closed = false;

  private constructor(
    readonly pass: Executable,
    private readonly input: readonly number[],
  ) {}

  /**
   * Plans the evaluation of a model. Throws ShapeError where model and input do not fit, LimitError or OutOfMemoryError
   * where the adapter is too small, WeightsError where the variables are not the model's, in names, shapes or options.
   */
  static async create(
    device: Device,
    model: Model,
    variables: Variables,
    options: PredictorOptions,
  ): Promise<Predictor> {
    if (variables.device !== device)
      throw new ValueError(
        `predictor: the variables are on ${variables.device.name} but on another device than given`,
      );
    const net = options.net ?? variables.net;
    const { pass, variables: specs } = planPrediction(model, device.traits, { ...options, net });
    checkFit(specs, variables, net);
    const executable = await Executable.load(device, pass, (v) => variables.place(v, options.weights));
    return new Predictor(executable, options.input);
  }

  /**
   * The model's first output, such as logits [n,classes], of images [n,h,w,c] in [-1, 1], of any number n: they are
   * computed `input[0]` at a time. Throws ShapeError where they are no whole number of images.
   */
  async predict(images: FloatValues): Promise<Float32Array> {
    const [first] = Object.values(await this.outputs(images));
    return first.data;
  }

  /** All outputs by name, the model's and those asked for; otherwise as `predict`. */
  async outputs(images: FloatValues): Promise<Record<string, HostTensor>> {
    this.#checkOpen("predict");
    const values = toFloats("images", images, { range: "[-1, 1]" });
    const [batch, ...image] = this.input;
    const one = size(image);
    const count = values.length / one;
    if (count === 0 || !Number.isInteger(count))
      throw new ShapeError(
        `images: ${values.length} values are given but images of [${image}] take a multiple of ${one}`,
      );
    const later = count > batch || this.#queue.busy;
    const taken = later && values === images ? values.slice() : values;
    try {
      return await this.#queue.run(() => this.#run(taken, count));
    } catch (error) {
      this.#checkOpen("predict");
      throw error;
    }
  }

  async #run(values: Float32Array, count: number): Promise<Record<string, HostTensor>> {
    const [batch, ...image] = this.input;
    const one = size(image);
    const names = [...this.pass.plan.outputs.keys()];
    const all: Record<string, HostTensor> = {};
    for (let from = 0; from < count; from += batch) {
      this.#checkOpen("predict");
      const images = Math.min(batch, count - from);
      let part = values.subarray(from * one, (from + images) * one);
      if (images < batch) {
        part = new Float32Array(batch * one);
        part.set(values.subarray(from * one)); // images are independent of each other: those of zeros change nothing
      }
      this.pass.write("images", part);
      this.pass.run();
      for (const [i, { shape, data }] of (
        await Promise.all(names.map((name) => this.pass.readFloats(name)))
      ).entries()) {
        const row = data.length / batch;
        all[names[i]] ??= { shape: [count, ...shape.slice(1)], data: new Float32Array(count * row) };
        all[names[i]].data.set(data.subarray(0, images * row), from * row);
      }
    }
    return all;
  }

  #checkOpen(call: string): void {
    if (this.#closed) throw new ClosedError(`${call}: the predictor was closed`);
  }

  /** Frees its memory; the variables stay. Calls under way and later ones throw ClosedError. */
  close(): void {
    this.#closed = true;
    this.pass.close();
  }
}

/** Throws WeightsError unless the variables have what the model reads, and were made with the same options of layers. */
function checkFit(
  specs: ReadonlyMap<string, VariableSpec>,
  variables: Variables,
  net: NetOptions = {},
): void {
  for (const { path, shape } of specs.values()) {
    const held = variables.specs.get(path);
    if (!held) throw new WeightsError(`predictor: the model reads ${path}, which the variables lack`);
    if (String(held.shape) !== String(shape))
      throw new WeightsError(
        `predictor: ${path} is [${shape}] in the model but [${held.shape}] in the variables`,
      );
  }
  if (!variables.net) return;
  const [asked, made] = [layerOptions(net), layerOptions(variables.net)];
  for (const [name, value] of Object.entries(asked))
    if (value !== made[name])
      throw new WeightsError(`predictor: ${name} is ${value} but the variables were made with ${made[name]}`);
}

/** What options of a net change in evaluation. */
const layerOptions = ({ width = 1, batchNorm: { scale = false, epsilon = 1e-3 } = {} }: NetOptions) =>
  ({ width, "batchNorm.scale": scale, "batchNorm.epsilon": epsilon }) as Record<string, number | boolean>;
