// Windows, strides and paddings of convolutions and pools, as layers take them.
import { refuse } from "../arguments.ts";
import type { Tensor } from "../graph/graph.ts";

/** A number for both axes, or [down, across]. */
export type Pair = number | readonly [h: number, w: number];
/** `same`: as many outputs as inputs / stride, as TensorFlow pads; `valid`: no padding; or zeros per axis. */
export type Padding = "same" | "valid" | readonly [h: number, w: number];

export interface WindowOptions {
  readonly stride?: Pair;
  readonly padding?: Padding;
}

/** A pair of a number for both axes, whole and at least `least`. */
export function pair(call: string, name: string, v: Pair, least = 1): readonly [number, number] {
  const both: readonly number[] = Array.isArray(v) ? v : [v as number, v as number];
  if (both.length !== 2 || !both.every((n) => Number.isInteger(n) && n >= least))
    refuse(call, name, v, `a whole number of at least ${least}, or two for [down, across],`);
  return [both[0], both[1]];
}

/** Zeros around the image: TensorFlow's rule for `same` (the odd one below and to the right), or as given. */
export function zeros(
  call: string,
  x: Tensor,
  window: readonly [number, number],
  stride: readonly [number, number],
  padding: Padding,
) {
  if (padding !== "same" && padding !== "valid" && !Array.isArray(padding))
    refuse(call, "padding", padding, `"same", "valid" or [down, across]`);
  const given = typeof padding === "string" ? undefined : pair(call, "padding", padding, 0);
  return [0, 1].map((axis) => {
    if (given) return [given[axis], given[axis]];
    if (padding === "valid") return [0, 0];
    const extent = x.shape[axis + 1];
    const total = Math.max(0, (Math.ceil(extent / stride[axis]) - 1) * stride[axis] + window[axis] - extent);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  });
}
