import { ShapeError, ValueError } from "../errors.ts";
import { gradients } from "../graph/autodiff.ts";
import type { Tensor, Variable } from "../graph/graph.ts";
import { commute } from "../plan/rewrite/commute.ts";
import { Net, type NetOptions } from "./net.ts";

/** What a model returns: logits [n,classes], and those of an auxiliary head in training. */
export interface Outputs {
  readonly logits: Tensor;
  readonly auxiliary?: Tensor;
}

/** A model is straight code on a net: images [n,h,w,3] to logits. */
export type Model = (net: Net, images: Tensor) => Outputs | Tensor;

/** A traced pass over a batch: the graph, its loss and what a caller may read. */
export interface Trace {
  readonly net: Net;
  readonly classes: number;
  readonly logits: Tensor;
  readonly loss: Tensor;
  readonly rank: Tensor;
}

/**
 * Traces a model on `images` and `labels` up to its loss, average pools after the convolutions that they can follow.
 * Throws ShapeError where it does not return [n,classes].
 */
export function trace(
  model: Model,
  input: readonly number[],
  options: NetOptions,
  { smoothing = 0, auxiliaryWeight = 0.4 } = {},
): Trace {
  const net = new Net(options);
  const images = net.input("images", input);
  const labels = net.input("labels", [input[0]], "i32");
  const made = model(net, images);
  const { logits, auxiliary } = "logits" in made ? made : { logits: made, auxiliary: undefined };
  if (logits.shape.length !== 2 || logits.shape[0] !== input[0])
    throw new ShapeError(`model: logits are [${logits.shape}] but [${input[0]},classes] is expected`);
  if (auxiliary && String(auxiliary.shape) !== String(logits.shape))
    throw new ShapeError(`model: auxiliary logits are [${auxiliary.shape}] but logits are [${logits.shape}]`);
  const { loss, rank } = net.crossEntropy(logits, labels, { smoothing });
  const total = auxiliary
    ? net.residual(loss, net.crossEntropy(auxiliary, labels, { smoothing }).loss, auxiliaryWeight, {
        relu: false,
      })
    : loss;
  commute(net.graph, [logits, ...[...net.blocks.values()].map(({ output }) => output)]);
  return { net, classes: logits.shape[1], logits, loss: total, rank };
}

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
export function checkLabels(labels: Int32Array, images: number, classes: number): void {
  if (labels.length !== images)
    throw new ShapeError(`labels: ${labels.length} are given for ${images} images`);
  const bad = labels.findIndex((label) => !(label >= 0 && label < classes));
  if (bad >= 0)
    throw new ValueError(
      `labels: label ${labels[bad]} of image ${bad} is outside the ${classes} classes 0..${classes - 1}`,
    );
}
