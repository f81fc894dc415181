// Operations that compute every element by itself: what their kernels share.

import ahead from "./ahead.wgsl";
import loop from "./elementwise.wgsl";
import { type Algorithm, type Kernel, onCpu, type Shape, type Shapes, size, type Tune } from "./op.ts";

/** A kernel that goes through elements by `ahead(at, step)`. */
export const withAhead = (wgsl: string): string => wgsl + ahead;

/**
 * How a kernel of tunables WG and GROUPS shares out elements that are all treated alike: each workgroup takes `span`
 * neighbours, WG at a time, and there are at most GROUPS workgroups.
 */
export function share(elements: number, { WG, GROUPS }: Tune) {
  const span = Math.max(1, Math.ceil(elements / (WG * GROUPS))) * WG;
  return { span, threads: [Math.ceil(elements / span) * WG, 1, 1] as const };
}

/** Uniforms of such a kernel, which treats a tensor as pixels of channels: the last axis, and all before it. */
export const pixelsOfChannels = (shape: Shape, tune: Tune) => {
  const channels = shape[shape.length - 1] ?? 1;
  return { pixels: size(shape) / Math.max(1, channels), channels, span: share(size(shape), tune).span };
};

/** Few long workgroups on a CPU, many short ones on a GPU. */
export const flatTune = (_: Shapes, __: unknown, subgroupSize: number): Tune =>
  onCpu(subgroupSize) ? { WG: 16, GROUPS: 64 } : {};

/** An algorithm of kernels that share out elements. */
export const flat = <A>(...kernels: Kernel<A>[]): Algorithm<A> => ({ name: "flat", kernels, tune: flatTune });

/**
 * A kernel that computes every element of the tensor `of` by itself. Its WGSL defines `element(at: vec2u, i: u32)`, with
 * at.x the pixel, at.y the channel and i the number of the element; `shape` has pixels, channels, span and `uniforms`.
 */
export const elementwise = <A>(
  label: string,
  wgsl: string,
  of: string,
  {
    uniforms,
    bind,
  }: { uniforms?: (attrs: A, t: Shapes) => Record<string, number>; bind?: Kernel<A>["bind"] } = {},
): Kernel<A> => ({
  label,
  source: withAhead(wgsl + loop),
  bind,
  uniforms: (t, attrs, tune) => ({ ...pixelsOfChannels(t[of], tune), ...uniforms?.(attrs, t) }),
  threads: ({ [of]: shape }, _, tune) => share(size(shape), tune).threads,
});
