// Tables of kernels beside the roofs, of kernels by themselves, and of the roofs.

import type { Shapes } from "../../../kernels/op.ts";
import { grouped, sum } from "../../measure/grouped.ts";
import type { KernelRow, LaunchRow, NetworkRow, Result, RoofReading, Roofs } from "../../measure/result.ts";
import { type Dot, floorOf, roofline } from "../../measure/roofline.ts";
import { formatDuration } from "../../page/scale.ts";
import { count, giga, milliseconds, percent, three, tuneOf } from "./summary.ts";
import { LISTED, type Table, tableOf } from "./table.ts";

const BOUND = { multiplyAdd: "multiply-add", copy: "copy", dispatch: "dispatch" } as const;

/** Kernels of a step at their problems beside the roofs, those first in which most time could be saved. */
export function rooflineTable(row: NetworkRow, name: string, roofs: Roofs, most = LISTED): Table {
  const dots = roofline(row.launches, roofs);
  const listed = dots.slice(0, most);
  const whole = sum(row.launches.map(({ seconds }) => seconds));
  const main = (shapes: Shapes) =>
    Object.fromEntries(Object.entries(shapes).filter(([tensor]) => "xwy".includes(tensor)));
  const gap = sum(dots.map(({ roof }) => roof!.gap));
  return tableOf<Dot<LaunchRow>>(
    `Roofline of ${name}`,
    listed,
    [
      { heading: "Kernel", text: true, of: ({ row }) => row.label },
      { heading: "Shapes", text: true, of: ({ row }) => sizes(main(row.shapes)) },
      { heading: "launches", of: ({ times }) => count(times) },
      { heading: "FLOP/byte", of: ({ intensity }) => three(intensity) },
      { heading: "GFLOP/s", of: ({ rate }) => giga(rate) },
      { heading: "GB/s", of: ({ bandwidth }) => giga(bandwidth) },
      { heading: "bound by", text: true, of: ({ roof }) => BOUND[roof!.limit] },
      { heading: "of that roof", of: ({ roof }) => percent(roof!.share) },
      { heading: "ms", of: ({ seconds }) => milliseconds(seconds) },
      { heading: "above the roofs (ms)", of: ({ roof }) => milliseconds(roof!.gap) },
      { heading: "of all launches", of: ({ seconds }) => percent(seconds / whole) },
    ],
    `${formatDuration(gap)} of ${formatDuration(whole)} on the device are above the roofs. Bytes are algorithmic: each tensor once.${listed.length < dots.length ? ` The ${listed.length} that lose most of ${dots.length}.` : ""}`,
  );
}

/** Tensors that are more than a value a channel: they tell a problem from others. */
const sizes = (shapes: Shapes): string =>
  Object.entries(shapes)
    .filter(([, shape]) => shape.length > 1)
    .map(([name, shape]) => `${name} ${shape.join("x")}`)
    .join(" ");

/** A problem as its attributes say more of it. */
function attributes(attrs: unknown): string {
  const { stride, padding } = (attrs ?? {}) as { stride?: readonly number[]; padding?: readonly number[][] };
  return [
    stride?.some((step) => step > 1) && `stride ${stride.join("x")}`,
    padding?.flat().some((zeros) => zeros > 0) &&
      `padding ${padding.map((side) => side.join("+")).join(" ")}`,
  ]
    .filter(Boolean)
    .join(", ");
}

/** What the clock does not vouch for is marked, and the note of its table says why. */
const marked = (text: string, doubt: string | undefined): string => (doubt ? `~ ${text}` : text);
const remarks = (said: readonly { readonly of: string; readonly why?: string }[]): string | undefined =>
  [...grouped(said, ({ why = "" }) => why)]
    .filter(([why]) => why)
    .map(([why, all]) => `${[...new Set(all.map(({ of }) => of))].join(", ")}: ${why}`)
    .join("; ") || undefined;

/** Kernels by themselves: the algorithms at each problem, the fastest first; then all problems of an algorithm together. */
export function kernelTables({ kernels, roofs }: Result): readonly Table[] {
  const problems = grouped(kernels, ({ routine, shapes, attrs }) => JSON.stringify([routine, shapes, attrs]));
  return [
    ...[...problems.values()].map((group) => problemTable(group, roofs)),
    ...(problems.size > 1 ? [totalTable(kernels)] : []),
  ];
}

/** Of kernels that were timed. */
const median = ({ device }: KernelRow): number => device!.median;

function problemTable(rows: readonly KernelRow[], roofs?: Roofs): Table {
  const [{ routine, shapes, attrs, flops }] = rows;
  const timed = rows.filter(({ device }) => device).sort((a, b) => median(a) - median(b));
  const problem = [sizes(shapes), attributes(attrs)].filter(Boolean).join(", ");
  return tableOf(
    `${routine}: ${problem}, ${giga(flops)} GFLOP`,
    timed,
    [
      { heading: "Algorithm", text: true, of: ({ algorithm }) => algorithm },
      { heading: "Tunables", text: true, of: ({ tune }) => tuneOf(tune) },
      { heading: "ms", of: (row) => marked(milliseconds(median(row)), row.doubt) },
      { heading: "±", of: ({ device }) => percent(device!.uncertainty) },
      { heading: "GFLOP/s", of: (row) => giga(row.flops / median(row)) },
      { heading: "GB/s", of: (row) => giga(row.bytes / median(row)) },
      {
        heading: "of the roof",
        of: (row) => (roofs ? percent(floorOf(row, roofs).seconds / median(row)) : ""),
      },
    ],
    remarks([
      ...timed.map(({ algorithm, doubt }) => ({ of: `~ ${algorithm}`, why: doubt })),
      ...rows.map(({ algorithm, refusal }) => ({ of: algorithm, why: refusal })),
    ]),
  );
}

/** Of every routine and algorithm: FLOPs of its problems over their time. */
function totalTable(kernels: readonly KernelRow[]): Table {
  const groups = grouped(
    kernels.filter(({ device }) => device),
    ({ routine, algorithm }) => JSON.stringify([routine, algorithm]),
  );
  const seconds = (rows: readonly KernelRow[]) => sum(rows.map(median));
  return tableOf(
    "All problems",
    [...groups.values()],
    [
      { heading: "Routine", text: true, of: ([{ routine }]) => routine },
      { heading: "Algorithm", text: true, of: ([{ algorithm }]) => algorithm },
      { heading: "problems", of: (rows) => count(rows.length) },
      { heading: "ms", of: (rows) => milliseconds(seconds(rows)) },
      { heading: "GFLOP/s", of: (rows) => giga(sum(rows.map(({ flops }) => flops)) / seconds(rows)) },
    ],
  );
}

const ROOFS: Readonly<Record<keyof Roofs, { name: string; say(value: number): string }>> = {
  multiplyAdd: { name: "multiply-adds in registers", say: (rate) => `${giga(rate)} GFLOP/s` },
  copy: { name: "copy, read and written", say: (rate) => `${giga(rate)} GB/s` },
  workgroup: { name: "read from workgroup memory", say: (rate) => `${giga(rate)} GB/s` },
  dispatch: { name: "dispatch behind another", say: formatDuration },
};

/** The adapter's roofs, by every kernel that read them where these are known: the best of a roof counts. */
export function roofTable(roofs: Roofs, readings: readonly RoofReading[] = []): Table {
  type Row = Pick<RoofReading, "roof" | "best"> & Partial<RoofReading>;
  const alone = (Object.keys(ROOFS) as (keyof Roofs)[]).map((roof) => ({ roof, best: roofs[roof] }));
  return tableOf<Row>(
    "Roofs",
    readings.length > 0 ? readings : alone,
    [
      { heading: "Of this adapter, measured", text: true, of: ({ roof }) => ROOFS[roof].name },
      { heading: "By a kernel", text: true, of: ({ what = "" }) => what },
      { heading: "at most", of: ({ roof, best, doubt }) => marked(ROOFS[roof].say(best), doubt) },
      { heading: "median", of: ({ roof, median }) => (median === undefined ? "" : ROOFS[roof].say(median)) },
    ],
    remarks(readings.map(({ roof, doubt }) => ({ of: `~ ${ROOFS[roof].name}`, why: doubt }))),
  );
}
