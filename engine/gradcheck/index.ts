/**
 * Checks of operations and of functions of tensors, forward and every gradient.
 * @module tessera-gpu/gradcheck
 */

export {
  type GradcheckInput,
  type GradcheckOptions,
  gradcheck,
  type Traceable,
} from "./functions/gradcheck.ts";
export { type CheckOptions, checkOp } from "./operations/check_op.ts";
export { identities, type Use } from "./operations/identities.ts";
export { LAYOUTS, type TensorLayout } from "./operations/launch.ts";
export type { CheckProblem } from "./operations/problem.ts";
export { REGIMES, type Regime } from "./operations/sampling.ts";
export {
  attempt,
  parseTrial,
  type Trial,
  type TrialSource,
  TUNABLES,
  type Tunables,
} from "./operations/trial.ts";
export * from "./report/report.ts";
