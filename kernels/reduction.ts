// Operations that sum over all elements of a tensor, in a fixed order: what they share.

import { pixelsOfChannels, withAhead } from "./elementwise.ts";
import { type Algorithm, type Kernel, type Shapes, size } from "./op.ts";
import loop from "./reduction.wgsl";
import fold from "./reduction_fold.wgsl";
import { sumBound } from "./rounding.ts";

/** Partial sums are of so many elements or more, until there are as many partials as one workgroup likes to add up. */
const ELEMENTS = 32;
const MOST = 65536;
const terms = (elements: number) => Math.max(ELEMENTS, Math.ceil(elements / MOST));
/** Whole workgroups of them at every setting: the last elements are dealt out one to a lane. */
const partials = (elements: number) => Math.ceil(elements / terms(elements) / 256) * 256;

/**
 * Partial sums of what the elements of x add, and the sum of these times `scale`. Partial sums are at most 65536, or a
 * few more, so that the rounding error grows with n / 65536 and not with n. The WGSL of the first binds x and partials
 * and defines `term(at: vec2u) -> f32`, with at.x the pixel and at.y the channel; `shape` of the operation has pixels,
 * channels, span, partials, scale, accumulate and `uniforms`.
 */
export function reduction<A>(
  op: string,
  { wgsl, shape, into = "y", bind }: { wgsl: string; shape: string; into?: string; bind?: Kernel<A>["bind"] },
  { scale, uniforms }: { scale: (t: Shapes) => number; uniforms?: (attrs: A) => Record<string, number> },
): Algorithm<A> {
  const count = ({ x }: Shapes) => partials(size(x));
  const kernel = (
    file: string,
    source: string,
    rest: Pick<Kernel<A>, "threads" | "bind" | "flops">,
  ): Kernel<A> => ({
    label: `${op}/${file}`,
    source: source + shape,
    uniforms: (t, attrs, tune) => ({
      ...pixelsOfChannels(t.x, tune),
      span: terms(size(t.x)) * tune.WG, // a partial is the sum of an invocation
      partials: count(t),
      scale: scale(t),
      ...uniforms?.(attrs),
    }),
    ...rest,
  });
  return {
    name: "partials",
    temporaries: (t) => ({ partials: [count(t)] }),
    kernels: [
      kernel("partials", withAhead(wgsl + loop), { threads: (t) => [count(t), 1, 1], bind }),
      kernel("forward", fold, { threads: () => [1, 1, 1], bind: { y: into }, flops: count }),
    ],
  };
}

/** Bound of such a sum, given that of the magnitudes of its terms, each of which is one product at most. */
export function reductionBound(elements: number, magnitudes: number): number {
  const chain = terms(elements) + partials(elements) / 64 + 8; // the longest row of additions, at 64 threads
  return sumBound(elements, Float64Array.of(magnitudes), Math.ceil(chain))[0];
}
