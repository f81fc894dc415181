export { type CheckOptions, checkOp } from "./check_op.ts";
export {
  type GradcheckInput,
  type GradcheckOptions,
  gradcheck,
  type Traceable,
} from "./gradcheck.ts";
export { identities, type Use } from "./identities.ts";
export { LAYOUTS, type Layout } from "./launch.ts";
export * from "./report.ts";
export { REGIMES, type Regime } from "./sampling.ts";
export { attempt, parseTrial, type Trial, TUNABLES, type Tunables } from "./trial.ts";
