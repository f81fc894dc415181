import type { Algorithm, Shapes } from "./op.ts";

/** Neighbouring elements that a kernel takes at once. */
export type Run = 1 | 4;

const SCALAR = "alias Run = f32;\nconst RUN: u32 = 1u;";
const FOURS = "alias Run = vec4f;\nconst RUN: u32 = 4u;";

/** A kernel written for runs of one element, `alias Run = f32` and `RUN` of them, at runs of `run`. */
export function inRuns(wgsl: string, run: Run): string {
  if (!wgsl.includes(SCALAR)) throw new Error(`no lines ${SCALAR} in ${wgsl}`);
  return run === 1 ? wgsl : wgsl.replace(SCALAR, FOURS);
}

/** The algorithm in fours where `elements` come so, which spares a CPU most of what a load costs, and one by one. */
export const byRuns = <A>(
  elements: (t: Shapes) => number,
  algorithm: (run: Run) => Algorithm<A>,
): [Algorithm<A>, Algorithm<A>] => {
  const [fours, ones] = [algorithm(4), algorithm(1)];
  return [
    {
      ...fours,
      name: `${fours.name}_vec4`,
      fits: (t, attrs, tune) => elements(t) % 4 === 0 && (fours.fits?.(t, attrs, tune) ?? true),
    },
    ones,
  ];
};
