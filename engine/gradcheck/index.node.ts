/**
 * What gradient checking has in Node alone, where it starts processes: mutation testing.
 * @module tessera-gpu/gradcheck/node
 */

export type { Mutant } from "./mutants/mutate.ts";
export { type MutationOptions, mutationTest } from "./mutants/mutation.node.ts";
export type { Kill } from "./mutants/mutation.ts";
export type { MutantResult, MutantVerdict } from "./mutants/score.ts";
export { operationsOf } from "./operations/module.node.ts";
