import { Net, type VariableSpec } from "../engine/nn/net.ts";
import type { StateDict } from "../engine/nn/variables.ts";
import { exportWeights, guess, importWeights, type WeightLayout } from "./checkpoints.ts";
import { getEntry, getModel, netOptions } from "./registry.ts";

/** Which network weights are of. */
export interface WeightsOptions {
  /** Default `paper`. */
  readonly variant?: string;
  /** Multiplier of all filters; by default read off the weights. */
  readonly width?: number;
}

/**
 * The weights of a public checkpoint (timm's, or facenet-pytorch's) under our paths and in our layout, [r,s,c,o] and
 * [k,o], as `Variables.load` takes them. `tensors` have the public names and PyTorch's layout, [o,c,r,s] and [o,k], as
 * `readSafetensors` and `toFloat32` give them; weights that are ours already are returned as they are.
 * Throws ValueError where there is no such network; WeightsError naming the tensor and both shapes where the weights are
 * of another network, or one of its tensors is missing.
 */
export function fromPublicNames(
  name: string,
  tensors: StateDict,
  { variant = "paper", width }: WeightsOptions = {},
): StateDict {
  return importWeights(name, variant, specsOf(name, variant, tensors, width), tensors).state;
}

/**
 * Weights under our paths, as `Variables.read` gives them, under the public names and in PyTorch's layout or another.
 * Where a batch norm has no gamma its `weight` is all ones, which PyTorch's loaders ask for.
 * Throws ValueError where there is no such network, or a path is none of its.
 */
export function toPublicNames(
  name: string,
  state: StateDict,
  { variant = "paper", layout = "OIHW" }: { readonly variant?: string; readonly layout?: WeightLayout } = {},
): StateDict {
  getEntry(name, variant);
  const made = new Map(exportWeights(name, variant, state, { naming: "public", layout }));
  for (const [key, { shape }] of [...made]) {
    const gamma = key.replace(/running_var$/, "weight");
    if (!made.has(gamma)) made.set(gamma, { shape, data: new Float32Array(shape[0]).fill(1) });
  }
  return made;
}

/** Variables of the network that weights were made for: classes, width and gammas are read from the weights. */
export function specsOf(
  name: string,
  variant: string,
  tensors: StateDict,
  width?: number,
): ReadonlyMap<string, VariableSpec> {
  const { smallestImage: side } = getEntry(name, variant);
  const seen = guess(tensors);
  const net = new Net(
    netOptions(name, { variant, width: width ?? seen.width, batchNorm: { scale: seen.scale } }),
  );
  getModel(name, { variant, classes: seen.classes })(net, net.input("images", [1, side, side, 3]));
  return net.variables;
}
