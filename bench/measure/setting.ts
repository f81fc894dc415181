// What is measured: a network at a size, in training or evaluation, and its plans on an adapter.

import type { Traits } from "../../engine/device/traits.ts";
import type { Model } from "../../engine/nn/model.ts";
import type { VariableSpec } from "../../engine/nn/net.ts";
import type { NetOptions } from "../../engine/nn/net_options.ts";
import { planPrediction } from "../../engine/nn/predictor.ts";
import { layOutBanks } from "../../engine/nn/variables.ts";
import { planTraining } from "../../engine/optim/training_plan.ts";
import type { Dispatch } from "../../engine/plan/dispatch.ts";
import type { Plan, PlanOptions } from "../../engine/plan/plan.ts";
import { getModel, netOptions } from "../../models/index.ts";

/** A network at a size. */
export interface Setting {
  readonly network: string;
  readonly variant: string;
  readonly mode: "train" | "infer";
  /** Side of the images, in pixels. */
  readonly image: number;
  readonly batch: number;
  readonly seed: number;
  /** Options of the network's layers beyond its own; a width below 1 makes it small. */
  readonly net?: NetOptions;
}

/** Options of a plan beside the setting. */
export type Planning = Pick<PlanOptions, "choose" | "fuse">;

/** The plans of a step, before any device has seen them. */
export interface StepPlan {
  /** Forward, and backward in training. */
  readonly pass: Plan;
  /** The optimiser's, in training. */
  readonly update?: Plan;
  readonly variables: ReadonlyMap<string, VariableSpec>;
  /** Bytes of all that is kept between steps. */
  readonly variableBytes: number;
}

export const modelOf = ({ network, variant }: Setting): Model => getModel(network, { variant });

export const inputOf = ({ batch, image }: Setting) => [batch, image, image, 3] as const;

export const netOf = ({ network, variant, net }: Setting): NetOptions =>
  netOptions(network, { ...net, variant });

/** Plans a step. Throws ValueError, ShapeError or LimitError where there is no such network or it does not fit. */
export function planStep(setting: Setting, traits: Traits, planning: Planning = {}): StepPlan {
  const options = { input: inputOf(setting), net: netOf(setting), ...planning };
  if (setting.mode === "train") return planTraining(modelOf(setting), traits, options);
  const { pass, variables } = planPrediction(modelOf(setting), traits, options);
  const values = layOutBanks(variables, traits).banks.reduce((sum, { count }) => sum + count, 0);
  return { pass, variables, variableBytes: 4 * values };
}

/** All launches of a step, in order. */
export const stepDispatches = ({ pass, update }: StepPlan): readonly Dispatch[] => [
  ...pass.dispatches,
  ...(update?.dispatches ?? []),
];
