import { ShapeError, ValueError } from "../engine/errors.ts";
import type { Tensor } from "../engine/graph/graph.ts";
import { varianceScaling, xavier } from "../engine/nn/initialisers.ts";
import type { Model, Outputs } from "../engine/nn/model.ts";
import { type Block, Net } from "../engine/nn/net.ts";
import type { NetOptions } from "../engine/nn/net_options.ts";
import { inceptionResnetV1, inceptionResnetV2 } from "./inception_resnet.ts";
import { inceptionV4 } from "./inception_v4.ts";
import type { ModelOptions } from "./options.ts";

export type { ModelOptions } from "./options.ts";

/** A network of the paper, in one of its variants. */
export interface Entry {
  readonly name: string;
  readonly variant: string;
  readonly trace: (net: Net, images: Tensor, options: ModelOptions) => Outputs;
  /** What its options are where none are given. */
  readonly defaults: Omit<ModelOptions, "variant">;
  /** What its layers have in common, as it was published. */
  readonly net: NetOptions;
}

const SCALES = [0.17, 0.1, 0.2] as const;
const base = { classes: 1000, scales: SCALES, keep: 0.8, auxiliary: false };
const V4: NetOptions = { initialiser: varianceScaling(2), batchNorm: { decay: 0.9997 } };
const V1: NetOptions = { initialiser: xavier(), batchNorm: { decay: 0.995 } };
const V2: NetOptions = { initialiser: xavier(), batchNorm: { decay: 0.9997 }, decayBiases: true };

/** The networks and their variants; the first of each name is the paper's. */
export const entries: readonly Entry[] = [
  {
    name: "inception-v4",
    variant: "paper",
    trace: inceptionV4,
    defaults: { ...base, repeats: [4, 7, 3] },
    net: V4,
  },
  {
    name: "inception-v4",
    variant: "slim",
    trace: inceptionV4,
    defaults: { ...base, repeats: [4, 7, 3] },
    net: V4,
  },
  {
    name: "inception-resnet-v1",
    variant: "paper",
    trace: inceptionResnetV1,
    defaults: { ...base, repeats: [5, 10, 5] },
    net: V1,
  },
  {
    name: "inception-resnet-v1",
    variant: "facenet",
    trace: inceptionResnetV1,
    defaults: { ...base, repeats: [5, 10, 6] },
    net: V1,
  },
  {
    name: "inception-resnet-v2",
    variant: "paper",
    trace: inceptionResnetV2,
    defaults: { ...base, repeats: [5, 10, 5] },
    net: V2,
  },
  {
    name: "inception-resnet-v2",
    variant: "slim",
    trace: inceptionResnetV2,
    defaults: { ...base, repeats: [10, 20, 10] },
    net: V2,
  },
];

/** Smallest image side for which every grid has at least one pixel. */
export const SMALLEST_IMAGE = 75;

/** Finds a network. Throws ValueError naming those there are. */
export function find(name: string, variant = "paper"): Entry {
  const named = entries.filter((entry) => entry.name === name);
  if (named.length === 0)
    throw new ValueError(
      `no model ${name} (has ${[...new Set(entries.map((entry) => entry.name))].join(", ")})`,
    );
  const found = named.find((entry) => entry.variant === variant);
  if (!found)
    throw new ValueError(
      `${name} has no variant ${variant} (has ${named.map((entry) => entry.variant).join(", ")})`,
    );
  return found;
}

/**
 * A network as a model: images [n,h,w,3] -> logits [n,classes].
 * Throws ShapeError where an image is not of 3 channels or smaller than 75x75.
 */
export function model(name: string, options: Partial<ModelOptions> = {}): Model {
  const { trace, defaults, variant } = find(name, options.variant);
  const full = { ...defaults, ...options, variant };
  return (net, images) => {
    const [, h, w, c] = images.shape;
    if (images.shape.length !== 4 || c !== 3)
      throw new ShapeError(`${name}: images are [${images.shape}] but [n,h,w,3] is expected`);
    if (Math.min(h, w) < SMALLEST_IMAGE)
      throw new ShapeError(
        `${name}: images are ${h}x${w} but at least ${SMALLEST_IMAGE}x${SMALLEST_IMAGE} is needed`,
      );
    return trace(net, images, full);
  };
}

/**
 * A block of a network by its path, such as `inception_a_1`, as the network itself traces it at full width.
 * Throws ValueError naming those there are.
 */
export function blockOf(name: string, path: string, variant = "paper"): Block {
  const net = new Net(netOptions(name, { variant }));
  model(name, { variant })(net, net.input("images", [1, SMALLEST_IMAGE, SMALLEST_IMAGE, 3]));
  const block = net.blocks.get(path);
  if (!block) throw new ValueError(`${name} has no block ${path} (has ${[...net.blocks.keys()].join(", ")})`);
  return block;
}

/** What a network's layers have in common as it was published, with `options` in front. */
export function netOptions(name: string, options: NetOptions & { variant?: string } = {}): NetOptions {
  const { variant, ...rest } = options;
  const { net } = find(name, variant);
  return { ...net, ...rest, batchNorm: { ...net.batchNorm, ...rest.batchNorm } };
}

export { type Census, census } from "./census.ts";
export { Net };
