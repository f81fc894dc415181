// The plots of a tuning run.

import * as Plot from "@observablehq/plot";
import type { Parameter } from "../../engine/tune/space/space.ts";
import type { Markup } from "../page/markup.ts";
import { plot, type Side, type Size } from "../page/plot.ts";
import { durationUnit, figures, formatQuantity, type Scale, scale } from "../page/scale.ts";
import { byValue, type Digest, middle, pareto, type Timed } from "./run.ts";

/** Pixels. */
const WIDE = { width: 520, height: 250, left: 52, right: 16, top: 26, bottom: 40 };
const PANEL = { height: 180, left: 52, right: 8, top: 8, bottom: 22, least: 140, most: 900 };
/** A stroke is as wide as a dot; dots are drawn on a grid of cells half as wide, and those in one cell are one. */
const DOT = 4;
const LETTER = 7;
/** Rows in one place from which on their stroke may be as wide as fits. */
const CROWD = 12;

type Point = readonly [x: number, y: number];

/** Strokes as one path, which is light to load: a stroke of no length is a dot. */
const strokes = (ends: readonly (readonly [Point, Point])[], color: string, opacity = 1): Plot.Markish =>
  Plot.line(
    ends.flatMap(([from, to]): Point[] => [from, to, [Number.NaN, Number.NaN]]),
    { x: "0", y: "1", stroke: color, strokeOpacity: opacity, strokeWidth: DOT, strokeLinecap: "round" },
  );

/** Where dots lie, those in one cell of a grid as one. */
function merged(
  points: readonly Point[],
  { width, height, left, right, top, bottom }: Size,
): readonly Point[] {
  const [columns, rows] = [(2 * (width - left - right)) / DOT, (2 * (height - top - bottom)) / DOT];
  const cells = new Map<string, Point>();
  for (const [x, y] of points) {
    const [column, row] = [Math.round(x * columns), Math.round(y * rows)];
    cells.set(`${column},${row}`, [column / columns, row / rows]);
  }
  return [...cells.values()];
}

/** A scale for seconds of a run, or for anything that is counted. */
function along(axis: "evaluations" | "seconds", first: number, last: number): Scale {
  if (axis === "seconds") return scale("spent", [first, last], durationUnit(2 * Math.sqrt(first * last)));
  const { ticks, ...side } = scale(axis, [first, last], { name: "", size: 1 });
  return { ...side, ticks: ticks.filter(({ text }) => Number.isInteger(Number(text.replaceAll(",", "")))) };
}

/** The best time so far by what had been spent. */
export function progress(
  { timed, best, standard, seconds, unit, objective }: Digest,
  axis: "evaluations" | "seconds",
  evaluations: number,
): Markup {
  const steps: Timed[] = [];
  for (const one of timed)
    if (!steps.length || one.objective < steps[steps.length - 1].objective) steps.push(one);
  const spent = (one: Timed) => (axis === "evaluations" ? one.evaluation : one.seconds);
  const last = axis === "evaluations" ? evaluations : seconds;
  const x = along(axis, spent(steps[0]), Math.max(last, spent(steps[steps.length - 1])));
  const y = scale(
    objective,
    [...steps, ...(standard ? [standard] : [])].map((one) => one.objective),
    unit,
  );
  const line: Point[] = steps.map((one) => [x.at(spent(one)), y.at(one.objective)]);
  const end: Point = [x.at(last), line[line.length - 1][1]];
  const at = standard && y.at(standard.objective);
  return plot(`best so far over ${axis}`, WIDE, x, y, [
    ...(at === undefined
      ? []
      : [
          Plot.ruleY([at], { stroke: "var(--other)", strokeDasharray: "4 3" }),
          Plot.text(["default"], { x: [1], y: [at], dy: -7, textAnchor: "end", fill: "var(--other)" }),
        ]),
    Plot.line([...line, end], {
      x: "0",
      y: "1",
      curve: "step-after",
      stroke: "currentColor",
      strokeWidth: 1.5,
    }),
    Plot.dot(steps, {
      x: (one: Timed) => x.at(spent(one)),
      y: (one: Timed) => y.at(one.objective),
      r: (one: Timed) => (one.objective === best?.objective ? 4 : 2.5),
      fill: (one: Timed) => (one.objective === best?.objective ? "var(--good)" : "currentColor"),
      title: (one: Timed) => `evaluation ${one.evaluation}: ${formatQuantity(one.objective, unit)}`,
    }),
  ]);
}

/** How many rows took how long. */
export function distribution({ timed, best, standard, unit, objective }: Digest): Markup {
  const size = { ...WIDE, width: 1060, height: 270, top: 52 };
  const x = scale(
    objective,
    timed.map((one) => one.objective),
    unit,
    14,
    0.02,
  );
  const bins = new Array<number>(Math.min(100, Math.max(10, 4 * Math.ceil(Math.sqrt(timed.length))))).fill(0);
  for (const { objective: value } of timed)
    bins[Math.min(bins.length - 1, Math.floor(x.at(value) * bins.length))]++;
  const most = Math.max(...bins);
  const y = counts(most);
  const named = [
    { name: "default", color: "var(--other)", one: standard, line: 17 },
    { name: "best", color: "var(--good)", one: best, line: 0 },
  ].filter(({ one }) => one);
  return plot("how many rows took how long", size, x, y, [
    Plot.rect(
      [...bins.entries()].filter(([, count]) => count > 0),
      {
        x1: ([bin]: Point) => bin / bins.length,
        x2: ([bin]: Point) => (bin + 1) / bins.length,
        y1: 0,
        y2: ([, count]: Point) => y.at(count),
        fill: "var(--bar)",
        insetRight: 1,
        title: ([, count]: Point) => String(count),
      },
    ),
    ...named.flatMap(({ name, color, one, line }) => {
      const at = x.at(one!.objective);
      return [
        Plot.ruleX([at], { stroke: color, strokeWidth: 2, insetTop: line - 33 }),
        Plot.text([`${name} ${formatQuantity(one!.objective, unit)}`], {
          x: [at],
          y: [1],
          dx: at < 0.7 ? 5 : -5,
          dy: line - 27,
          textAnchor: at < 0.7 ? "start" : "end",
          fill: color,
        }),
      ];
    }),
  ]);
}

/** Counts from nothing, in whole numbers. */
function counts(most: number): Scale {
  const { ticks } = scale("", [0, most], { name: "", size: 1 }, 5, 0);
  const at = (value: number) => value / (1.04 * most);
  const whole = ticks.map(({ text }) => Number(text.replaceAll(",", ""))).filter(Number.isInteger);
  return { label: "rows", at, ticks: whole.map((value) => ({ at: at(value), text: figures(value) })) };
}

/** The times of a parameter's values, on the axis that all parameters share: a stroke is the longer the more rows it is. */
export function effect({ timed, best }: Digest, { name, values }: Parameter, y: Scale): Markup {
  const groups = byValue(timed, name);
  const texts = values.map((value) => shortened(String(value)));
  const widest = LETTER * Math.max(...texts.map((text) => text.length)) + 8;
  const slot = Math.min(
    Math.max(widest, 36),
    values.length > 12 ? Math.min(22, PANEL.most / values.length) : 100,
  );
  const inner = Math.max(PANEL.least, Math.ceil(slot * values.length));
  const every = Math.ceil((widest * values.length) / inner);
  const right = PANEL.right + Math.max(0, Math.ceil((widest - inner / values.length) / 2)); // half a label may stand out
  const size = { ...PANEL, right, width: inner + PANEL.left + right };
  const at = (i: number) => (i + 0.5) / values.length;
  const x: Side = {
    label: "",
    at,
    ticks: texts.map((text, i) => ({ at: at(i), text })).filter((_, i) => i % every === 0),
  };
  const bins = Math.floor((PANEL.height - PANEL.top - PANEL.bottom) / DOT);
  const found = values.map((value) => binned(groups.get(value) ?? [], y, bins));
  const most = Math.max(CROWD, ...found.flatMap((of) => [...of.values()]));
  const half = (0.4 * Math.min(1, 60 / slot)) / values.length;
  const ends = found.flatMap((of, i) =>
    [...of].map(([bin, count]): [Point, Point] => {
      const reach = (half * (count - 1)) / (most - 1);
      const height = (bin + 0.5) / bins;
      return [
        [at(i) - reach, height],
        [at(i) + reach, height],
      ];
    }),
  );
  const medians = values.flatMap((value, i): { i: number; y: number }[] => {
    const group = groups.get(value);
    return group ? [{ i, y: y.at(middle(group)) }] : [];
  });
  const chosen = values.indexOf(best!.row.configuration[name]);
  return plot("times by value", size, x, { ...y, label: "" }, [
    strokes(ends, "var(--bar)", 0.75),
    Plot.link(medians, {
      x1: ({ i }) => at(i) - 1.1 * half,
      x2: ({ i }) => at(i) + 1.1 * half,
      y: "y",
      stroke: "currentColor",
      strokeWidth: 2,
    }),
    Plot.dot([chosen], {
      x: at,
      y: () => y.at(best!.objective),
      r: 4,
      fill: "var(--good)",
      stroke: "var(--page)",
    }),
  ]);
}

/** How many of the rows lie in each of so many parts of an axis. */
function binned(timed: readonly Timed[], y: Scale, bins: number): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  for (const { objective } of timed) {
    const bin = Math.min(bins - 1, Math.floor(y.at(objective) * bins));
    found.set(bin, (found.get(bin) ?? 0) + 1);
  }
  return found;
}

/** Names often differ at their ends. */
const shortened = (text: string) => (text.length > 12 ? `${text.slice(0, 5)}\u2026${text.slice(-6)}` : text);

/** Times against errors over their bounds; those that no other beats in both are marked. */
export function accuracy({ timed, unit, objective }: Digest): Markup {
  const size = { ...WIDE, width: 1060, height: 300 };
  const judged = timed.filter(({ row }) => Number.isFinite(row.error));
  const errors = judged.map(({ row }) => row.error!).filter((error) => error > 0);
  const least = Math.min(...errors, 1) / 10; // where errors of zero are drawn, which have no logarithm
  const error = ({ row }: Timed) => (row.error! > 0 ? row.error! : least);
  const x = scale("greatest error / bound", [...judged.map(error), 1], { name: "", size: 1 }, 10);
  const y = scale(
    objective,
    judged.map((one) => one.objective),
    unit,
  );
  const zeros = errors.length < judged.length;
  const ticks = x.ticks.map((tick) => (zeros && tick.at < x.at(2 * least) ? { ...tick, text: "" } : tick));
  const shown = zeros ? [...ticks.filter(({ text }) => text), { at: x.at(least), text: "0" }] : ticks;
  const place = (one: Timed): Point => [x.at(error(one)), y.at(one.objective)];
  const front = pareto(judged);
  return plot("time against error over bound", size, { ...x, ticks: shown }, y, [
    Plot.ruleX([x.at(1)], { stroke: "var(--bad)", strokeDasharray: "4 3" }),
    Plot.text(["bound"], { x: [x.at(1)], y: [1], dy: -8, fill: "var(--bad)" }),
    strokes(
      merged(judged.map(place), size).map((point) => [point, point]),
      "var(--bar)",
      0.75,
    ),
    Plot.line(front.map(place), {
      x: "0",
      y: "1",
      curve: "step-before",
      stroke: "var(--good)",
      strokeWidth: 1.5,
    }),
    Plot.dot(front, {
      x: (one: Timed) => place(one)[0],
      y: (one: Timed) => place(one)[1],
      r: 4,
      fill: "var(--good)",
      stroke: "var(--page)",
      title: (one: Timed) =>
        `${formatQuantity(one.objective, unit)}, error / bound ${figures(one.row.error!)}: ${Object.entries(
          one.row.configuration,
        )
          .map(([name, value]) => `${name} ${value}`)
          .join(", ")}`,
    }),
  ]);
}
