import {
  checkChoice,
  checkNames,
  checkNumber,
  checkSeed,
  checkShape,
  checkWhole,
  refuse,
} from "../arguments.ts";
import type { TuningTable } from "../device/tuning_table.ts";
import { ShapeError, ValueError } from "../errors.ts";
import { checkNetOptions, type NetOptions } from "../nn/net_options.ts";
import type { PlanOptions } from "../plan/plan.ts";
import type { Optimizer } from "./optimizers.ts";
import type { Schedule } from "./schedules.ts";

/** What happens to a step whose gradient has a norm that is infinite or NaN. */
export type OnNonFinite = "throw" | "skip" | "continue";

export interface TrainerOptions {
  /** Shape of the model's first input: [n,h,w,c] of images, or of any rank with the batch first. */
  readonly input: readonly number[];
  /** Update rule; `rmsprop()` by default. */
  readonly optimizer?: Optimizer;
  /** Learning rate, or its schedule over steps; 0.045 by default. */
  readonly rate?: number | Schedule;
  /** Of the first weights and of dropout: a whole number of 32 bits. */
  readonly seed?: number;
  /** Share of a label's probability that is spread over all classes: in [0, 1). */
  readonly smoothing?: number;
  /** Weight of the auxiliary head's loss. */
  readonly auxiliaryWeight?: number;
  /** Largest global norm of the gradient; beyond it all of it is scaled down. */
  readonly clip?: number;
  /** Decay of the running average of weights and statistics, in [0, 1); no average without. */
  readonly average?: number;
  /** Parts a batch is computed in, their gradients summed. */
  readonly microBatches?: number;
  /** Bytes of device memory a step may take: below what it takes by itself, more is computed twice. */
  readonly memory?: number;
  /**
   * Paths of parameters that training leaves as they are: text in which `*` stands for anything, such as `stem/*`, or
   * regular expressions. A batch norm whose beta is frozen takes its running statistics and keeps them.
   */
  readonly freeze?: readonly (string | RegExp)[];
  /** Layers, blocks and named tensors, by path, whose values `read` gives after a step. */
  readonly outputs?: readonly string[];
  /**
   * Where the gradient's global norm is not finite: throw NonFiniteError, skip the update, or continue with it. Both of
   * the first leave weights, statistics and averages as before the step.
   */
  readonly onNonFinite?: OnNonFinite;
  readonly net?: NetOptions;
  /** Chooses algorithms and tunables in place of the tables, of forward, backward and update. */
  readonly choose?: PlanOptions["choose"];
  /** Table that is asked in place of the device's own, before those of the engine. */
  readonly tuningTable?: TuningTable;
  /** Replace neighbouring operations by one that does the work of both (the default), or run each as it was traced. */
  readonly fuse?: PlanOptions["fuse"];
}

/** All of them: a `satisfies` below fails to compile where one is forgotten. */
const NAMES = Object.keys({
  ...{ input: 0, optimizer: 0, rate: 0, seed: 0, smoothing: 0, auxiliaryWeight: 0, clip: 0, average: 0 },
  ...{
    microBatches: 0,
    memory: 0,
    freeze: 0,
    outputs: 0,
    onNonFinite: 0,
    net: 0,
    choose: 0,
    tuningTable: 0,
    fuse: 0,
  },
} satisfies Record<keyof TrainerOptions, 0>);

/** Throws ValueError where options are unknown or outside their range, ShapeError where the batch does not divide. */
export function checkTrainerOptions(options: TrainerOptions): void {
  const call = "trainer";
  checkNames(call, options, NAMES);
  const { input, rate, seed, smoothing, auxiliaryWeight, clip, average, memory, optimizer } = options;
  checkShape(call, "input", input);
  if (rate !== undefined && typeof rate !== "function") checkRate("rate", rate);
  if (seed !== undefined) checkSeed(call, seed);
  const limits: [string, unknown, Parameters<typeof checkNumber>[3]][] = [
    ["smoothing", smoothing, { least: 0, most: 1, below: true }],
    ["auxiliaryWeight", auxiliaryWeight, { least: 0 }],
    ["clip", clip, { least: 0, above: true }],
    ["average", average, { least: 0, most: 1, below: true }],
    ["memory", memory, { least: 0, above: true }],
  ];
  for (const [name, value, limit] of limits) if (value !== undefined) checkNumber(call, name, value, limit);
  if (options.onNonFinite !== undefined)
    checkChoice(call, "onNonFinite", options.onNonFinite, ["throw", "skip", "continue"]);
  if (optimizer !== undefined && (typeof optimizer !== "object" || !optimizer?.op || !optimizer.slots))
    refuse(call, "optimizer", optimizer, "what rmsprop(), sgd() or adamw() return");
  if (options.outputs !== undefined && !Array.isArray(options.outputs))
    refuse(call, "outputs", options.outputs, "a list of names");
  checkNetOptions(`${call}: net`, { ...options.net, freeze: options.freeze });
  checkMicroBatches(input[0], options.microBatches);
}

function checkMicroBatches(batch: number, parts = 1): void {
  checkWhole("trainer", "microBatches", parts, 1);
  if (batch % parts) throw new ShapeError(`trainer: a batch of ${batch} does not divide into ${parts} parts`);
}

/** Throws ValueError unless the learning rate is a finite number of at least 0. */
export function checkRate(name: string, rate: unknown): void {
  checkNumber("trainer", name, rate, { least: 0 });
}

/** The rate of a step, counted from 0. Throws ValueError where a schedule gives none. */
export function rateAt(rate: number | Schedule, step: number): number {
  if (typeof rate !== "function") return rate;
  const value = rate(step);
  if (!(typeof value === "number" && Number.isFinite(value) && value >= 0))
    throw new ValueError(
      `trainer: the schedule's rate at step ${step} is ${value} but a finite number of at least 0 is expected`,
    );
  return value;
}
