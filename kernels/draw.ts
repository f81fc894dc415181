// What the random problems of several operations are made of; the simplest choices come first.

import type { Draw, Shape } from "./op.ts";

/** Channels about the tiles and workgroups of 32 and 64. */
const EDGES = [31, 32, 33, 64, 65, 67];

/** A number of channels, at most `most`. */
export function channels(draw: Draw, most = 70): number {
  const edges = EDGES.filter((c) => c <= most);
  if (edges.length > 0 && draw.integer(0, 2) === 2) return draw.pick(edges);
  return draw.integer(1, Math.max(1, Math.min(Math.floor(most), 70)));
}

/** Elements of a bank of parameters, now and then more than a small grid takes at once. */
export const elements = (draw: Draw): number =>
  draw.integer(0, 5) === 5 ? draw.pick([513, 4097, 9001]) : draw.integer(1, 300);

/** Axes of a tensor of `least` to four axes, the last of them channels. */
export function axes(draw: Draw, least = 1): Shape {
  const rank = draw.integer(least, 4);
  if (rank === 1) return [elements(draw)];
  return [...Array.from({ length: rank - 1 }, () => draw.integer(1, rank === 2 ? 40 : 9)), channels(draw)];
}

/** One axis of a window that slides over an image. */
export interface Slide {
  readonly extent: number;
  readonly taps: number;
  readonly stride: number;
  readonly padding: readonly [before: number, after: number];
}

/** A window that fits; `beyond` is how far the padding may exceed one that can hold no whole window. */
export function slide(
  draw: Draw,
  beyond = 0,
  taps = draw.pick([1, 2, 3, 4, 5, 7, 8]),
  stride = draw.integer(1, 4),
): Slide {
  const pad = () => draw.integer(0, taps - 1 + beyond);
  const padding = [pad(), pad()] as const;
  const steps = draw.integer(0, 6) * stride; // none: a window as large as the image
  const unreached = draw.integer(0, stride - 1);
  return { extent: Math.max(1, taps + steps + unreached - padding[0] - padding[1]), taps, stride, padding };
}
