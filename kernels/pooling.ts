// Operations that slide a window over an image: what they share.

import { channels, slide } from "./draw.ts";
import { ShapeError } from "./errors.ts";
import { type Case, type Draw, type Kernel, onCpu, type Shape, type Shapes, type Tune } from "./op.ts";
import loop from "./pooling.wgsl";
import inside from "./pooling_inside.wgsl";
import over from "./pooling_over.wgsl";
import { eachTap } from "./sliding.ts";

/** A kernel that looks through windows. */
export const withInside = (wgsl: string): string => wgsl + inside;
/** A kernel that goes from a pixel to the windows that hold it. */
export const withOver = (wgsl: string): string => wgsl + over;

/** A window that slides over an image. */
export interface Pool2dAttrs {
  /** Rows and columns of the window. */
  readonly window: readonly [h: number, w: number];
  /** Steps of the window down and across. */
  readonly stride: readonly [h: number, w: number];
  /** Rows and columns around the image that are left out of the window: [[above, below], [left, right]]. */
  readonly padding: readonly [readonly [number, number], readonly [number, number]];
}

const uniforms = (
  { x: [n, h, wd, c], y: [, p, q] }: Shapes,
  { window: [r, s], stride, padding: [[top], [left]] }: Pool2dAttrs,
) => ({ n, h, wd, c, p, q, r, s, stride_h: stride[0], stride_w: stride[1], top, left });

/** Invocations for an image whose rows are cut into strips of COLS pixels; those of a workgroup are channels. */
const strips = ([n, h, w, c]: Shape, { WG, COLS }: Tune) =>
  [Math.ceil(c / WG) * WG, h, n * Math.ceil(w / COLS)] as const;

/**
 * A kernel that computes the image `of`, strip by strip. Its WGSL defines `width()` and `strip(n, line, first, end, c)`;
 * `shape` has n, h, wd, c, p, q, r, s, stride_h, stride_w, top and left.
 */
export const pooling = (label: string, wgsl: string, of: "x" | "y"): Kernel<Pool2dAttrs> => ({
  label,
  source: wgsl + loop,
  uniforms,
  threads: ({ [of]: whole }, _, tune) => strips(whole, tune),
});

/** Whole rows on a CPU, where launching a workgroup costs more than ten pixels of it. */
export const tune = (_: Shapes, __: Pool2dAttrs, subgroupSize: number): Tune =>
  onCpu(subgroupSize) ? { WG: 32, COLS: 64 } : {};

/**
 * Shape [n,p,q,c] of an image [n,h,wd,c] seen through the window, p = floor((h + top + below - r) / sh) + 1.
 * Throws ShapeError where the window does not fit, or where the padding could hold all of it.
 */
export function pooled(op: string, x: Shape, { window, stride, padding }: Pool2dAttrs): Shape {
  if (x.length !== 4) throw new ShapeError(`${op}: x is [${x}] but [n,h,w,c] is expected`);
  const whole = (least: number) => (v: number) => Number.isInteger(v) && v >= least;
  if (!window.every(whole(1)))
    throw new ShapeError(`${op}: window is [${window}] but whole numbers above 0 are expected`);
  if (!stride.every(whole(1)))
    throw new ShapeError(`${op}: stride is [${stride}] but whole numbers above 0 are expected`);
  const [n, h, wd, c] = x;
  const [p, q] = [h, wd].map((extent, axis) => {
    const [what, taps, pad] = [axis === 0 ? "rows" : "columns", window[axis], padding[axis]];
    if (!pad.every(whole(0)))
      throw new ShapeError(`${op}: padding is [${pad}] ${what} but whole numbers from 0 are expected`);
    if (Math.max(...pad) >= taps)
      throw new ShapeError(`${op}: a window of ${taps} ${what} can be wholly in padding of [${pad}] ${what}`);
    const padded = extent + pad[0] + pad[1];
    if (extent < 1 || padded < taps)
      throw new ShapeError(
        `${op}: a window of ${taps} ${what} does not fit ${extent} ${what} padded to ${padded}`,
      );
    return Math.floor((padded - taps) / stride[axis]) + 1;
  });
  return [n, p, q, c];
}

/** Calls `meet` for every element of y with every element of x in its window, and that one's position r*S + s. */
export function visit(
  { x, y }: Shapes,
  attrs: Pool2dAttrs,
  meet: (y: number, x: number, tap: number) => void,
): void {
  const c = x[3];
  eachTap(x, y, attrs, (pixel, out, tap) => {
    for (let k = 0; k < c; k++) meet(out * c + k, pixel * c + k, tap);
  });
}

/** Most windows that one element of x is in. */
export const overlaps = ({ window: [r, s], stride: [sh, sw] }: Pool2dAttrs): number =>
  Math.ceil(r / sh) * Math.ceil(s / sw);

/** A random problem of a pooling operation. */
export function arbitrary(draw: Draw): Pick<Case<Pool2dAttrs>, "shapes" | "attrs"> {
  const [down, across] = [slide(draw), slide(draw)];
  return {
    shapes: { x: [draw.integer(1, 3), down.extent, across.extent, channels(draw)] },
    attrs: {
      window: [down.taps, across.taps],
      stride: [down.stride, across.stride],
      padding: [down.padding, across.padding],
    },
  };
}

/** A check of a pooling operation; `pad` is rows above and below, columns left and right. */
export function example(
  what: string,
  x: Shape,
  window: Pool2dAttrs["window"],
  { stride = [1, 1] as Pool2dAttrs["stride"], pad: [top, below, left, right] = [0, 0, 0, 0] } = {},
): Case<Pool2dAttrs> {
  const padding = [
    [top, below],
    [left, right],
  ] as const;
  return { what, shapes: { x }, attrs: { window, stride, padding } };
}
