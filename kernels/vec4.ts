import type { Algorithm, Shapes } from "./op.ts";
import scalar from "./scalar.wgsl";
import vec4 from "./vec4.wgsl";

/** Neighbouring elements that a kernel loads and stores at once. */
export type Width = 1 | 4;

/** A kernel written in terms of `Vec`, `VecI` (the same of i32) and `WIDTH`, with these defined for `width` elements. */
export const atWidth = (wgsl: string, width: Width): string => wgsl + (width === 1 ? scalar : vec4);

/** The algorithm with vec4 loads, where `elements` is a multiple of 4 (cheaper on a CPU above all), then with scalar ones. */
export const vec4OrScalar = <A>(
  elements: (t: Shapes) => number,
  algorithm: (width: Width) => Algorithm<A>,
): [Algorithm<A>, Algorithm<A>] => {
  const [wide, narrow] = [algorithm(4), algorithm(1)];
  return [
    {
      ...wide,
      name: `${wide.name}_vec4`,
      fits: (t, attrs, tune) => elements(t) % 4 === 0 && (wide.fits?.(t, attrs, tune) ?? true),
    },
    narrow,
  ];
};
