import { checkChoice, checkNames, checkNumber, refuse } from "../arguments.ts";
import type { Initialiser } from "./initialisers.ts";

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
  /**
   * Paths that training leaves as they are: text in which `*` stands for anything, such as `stem/*`, or regular
   * expressions. A batch norm whose beta is frozen takes its running statistics and keeps them.
   */
  readonly freeze?: readonly (string | RegExp)[];
}

const NET_OPTIONS = ["training", "width", "initialiser", "batchNorm", "decayBiases", "freeze"];

/** Throws ValueError where options of a net are unknown or outside their range. */
export function checkNetOptions(call: string, options: NetOptions): void {
  checkNames(call, options, NET_OPTIONS);
  const { width, batchNorm, freeze } = options;
  if (width !== undefined) checkNumber(call, "width", width, { least: 0, above: true });
  if (freeze !== undefined && !(Array.isArray(freeze) && freeze.every(isPattern)))
    refuse(call, "freeze", freeze, "a list of paths or regular expressions");
  if (batchNorm === undefined) return;
  checkNames(`${call}: batchNorm`, batchNorm, ["scale", "epsilon", "decay"]);
  const { scale, epsilon, decay } = batchNorm;
  if (scale !== undefined) checkChoice(call, "batchNorm.scale", scale, [true, false]);
  if (epsilon !== undefined) checkNumber(call, "batchNorm.epsilon", epsilon, { least: 0 });
  if (decay !== undefined) checkNumber(call, "batchNorm.decay", decay, { least: 0, most: 1 });
}

const isPattern = (one: unknown): boolean => typeof one === "string" || one instanceof RegExp;

/** Whether a path matches a pattern: text in which `*` stands for anything, or a regular expression. */
export function matches(pattern: string | RegExp, path: string): boolean {
  if (typeof pattern !== "string") return path.search(pattern) >= 0; // search ignores lastIndex
  const parts = pattern.split("*").map((text) => text.replace(/[\\^$.+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(path);
}
