import { type Shape, size } from "../op.ts";

const SHORTEST = 32;

/**
 * How the pixels of every image are cut into blocks for sums over them: at most `rows` pixels each, none empty. The
 * sum over a block and the sum over all blocks are each one invocation's loop a channel; they are made about as long,
 * but for blocks so short that launching costs more than adding.
 */
export function cut([images, ...image]: Shape): { pixels: number; blocks: number; rows: number } {
  const pixels = size(image.slice(0, -1));
  const longest = Math.min(1024, Math.max(SHORTEST, Math.ceil(Math.sqrt(images * pixels))));
  const rows = Math.ceil(pixels / Math.ceil(pixels / longest));
  return { pixels, blocks: Math.ceil(pixels / rows), rows };
}
