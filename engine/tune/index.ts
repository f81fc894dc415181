/**
 * Tuning as a library. What needs Node, files and processes, is in `tessera-gpu/tune/node`.
 * @module tessera-gpu/tune
 */

export { quantumOf } from "../device/timestamps.ts";
export {
  type RankedContender,
  type Ranking,
  type RankingOptions,
  rankContenders,
  rankSamples,
} from "../statistics/ranking.ts";
// What the signatures above name.
export type { Sampler } from "../statistics/rounds.ts";
export type { Gauge } from "./clock/clock.ts";
export {
  Clock,
  type ClockOptions,
  type Measure,
  type Measured,
  type Quanta,
  type Timing,
} from "./clock/clock.ts";
export { type Encode, Stopwatch } from "./clock/stopwatch.ts";
export { readKernelTuner, writeKernelTuner } from "./formats/kernel_tuner.ts";
export { readSpace, readT1, type Searched, type T1Problem, writeT1 } from "./formats/t1.ts";
export { kernelOf } from "./formats/t1_kernel.ts";
export { readT4, writeT4 } from "./formats/t4.ts";
export type { Candidate, TuningSubject, Verification } from "./kernel/candidate.ts";
export {
  type Data,
  type ElementType,
  type KernelDescription,
  kernel,
  type Output,
  type PerConfiguration,
} from "./kernel/kernel.ts";
export { type RoutineDescription, routine } from "./kernel/routine.ts";
export type { Archived, KernelOrigin, Origin, RoutineOrigin } from "./records/origin.ts";
export {
  type Contents,
  describeSpace,
  type Header,
  headerSpace,
  isRecord,
  readRecord,
  recordingOf,
  rowKey,
  type Section,
  type Shader,
  writeRecord,
} from "./records/record.ts";
export { type Environment, environmentOf } from "./results/environment.ts";
export { type Original, type Recording, recordedSpace } from "./results/recording.ts";
export { type Recorded, type Replay, recorded, replay } from "./results/replay.ts";
export { type Reading, type Row, STATUSES, type Status } from "./results/row.ts";
export type { Json, JsonObject } from "./results/schema.ts";
export type { Bench } from "./runner/runner.ts";
export {
  type Evaluator,
  type Inspection,
  Runner,
  type RunnerOptions,
  STAGES,
  type Stage,
} from "./runner/runner.ts";
export {
  type Axis,
  Baseline,
  overall,
  rehearse,
  type Score,
  type ScoreOptions,
  score,
} from "./search/score.ts";
export {
  type Budget,
  type Evaluation,
  type Run,
  type SearchTask,
  type Stop,
  search,
} from "./search/search.ts";
export {
  constraint,
  type ExpressionValue,
  type Formula,
  formula,
  type Scope,
} from "./space/expression.ts";
export { booleans, enumeration, list, powersOfTwo, range } from "./space/parameters.ts";
export {
  type Configuration,
  type Constraint,
  NEIGHBOURHOODS,
  type Neighbourhood,
  type Parameter,
  Space,
  type Value,
} from "./space/space.ts";
export type { LaunchGroup } from "./step/groups.ts";
export type { Alone, GroupOptions } from "./step/problem.ts";
export {
  type Step,
  type StepFinding,
  type StepObserver,
  type StepOptions,
  type Steps,
  type StepTuned,
  type Turns,
  tuneStep,
} from "./step/step.ts";
export { trainingSteps } from "./step/training_steps.ts";
export { strategies } from "./strategies/index.ts";
export type { Search, Strategy, StrategySetting } from "./strategies/strategy.ts";
export { type Observer, type RowStore, type Tuned, type TuneOptions, tune } from "./tune.ts";
