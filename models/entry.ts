import { checkNames, checkWhole } from "../engine/arguments.ts";
import type { Tensor } from "../engine/graph/graph.ts";
import type { Outputs } from "../engine/nn/model.ts";
import type { Net } from "../engine/nn/net.ts";
import type { NetOptions } from "../engine/nn/net_options.ts";

/** Options that every network takes. */
export interface CommonOptions {
  readonly variant: string;
  readonly classes: number;
}

/** A network in one of its variants, with options `O` of its own. */
export interface ModelEntry<O extends CommonOptions = any> {
  readonly name: string;
  readonly variant: string;
  /** Images [n,h,w,3] to logits [n,classes]. */
  readonly trace: (net: Net, images: Tensor, options: O) => Outputs;
  /** What its options are where none are given. */
  readonly defaults: Omit<O, "variant">;
  /** Throws ValueError where one of its own options is outside its range. */
  readonly check: (options: O) => void;
  /** Smallest image side for which every grid has at least one pixel. */
  readonly smallestImage: number;
  /** What its layers have in common, as it was published. */
  readonly net: NetOptions;
}

/** The options given, before the entry's defaults. Throws ValueError where one is unknown or outside its range. */
export function optionsOf(entry: ModelEntry, given: Readonly<Record<string, unknown>>): any {
  const call = `${entry.name} ${entry.variant}`;
  checkNames(call, given, ["variant", ...Object.keys(entry.defaults)]);
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const options: CommonOptions = { ...(entry.defaults as CommonOptions), ...set, variant: entry.variant };
  checkWhole(call, "classes", options.classes, 1);
  entry.check(options);
  return options;
}
