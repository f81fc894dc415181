import type { Device } from "../../engine/device/device.ts";
import { ShapeError } from "../../engine/errors.ts";
import { pullback } from "../../engine/graph/autodiff.ts";
import type { Tensor, Variable } from "../../engine/graph/graph.ts";
import { checkLabels, type Model, parameterGradients, trace } from "../../engine/nn/model.ts";
import { type Block, Net } from "../../engine/nn/net.ts";
import type { NetOptions } from "../../engine/nn/net_options.ts";
import { Predictor } from "../../engine/nn/predictor.ts";
import { type StateDict, Variables } from "../../engine/nn/variables.ts";
import { Executable } from "../../engine/plan/executable.ts";
import { plan } from "../../engine/plan/plan.ts";

/** Activations [n,h,w,c] in float32. */
interface Images {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A direction in the space of the weights, by path, and how far to go along it to either side; given the gradients. */
export type Along = (gradients: StateDict) => { readonly direction: StateDict; readonly step: number };

/** What every training pass computes. */
export interface Backward {
  readonly gradients: StateDict;
  /** Running means and variances after the training pass. */
  readonly statistics: StateDict;
  /** Central difference of the loss along the direction that was asked for. */
  readonly difference?: number;
}

/** What one evaluation and one training pass over a batch compute. Logits are [n,classes]. */
export interface Passes extends Backward {
  readonly evalLogits: Float32Array;
  readonly trainLogits: Float32Array;
  /** Mean cross-entropy in training. */
  readonly loss: number;
}

/** What one training pass of a block computes; the loss is `<dy, y>`. */
export interface BlockPasses extends Backward {
  readonly y: Float32Array;
  readonly dx: Float32Array;
}

/**
 * Evaluates a model on images [n,h,w,3] with given weights, then runs one training forward and backward, and where
 * `along` asks for it the forward pass at two more points. Dropout is the caller's to switch off (`keep: 1`).
 * Throws WeightsError, ShapeError or ValueError where weights, images or labels do not fit the model.
 */
export async function evaluateAndDifferentiate(
  device: Device,
  model: Model,
  options: NetOptions,
  weights: StateDict,
  images: Images,
  labels: Int32Array,
  along?: Along,
): Promise<Passes> {
  const { net, logits, loss, classes } = trace(model, images.shape, { ...options, training: true });
  if (!logits || !classes) throw new ShapeError("parity: the model is no classifier");
  checkLabels(labels, images.shape[0], classes);
  const into = parameterGradients(net, loss);
  return closing(async (keep) => {
    const variables = keep(await Variables.create(device, net.variables));
    variables.load(weights);
    const predictor = keep(
      await Predictor.create(device, model, variables, { input: images.shape, net: options }),
    );
    const evalLogits = await predictor.predict(images.data);
    const feed = { images: images.data, labels };
    const pass = new Pass(device, net, variables, feed, keep);
    const run = await pass.backward({ logits, loss }, into);
    const lossAt = async (forward: Executable) => (await forward.read("loss"))[0];
    return {
      evalLogits,
      trainLogits: await run.read("logits"),
      loss: await lossAt(run),
      ...(await pass.written(weights, { loss }, lossAt, along)),
    };
  });
}

/**
 * Runs one training forward and backward of a block on x with given weights, whose paths begin with the block's, and
 * the gradient dy of its output. Throws WeightsError or ShapeError where these do not fit the block.
 */
export async function differentiateBlock(
  device: Device,
  path: string,
  { body }: Block,
  options: NetOptions,
  weights: StateDict,
  x: Images,
  dy: Images,
  along?: Along,
): Promise<BlockPasses> {
  const net = new Net({ ...options, training: true });
  const input = net.input("x", x.shape);
  const y = net.block(path, input, body);
  const trainable = [...net.variables.values()].filter((spec) => spec.trainable);
  const parameters = trainable.map((spec) => net.graph.variable(spec.path, spec.shape));
  const found = pullback(net.graph, new Map([[y, net.input("dy", dy.shape)]]), [input, ...parameters]);
  const into = new Map(
    parameters.map((w, i) => [found.get(w)!, { path: trainable[i].path, slot: "gradient" }]),
  );
  return closing(async (keep) => {
    const variables = keep(await Variables.create(device, net.variables));
    variables.load(weights);
    const pass = new Pass(device, net, variables, { x: x.data, dy: dy.data }, keep);
    const run = await pass.backward({ y, dx: found.get(input)! }, into);
    const lossAt = async (forward: Executable) =>
      (await forward.read("y")).reduce((sum, v, i) => sum + v * dy.data[i], 0);
    return {
      y: await run.read("y"),
      dx: await run.read("dx"),
      ...(await pass.written(weights, { y }, lossAt, along)),
    };
  });
}

interface Closable {
  close(): void;
}
type Keep = <T extends Closable>(made: T) => T;

/** Runs `body` and closes what it keeps, last first, whatever happens. */
async function closing<T>(body: (keep: Keep) => Promise<T>): Promise<T> {
  const kept: Closable[] = [];
  try {
    return await body((made) => {
      kept.unshift(made);
      return made;
    });
  } finally {
    for (const made of kept) made.close();
  }
}

/** Runs of a traced net on given inputs. */
class Pass {
  constructor(
    private readonly device: Device,
    private readonly net: Net,
    private readonly variables: Variables,
    private readonly feed: Readonly<Record<string, Float32Array | Int32Array>>,
    private readonly keep: Keep,
  ) {}

  /** Forward and backward, the gradients into the variables. */
  async backward(
    outputs: Readonly<Record<string, Tensor>>,
    into: ReadonlyMap<Tensor, Variable>,
  ): Promise<Executable> {
    await this.variables.allocate("gradient", { groups: ["decayed", "plain"] });
    const pass = await this.#load(outputs, into);
    pass.run();
    return pass;
  }

  /** What a run left in the variables; then, along a direction, the central difference of the loss of `outputs`. */
  async written(
    weights: StateDict,
    outputs: Readonly<Record<string, Tensor>>,
    lossAt: (forward: Executable) => Promise<number>,
    along?: Along,
  ): Promise<Backward> {
    const values = await this.variables.read();
    const statistics = new Map([...values].filter(([path]) => !this.net.variables.get(path)!.trainable));
    const gradients = await this.variables.read("gradient");
    if (!along) return { gradients, statistics };
    const { direction, step } = along(gradients);
    const difference = await this.#difference(weights, direction, step, outputs, lossAt);
    return { gradients, statistics, difference };
  }

  /** (loss(w + h v) - loss(w - h v)) / 2h. Leaves the variables at w - h v. */
  async #difference(
    weights: StateDict,
    direction: StateDict,
    step: number,
    outputs: Readonly<Record<string, Tensor>>,
    lossAt: (forward: Executable) => Promise<number>,
  ): Promise<number> {
    const forward = await this.#load(outputs);
    let difference = 0;
    for (const h of [step, -step]) {
      for (const [path, { data }] of weights) {
        const along = direction.get(path)?.data;
        this.variables.write(path, along ? data.map((v, i) => v + h * along[i]) : data);
      }
      forward.run();
      difference += (await lossAt(forward)) / (2 * h);
    }
    return difference;
  }

  async #load(
    outputs: Readonly<Record<string, Tensor>>,
    into?: ReadonlyMap<Tensor, Variable>,
  ): Promise<Executable> {
    const planned = plan(this.net.graph, this.device.traits, { outputs, into });
    const executable = this.keep(
      await Executable.load(this.device, planned, (variable) => this.variables.place(variable)),
    );
    for (const [name, values] of Object.entries(this.feed))
      if (executable.reads(name)) executable.write(name, values);
    return executable;
  }
}
