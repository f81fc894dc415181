import type { Model } from "../engine/nn/model.ts";
import { Net } from "../engine/nn/net.ts";
import type { NetOptions } from "../engine/nn/net_options.ts";
import { size } from "../kernels/op.ts";

/** What a network costs, counted from its graph. */
export interface Census {
  /** Trainable values, with a gamma in every batch norm and without. */
  readonly parameters: number;
  readonly parametersWithoutGamma: number;
  /** Convolutions, and channels that are batch-normalised. */
  readonly convolutions: number;
  readonly batchNormChannels: number;
  /** Multiply-adds of convolutions and fully connected layers, forward, for one image. */
  readonly macs: number;
  /** The same as timm's tables count (fvcore): two more for every value that is batch-normalised. */
  readonly timmMacs: number;
  /** Elements that convolutions and fully connected layers put out, for one image. */
  readonly activations: number;
  /** Shape [h,w,c] after every block. */
  readonly blocks: ReadonlyMap<string, readonly number[]>;
}

/** Counts a model on one image of `image` by `image` pixels. */
export function census(model: Model, image = 299, options: NetOptions = {}): Census {
  const net = new Net({ ...options, batchNorm: { ...options.batchNorm, scale: true } });
  const images = net.input("images", [1, image, image, 3]);
  model(net, images);
  const nodes = net.graph.nodes.filter(({ op }) => op.name === "conv2d" || op.name === "linear");
  const trainable = [...net.variables.values()].filter((spec) => spec.trainable);
  const count = (specs: typeof trainable) => specs.reduce((sum, { shape }) => sum + size(shape), 0);
  const gammas = trainable.filter(({ path }) => path.endsWith("/gamma"));
  const macs = nodes.reduce((sum, { shapes: { y, w } }) => sum + size(y) * (size(w) / w[w.length - 1]), 0);
  const normalised = net.graph.nodes.filter(({ op }) => op.name === "batch_norm");
  return {
    parameters: count(trainable),
    parametersWithoutGamma: count(trainable) - count(gammas),
    convolutions: nodes.filter(({ op }) => op.name === "conv2d").length,
    batchNormChannels: count(gammas),
    macs,
    timmMacs: normalised.reduce((sum, { shapes: { x } }) => sum + 2 * size(x), macs),
    activations: nodes.reduce((sum, { shapes: { y } }) => sum + size(y), 0),
    blocks: new Map([...net.blocks].map(([path, { output }]) => [path, output.shape.slice(1)])),
  };
}
