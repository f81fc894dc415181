// The charts of a result: steps by phase, costs by block, memory over time, the spread of samples.

import * as Plot from "@observablehq/plot";
import type { Phase } from "../../../engine/graph/graph.ts";
import { sum } from "../../measure/grouped.ts";
import type { NetworkRow } from "../../measure/result.ts";
import { html, type Markup } from "../../page/markup.ts";
import { plot, type Side, type Size } from "../../page/plot.ts";
import {
  durationUnit,
  formatDuration,
  formatQuantity,
  type Scale,
  scale,
  type Unit,
} from "../../page/scale.ts";
import { deviceSeconds, formatBytes, NOT_VALID, type Part, PHASES, sizeUnit, UPDATE } from "./summary.ts";

export const PHASE_COLOR: Readonly<Record<Phase | "rest", string>> = {
  forward: "var(--hue-1)",
  backward: "var(--hue-2)",
  update: "var(--hue-3)",
  rest: "var(--bar)",
};
/** Pixels: of a letter on paper and on a narrow window, where it is larger; of a bar among few and among many; of a chart. */
const LETTER = 7.4;
const ROW = 34;
const LINE = 19;
const WIDTH = 1060;

/** Colours with what they stand for. */
export const legend = (entries: Readonly<Record<string, string>>): Markup | undefined =>
  Object.keys(entries).length === 0
    ? undefined
    : html`<ul class="legend">${Object.entries(entries).map(
        ([label, color]) => html`<li><i style="background:${color}"></i>${label}</li>`,
      )}</ul>`;

const widest = (texts: readonly string[]) => LETTER * Math.max(...texts.map(({ length }) => length)) + 12;

/** A side of named rows from the top down, each as high as the others. */
const rowsOf = (names: readonly string[]): Side => ({
  label: "",
  at: (i) => 1 - (i + 0.5) / names.length,
  ticks: names.map((text, i) => ({ at: 1 - (i + 0.5) / names.length, text })),
});

/** A scale from nothing to the greatest. */
function fromZero(label: string, greatest: number, unit: Unit, most = 8, margin = 0.02): Scale {
  const top = (1 + margin) * greatest || 1;
  const { ticks } = scale(label, [0, top], unit, most, 0);
  return {
    label: `${label} (${unit.name})`,
    at: (value) => value / top,
    ticks: ticks.map(({ at, text }) => ({ at, text })),
  };
}

interface Segment {
  readonly length: number;
  readonly color: string;
  readonly title: string;
  /** Written into it where it is wide enough. */
  readonly text?: string;
}

/** Segments one behind another, and what is written at the end of them. */
interface Bar {
  readonly name: string;
  readonly segments: readonly Segment[];
  readonly at: number;
  readonly text: string;
  readonly strong: boolean;
}

/** Bars of seconds, from the top down; each takes `height` pixels. */
function bars(what: string, all: readonly Bar[], label: string, unit: Unit, height: number): Markup {
  const names = all.map(({ name }) => name);
  const greatest = Math.max(...all.map(({ at }) => at));
  const size: Size = {
    width: WIDTH,
    height: height * all.length + 48,
    left: widest(names),
    right: widest(all.map(({ text }) => text)),
    top: 6,
    bottom: 42,
  };
  const x = fromZero(label, greatest, unit, 8, 0);
  const y = rowsOf(names);
  const half = 0.36 / all.length;
  const placed = all.flatMap(({ segments }, row) => {
    let to = 0;
    return segments
      .filter(({ length }) => length > 0)
      .map((segment) => {
        const from = to;
        to += segment.length;
        return { ...segment, x1: x.at(from), x2: x.at(to), middle: x.at((from + to) / 2), y: y.at(row) };
      });
  });
  const inner = size.width - size.left - size.right;
  const written = placed.filter(({ x1, x2, text }) => text && (x2 - x1) * inner > widest([text]));
  const ends = all.map(({ at, text, strong }, row) => ({ x: x.at(at), y: y.at(row), text, strong }));
  const marks = [
    Plot.rect(placed, {
      ...{ x1: "x1", x2: "x2", fill: ({ color }) => color, title: "title" },
      y1: ({ y: middle }) => middle - half,
      y2: ({ y: middle }) => middle + half,
    }),
    Plot.text(written, { x: "middle", y: "y", text: "text", fill: "var(--page)", pointerEvents: "none" }),
    ...[true, false].map((strong) =>
      Plot.text(
        ends.filter((end) => end.strong === strong),
        {
          ...{ x: "x", y: "y", text: "text", dx: 5, textAnchor: "start", fill: "currentColor" },
          fontWeight: strong ? "bold" : "normal",
        },
      ),
    ),
  ];
  return plot(what, size, x, y, marks, "x");
}

/** Seconds of a step of every network: its phases on the device, and what the device was idle. */
export function stepsChart(rows: readonly NetworkRow[], name: (row: NetworkRow) => string): Markup {
  const unit = durationUnit(Math.max(...rows.map(({ wall }) => wall.median)));
  const all = rows.map((row): Bar => {
    const segment = (what: string, color: string, length: number): Segment => {
      const text = formatQuantity(length, unit);
      return { length, color, title: `${what} ${text}`, text };
    };
    const [whole, device] = [row.wall.median, deviceSeconds(row)];
    return {
      name: name(row),
      segments: [
        ...PHASES.map((phase) => segment(phase, PHASE_COLOR[phase], row.phases[phase]?.device.median ?? 0)),
        segment("device idle", PHASE_COLOR.rest, whole - device),
      ],
      at: Math.max(whole, device),
      text: `${formatQuantity(whole, unit)}${row.validity.valid ? "" : `, ${NOT_VALID}`}`,
      strong: true,
    };
  });
  return bars("step time by network and phase", all, "time of a step", unit, ROW);
}

/** Seconds of every part, forward and backward; the costliest is in bold. */
export function costs(what: string, all: readonly Part[]): Markup {
  const whole = sum(all.map(({ seconds }) => seconds));
  const greatest = (of: readonly Part[]) => Math.max(...of.map(({ seconds }) => seconds));
  const most = greatest(all.filter(({ name }) => name !== UPDATE));
  const unit = durationUnit(greatest(all));
  const bar = ({ name, seconds, by }: Part): Bar => ({
    name,
    segments: PHASES.map((phase) => ({
      length: by[phase],
      color: PHASE_COLOR[phase],
      title: `${name} ${phase} ${formatQuantity(by[phase], unit)}`,
    })),
    at: seconds,
    text: `${formatQuantity(+seconds.toPrecision(3), unit)}, ${((100 * seconds) / whole).toFixed(1)} %`,
    strong: seconds === most,
  });
  return bars(what, all.map(bar), "time on the device", unit, LINE);
}

/** Bytes of activations and their gradients alive at every launch of a step; the peak is marked with where it is. */
export function memory(row: NetworkRow): Markup {
  const { alive, arena, peak } = row.memory;
  const timed = row.launches.length === alive.length;
  const times = timed ? row.launches.map(({ seconds }) => seconds) : alive.map(() => 1);
  const starts = [0];
  for (const seconds of times) starts.push(starts[starts.length - 1] + seconds);
  const whole = starts[times.length];
  const highest = Math.max(...alive);
  const x = timed
    ? fromZero("time on the device", whole, durationUnit(whole), 10, 0)
    : fromZero("launch", whole, { name: "of the step", size: 1 }, 10, 0);
  const y = fromZero("alive", Math.max(highest, arena), sizeUnit(highest), 6, 0.04);
  const area = alive.flatMap((bytes, i) => [
    { x: x.at(starts[i]), y: y.at(bytes) },
    { x: x.at(starts[i + 1]), y: y.at(bytes) },
  ]);
  const at = x.at((starts[peak.launch] + starts[peak.launch + 1]) / 2);
  const [dx, textAnchor] = at < 0.5 ? [8, "start" as const] : [-8, "end" as const];
  const phases = timed ? phaseStarts(row, starts).map(({ phase, from }) => ({ phase, x: x.at(from) })) : [];
  const size: Size = { width: WIDTH, height: 300, left: 56, right: 20, top: 56, bottom: 42 };
  return plot("memory over a step", size, x, y, [
    Plot.areaY(area, { x: "x", y1: 0, y2: "y", fill: "var(--hue-1)", fillOpacity: 0.75 }),
    Plot.ruleY([y.at(arena)], { stroke: "currentColor", strokeDasharray: "4 3" }),
    Plot.ruleX(phases.slice(1), { x: "x", stroke: "currentColor", strokeDasharray: "1 3" }),
    Plot.text(phases, {
      x: "x",
      y: 1,
      dx: 4,
      dy: -26,
      text: "phase",
      textAnchor: "start",
      fill: "currentColor",
    }),
    Plot.dot([0], { x: () => at, y: () => y.at(highest), r: 4, fill: "var(--bad)", stroke: "var(--page)" }),
    Plot.text([`${formatBytes(highest)} at ${peak.where}`], {
      ...{ x: () => at, y: 1, dx, dy: -10, textAnchor, fill: "var(--bad)", fontWeight: "bold" },
    }),
  ]);
}

/** Where each phase begins that is long enough to be named. */
function phaseStarts({ launches }: NetworkRow, starts: readonly number[]) {
  const whole = starts[launches.length];
  const found = PHASES.flatMap((phase) => {
    const first = launches.findIndex((launch) => launch.phase === phase);
    return first < 0 ? [] : [{ phase, from: starts[first] }];
  });
  return found.filter(({ from }, i) => (found[i + 1]?.from ?? whole) - from > 0.07 * whole);
}

/** Every sample of every network's step in the order in which they were taken, from the top down; half of them lie in the box. */
export function spread(rows: readonly NetworkRow[], name: (row: NetworkRow) => string): Markup {
  const names = rows.map(name);
  const all = rows.flatMap(({ wall }) => wall.samples);
  const greatest = Math.max(...all);
  const size: Size = {
    width: WIDTH,
    height: 70 * rows.length + 50,
    left: widest(names),
    right: 20,
    top: 8,
    bottom: 42,
  };
  const x = scale("time of a step", all, durationUnit(greatest), 10);
  const y = rowsOf(names);
  const half = 0.4 / rows.length;
  const dots = rows.flatMap(({ wall: { samples } }, row) =>
    samples.map((seconds, i) => ({
      x: x.at(seconds),
      y: y.at(row) + half * (samples.length > 1 ? 1 - (2 * i) / (samples.length - 1) : 0) * 0.9,
      title: `sample ${i + 1}: ${formatDuration(seconds)}`,
    })),
  );
  const boxes = rows.map(({ wall }, row) => ({
    x1: x.at(wall.low),
    x2: x.at(wall.high),
    x: x.at(wall.median),
    y1: y.at(row) - half,
    y2: y.at(row) + half,
  }));
  return plot(
    "spread of the samples",
    size,
    x,
    y,
    [
      Plot.rect(boxes, { x1: "x1", x2: "x2", y1: "y1", y2: "y2", fill: "var(--hue-1)", fillOpacity: 0.25 }),
      Plot.ruleX(boxes, { x: "x", y1: "y1", y2: "y2", stroke: "var(--hue-1)", strokeWidth: 2 }),
      Plot.dot(dots, { x: "x", y: "y", r: 2.5, fill: "currentColor", fillOpacity: 0.7, title: "title" }),
    ],
    "x",
  );
}
