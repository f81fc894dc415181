// A failing tensor drawn: error over bound by index.

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { type ErrorMap, passes } from "../../engine/gradcheck/report/report.ts";
import { html, type Markup, markup } from "../page/markup.ts";
import {
  indexOfCell,
  type MapAxis,
  type MapView,
  mapExtent,
  type Plane,
  project,
  views,
  worse,
} from "./unfold.ts";

/** Error over bound by colour: within the bound muted, beyond it strong, NaN apart. */
const LEVELS: readonly { readonly below: number; readonly color: string; readonly label: string }[] = [
  { below: 0.1, color: "var(--heat-0)", label: "to 0.1" },
  { below: 1, color: "var(--heat-1)", label: "to 1" },
  { below: 10, color: "var(--heat-2)", label: "to 10" },
  { below: 100, color: "var(--heat-3)", label: "to 100" },
  { below: 1000, color: "var(--heat-4)", label: "to 1000" },
  { below: Infinity, color: "var(--heat-5)", label: "more" },
];
const NAN = { below: Number.NaN, color: "var(--heat-nan)", label: "NaN" };
const level = (ratio: number) =>
  Number.isNaN(ratio) ? NAN : (LEVELS.find(({ below }) => ratio <= below) ?? LEVELS[LEVELS.length - 1]);

/** Pixels: the widest and highest plane, the largest cell, and what surrounds a plane. */
const SIZE = { width: 900, height: 340, cell: 16, left: 56, right: 16, top: 30, bottom: 46 };
/** Cells of a plane with a tooltip each; beyond that only those that fail have one, and these many at most. */
const TOOLTIPS = 3000;

/** A number of a report: three figures, powers of ten where it is very small or large. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value < 0 ? "-∞" : "∞";
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e4) ? value.toExponential(1) : String(+value.toPrecision(3));
}

/** The tensor as figures, one for each view, under a line that counts what is wrong and a legend. */
export function heatMap(map: ErrorMap): Markup {
  const { name, shape, ratios } = map;
  const size = shape.reduce((a, b) => a * b, 1);
  if (ratios.length !== size)
    throw new RangeError(`heat map: ${name} has shape [${shape}] but ${ratios.length} ratios`);
  if (size === 0) throw new RangeError(`heat map: ${name} has shape [${shape}], which holds no element`);
  let [beyond, missing, worst] = [0, 0, 0];
  for (let element = 0; element < size; element++) {
    if (Number.isNaN(ratios[element])) missing++;
    else if (!passes(ratios[element])) beyond++;
    if (worse(ratios[element], ratios[worst])) worst = element;
  }
  const counts = `${beyond.toLocaleString("en")} of ${size.toLocaleString("en")} beyond the bound, ${missing.toLocaleString("en")} NaN`;
  const planes = views(map).map((view) => {
    const plane = project(ratios, view);
    return html`<figure><figcaption>${view.title}${binned(plane, view)}</figcaption>
<div class="scroll">${draw(map, view, plane, worst)}</div></figure>`;
  });
  return html`<div class="heat"><p><b>${name}</b> [${shape.join(", ")}]: ${counts}. Worst <span class="ring"></span> ${formatNumber(ratios[worst])} at [${indexOfCell(worst, shape).join(", ")}].</p>
${planes}${heatLegend()}</div>`;
}

/** The colours of a heat map and what they stand for. */
export const heatLegend = (): Markup =>
  html`<ul class="legend"><li>error / bound</li>${[...LEVELS, NAN].map(
    ({ color, label }) => html`<li><i style="background:${color}"></i>${label}</li>`,
  )}</ul>`;

/** Says how much a cell holds, where that is more than one element of the view. */
function binned({ rows, columns }: Plane, { down, across }: MapView): string {
  const [high, wide] = [rows[1] - rows[0], columns[1] - columns[0]];
  if (rows.length > mapExtent(down) && columns.length > mapExtent(across)) return "";
  return `; a cell is the worst of up to ${high} x ${wide}`;
}

/** A side of a plane as drawn: where its rows or columns lie, with gaps between the runs of its outer axes. */
function side(axes: readonly MapAxis[]) {
  const total = mapExtent(axes);
  const gaps = axes
    .slice(1)
    .map((_, depth) => {
      const run = mapExtent(axes.slice(depth + 1));
      return { run, width: Math.min(0.12 * run, 0.004 * total * (axes.length - depth)) };
    })
    .filter(({ width }) => width > 0.002 * total); // a gap of a pixel is not seen
  const start = (at: number) => gaps.reduce((x, { run, width }) => x + width * Math.floor(at / run), at);
  return { start, end: (at: number) => start(at - 1) + 1, length: start(total - 1) + 1 };
}

type Side = ReturnType<typeof side>;

/** Ticks at the start of each run of the outermost axis, or at multiples of a power of two, as tiles are. */
function ticks(side: readonly MapAxis[], most: number): { at: number; text: string }[] {
  const axes = shownAxes(side);
  const [outer] = axes;
  const run = mapExtent(axes.slice(1));
  let every = 1;
  while (outer.size / every > most) every *= 2;
  return Array.from({ length: Math.ceil(outer.size / every) }, (_, i) => ({
    at: i * every * run,
    text: String(i * every * (outer.step ?? 1)),
  }));
}

/** The axes of a side that have more than one index; the innermost where none has. */
function shownAxes(side: readonly MapAxis[]): readonly MapAxis[] {
  const axes = side.filter(({ size }) => size > 1);
  return axes.length > 0 ? axes : side.slice(-1);
}

const label = (side: readonly MapAxis[]) =>
  shownAxes(side)
    .map(({ name }) => name)
    .join(" / ");

/** Neighbouring cells of one colour in one row of one panel, in rows and columns of the plane (ends exclusive). */
interface Run {
  readonly left: number;
  right: number;
  readonly top: number;
  readonly bottom: number;
  readonly ratio: number;
  /** The element a tooltip tells of; such a cell is never merged. */
  readonly element?: number;
}

function runsOf({ rows, columns, worst }: Plane, ratios: Float64Array, x: Side): Run[] {
  let tooltips = TOOLTIPS;
  const all = worst.length <= TOOLTIPS;
  const runs: Run[] = [];
  for (const [cell, element] of worst.entries()) {
    if (element < 0) continue;
    const ratio = ratios[element];
    const [row, column] = [Math.floor(cell / (columns.length - 1)), cell % (columns.length - 1)];
    const [left, right, top, bottom] = [columns[column], columns[column + 1], rows[row], rows[row + 1]];
    const titled = all || (!passes(ratio) && tooltips-- > 0);
    const last = runs[runs.length - 1];
    const free = !titled && last && last.element === undefined;
    const joins = free && last.top === top && last.right === left && x.start(left) === x.end(left);
    if (joins && level(last.ratio) === level(ratio)) last.right = right;
    else runs.push({ left, right, top, bottom, ratio, element: titled ? element : undefined });
  }
  return runs;
}

function draw({ shape, ratios }: ErrorMap, view: MapView, plane: Plane, worst: number): Markup {
  const [x, y] = [side(view.across), side(view.down)];
  const fit = {
    x: Math.min(SIZE.cell, SIZE.width / x.length),
    y: Math.min(SIZE.cell, SIZE.height / y.length),
  };
  const square = Math.min(fit.x, fit.y);
  const width = Math.ceil(x.length * (view.square ? square : fit.x));
  const height = Math.ceil(y.length * (view.square ? square : fit.y));
  const runs = runsOf(plane, ratios, x);
  const bleed = 0.3; // pixels into the next cell: rounding would leave seams that look like findings
  const box = {
    x1: ({ left }: Run) => x.start(left),
    x2: ({ right }: Run) => x.end(right) + (bleed * x.length) / width,
    y1: ({ top }: Run) => y.start(top),
    y2: ({ bottom }: Run) => y.end(bottom) + (bleed * y.length) / height,
  };
  const across = ticks(view.across, width / 36);
  const down = ticks(view.down, height / 14);
  const titled = ({ element, ratio }: Run) =>
    element === undefined ? null : `[${indexOfCell(element, shape).join(", ")}] ${formatNumber(ratio)}`;
  const svg = Plot.plot({
    document: parseHTML("<html></html>").document,
    width: width + SIZE.left + SIZE.right,
    height: height + SIZE.top + SIZE.bottom,
    marginLeft: SIZE.left,
    marginRight: SIZE.right,
    marginTop: SIZE.top,
    marginBottom: SIZE.bottom,
    ariaLabel: "error over bound by index",
    x: { domain: [0, x.length], range: [SIZE.left, SIZE.left + width] },
    y: { domain: [0, y.length], range: [SIZE.top, SIZE.top + height] },
    marks: [
      ...[...LEVELS, NAN].map((of) =>
        Plot.rect(
          runs.filter(({ ratio }) => level(ratio) === of),
          { ...box, fill: of.color, title: titled },
        ),
      ),
      Plot.axisX(
        across.map(({ at }) => (x.start(at) + x.end(at + 1)) / 2),
        { label: `${label(view.across)} \u2192`, labelAnchor: "left", tickFormat: (_, i) => across[i].text },
      ),
      Plot.axisY(
        down.map(({ at }) => (y.start(at) + y.end(at + 1)) / 2),
        { label: `\u2193 ${label(view.down)}`, labelAnchor: "top", tickFormat: (_, i) => down[i].text },
      ),
      ...ring(plane, worst, level(ratios[worst]).color, x, y),
    ],
  });
  return markup(svg.outerHTML.replace(/="(\d+\.\d+)"/g, (_, digits) => `="${+Number(digits).toFixed(2)}"`)); // two decimals of a pixel do
}

/** A ring on the cell of the worst element, filled with its colour, in both inks to be seen on every other. */
function ring(
  { rows, columns, worst }: Plane,
  element: number,
  fill: string,
  x: Side,
  y: Side,
): Plot.Markish[] {
  const cell = worst.indexOf(element);
  const [row, column] = [Math.floor(cell / (columns.length - 1)), cell % (columns.length - 1)];
  const place = {
    x: [(x.start(columns[column]) + x.end(columns[column + 1])) / 2],
    y: [(y.start(rows[row]) + y.end(rows[row + 1])) / 2],
    r: 6,
  };
  return [
    Plot.dot([element], { ...place, stroke: "var(--page)", strokeWidth: 4 }),
    Plot.dot([element], { ...place, fill, stroke: "currentColor", strokeWidth: 1.6 }),
  ];
}
