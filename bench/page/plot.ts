// The frame of every plot: axes, grid and marks as one SVG. All is drawn at parts of its sides, from 0 to 1.

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { type Markup, markup } from "./markup.ts";
import type { Scale } from "./scale.ts";

/** Pixels: of the whole, and what surrounds what is drawn. */
export type Size = { readonly width: number; readonly height: number } & Readonly<
  Record<"left" | "right" | "top" | "bottom", number>
>;
export type Side = Pick<Scale, "label" | "at" | "ticks">;

/** Marks between axes, with one decimal of a pixel: finer is not seen. Lines go across from the ticks of `grid`. */
export function plot(
  what: string,
  size: Size,
  x: Side,
  y: Side,
  marks: readonly Plot.Markish[],
  grid: "x" | "y" | "xy" = "y",
): Markup {
  const places = (side: Side) => side.ticks.map(({ at }) => at);
  const line = { stroke: "var(--line)", strokeOpacity: 1 };
  const svg = Plot.plot({
    document: parseHTML("<html></html>").document,
    width: size.width,
    height: size.height,
    marginLeft: size.left,
    marginRight: size.right,
    marginTop: size.top,
    marginBottom: size.bottom,
    ariaLabel: what,
    x: { domain: [0, 1], range: [size.left, size.width - size.right] },
    y: { domain: [0, 1], range: [size.height - size.bottom, size.top] },
    marks: [
      grid.includes("x") ? Plot.gridX(places(x), line) : null,
      grid.includes("y") ? Plot.gridY(places(y), line) : null,
      ...marks,
      Plot.axisY(places(y), {
        label: y.label || null,
        labelArrow: "none",
        tickSize: 0,
        tickFormat: (_, i) => y.ticks[i].text,
      }),
      Plot.axisX(places(x), {
        label: x.label || null,
        labelArrow: "none",
        tickSize: 4,
        tickFormat: (_, i) => x.ticks[i].text,
      }),
    ],
  });
  const shortened = (attribute: string) => attribute.replace(/(\d+\.\d)\d+/g, "$1");
  return markup(
    svg.outerHTML.replace(/ (d|x|y|x1|x2|y1|y2|cx|cy|width|height|transform)="[^"]*"/g, shortened),
  );
}
