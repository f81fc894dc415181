/**
 * Devices, layers, training, prediction, plans and files of weights.
 * @module tessera-gpu
 */

export type { DType, Op, Runnable, Shape } from "../kernels/op.ts";
// What the signatures above name.
export type { AdapterClass } from "./device/adapter_class.ts";
export type { FloatValues, IntegerValues } from "./device/arrays.ts";
export type { Compiled } from "./device/device.ts";
export { Device } from "./device/device.ts";
export { type DeviceInfo, describeDevice } from "./device/device_info.ts";
export type { OpenOptions } from "./device/options.ts";
export type { AdapterKind } from "./device/platform.ts";
export type { Binding, Reflected } from "./device/reflect.ts";
export type { Traits } from "./device/traits.ts";
export type { Choice, Condition, Fact } from "./device/tuning_table.ts";
export {
  FACTS,
  parseTuningTable,
  type Rule,
  readTuningTable,
  type TuningTable,
} from "./device/tuning_table.ts";
export * from "./errors.ts";
export { gradients } from "./graph/autodiff.ts";
export type { Phase, Variable } from "./graph/graph.ts";
export { Graph, type Node, Tensor } from "./graph/graph.ts";
export * from "./io/safetensors.ts";
export { constant, type Initialiser, varianceScaling, xavier } from "./nn/initialisers.ts";
export type { Model, Outputs, OwnLoss } from "./nn/model.ts";
export type { Block } from "./nn/net.ts";
export { Net, type VariableSpec } from "./nn/net.ts";
export type { NetOptions } from "./nn/net_options.ts";
export { type PredictionPlan, Predictor, type PredictorOptions, planPrediction } from "./nn/predictor.ts";
export type { Bank, VariableGroup } from "./nn/variables.ts";
export { type LoadReport, type StateDict, Variables } from "./nn/variables.ts";
export type { Padding, Pair, WindowOptions } from "./nn/window.ts";
export type { DecayOptions } from "./optim/optimizers.ts";
export { adamw, type Optimizer, rmsprop, sgd } from "./optim/optimizers.ts";
export type { OnNonFinite, TrainerOptions } from "./optim/options.ts";
export { type Schedule, staircase } from "./optim/schedules.ts";
export { type StepInputs, type StepResult, Trainer } from "./optim/trainer.ts";
export { planTraining, type StepInput, type TrainingPlan } from "./optim/training_plan.ts";
export type { Choose, Specialised } from "./plan/choose.ts";
export type { Bound, Dispatch } from "./plan/dispatch.ts";
export type { Place } from "./plan/executable.ts";
export { type Computed, Executable, type HostTensor, type Profile } from "./plan/executable.ts";
export type { Memory } from "./plan/memory.ts";
export { type Plan, type PlanOptions, plan } from "./plan/plan.ts";
export type { MemoryBudget } from "./plan/rewrite/budget.ts";
export { type Given, run } from "./plan/run.ts";
export { problemKey } from "./plan/tables/preferences.ts";
export type { Storage, View } from "./plan/views.ts";
