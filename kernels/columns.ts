// Kernels in which an invocation keeps to its channels: what they share.

import loop from "./columns.wgsl";
import type { Tune } from "./op.ts";

/** A kernel that defines `prepare(c: u32)` and `element(pixel: u32, c: u32)`. */
export const withColumns = (wgsl: string): string => wgsl + loop;

/**
 * How a kernel of tunables WG and GROUPS shares out pixels where every invocation keeps to its channel: each workgroup
 * takes WG channels, or several pixels at once where there are fewer, of `span` neighbouring pixels.
 */
export function shareColumns(extent: number, columns: number, { WG, GROUPS }: Tune) {
  const across = Math.ceil(columns / WG);
  const deep = Math.floor(WG / Math.min(columns, WG));
  const span = Math.max(1, Math.ceil((extent * across) / (deep * GROUPS))) * deep;
  return {
    uniforms: { columns, extent, span },
    threads: [across * WG, Math.ceil(extent / span), 1] as const,
  };
}
