import {
  avgPool2d,
  batchNorm,
  concat,
  conv2d,
  dropout,
  globalAvgPool,
  linear,
  maxPool2d,
  relu,
  scaleAddRelu,
  softmaxCrossEntropy,
} from "../../kernels/index.ts";
import type { DType, Shape } from "../../kernels/op.ts";
import { remember } from "../../kernels/remember.ts";
import { ShapeError } from "../errors.ts";
import { Graph, type Tensor } from "../graph/graph.ts";
import { constant, type Initialiser, varianceScaling, xavier } from "./initialisers.ts";

/** A number for both axes, or [down, across]. */
export type Pair = number | readonly [h: number, w: number];
/** `same`: as many outputs as inputs / stride, as TensorFlow pads; `valid`: no padding; or zeros per axis. */
export type Padding = "same" | "valid" | readonly [h: number, w: number];

export interface WindowOptions {
  readonly stride?: Pair;
  readonly padding?: Padding;
}

/** What a model's layers have in common. */
export interface NetOptions {
  /** Batch statistics and dropout, or running statistics and none. */
  readonly training?: boolean;
  /** Multiplies the filters of every unit, for small experiments. */
  readonly width?: number;
  /** Initialiser of convolution weights. */
  readonly initialiser?: Initialiser;
  /** Batch norms: `scale` gives them a trainable gamma. */
  readonly batchNorm?: { readonly scale?: boolean; readonly epsilon?: number; readonly decay?: number };
  /** Whether weight decay reaches biases too. */
  readonly decayBiases?: boolean;
}

/** A persistent value of a model. */
export interface VariableSpec {
  readonly path: string;
  readonly shape: Shape;
  readonly initial: Initialiser;
  /** Updated by the optimiser, or by the layer itself (running statistics). */
  readonly trainable: boolean;
  /** Whether weight decay applies. */
  readonly decayed: boolean;
}

/** A part of a model: what it takes and returns, and the function itself, which another net can trace alone. */
export interface Block {
  readonly input: Tensor;
  readonly output: Tensor;
  readonly body: (net: Net, x: Tensor) => Tensor;
}

const pair = (v: Pair): readonly [number, number] => (typeof v === "number" ? [v, v] : v);

/**
 * The layer API: traces layers onto a graph and declares their variables by path on first use.
 * `at(name)` is the same net one level down; a layer's variables are `<path>/<name>/w`, `/bias`, `/gamma`, `/beta`,
 * `/mean`, `/variance`. Activations are NHWC, weights RSCO.
 */
export class Net {
  readonly graph: Graph;
  readonly variables: Map<string, VariableSpec>;
  /** The blocks traced so far, by their path. */
  readonly blocks: Map<string, Block>;

  constructor(
    readonly options: NetOptions = {},
    readonly path = "",
    parent?: Net,
  ) {
    this.graph = parent?.graph ?? new Graph();
    this.variables = parent?.variables ?? new Map();
    this.blocks = parent?.blocks ?? new Map();
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
    return output;
  }

  /** `filters` times the width multiplier, at least 1. */
  scaled(filters: number): number {
    return Math.max(1, Math.floor(filters * (this.options.width ?? 1) + 0.5));
  }

  input(name: string, shape: Shape, dtype: DType = "f32"): Tensor {
    return this.graph.input(name, shape, dtype);
  }

  /** A trainable variable. */
  parameter(name: string, shape: Shape, initial: Initialiser, { decayed = false } = {}): Tensor {
    return this.#variable({ path: this.#join(name), shape, initial, decayed, trainable: true });
  }

  /** A variable that the layer itself updates. */
  state(name: string, shape: Shape, initial: Initialiser): Tensor {
    return this.#variable({ path: this.#join(name), shape, initial, decayed: false, trainable: false });
  }

  /** Convolution x [n,h,w,c] -> [n,p,q,filters], with a bias unless told otherwise. */
  conv2d(
    name: string,
    x: Tensor,
    filters: number,
    window: Pair,
    { stride = 1, padding = "same", bias = true }: WindowOptions & { bias?: boolean } = {},
  ): Tensor {
    const net = this.at(name);
    const [r, s] = pair(window);
    const initial = this.options.initialiser ?? varianceScaling();
    const w = net.parameter("w", [r, s, x.shape[3], filters], initial, { decayed: true });
    const b = bias
      ? net.parameter("bias", [filters], constant(0), { decayed: this.options.decayBiases ?? false })
      : undefined;
    return net.#apply(
      conv2d,
      { x, w, b },
      { stride: pair(stride), padding: zeros(x, [r, s], pair(stride), padding) },
    );
  }

  /** Batch normalisation over all axes but the last; gamma only where the options ask for it. */
  batchNorm(name: string, x: Tensor): Tensor {
    const { scale = false, epsilon = 1e-3, decay = 0.9997 } = this.options.batchNorm ?? {};
    const net = name ? this.at(name) : this;
    const shape = [x.shape[x.shape.length - 1]];
    const gamma = scale ? net.parameter("gamma", shape, constant(1)) : undefined;
    const beta = net.parameter("beta", shape, constant(0));
    const running_mean = net.state("mean", shape, constant(0));
    const running_var = net.state("variance", shape, constant(1));
    const attrs = { training: this.training, epsilon, decay };
    return net.#apply(batchNorm, { x, gamma, beta, running_mean, running_var }, attrs);
  }

  /** The networks' unit: convolution without bias, batch norm, relu; `filters` scales with the width. */
  unit(name: string, x: Tensor, filters: number, window: Pair, options: WindowOptions = {}): Tensor {
    const y = this.conv2d(name, x, this.scaled(filters), window, { ...options, bias: false });
    return this.at(name).relu(this.batchNorm(name, y));
  }

  relu(x: Tensor): Tensor {
    return this.#apply(relu, { x });
  }

  maxPool(x: Tensor, window: Pair, options: WindowOptions = {}): Tensor {
    return this.#pool(maxPool2d, x, window, options);
  }

  /** Average over the part of the window that lies inside the image. */
  avgPool(x: Tensor, window: Pair, options: WindowOptions = {}): Tensor {
    return this.#pool(avgPool2d, x, window, options);
  }

  /** Mean over the image: [n,h,w,c] -> [n,c]. */
  globalAvgPool(x: Tensor): Tensor {
    return this.#apply(globalAvgPool, { x });
  }

  /** Joins tensors along the channels. */
  concat(...parts: readonly Tensor[]): Tensor {
    if (parts.length === 1) return parts[0];
    return this.#apply(concat(parts.length), Object.fromEntries(parts.map((x, i) => [`x${i + 1}`, x])));
  }

  /** `relu(x + scale * r)`, or without the relu (arXiv 1602.07261, section 3.3 and figure 20). */
  residual(x: Tensor, r: Tensor, scale: number, { relu = true } = {}): Tensor {
    return this.#apply(scaleAddRelu, { x, r }, { scale, relu });
  }

  /** In training keeps each value with probability `keep` and divides it by that; else the identity. */
  dropout(x: Tensor, keep: number): Tensor {
    if (!this.training || keep === 1) return x;
    const key = [...this.path].reduce((h, c) => (Math.imul(h, 31) + c.charCodeAt(0)) >>> 0, 7);
    return this.#apply(dropout, { x, counter: this.#counter() }, { keep, key });
  }

  /** Fully connected: [n,...] -> [n,units]. */
  linear(name: string, x: Tensor, units: number, { bias = true } = {}): Tensor {
    const net = this.at(name);
    const k = x.shape.slice(1).reduce((a, b) => a * b, 1);
    const w = net.parameter("w", [k, units], xavier(), { decayed: true });
    const b = bias
      ? net.parameter("bias", [units], constant(0), { decayed: this.options.decayBiases ?? false })
      : undefined;
    return net.#apply(linear, { x, w, b });
  }

  /**
   * Softmax cross-entropy of logits [n,k] against class numbers [n], with `smoothing` of the target spread over all
   * classes. Returns the mean `loss` [1], `losses` [n], and `rank` [n]: how many classes come before the label.
   */
  crossEntropy(logits: Tensor, labels: Tensor, { smoothing = 0 } = {}): Readonly<Record<string, Tensor>> {
    return this.graph.apply(
      softmaxCrossEntropy,
      { logits, labels },
      { smoothing },
      { label: this.#label("loss") },
    );
  }

  #pool(
    op: typeof maxPool2d | typeof avgPool2d,
    x: Tensor,
    window: Pair,
    { stride = 1, padding = "same" }: WindowOptions,
  ) {
    const [r, s] = pair(window);
    const attrs = { window: [r, s], stride: pair(stride), padding: zeros(x, [r, s], pair(stride), padding) };
    return this.#apply(op, { x }, attrs);
  }

  /** Seed and step of the random layers, filled by who runs the net. */
  #counter(): Tensor {
    return remember(counters, this.graph, () => this.graph.input("counter", [2], "u32"));
  }

  #variable(spec: VariableSpec): Tensor {
    const known = this.variables.get(spec.path);
    if (known && String(known.shape) !== String(spec.shape))
      throw new ShapeError(`net: ${spec.path} is [${known.shape}] but is used as [${spec.shape}]`);
    if (!known) this.variables.set(spec.path, spec);
    return this.graph.variable(spec.path, spec.shape);
  }

  #apply(
    op: Parameters<Graph["apply"]>[0],
    inputs: Parameters<Graph["apply"]>[1],
    attrs: unknown = {},
  ): Tensor {
    return this.graph.apply(op, inputs, attrs, { label: this.#label(op.name) }).y;
  }

  #label(what: string): string {
    return this.path ? `${this.path} ${what}` : what;
  }

  #join(name: string): string {
    return this.path ? `${this.path}/${name}` : name;
  }
}

const counters = new WeakMap<Graph, Tensor>();

/** Zeros around the image: TensorFlow's rule for `same` (the odd one below and to the right), or as given. */
function zeros(
  x: Tensor,
  window: readonly [number, number],
  stride: readonly [number, number],
  padding: Padding,
) {
  return [0, 1].map((axis) => {
    if (padding === "valid") return [0, 0];
    if (padding !== "same") return [padding[axis], padding[axis]];
    const extent = x.shape[axis + 1];
    const total = Math.max(0, (Math.ceil(extent / stride[axis]) - 1) * stride[axis] + window[axis] - extent);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  });
}
