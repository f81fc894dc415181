// Tuning as a library: `tessera-gpu/tune`. What needs Node, files and processes, is in `tessera-gpu/tune/node`.

export type { Candidate, Subject, Verdict } from "./candidate.ts";
export {
  Clock,
  type ClockOptions,
  type Measure,
  type Measured,
  type Quanta,
  quantumOf,
  type Timing,
} from "./clock.ts";
export { type Environment, environmentOf } from "./environment.ts";
export { constraint, type Formula, formula, type Result, type Scope } from "./expression.ts";
export { readKernelTuner, writeKernelTuner } from "./formats/kernel_tuner.ts";
export type { Json, JsonObject } from "./formats/schema.ts";
export { type Problem, readSpace, readT1, type Searched, writeT1 } from "./formats/t1.ts";
export { kernelOf } from "./formats/t1_kernel.ts";
export { readT4, writeT4 } from "./formats/t4.ts";
export { type Data, type KernelDescription, kernel, type Output } from "./kernel.ts";
export type { Archived, KernelOrigin, Origin, RoutineOrigin } from "./origin.ts";
export { booleans, enumeration, list, powersOfTwo, range } from "./parameters.ts";
export { compare, type Place, type Ranking, type RankingOptions, rank } from "./ranking.ts";
export {
  type Contents,
  described,
  type Header,
  isRecord,
  readRecord,
  recordingOf,
  rowKey,
  type Section,
  type Shader,
  spaceOf,
  writeRecord,
} from "./record.ts";
export { type Original, type Recording, recordedSpace } from "./recording.ts";
export { type Recorded, type Replay, recorded, replay } from "./replay.ts";
export { type RoutineDescription, routine } from "./routine.ts";
export { type Reading, type Row, STATUSES, type Status } from "./row.ts";
export { type Evaluator, type Inspection, Runner, type RunnerOptions, STAGES, type Stage } from "./runner.ts";
export {
  type Axis,
  Baseline,
  overall,
  rehearse,
  type Score,
  type ScoreOptions,
  score,
} from "./score.ts";
export { type Budget, type Evaluation, type Run, type Stop, search, type Task } from "./search.ts";
export {
  type Configuration,
  type Constraint,
  NEIGHBOURHOODS,
  type Neighbourhood,
  type Parameter,
  Space,
  type Value,
} from "./space.ts";
export {
  type Finding,
  type Step,
  type StepObserver,
  type StepOptions,
  type Steps,
  type StepTuned,
  type Turns,
  tuneStep,
} from "./step.ts";
export type { Group } from "./step_groups.ts";
export type { Alone, GroupOptions } from "./step_problem.ts";
export { strategies } from "./strategies/index.ts";
export type { Search, Setting, Strategy } from "./strategies/strategy.ts";
export { trainingSteps } from "./training_steps.ts";
export { type Observer, type RowStore, type Tuned, type TuneOptions, tune } from "./tune.ts";
