/**
 * The networks of the paper.
 * @module tessera-gpu/models
 */

export { Net } from "../engine/nn/net.ts";
export { type Census, census } from "./census.ts";
export type { WeightLayout } from "./checkpoints.ts";
export type { CommonOptions, ModelEntry } from "./entry.ts";
export type { InceptionOptions } from "./inception_options.ts";
export {
  getBlock,
  getEntry,
  getModel,
  listEntries,
  listModels,
  type ModelOptions,
  netOptions,
} from "./registry.ts";
export { fromPublicNames, toPublicNames, type WeightsOptions } from "./weights.ts";
