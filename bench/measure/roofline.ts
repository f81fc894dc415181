// How far kernels are from what the adapter can do at most (Williams, Waterman and Patterson, CACM 2009). Bytes are
// algorithmic, for WebGPU tells no others: what fits a cache may lie above the roof of the copy.

import { problemKey } from "../../engine/plan/winners/winners.ts";
import type { KernelRow, LaunchRow, Roofs } from "./result.ts";

/** What a kernel cannot be faster than: arithmetic, the copy of its bytes, or an empty launch. */
export type Limit = "multiplyAdd" | "copy" | "dispatch";

/** A kernel beside the roofs: launches of the same kernel, settings and shapes are one. */
export interface Dot<Row = LaunchRow | KernelRow> {
  /** The first of its rows, and how many there are. */
  readonly row: Row;
  readonly times: number;
  /** FLOP a byte. */
  readonly intensity: number;
  /** FLOP/s and bytes/s, as measured. */
  readonly rate: number;
  readonly bandwidth: number;
  /** FLOP/s that the roofs allow at its intensity. */
  readonly bound: number;
  readonly limit: Limit;
  /** Part of that limit: 1 on the roof. */
  readonly share: number;
  /** Seconds of all its launches, and of these what is above the roofs. */
  readonly seconds: number;
  readonly gap: number;
}

/** Seconds below which no kernel of such work can come, and why. */
export function floorOf(
  { flops, bytes }: Pick<LaunchRow, "flops" | "bytes">,
  { multiplyAdd, copy, dispatch }: Roofs,
): { readonly seconds: number; readonly limit: Limit } {
  const floors: readonly [Limit, number][] = [
    ["multiplyAdd", flops / multiplyAdd],
    ["copy", bytes / copy],
    ["dispatch", dispatch],
  ];
  const [limit, seconds] = floors.reduce((most, one) => (one[1] > most[1] ? one : most));
  return { seconds, limit };
}

/** Seconds of a row on the device, if it has any. */
export const secondsOf = (row: LaunchRow | KernelRow): number | undefined =>
  "seconds" in row ? row.seconds : row.device?.median;

/** What has the same key together, in the order in which keys appear. */
export function grouped<T>(list: readonly T[], key: (one: T) => string): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const group = groups.get(key(one));
    if (group) group.push(one);
    else groups.set(key(one), [one]);
  }
  return [...groups.values()];
}

/** Rows beside the roofs, those first in which most time could be saved; rows without a time are left out. */
export function roofline<Row extends LaunchRow | KernelRow>(
  rows: readonly Row[],
  roofs: Roofs,
): readonly Dot<Row>[] {
  const timed = rows.filter((row) => secondsOf(row) !== undefined);
  const groups = grouped(timed, (row) => {
    const { routine, algorithm, tune, shapes, attrs, flops, bytes } = row;
    const label = "label" in row ? row.label : "";
    return JSON.stringify([label, routine, algorithm, tune, problemKey(shapes, attrs), flops, bytes]);
  });
  return groups.map((group) => dotOf(group, roofs)).sort((a, b) => b.gap - a.gap);
}

function dotOf<Row extends LaunchRow | KernelRow>(rows: readonly Row[], roofs: Roofs): Dot<Row> {
  const [row] = rows;
  const { flops, bytes } = row;
  const times = rows.length;
  const seconds = rows.reduce((sum, one) => sum + secondsOf(one)!, 0);
  const gap = rows.reduce((sum, one) => sum + Math.max(0, secondsOf(one)! - floorOf(one, roofs).seconds), 0);
  const floor = floorOf(row, roofs);
  const intensity = bytes > 0 ? flops / bytes : 0;
  return {
    row,
    times,
    intensity,
    rate: (times * flops) / seconds,
    bandwidth: (times * bytes) / seconds,
    bound: Math.min(roofs.multiplyAdd, intensity * roofs.copy),
    limit: floor.limit,
    share: (times * floor.seconds) / seconds,
    seconds,
    gap,
  };
}
