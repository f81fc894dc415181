import type { Generator, Kernel, Shapes, Tune } from "../op.ts";
import shape from "./shape.wgsl";

export interface Conv2dAttrs {
  /** Steps of the window down and across. */
  readonly stride: readonly [h: number, w: number];
  /** Zeros around the image: [[above, below], [left, right]]. */
  readonly padding: readonly [readonly [number, number], readonly [number, number]];
}

export const uniforms = (
  { x: [n, h, wd, c], w: [r, s, , o], y: [, p, q] }: Shapes,
  { stride, padding: [[top], [left]] }: Conv2dAttrs,
  { SPLITS: parts = 1 }: Tune,
) => ({ n, h, wd, c, p, q, o, r, s, stride_h: stride[0], stride_w: stride[1], top, left, parts });

export const kernel = (
  file: string,
  source: string | Generator,
  threads: Kernel<Conv2dAttrs>["threads"],
  flops?: Kernel<Conv2dAttrs>["flops"],
): Kernel<Conv2dAttrs> => ({
  label: `conv2d/${file}`,
  source:
    typeof source === "string"
      ? source + shape
      : { tunables: source.tunables, print: (tune) => source.print(tune) + shape },
  uniforms,
  threads,
  ...(flops && { flops }),
});

export const pixels = ([n, h, w]: readonly number[]) => n * h * w;

/** The matrix that a convolution, or a gradient of it, is: rows by columns, `depth` times. */
export interface Extent {
  readonly rows: number;
  readonly cols: number;
  readonly depth: number;
}

export const forwardExtent = ({ y }: Shapes): Extent => ({ rows: pixels(y), cols: y[3], depth: 1 });

/** A phase of the strides at a time: its pixels meet the same taps. */
export const backwardXExtent = ({ x: [n, h, w, c] }: Shapes, { stride: [sh, sw] }: Conv2dAttrs): Extent => ({
  rows: n * Math.ceil(h / sh) * Math.ceil(w / sw),
  cols: c,
  depth: sh * sw,
});

/** A tap of the window at a time. */
export const backwardWExtent = ({ w: [r, s, c, o] }: Shapes): Extent => ({ rows: c, cols: o, depth: r * s });
