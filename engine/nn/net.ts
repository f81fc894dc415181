import {
  add,
  avgPool2d,
  batchNorm,
  concat,
  conv2d,
  dropout,
  globalAvgPool,
  linear,
  maxPool2d,
  mean,
  meanSquaredError,
  multiply,
  relu,
  scale,
  scaleAddRelu,
  sigmoid,
  softmax,
  softmaxCrossEntropy,
  tanh,
} from "../../kernels/index.ts";
import type { DType, Runnable, Shape } from "../../kernels/op.ts";
import { checkChoice, checkNames, checkNumber, checkShape, checkWhole } from "../arguments.ts";
import { ShapeError } from "../errors.ts";
import { Graph, type Tensor } from "../graph/graph.ts";
import { constant, type Initialiser, varianceScaling, xavier } from "./initialisers.ts";
import { checkNetOptions, matches, type NetOptions } from "./net_options.ts";
import { type Pair, pair, type WindowOptions, zeros } from "./window.ts";

/** A persistent value of a model. */
export interface VariableSpec {
  readonly path: string;
  readonly shape: Shape;
  readonly initial: Initialiser;
  /** Updated by the optimiser, or by the layer itself (running statistics), or, where frozen, by nothing. */
  readonly trainable: boolean;
  /** A parameter that the net's options freeze. */
  readonly frozen?: boolean;
  /** Whether weight decay applies. */
  readonly decayed: boolean;
}

/** A part of a model: what it takes and returns, and the function itself, which another net can trace alone. */
export interface Block {
  readonly input: Tensor;
  readonly output: Tensor;
  readonly body: (net: Net, x: Tensor) => Tensor;
}

/** What all levels of a net have in common. */
class Traced {
  readonly graph = new Graph();
  readonly variables = new Map<string, VariableSpec>();
  readonly blocks = new Map<string, Block>();
  /** Tensors by the name under which they can be read: of `output`, and what each layer and block returns. */
  readonly named = new Map<string, Tensor>();
  /** How many dropouts each path has. */
  readonly dropouts = new Map<string, number>();
  /** Classes of the labels that each input holds. */
  readonly classes = new Map<string, number>();
  counter: Tensor | undefined;
}

/**
 * The layer API: traces layers onto a graph and declares their variables by path on first use.
 * `at(name)` is the same net one level down; a layer's variables are `<path>/<name>/w`, `/bias`, `/gamma`, `/beta`,
 * `/mean`, `/variance`. Activations are NHWC, weights RSCO. Throws ShapeError where shapes do not fit, ValueError where
 * an argument is outside its range.
 */
export class Net {
  readonly #traced: Traced;

  constructor(
    readonly options: NetOptions = {},
    readonly path = "",
    parent?: Net,
  ) {
    if (!parent) checkNetOptions("net", options);
    this.#traced = parent ? parent.#traced : new Traced();
  }

  get graph(): Graph {
    return this.#traced.graph;
  }
  /** The variables declared so far, by path. */
  get variables(): Map<string, VariableSpec> {
    return this.#traced.variables;
  }
  /** The blocks traced so far, by their path. */
  get blocks(): Map<string, Block> {
    return this.#traced.blocks;
  }
  /** Inputs that hold labels, and of how many classes. */
  get classes(): ReadonlyMap<string, number> {
    return this.#traced.classes;
  }
  /** Input of the random layers, filled by who runs the net; undefined where there is none. */
  get counter(): Tensor | undefined {
    return this.#traced.counter;
  }
  /** Tensors that can be read by name: those of `output`, and what each layer and block at a path returns. */
  get named(): ReadonlyMap<string, Tensor> {
    return this.#traced.named;
  }

  get training(): boolean {
    return this.options.training ?? false;
  }

  /** The same net, one level down. */
  at(name: string): Net {
    return new Net(this.options, this.#join(name), this);
  }

  /** Traces `body` one level down and records it as a block. */
  block(name: string, input: Tensor, body: Block["body"]): Tensor {
    const output = body(this.at(name), input);
    this.blocks.set(this.#join(name), { input, output, body });
    return this.output(name, output);
  }

  /** Names a tensor, so that it can be read after a step or a prediction; returns it. */
  output(name: string, x: Tensor): Tensor {
    this.#traced.named.set(this.#join(name), x);
    return x;
  }

  /** `filters` times the width multiplier, at least 1. */
  scaled(filters: number): number {
    return Math.max(1, Math.floor(filters * (this.options.width ?? 1) + 0.5));
  }

  /** A tensor that the caller gives with every step, such as a target; its leading axis is the batch. */
  input(name: string, shape: Shape, dtype: DType = "f32"): Tensor {
    checkShape(this.#label("input"), name, shape);
    checkChoice(this.#label("input"), "dtype", dtype, ["f32", "i32", "u32"]);
    return this.graph.input(name, shape, dtype);
  }

  /** A trainable variable. */
  parameter(name: string, shape: Shape, initial: Initialiser, { decayed = false } = {}): Tensor {
    const path = this.#join(name);
    const frozen = this.#frozen(path);
    return this.#variable({ path, shape, initial, decayed, trainable: !frozen, ...(frozen && { frozen }) });
  }

  /** A variable that the layer itself updates. */
  state(name: string, shape: Shape, initial: Initialiser): Tensor {
    return this.#variable({ path: this.#join(name), shape, initial, decayed: false, trainable: false });
  }

  /** Convolution x [n,h,w,c] -> [n,p,q,filters], with a bias by default. */
  conv2d(
    name: string,
    x: Tensor,
    filters: number,
    window: Pair,
    options: WindowOptions & { readonly bias?: boolean } = {},
  ): Tensor {
    const net = this.at(name);
    const call = net.#label("conv2d");
    checkRank(call, x, 4);
    checkNames(call, options, ["stride", "padding", "bias"]);
    const { stride = 1, padding = "same", bias = true } = options;
    checkWhole(call, "filters", filters, 1);
    const [r, s] = pair(call, "window", window);
    const steps = pair(call, "stride", stride);
    const initial = this.options.initialiser ?? varianceScaling();
    const w = net.parameter("w", [r, s, x.shape[3], filters], initial, { decayed: true });
    const b = bias ? net.#bias(filters) : undefined;
    const attrs = { stride: steps, padding: zeros(call, x, [r, s], steps, padding) };
    return net.#layer(conv2d, { x, w, b }, attrs);
  }

  /** Batch normalisation over all axes but the last; gamma only where the options ask for it. */
  batchNorm(name: string, x: Tensor): Tensor {
    const { scale = false, epsilon = 1e-3, decay = 0.9997 } = this.options.batchNorm ?? {};
    const net = name ? this.at(name) : this;
    const shape = [x.shape[x.shape.length - 1]];
    const training = this.training && !this.#frozen(net.#join("beta"));
    const gamma = scale ? net.parameter("gamma", shape, constant(1)) : undefined;
    const beta = net.parameter("beta", shape, constant(0));
    const running_mean = net.state("mean", shape, constant(0));
    const running_var = net.state("variance", shape, constant(1));
    const attrs = { training, epsilon, decay };
    return net.#layer(batchNorm, { x, gamma, beta, running_mean, running_var }, attrs);
  }

  /** The networks' unit: convolution without bias, batch norm, relu; `filters` scales with the width. */
  unit(name: string, x: Tensor, filters: number, window: Pair, options: WindowOptions = {}): Tensor {
    const y = this.conv2d(name, x, this.scaled(filters), window, { ...options, bias: false });
    return this.at(name).relu(this.batchNorm(name, y));
  }

  /**
   * Any operation, one's own too: its outputs by name, from inputs by name. Throws ShapeError where an input is missing,
   * unknown, or does not fit.
   */
  apply(
    op: Runnable,
    inputs: Readonly<Record<string, Tensor | undefined>>,
    attrs: unknown = {},
  ): Readonly<Record<string, Tensor>> {
    return this.graph.apply(op, inputs, attrs, { label: this.#label(op.name) });
  }

  /** `max(x, 0)`, element by element. */
  relu(x: Tensor): Tensor {
    return this.#layer(relu, { x });
  }

  /** `1 / (1 + exp(-x))`, element by element. */
  sigmoid(x: Tensor): Tensor {
    return this.#layer(sigmoid, { x });
  }

  /** Hyperbolic tangent, element by element. */
  tanh(x: Tensor): Tensor {
    return this.#layer(tanh, { x });
  }

  /** Softmax over the last axis. */
  softmax(x: Tensor): Tensor {
    return this.#layer(softmax, { x });
  }

  /** Sum of two tensors of one shape. */
  add(a: Tensor, b: Tensor): Tensor {
    return this.#layer(add, { a, b });
  }

  /** Product of two tensors of one shape, element by element. */
  multiply(a: Tensor, b: Tensor): Tensor {
    return this.#layer(multiply, { a, b });
  }

  /** A tensor times a number. */
  scale(x: Tensor, factor: number): Tensor {
    checkNumber(this.#label("scale"), "factor", factor);
    return this.#layer(scale, { x }, { scale: factor });
  }

  /** Matrix product: x [n,k], w [k,m] -> [n,m]. */
  matmul(x: Tensor, w: Tensor): Tensor {
    return this.#layer(linear, { x, w });
  }

  /** Mean of all elements: any shape -> [1]. */
  mean(x: Tensor): Tensor {
    return this.#layer(mean, { x });
  }

  /** Largest value in each window; a NaN is larger than any. */
  maxPool(x: Tensor, window: Pair, options: WindowOptions = {}): Tensor {
    return this.#pool(maxPool2d, x, window, options);
  }

  /** Average over the part of the window that lies inside the image. */
  avgPool(x: Tensor, window: Pair, options: WindowOptions = {}): Tensor {
    return this.#pool(avgPool2d, x, window, options);
  }

  /** Mean over the image: [n,h,w,c] -> [n,c]. */
  globalAvgPool(x: Tensor): Tensor {
    return this.#layer(globalAvgPool, { x });
  }

  /** Joins tensors along the channels. */
  concat(...parts: readonly Tensor[]): Tensor {
    if (parts.length === 1) return parts[0];
    if (parts.length === 0) throw new ShapeError(`${this.#label("concat")}: no tensors are given`);
    return this.#layer(concat(parts.length), Object.fromEntries(parts.map((x, i) => [`x${i + 1}`, x])));
  }

  /** `relu(x + scale * r)`, or without the relu (arXiv 1602.07261, section 3.3 and figure 20). */
  residual(x: Tensor, r: Tensor, scale: number, { relu = true } = {}): Tensor {
    return this.#layer(scaleAddRelu, { x, r }, { scale, relu });
  }

  /**
   * In training keeps each value with probability `keep`, above 0 and at most 1, and divides it by that; else the
   * identity. Which are kept follows from seed, step and path; dropouts at one path draw apart.
   */
  dropout(x: Tensor, keep: number): Tensor {
    checkNumber(this.#label("dropout"), "keep", keep, { least: 0, above: true, most: 1 });
    if (!this.training || keep === 1) return x;
    const earlier = this.#traced.dropouts.get(this.path) ?? 0;
    this.#traced.dropouts.set(this.path, earlier + 1);
    const name = earlier ? `${this.path}#${earlier}` : this.path;
    const key = [...name].reduce((h, c) => (Math.imul(h, 31) + c.charCodeAt(0)) >>> 0, 7);
    return this.#layer(dropout, { x, counter: this.#counter() }, { keep, key });
  }

  /** Fully connected: [n,...] -> [n,units]. */
  linear(name: string, x: Tensor, units: number, { bias = true } = {}): Tensor {
    const net = this.at(name);
    checkWhole(net.#label("linear"), "units", units, 1);
    const k = x.shape.slice(1).reduce((a, b) => a * b, 1);
    const w = net.parameter("w", [k, units], xavier(), { decayed: true });
    return net.#layer(linear, { x, w, b: bias ? net.#bias(units) : undefined });
  }

  /**
   * Softmax cross-entropy of logits [n,k] against class numbers [n], with `smoothing` of the target spread over all
   * classes. Returns the mean `loss` [1], `losses` [n], and `rank` [n], how many classes come before the label.
   */
  crossEntropy(logits: Tensor, labels: Tensor, { smoothing = 0 } = {}): Readonly<Record<string, Tensor>> {
    const label = this.#label("loss");
    if (labels.origin.kind === "input") this.#traced.classes.set(labels.origin.name, logits.shape[1]);
    checkNumber(label, "smoothing", smoothing, { least: 0, most: 1, below: true });
    return this.graph.apply(softmaxCrossEntropy, { logits, labels }, { smoothing }, { label });
  }

  /** Mean over all elements of `(x - target)^2`, of tensors of one shape: a loss [1]. */
  meanSquaredError(x: Tensor, target: Tensor): Tensor {
    return this.apply(meanSquaredError, { x, target }).loss;
  }

  #pool(op: typeof maxPool2d | typeof avgPool2d, x: Tensor, window: Pair, options: WindowOptions) {
    const call = this.#label(op.name);
    checkRank(call, x, 4);
    checkNames(call, options, ["stride", "padding"]);
    const { stride = 1, padding = "same" } = options;
    const size = pair(call, "window", window);
    const steps = pair(call, "stride", stride);
    return this.#layer(
      op,
      { x },
      { window: size, stride: steps, padding: zeros(call, x, size, steps, padding) },
    );
  }

  #bias(units: number): Tensor {
    return this.parameter("bias", [units], constant(0), { decayed: this.options.decayBiases ?? false });
  }

  #frozen(path: string): boolean {
    return this.options.freeze?.some((pattern) => matches(pattern, path)) ?? false;
  }

  /** Seed and step of the random layers, filled by who runs the net. */
  #counter(): Tensor {
    this.#traced.counter ??= this.graph.input("counter", [2], "u32");
    return this.#traced.counter;
  }

  #variable(spec: VariableSpec): Tensor {
    const known = this.variables.get(spec.path);
    if (known && String(known.shape) !== String(spec.shape))
      throw new ShapeError(`net: ${spec.path} is [${known.shape}] but is used as [${spec.shape}]`);
    if (!known) this.variables.set(spec.path, spec);
    return this.graph.variable(spec.path, spec.shape);
  }

  #layer(op: Runnable, inputs: Readonly<Record<string, Tensor | undefined>>, attrs: unknown = {}): Tensor {
    const { y } = this.apply(op, inputs, attrs);
    if (this.path) this.#traced.named.set(this.path, y);
    return y;
  }

  #label(what: string): string {
    return this.path ? `${this.path} ${what}` : what;
  }

  #join(name: string): string {
    return this.path ? `${this.path}/${name}` : name;
  }
}

function checkRank(call: string, x: Tensor, rank: number): void {
  if (x.shape.length !== rank)
    throw new ShapeError(`${call}: x is [${x.shape}] but ${rank} axes, [n,h,w,c], are expected`);
}
