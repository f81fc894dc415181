// The charts of a result: steps by phase, costs by block, memory over time, the spread of samples.

import * as Plot from "@observablehq/plot";
import type { Phase } from "../../engine/graph/graph.ts";
import type { NetworkRow } from "../measure/result.ts";
import { html, type Markup } from "../report/markup.ts";
import { plot, type Side, type Size } from "../report/plot.ts";
import { durationUnit, type Scale, scale, told, type Unit } from "../tune/scale.ts";
import { bytesTold, deviceSeconds, type Part, PHASES, sizeUnit, sum } from "./summary.ts";

export const PHASE_COLOR: Readonly<Record<Phase | "rest", string>> = {
  forward: "var(--hue-1)",
  backward: "var(--hue-2)",
  update: "var(--hue-3)",
  rest: "var(--bar)",
};
/** Pixels. */
const LETTER = 6.4;
const ROW = 34;
const LINE = 19;
const WIDTH = 1060;

/** Colours with what they stand for. */
export const legend = (entries: Readonly<Record<string, string>>): Markup =>
  html`<ul class="legend">${Object.entries(entries).map(
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
  readonly row: number;
  readonly from: number;
  readonly to: number;
  readonly color: string;
  readonly title: string;
  /** Written into it where it is wide enough. */
  readonly text: string;
}

/** Segments of a row, one behind the other. */
function stacked(row: number, of: readonly (Omit<Segment, "row" | "from" | "to"> & { length: number })[]) {
  let from = 0;
  return of
    .filter(({ length }) => length > 0)
    .map(({ length, ...one }): Segment => {
      const segment = { ...one, row, from, to: from + length };
      from += length;
      return segment;
    });
}

/** Bars of segments, with a text at the end of each. */
function bars(
  what: string,
  names: readonly string[],
  segments: readonly Segment[],
  ends: readonly { readonly at: number; readonly text: string; readonly strong?: boolean }[],
  height: number,
  label: string,
): Markup {
  const greatest = Math.max(...ends.map(({ at }) => at));
  const size: Size = {
    width: WIDTH,
    height: height * names.length + 48,
    left: widest(names),
    right: widest(ends.map(({ text }) => text)),
    top: 6,
    bottom: 42,
  };
  const x = fromZero(label, greatest, durationUnit(greatest), 8, 0);
  const y = rowsOf(names);
  const half = 0.36 / names.length;
  const room = (size.width - size.left - size.right) / greatest;
  return plot(
    what,
    size,
    x,
    y,
    [
      Plot.rect(segments, {
        x1: ({ from }: Segment) => x.at(from),
        x2: ({ to }: Segment) => x.at(to),
        y1: ({ row }: Segment) => y.at(row) - half,
        y2: ({ row }: Segment) => y.at(row) + half,
        fill: ({ color }: Segment) => color,
        title: "title",
      }),
      Plot.text(
        segments.filter(({ from, to, text }) => (to - from) * room > widest([text])),
        {
          x: ({ from, to }: Segment) => x.at((from + to) / 2),
          y: ({ row }: Segment) => y.at(row),
          text: "text",
          fill: "var(--page)",
          pointerEvents: "none",
        },
      ),
      ...[true, false].map((strong) =>
        Plot.text(
          [...ends.entries()].filter(([, end]) => Boolean(end.strong) === strong),
          {
            x: ([, end]) => x.at(end.at),
            y: ([row]) => y.at(row),
            text: ([, { text }]) => text,
            dx: 5,
            textAnchor: "start",
            fill: "currentColor",
            fontWeight: strong ? "bold" : "normal",
          },
        ),
      ),
    ],
    "x",
  );
}

/** Seconds of a step of every network: its phases on the device, and what the device was idle. */
export function steps(rows: readonly NetworkRow[], name: (row: NetworkRow) => string): Markup {
  const segments = rows.flatMap((row, i) => {
    const unit = durationUnit(row.wall.median);
    const phases = PHASES.flatMap((phase) => {
      const length = row.phases[phase]?.device.median ?? 0;
      const text = told(length, unit);
      return [{ length, color: PHASE_COLOR[phase], title: `${phase} ${text}`, text }];
    });
    const length = Math.max(0, row.wall.median - deviceSeconds(row));
    const text = told(length, unit);
    return stacked(i, [...phases, { length, color: PHASE_COLOR.rest, title: `device idle ${text}`, text }]);
  });
  const ends = rows.map(({ wall, validity }, row) => ({
    at: Math.max(wall.median, ...segments.filter((one) => one.row === row).map(({ to }) => to)),
    text: `${told(wall.median, durationUnit(wall.median))}${validity.valid ? "" : ", NOT VALID"}`,
    strong: true,
  }));
  return bars("step time by network and phase", rows.map(name), segments, ends, ROW, "time of a step");
}

/** Seconds of every part, forward and backward; the costliest is told in bold. */
export function costs(what: string, all: readonly Part[]): Markup {
  const whole = sum(all.map(({ seconds }) => seconds));
  const most = Math.max(...all.map(({ seconds }) => seconds));
  const unit = durationUnit(most);
  const segments = all.flatMap(({ name, by }, i) =>
    stacked(
      i,
      PHASES.map((phase) => ({
        length: by[phase],
        color: PHASE_COLOR[phase],
        title: `${name} ${phase} ${told(by[phase], unit)}`,
        text: "",
      })),
    ),
  );
  const ends = all.map(({ seconds }) => ({
    at: seconds,
    text: `${told(+seconds.toPrecision(3), unit)}, ${((100 * seconds) / whole).toFixed(1)} %`,
    strong: seconds === most,
  }));
  return bars(
    what,
    all.map(({ name }) => name),
    segments,
    ends,
    LINE,
    "time on the device",
  );
}

/** Bytes alive at every launch of a step, on what is always held; the peak is marked with what it is in. */
export function memory(row: NetworkRow): Markup {
  const { alive, variables, other, peak } = row.memory;
  const timed = row.launches.length === alive.length && alive.length > 0;
  const times = timed ? row.launches.map(({ seconds }) => seconds) : alive.map(() => 1);
  const ends = times.map(
    (
      (total) => (seconds: number) =>
        (total += seconds)
    )(0),
  );
  const starts = ends.map((end, i) => end - times[i]);
  const whole = ends[ends.length - 1];
  const held = variables + other;
  const highest = held + Math.max(...alive);
  const x = timed
    ? fromZero("time on the device", whole, durationUnit(whole), 10, 0)
    : fromZero("launch", whole, { name: "of the step", size: 1 }, 10, 0);
  const y = fromZero("memory", highest, sizeUnit(highest), 6, 0.04);
  const size: Size = { width: WIDTH, height: 300, left: 56, right: 20, top: 44, bottom: 42 };
  const area = alive.flatMap((bytes, i) => [
    { x: x.at(starts[i]), y: y.at(held + bytes) },
    { x: x.at(ends[i]), y: y.at(held + bytes) },
  ]);
  const at = x.at((starts[peak.launch] + ends[peak.launch]) / 2);
  const phases = timed ? phaseStarts(row, starts).map(({ phase, from }) => ({ phase, x: x.at(from) })) : [];
  return plot("memory over a step", size, x, y, [
    Plot.areaY(area, { x: "x", y1: y.at(held), y2: "y", fill: "var(--hue-1)", fillOpacity: 0.75 }),
    Plot.rect([0], { x1: 0, x2: 1, y1: 0, y2: y.at(held), fill: "var(--bar)" }),
    Plot.ruleX(phases.slice(1), { x: "x", stroke: "currentColor", strokeDasharray: "3 3" }),
    Plot.text(phases, {
      x: "x",
      y: 1,
      dx: 4,
      dy: -10,
      text: "phase",
      textAnchor: "start",
      fill: "currentColor",
    }),
    Plot.dot([0], { x: () => at, y: () => y.at(highest), r: 4, fill: "var(--bad)", stroke: "var(--page)" }),
    Plot.text([`${bytesTold(highest)} at ${peak.where}`], {
      x: () => at,
      y: () => y.at(highest),
      dx: at < 0.5 ? 8 : -8,
      dy: -8,
      textAnchor: at < 0.5 ? "start" : "end",
      fill: "var(--bad)",
      fontWeight: "bold",
    }),
  ]);
}

/** Where each phase begins that is long enough to be named. */
function phaseStarts({ launches }: NetworkRow, starts: readonly number[]) {
  const whole = starts[starts.length - 1] + launches[launches.length - 1].seconds;
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
      title: `sample ${i + 1}: ${told(seconds, durationUnit(seconds))}`,
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
