export type { DType, Op, Runnable, Shape } from "../kernels/op.ts";
export { Device } from "./device/device.ts";
export type { OpenOptions } from "./device/options.ts";
export type { Traits } from "./device/traits.ts";
export type { Choice } from "./device/tuning_table.ts";
export {
  FACTS,
  parseTuningTable,
  type Rule,
  readTuningTable,
  type TuningTable,
} from "./device/tuning_table.ts";
export * from "./errors.ts";
export { gradients } from "./graph/autodiff.ts";
export { Graph, type Node, Tensor } from "./graph/graph.ts";
export * from "./io/safetensors.ts";
export { constant, type Initialiser, varianceScaling, xavier } from "./nn/initialisers.ts";
export type { Model, Outputs, OwnLoss } from "./nn/model.ts";
export { Net, type VariableSpec } from "./nn/net.ts";
export type { NetOptions } from "./nn/net_options.ts";
export { type PredictionPlan, Predictor, type PredictorOptions, planPrediction } from "./nn/predictor.ts";
export { type LoadReport, type StateDict, Variables } from "./nn/variables.ts";
export { adamw, type Optimizer, rmsprop, sgd } from "./optim/optimizers.ts";
export type { OnNonFinite, TrainerOptions } from "./optim/options.ts";
export { type Schedule, staircase } from "./optim/schedules.ts";
export { type StepInputs, type StepResult, Trainer } from "./optim/trainer.ts";
export { planTraining, type StepInput, type TrainingPlan } from "./optim/training_plan.ts";
export type { Choose } from "./plan/choose.ts";
export { type DeviceInfo, describeDevice } from "./plan/device_info.ts";
export { type Computed, Executable, type HostTensor, type Profile } from "./plan/executable.ts";
export { type Plan, type PlanOptions, plan } from "./plan/plan.ts";
export { type Given, run } from "./plan/run.ts";
export { problemKey } from "./plan/tables/preferences.ts";
