import { type Shapes, size } from "../op.ts";
import type { BatchNormReluAttrs } from "./batch_norm_relu.ts";

/** Moments of a channel that one invocation merges in a row; of more, blocks are merged first. */
const LONGEST = 64;

/**
 * How the moments of every group are merged: in `blocks` of `each`, about as many as a block has, and then these. One
 * each: all at once.
 */
export function merging({ moments: [groups, parts] }: Shapes): { each: number; blocks: number } {
  if (groups * parts <= LONGEST) return { each: 1, blocks: parts };
  const each = Math.min(parts, Math.ceil(Math.sqrt(groups * parts)));
  return { each, blocks: Math.ceil(parts / each) };
}

/** Pixels of one group. */
export const pixelsOf = ({ x, moments: [groups, , , channels] }: Shapes): number =>
  size(x) / channels / groups;

/** Calls `visit` with the pixels of every part, a channel, and the index of its mean, in the order of storage. */
export function eachMoment(
  t: Shapes,
  { rows }: BatchNormReluAttrs,
  visit: (pixels: number, channel: number, at: number) => void,
): void {
  const [groups, parts, , channels] = t.moments;
  for (let part = 0; part < groups * parts; part++) {
    const pixels = Math.min(rows, pixelsOf(t) - (part % parts) * rows);
    for (let c = 0; c < channels; c++) visit(pixels, c, part * 2 * channels + c);
  }
}
