// What gradient checking has in Node alone, where it starts processes: `tessera-gpu/gradcheck/node`.

export { operationsOf } from "./module.node.ts";
export type { Mutant } from "./mutate.ts";
export { type MutationOptions, mutationTest } from "./mutation.node.ts";
export type { Kill } from "./mutation.ts";
export type { Result as MutantResult, Verdict as MutantVerdict } from "./score.ts";
