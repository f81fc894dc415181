// Unfolds a tensor of errors onto planes, so that the place of a fault shows as a shape: a band, a border, a panel.

import type { ErrorMap } from "../../engine/gradcheck/report/report.ts";

/** One axis of a tensor, or a part of one: its index is `floor(element / stride) % size`. */
export interface MapAxis {
  readonly name: string;
  readonly size: number;
  readonly stride: number;
  /** What one step along it counts, where it is a wrapped part of an axis; 1 if absent. */
  readonly step?: number;
}

/** Axes laid down and across a plane, outermost first. What is in neither is folded by maximum. */
export interface MapView {
  readonly title: string;
  readonly down: readonly MapAxis[];
  readonly across: readonly MapAxis[];
  /** Whether rows and columns are alike, such as those of an image, so that cells are squares. */
  readonly square: boolean;
}

/** A view cut into cells. Cell `[i, j]` holds rows `rows[i] .. rows[i + 1] - 1` of the plane, columns likewise. */
export interface Plane {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
  /** Element with the largest ratio in each cell, row by row; -1 where the plane has none. NaN is largest. */
  readonly worst: Int32Array;
}

/** Cells of a plane; more would be neither seen nor light to load. */
const MOST = { rows: 200, columns: 600, cells: 20_000 };
/** Elements of a 1-D tensor to a row: a multiple of every usual workgroup, so that tiles end where rows do. */
const STRIP = 64;

/** Whether `a` is a larger error than `b`; NaN is larger than any number. */
export const worse = (a: number, b: number): boolean => !Number.isNaN(b) && !(a <= b);

/** Views of a tensor of any number of axes, the most telling first. */
export function views({ name, shape }: Pick<ErrorMap, "name" | "shape">): readonly MapView[] {
  if (shape.length < 2) return [strip(shape[0] ?? 1)];
  const weights = shape.length === 4 && /(^|[^a-z])d?w$/.test(name);
  if (weights) {
    const [r, s, c, o] = axes(shape, ["filter row", "filter column", "input channel", "output channel"]);
    return [{ title: "Every filter tap", down: [r, c], across: [s, o], square: false }];
  }
  if (shape.length < 4) {
    const names = shape.length === 2 ? ["row", "column"] : ["axis 0", "row", "column"];
    const all = axes(shape, names);
    return [{ title: "Every element", down: all.slice(0, -1), across: all.slice(-1), square: false }];
  }
  const images = shape.slice(0, -3).reduce((a, b) => a * b, 1);
  const flat = axes([images, ...shape.slice(-3)], ["image", "row", "column", "channel"]);
  const [n, h, w, c] = flat;
  const shelves = Math.max(1, Math.round(Math.sqrt((images * h.size) / (2.6 * w.size))));
  const step = Math.ceil(images / shelves);
  const shelf = { name: "from image", size: Math.ceil(images / step), stride: n.stride * step, step };
  const place = { name: "image", size: step, stride: n.stride };
  return [
    { title: "Every channel at every pixel", down: [c], across: [n, h, w], square: false },
    { title: "Every image, worst channel", down: [shelf, h], across: [place, w], square: true },
  ];
}

function axes(shape: readonly number[], names: readonly string[]): MapAxis[] {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  return shape.map((size, axis) => ({ name: names[axis], size, stride: strides[axis] }));
}

function strip(length: number): MapView {
  const width = Math.min(STRIP * Math.max(1, Math.ceil(Math.sqrt(length) / STRIP)), length);
  const down = [{ name: "from element", size: Math.ceil(length / width), stride: width, step: width }];
  const across = [{ name: "element", size: width, stride: 1 }];
  return { title: "Every element, wrapped", down, across, square: true };
}

/** Rows or columns that axes make. */
export const mapExtent = (side: readonly MapAxis[]): number => side.reduce((all, { size }) => all * size, 1);

/** Row or column of an element on a side; called for every element, hence a plain loop. */
function position(side: readonly MapAxis[], element: number): number {
  let at = 0;
  for (const { size, stride } of side) at = at * size + (Math.floor(element / stride) % size);
  return at;
}

/**
 * Where a side of a plane is cut into at most `most` cells (more where it has more outer runs than that, never
 * of one element). A cell stays within one run of the outer axes while those are fewer than `most`.
 */
export function cuts(sizes: readonly number[], most: number): number[] {
  if (sizes.length === 0) return [0, 1];
  const outer = sizes.slice(0, -1).reduce((a, b) => a * b, 1);
  const inner = sizes.at(-1)!;
  if (outer > most) return cuts(sizes.slice(0, -1), most).map((edge) => edge * inner);
  const step = Math.ceil(inner / Math.max(1, Math.floor(most / outer)));
  const edges: number[] = [];
  for (let run = 0; run < outer; run++) for (let at = 0; at < inner; at += step) edges.push(run * inner + at);
  return [...edges, outer * inner];
}

/** The cells of a view of `ratios`: the largest of each, so that no failure disappears however many share one. */
export function project(ratios: Float64Array, { down, across }: MapView): Plane {
  const [height, width] = [mapExtent(down), mapExtent(across)];
  const wide = Math.min(
    width,
    MOST.columns,
    Math.max(Math.floor(MOST.cells / Math.min(height, MOST.rows)), 1),
  );
  const sizes = (side: readonly MapAxis[]) => side.map(({ size }) => size);
  const columns = cuts(sizes(across), wide);
  const high = Math.min(MOST.rows, Math.floor(MOST.cells / (columns.length - 1)));
  const rows = cuts(sizes(down), Math.max(high, 1));
  const [rowOf, columnOf] = [cellOf(rows), cellOf(columns)];
  const worst = new Int32Array((rows.length - 1) * (columns.length - 1)).fill(-1);
  for (let element = 0; element < ratios.length; element++) {
    const row = rowOf[position(down, element)];
    const cell = row * (columns.length - 1) + columnOf[position(across, element)];
    if (worst[cell] < 0 || worse(ratios[element], ratios[worst[cell]])) worst[cell] = element;
  }
  return { rows, columns, worst };
}

/** Which cell every row or column falls into. */
function cellOf(edges: readonly number[]): Int32Array {
  const cells = new Int32Array(edges.at(-1)!);
  for (let cell = 0; cell + 1 < edges.length; cell++) cells.fill(cell, edges[cell], edges[cell + 1]);
  return cells;
}

/** Index of an element along every axis of `shape`. */
export function indexOfCell(element: number, shape: readonly number[]): number[] {
  return axes(shape, []).map(({ size, stride }) => Math.floor(element / stride) % size);
}
