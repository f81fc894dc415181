// The networks by name: their entries, traces, blocks and options.

import { ShapeError, ValueError } from "../engine/errors.ts";
import type { Model } from "../engine/nn/model.ts";
import { type Block, Net } from "../engine/nn/net.ts";
import type { NetOptions } from "../engine/nn/net_options.ts";
import { type CommonOptions, type ModelEntry, optionsOf } from "./entry.ts";
import { INCEPTION_RESNETS } from "./inception_resnet.ts";
import { INCEPTION_V4 } from "./inception_v4.ts";

/** What a caller may set of a network: its variant, its classes, and options of its own. */
export type ModelOptions = Partial<CommonOptions> & Readonly<Record<string, unknown>>;

const ENTRIES: readonly ModelEntry[] = [...INCEPTION_V4, ...INCEPTION_RESNETS];

/** The networks and their variants; the first of each name is the paper's. */
export const listEntries = (): readonly ModelEntry[] => ENTRIES;

/** Names of the networks. */
export const listModels = (): readonly string[] => [...new Set(ENTRIES.map(({ name }) => name))];

/** A network's entry. Throws ValueError naming those there are. */
export function getEntry(name: string, variant = "paper"): ModelEntry {
  const named = ENTRIES.filter((entry) => entry.name === name);
  if (named.length === 0) throw new ValueError(`no model ${name} (has ${listModels().join(", ")})`);
  const found = named.find((entry) => entry.variant === variant);
  if (!found)
    throw new ValueError(
      `${name} has no variant ${variant} (has ${named.map((entry) => entry.variant).join(", ")})`,
    );
  return found;
}

/**
 * A network as a model: images [n,h,w,3] -> logits [n,classes].
 * Throws ValueError where there is no such network, variant or option, or a value is outside its range; when traced,
 * ShapeError where an image is not of 3 channels or smaller than the network's smallest.
 */
export function getModel(name: string, options: ModelOptions = {}): Model {
  const entry = getEntry(name, options.variant);
  const { trace, smallestImage: side } = entry;
  const full = optionsOf(entry, options);
  return (net, images) => {
    const [, h, w, c] = images.shape;
    if (images.shape.length !== 4 || c !== 3)
      throw new ShapeError(`${name}: images are [${images.shape}] but [n,h,w,3] is expected`);
    if (Math.min(h, w) < side)
      throw new ShapeError(`${name}: images are ${h}x${w} but at least ${side}x${side} is needed`);
    return trace(net, images, full);
  };
}

/**
 * A block of a network by its path, such as `inception_a_1`, as the network itself traces it at full width.
 * Throws ValueError naming those there are.
 */
export function getBlock(name: string, path: string, variant = "paper"): Block {
  const net = new Net(netOptions(name, { variant }));
  const { smallestImage: side } = getEntry(name, variant);
  getModel(name, { variant })(net, net.input("images", [1, side, side, 3]));
  const block = net.blocks.get(path);
  if (!block) throw new ValueError(`${name} has no block ${path} (has ${[...net.blocks.keys()].join(", ")})`);
  return block;
}

/** What a network's layers have in common as it was published, with `options` in front. */
export function netOptions(name: string, options: NetOptions & { variant?: string } = {}): NetOptions {
  const { variant, ...rest } = options;
  const { net } = getEntry(name, variant);
  return { ...net, ...rest, batchNorm: { ...net.batchNorm, ...rest.batchNorm } };
}
