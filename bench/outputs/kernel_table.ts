// Tables of roofs, of kernels by themselves, and of a step's kernels beside the roofs.

import Table from "cli-table3";
import type { Shapes } from "../../kernels/op.ts";
import type { KernelRow, LaunchRow, Roofs } from "../measure/result.ts";
import { type Dot, floorOf, grouped } from "../measure/roofline.ts";
import type { RoofReading } from "../measure/roofs.ts";
import { durationUnit, told } from "../tune/scale.ts";

const table = (head: readonly string[], left = 1): Table.Table =>
  new Table({
    style: { head: [], border: [] },
    head: [...head],
    colAligns: head.map((_, i) => (i < left ? "left" : "right")),
  });

const time = (seconds: number): string => told(seconds, durationUnit(seconds));
const giga = (rate: number): string => (rate / 1e9).toFixed(rate < 1e10 ? 2 : 1);
const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
const settings = (tune: Readonly<Record<string, number>>): string =>
  Object.entries(tune)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");

const ROOFS: Readonly<Record<keyof Roofs, { name: string; say(value: number): string }>> = {
  multiplyAdd: { name: "multiply-add", say: (rate) => `${giga(rate)} GFLOP/s` },
  copy: { name: "copy, read and written", say: (rate) => `${giga(rate)} GB/s` },
  workgroup: { name: "workgroup memory, read", say: (rate) => `${giga(rate)} GB/s` },
  dispatch: { name: "dispatch behind another", say: time },
};

/** Every probe of the roofs, its best and its median; what counts is the best of a roof. */
export function roofTable(readings: readonly RoofReading[]): string {
  const rows = table(["roof", "kernel", "best", "median", ""], 2);
  for (const { roof, what, best, median, doubt } of readings)
    rows.push([
      ROOFS[roof].name,
      what,
      ROOFS[roof].say(best),
      ROOFS[roof].say(median),
      doubt ? "unsure" : "",
    ]);
  return rows.toString();
}

/** The roofs in a line. */
export const roofLine = (roofs: Roofs): string =>
  (Object.keys(ROOFS) as (keyof Roofs)[])
    .map((roof) => `${ROOFS[roof].name} ${ROOFS[roof].say(roofs[roof])}`)
    .join("; ");

/** What tells a problem from others: the tensors that are more than a value a channel. */
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

/** Algorithms at each problem, the fastest first, and those refused; then all problems of an algorithm together. */
export function kernelTable(rows: readonly KernelRow[], roofs?: Roofs): string {
  const problems = grouped(rows, ({ routine, shapes, attrs }) => JSON.stringify([routine, shapes, attrs]));
  const head = ["algorithm", "tunables", "time", "+-", "GFLOP/s", "GB/s", ...(roofs ? ["of the roof"] : [])];
  const parts = problems.map((group) => {
    const [{ routine, shapes, attrs, flops }] = group;
    const timed = group.filter(({ device }) => device);
    const body = table(head, 2);
    for (const row of timed.toSorted((a, b) => a.device!.median - b.device!.median))
      body.push(kernelLine(row, roofs));
    const refused = grouped(
      group.filter(({ device }) => !device),
      ({ refusal = "" }) => refusal,
    );
    return [
      `${routine}: ${[sizes(shapes), attributes(attrs)].filter(Boolean).join(", ")}, ${(flops / 1e9).toPrecision(3)} GFLOP`,
      ...(timed.length > 0 ? [body.toString()] : []),
      ...refused.map((list) => `${list.map(({ algorithm }) => algorithm).join(", ")}: ${list[0].refusal}`),
    ].join("\n");
  });
  const unsure = rows.some(({ doubt }) => doubt) ? ["~ the clock does not vouch for it"] : [];
  return [...parts, ...(problems.length > 1 ? [totals(rows)] : []), ...unsure].join("\n\n");
}

function kernelLine(row: KernelRow, roofs?: Roofs): Table.Cell[] {
  const { algorithm, tune, flops, bytes, doubt } = row;
  const { median, uncertainty } = row.device!;
  return [
    algorithm,
    settings(tune),
    `${doubt ? "~ " : ""}${time(median)}`,
    percent(uncertainty),
    giga(flops / median),
    giga(bytes / median),
    ...(roofs ? [percent(floorOf(row, roofs).seconds / median)] : []),
  ];
}

/** Of every routine and algorithm: FLOPs of its problems over their time. */
function totals(rows: readonly KernelRow[]): string {
  const groups = grouped(
    rows.filter(({ device }) => device),
    ({ routine, algorithm }) => JSON.stringify([routine, algorithm]),
  );
  const body = table(["routine", "algorithm", "problems", "time", "GFLOP/s"], 2);
  for (const group of groups) {
    const [{ routine, algorithm }] = group;
    const sum = (of: (row: KernelRow) => number) => group.reduce((total, row) => total + of(row), 0);
    const seconds = sum(({ device }) => device!.median);
    body.push([routine, algorithm, group.length, time(seconds), giga(sum(({ flops }) => flops) / seconds)]);
  }
  return `all problems\n${body.toString()}`;
}

const LIMITS = { multiplyAdd: "multiply-add", copy: "copy", dispatch: "dispatch" } as const;

/** Kernels of a step beside the roofs, those first in which most time could be saved. */
export function rooflineTable(dots: readonly Dot<LaunchRow>[], roofs: Roofs, top = 20): string {
  const step = dots.reduce((sum, { seconds }) => sum + seconds, 0);
  const gap = dots.reduce((sum, dot) => sum + dot.gap, 0);
  const body = table(
    [
      "kernel",
      "shapes",
      "times",
      "FLOP/byte",
      "GFLOP/s",
      "GB/s",
      "bound by",
      "of it",
      "time",
      "above the roofs",
      "of the step",
    ],
    2,
  );
  for (const { row, times, intensity, rate, bandwidth, limit, share, seconds, gap } of dots.slice(0, top))
    body.push([
      row.label,
      sizes(Object.fromEntries(Object.entries(row.shapes).filter(([name]) => "xwy".includes(name)))),
      times,
      intensity.toFixed(intensity < 10 ? 2 : 0),
      giga(rate),
      giga(bandwidth),
      LIMITS[limit],
      percent(share),
      time(seconds),
      time(gap),
      percent(seconds / step),
    ]);
  const said = `${time(gap)} of ${time(step)} on the device are above the roofs; bytes are algorithmic: each tensor once`;
  return `${roofLine(roofs)}\n${body.toString()}\n${said}`;
}
