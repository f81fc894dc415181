// How far kernels are from what the adapter can do at most (Williams, Waterman and Patterson, CACM 2009). Bytes are
// algorithmic, for WebGPU tells no others: what fits a cache may lie above the roof of the copy.

import { problemKey } from "../../engine/plan/tables/preferences.ts";
import { grouped, sum } from "./grouped.ts";
import type { KernelRow, LaunchRow, Roofs } from "./result.ts";

/** What a kernel cannot be faster than: arithmetic, the copy of its bytes, or an empty launch. */
export type Limit = "multiplyAdd" | "copy" | "dispatch";

type Work = Pick<LaunchRow, "flops" | "bytes">;
type Timed = Work & { readonly seconds: number };

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
  /** Seconds of all its launches. */
  readonly seconds: number;
  /** Where the roofs are known: what bounds it, the part of that which it reaches, and the seconds of all its launches above. */
  readonly roof?: { readonly limit: Limit; readonly share: number; readonly gap: number };
}

/** Seconds below which no kernel of such work can come, and why. */
export function floorOf(
  { flops, bytes }: Work,
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

/** Part of the time of launches that the roofs ask for: 1 on the roofs. */
export const shareOf = (launches: readonly Timed[], roofs: Roofs): number =>
  sum(launches.map((one) => floorOf(one, roofs).seconds)) / sum(launches.map(({ seconds }) => seconds));

/** Seconds of launches above the roofs. */
export const gapOf = (launches: readonly Timed[], roofs: Roofs): number =>
  sum(launches.map((one) => Math.max(0, one.seconds - floorOf(one, roofs).seconds)));

/** Seconds of a row on the device, if it has any. */
const secondsOf = (row: LaunchRow | KernelRow): number | undefined =>
  "seconds" in row ? row.seconds : row.device?.median;

/**
 * Rows beside the roofs, those first in which most time could be saved, or without roofs those that take most; rows
 * without a time are left out.
 */
export function roofline<Row extends LaunchRow | KernelRow>(
  rows: readonly Row[],
  roofs?: Roofs,
): readonly Dot<Row>[] {
  const groups = grouped(
    rows.filter((row) => secondsOf(row) !== undefined),
    (row) => {
      const { routine, algorithm, tune, shapes, attrs, flops, bytes } = row;
      const label = "label" in row ? row.label : "";
      return JSON.stringify([label, routine, algorithm, tune, problemKey(shapes, attrs), flops, bytes]);
    },
  );
  const cost = ({ roof, seconds }: Dot<Row>) => roof?.gap ?? seconds;
  return [...groups.values()].map((group) => dotOf(group, roofs)).sort((a, b) => cost(b) - cost(a));
}

function dotOf<Row extends LaunchRow | KernelRow>(rows: readonly Row[], roofs?: Roofs): Dot<Row> {
  const [row] = rows;
  const { flops, bytes } = row;
  const timed = rows.map((one) => ({ flops, bytes, seconds: secondsOf(one)! }));
  const times = rows.length;
  const seconds = sum(timed.map((one) => one.seconds));
  return {
    row,
    times,
    intensity: bytes > 0 ? flops / bytes : 0,
    rate: (times * flops) / seconds,
    bandwidth: (times * bytes) / seconds,
    seconds,
    ...(roofs && {
      roof: { limit: floorOf(row, roofs).limit, share: shareOf(timed, roofs), gap: gapOf(timed, roofs) },
    }),
  };
}
