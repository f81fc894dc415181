/**
 * Why a mutant may survive the cases. `equivalent`: it computes the same, and does not count. `elsewhere`: a test
 * beside the cases kills it. `hidden`: a fault that these adapters or this suite cannot show; it counts as survived.
 */
export type Kind = "equivalent" | "elsewhere" | "hidden";

/** Why mutants of a kernel survive: a seeded fault that no case of its operation shows. */
export interface Explanation {
  readonly kind: Kind;
  /** Labels of the kernels. */
  readonly kernel: RegExp;
  /** What `<operator>: <line before> -> <line after>` matches. */
  readonly mutant: RegExp;
  readonly reason: string;
}

/** A list of them: kernel, mutant, reason. */
export const explain = (
  kind: Kind,
  ...entries: readonly (readonly [kernel: RegExp, mutant: RegExp, reason: string])[]
): Explanation[] => entries.map(([kernel, mutant, reason]) => ({ kind, kernel, mutant, reason }));
