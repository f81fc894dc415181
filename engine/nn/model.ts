import { checkShape } from "../arguments.ts";
import { ShapeError, ValueError } from "../errors.ts";
import { gradients } from "../graph/autodiff.ts";
import type { Tensor, Variable } from "../graph/graph.ts";
import { commute } from "../plan/rewrite/commute.ts";
import { Net } from "./net.ts";
import type { NetOptions } from "./net_options.ts";

/** What a classifier returns: logits [n,classes], and those of an auxiliary head in training. Its loss is cross-entropy. */
export interface Outputs {
  readonly logits: Tensor;
  readonly auxiliary?: Tensor;
}

/** What a model with a loss of its own returns: the loss [1], and what else can be read, by name. */
export interface OwnLoss {
  readonly loss: Tensor;
  readonly outputs?: Readonly<Record<string, Tensor>>;
}

/**
 * A model is straight code on a net: from its first input, such as images [n,h,w,3], to logits [n,classes], or to a loss
 * of its own, alone as a tensor [1] or with named outputs. `net.training` says whether it is trained.
 */
export type Model = (net: Net, images: Tensor) => Tensor | Outputs | OwnLoss;

/** A traced pass over a batch: the graph, its loss and what a caller may read. */
export interface Trace {
  readonly net: Net;
  readonly loss: Tensor;
  /** The model's own outputs and those asked for. */
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Of a classifier: its logits, their classes, and how many classes come before each label. */
  readonly logits?: Tensor;
  readonly classes?: number;
  readonly rank?: Tensor;
}

/** What `trace` and `traceEvaluation` take beside the model. */
export interface TraceOptions {
  readonly smoothing?: number;
  readonly auxiliaryWeight?: number;
  /** Layers, blocks and named tensors to return as outputs too. */
  readonly outputs?: readonly string[];
}

/**
 * Traces a model on `images`, and on `labels` where it is a classifier, up to its loss, average pools after the
 * convolutions that they can follow. Throws ShapeError where what it returns has other shapes than a model's, ValueError
 * where it returns something else.
 */
export function trace(
  model: Model,
  input: readonly number[],
  options: NetOptions,
  { smoothing = 0, auxiliaryWeight = 0.4, outputs: names }: TraceOptions = {},
): Trace {
  const { net, made } = call(model, input, options);
  if ("loss" in made) {
    if (String(made.loss.shape) !== "1")
      throw new ShapeError(`model: the loss is [${made.loss.shape}] but [1] is expected`);
    const outputs = { ...made.outputs, ...named(net, names) };
    commute(net.graph, held(net, [made.loss, ...Object.values(outputs)]));
    return { net, loss: made.loss, outputs };
  }
  const { logits, auxiliary } = made;
  if (logits.shape.length !== 2 || logits.shape[0] !== input[0])
    throw new ShapeError(`model: logits are [${logits.shape}] but [${input[0]},classes] is expected`);
  if (auxiliary && String(auxiliary.shape) !== String(logits.shape))
    throw new ShapeError(`model: auxiliary logits are [${auxiliary.shape}] but logits are [${logits.shape}]`);
  const labels = net.graph.inputs.get("labels") ?? net.input("labels", [input[0]], "i32");
  const { loss, rank } = net.crossEntropy(logits, labels, { smoothing });
  const total = auxiliary
    ? net.residual(loss, net.crossEntropy(auxiliary, labels, { smoothing }).loss, auxiliaryWeight, {
        relu: false,
      })
    : loss;
  const outputs = named(net, names);
  commute(net.graph, held(net, [logits, ...Object.values(outputs)]));
  return { net, loss: total, outputs, logits, classes: logits.shape[1], rank };
}

/**
 * Traces a model in evaluation: its logits, or the outputs beside its own loss, and those asked for. Throws as `trace`
 * does, and ShapeError where it returns a loss and no output.
 */
export function traceEvaluation(
  model: Model,
  input: readonly number[],
  options: NetOptions = {},
  names?: readonly string[],
): { net: Net; outputs: Readonly<Record<string, Tensor>> } {
  const { net, made } = call(model, input, { ...options, training: false });
  const own = "loss" in made ? (made.outputs ?? {}) : { logits: made.logits };
  const outputs = { ...own, ...named(net, names) };
  if (Object.keys(outputs).length === 0)
    throw new ShapeError(
      "model: in evaluation it returns a loss and no output; return { loss, outputs } or logits",
    );
  commute(net.graph, Object.values(outputs));
  return { net, outputs };
}

/** Tensors by name of `net.output`, a layer's or a block's path. Throws ValueError naming what there is. */
function named(net: Net, names: readonly string[] = []): Record<string, Tensor> {
  const found = names.map((name): [string, Tensor] => {
    const tensor = net.named.get(name);
    if (tensor) return [name, tensor];
    const close = [...net.named.keys()].filter((other) => other.includes(name) || name.includes(other));
    const offered = (close.length > 0 ? close : [...net.named.keys()]).slice(0, 8).join(", ");
    throw new ValueError(`outputs: the model has no layer, block or output ${name} (such as ${offered})`);
  });
  return Object.fromEntries(found);
}

/** Calls the model on a net of its own, and tells a loss from logits. */
function call(
  model: Model,
  input: readonly number[],
  options: NetOptions,
): { net: Net; made: Outputs | OwnLoss } {
  if (typeof model !== "function")
    throw new ValueError(`model: a function is expected but ${typeof model} is given`);
  checkShape("model", "input", input);
  const net = new Net(options);
  const made: any = model(net, net.input("images", input));
  if (typeof made?.then === "function")
    throw new ValueError("model: it returned a promise, but a model is traced at once and cannot be async");
  const tensor = (value: any) => value?.graph === net.graph && Array.isArray(value.shape);
  if (tensor(made)) return { net, made: String(made.shape) === "1" ? { loss: made } : { logits: made } };
  const parts: unknown[] =
    made && typeof made === "object" ? [made.loss ?? made.logits, ...rest(made)] : [undefined];
  if (!parts.every(tensor))
    throw new ValueError(
      "model: it must return logits, { logits, auxiliary }, a loss [1] or { loss, outputs }, of this net",
    );
  return { net, made: made.loss ? { loss: made.loss, outputs: made.outputs } : made };
}

const rest = (made: { auxiliary?: unknown; outputs?: object }): unknown[] => [
  ...(made.auxiliary === undefined ? [] : [made.auxiliary]),
  ...Object.values(made.outputs ?? {}),
];

/** Tensors that no pool may move past: those given and what the blocks return. */
const held = (net: Net, tensors: readonly Tensor[]): Tensor[] => [
  ...tensors,
  ...[...net.blocks.values()].map(({ output }) => output),
];

/**
 * Extends the net's graph by the gradient of `loss` in every trainable variable it depends on, and says into which
 * variable each goes. `seed` is the gradient of the loss itself. Throws ShapeError where nothing is trainable.
 */
export function parameterGradients(net: Net, loss: Tensor, seed = 1): Map<Tensor, Variable> {
  const trainable = [...net.variables.values()].filter((spec) => spec.trainable);
  if (trainable.length === 0) throw new ShapeError("trainer: the model has no trainable variable");
  const parameters = trainable.map(({ path, shape }) => net.graph.variable(path, shape));
  const found = gradients(net.graph, loss, parameters, seed);
  const into = new Map<Tensor, Variable>();
  for (const [i, { path }] of trainable.entries()) {
    const gradient = found.get(parameters[i]);
    if (gradient) into.set(gradient, { path, slot: "gradient" });
  }
  return into;
}

/** Throws ValueError unless every label is a class, ShapeError unless there is one per image. */
export function checkLabels(labels: ArrayLike<number>, images: number, classes: number): void {
  if (labels.length !== images)
    throw new ShapeError(`labels: ${labels.length} are given for ${images} images`);
  const bad = Array.prototype.findIndex.call(labels, (label: number) => !(label >= 0 && label < classes));
  if (bad >= 0)
    throw new ValueError(
      `labels: label ${labels[bad]} of image ${bad} is outside the ${classes} classes 0..${classes - 1}`,
    );
}
