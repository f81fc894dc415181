// The roofline of a result (Williams et al., CACM 2009): speed by algorithmic intensity, under the adapter's measured roofs.

import * as Plot from "@observablehq/plot";
import { sum } from "../../measure/grouped.ts";
import type { Roofs } from "../../measure/result.ts";
import type { Dot } from "../../measure/roofline.ts";
import { html, type Markup } from "../../page/markup.ts";
import { plot, type Side, type Size } from "../../page/plot.ts";
import { formatDuration, scale } from "../../page/scale.ts";
import { legend } from "./charts.ts";
import { count, giga, operationOf, percent, problemOf, three } from "./summary.ts";

const SIZE: Size = { width: 1060, height: 460, left: 60, right: 24, top: 24, bottom: 42 };
/** Operations with a colour of their own; the others share one. */
const HUES = 6;
/** The costliest kernels, up to this part of the time, say how far the axes reach. */
const CORE = 0.99;
/** Pixels: radii of the least and of the costliest. */
const RADIUS = { least: 2, most: 15 };

const NO_UNIT = { name: "", size: 1 };

const operation = ({ row }: Dot) => operationOf(row);
const speed = ({ rate }: Dot) => rate / 1e9;

/**
 * FLOP/s by FLOP for each byte of the tensors that a kernel binds, each counted once: WebGPU tells nothing of what is
 * really moved. The larger a dot, the more of the time it is.
 */
export function rooflineChart(dots: readonly Dot[], roofs: Roofs | undefined): Markup {
  const whole = sum(dots.map(({ seconds }) => seconds));
  const placed = dots
    .filter(({ intensity, seconds }) => intensity > 0 && seconds > 0)
    .sort((a, b) => b.seconds - a.seconds);
  if (placed.length === 0) return html`<p class="note">No kernel counts a FLOP.</p>`;
  let before = 0;
  const core = placed.filter(({ seconds }) => {
    before += seconds;
    return before - seconds < CORE * whole;
  });
  const ridge = roofs && roofs.multiplyAdd / roofs.copy;
  const x = log("algorithmic intensity (FLOP / byte of the tensors bound)", [
    ...core.map(({ intensity }) => intensity),
    ...(ridge ? [ridge / 4, ridge * 4] : []),
  ]);
  const y = log("GFLOP/s", [...core.map(speed), ...(roofs ? [roofs.multiplyAdd / 1e9] : [])]);
  const drawn = placed.filter((dot) => holds(x, dot.intensity) && holds(y, speed(dot)));
  const left = whole - sum(drawn.map(({ seconds }) => seconds));
  const omitted =
    drawn.length < dots.length
      ? html`<p class="note">${dots.length - drawn.length} that count no FLOP or lie far off, ${percent(left / whole)} of the time together, are not drawn.</p>`
      : undefined;
  const colors = hues(drawn);
  const most = drawn[0].seconds;
  const radius = ({ seconds }: Dot) => Math.max(RADIUS.least, RADIUS.most * Math.sqrt(seconds / most));
  const marks = [
    ...(roofs ? roofMarks(roofs, x, y) : []),
    Plot.dot(drawn, {
      x: (dot: Dot) => x.at(dot.intensity),
      y: (dot: Dot) => y.at(speed(dot)),
      r: { value: radius, scale: null },
      fill: (dot: Dot) => colors.get(operation(dot)) ?? "var(--bar)",
      fillOpacity: 0.65,
      stroke: "var(--page)",
      strokeWidth: 0.7,
      title: tooltip,
    }),
  ];
  const others = drawn.some((dot) => !colors.has(operation(dot)));
  return html`<figure class="chart">${plot("roofline", SIZE, x, y, marks, "xy")}
${legend({ ...Object.fromEntries(colors), ...(others && { "other operations": "var(--bar)" }) })}</figure>
${omitted}`;
}

function tooltip({ row, times, seconds, rate, intensity, roof }: Dot): string {
  const more = times > 1 ? ` and ${times - 1} more` : "";
  const what = "where" in row ? `${row.label} at ${row.where}${more}` : `${row.routine} ${row.algorithm}`;
  const share = roof ? `, ${percent(roof.share)} of the roof` : "";
  return `${what}: ${problemOf(row)}\n${times === 1 ? "1 launch" : `${count(times)} launches`}, ${formatDuration(seconds)} in all, ${giga(rate)} GFLOP/s at ${three(intensity)} FLOP/byte${share}`;
}

/** The operations that cost most, each with its colour. */
function hues(dots: readonly Dot[]): ReadonlyMap<string, string> {
  const costs = new Map<string, number>();
  for (const dot of dots) costs.set(operation(dot), (costs.get(operation(dot)) ?? 0) + dot.seconds);
  const ordered = [...costs].sort(([, a], [, b]) => b - a).slice(0, HUES);
  return new Map(ordered.map(([name], i) => [name, `var(--hue-${i + 1})`]));
}

type Log = Side & { readonly values: readonly [low: number, high: number] };

const holds = ({ values: [low, high] }: Log, value: number): boolean => value >= low && value <= high;

/** A logarithmic side with a margin around its values. */
function log(label: string, values: readonly number[]): Log {
  const [low, high] = [Math.min(...values) / 1.6, Math.max(...values) * 1.6];
  const wide: readonly [number, number] = [low, Math.max(high, 4 * low)];
  const { at, ticks } = scale(label, wide, NO_UNIT, 9, 0);
  return { label, at, ticks, values: wide };
}

/** The roofs: bytes at the left, multiply-adds at the right, with their figures beside them. */
function roofMarks(roofs: Roofs, x: Log, y: Log): readonly Plot.Markish[] {
  const ridge = roofs.multiplyAdd / roofs.copy;
  const flat = roofs.multiplyAdd / 1e9;
  const lowest = (y.values[0] * 1e9) / roofs.copy; // where the slope enters at the bottom
  const from = Math.max(x.values[0], lowest);
  const slope = (at: number) => (at * roofs.copy) / 1e9;
  const line = [
    { x: from, y: slope(from) },
    { x: ridge, y: flat },
    { x: x.values[1], y: flat },
  ].map((point) => ({ x: x.at(point.x), y: y.at(point.y) }));
  const named = { fill: "currentColor", fontWeight: "bold" as const };
  const middle = Math.sqrt(from * ridge);
  const rise = (SIZE.height - SIZE.top - SIZE.bottom) * (y.at(slope(ridge)) - y.at(slope(from)));
  const run = (SIZE.width - SIZE.left - SIZE.right) * (x.at(ridge) - x.at(from));
  return [
    Plot.line(line, { x: "x", y: "y", stroke: "currentColor", strokeWidth: 1.5 }),
    Plot.text([`multiply-adds ${giga(roofs.multiplyAdd)} GFLOP/s`], {
      ...named,
      x: [1],
      y: [y.at(flat)],
      dy: -8,
      dx: -4,
      textAnchor: "end",
    }),
    Plot.text([`copy ${giga(roofs.copy)} GB/s`], {
      ...named,
      x: [x.at(middle)],
      y: [y.at(slope(middle))],
      dy: -9,
      rotate: (-180 * Math.atan2(rise, run)) / Math.PI,
    }),
  ];
}
