import { channels, type Slide, slide } from "../draw.ts";
import { ShapeError } from "../errors.ts";
import {
  type Algorithm,
  type Case,
  type Generator,
  type Op,
  type Shape,
  type Shapes,
  size,
  type Tune,
} from "../op.ts";
import { abs, factors, sumBound } from "../rounding.ts";
import { eachTap } from "../sliding.ts";
import backwardB from "./backward_b.wgsl";
import backwardW from "./backward_w.wgsl";
import backwardX from "./backward_x.wgsl";
import * as broadcast from "./broadcast.ts";
import { backwardX as broadcastBackwardX } from "./broadcast_backward_x.ts";
import { backwardWParts } from "./broadcast_parts.ts";
import forward from "./forward.wgsl";
import {
  backwardWExtent,
  backwardXExtent,
  type Conv2dAttrs,
  type Extent,
  forwardExtent,
  kernel,
  pixels,
} from "./kernel.ts";
import * as registers from "./registers.ts";
import { byRegisters, bySubgroupsInParts, byWorkgroups, byWorkgroupsInParts } from "./tiles.ts";
import transposeW from "./transpose_w.wgsl";
import * as winograd from "./winograd.ts";
import * as workgroup from "./workgroup.ts";

export type { Conv2dAttrs };

/** Tensors of a convolution whose leading axis is the batch. */
export const batched = ["x", "y", "dy", "dx", "v", "m"];

/** Subgroups that each compute a tile, see `broadcast.ts`; rows and columns are as `neighbours` says. */
const bySubgroups = (
  file: string,
  source: Generator,
  extent: (t: Shapes, attrs: Conv2dAttrs) => Extent,
  neighbours: "none" | "columns" | "both",
): Algorithm<Conv2dAttrs> => {
  const runs = (tune?: Tune) => (neighbours === "both" ? tune?.VEC : 1) ?? 1;
  return {
    name: "broadcast",
    kernels: [
      kernel(file, source, (t, attrs, tune) => broadcast.subgroups(extent(t, attrs), tune, runs(tune))),
    ],
    fits(t, attrs, tune) {
      const { rows, cols } = extent(t, attrs);
      return cols % (tune?.VEC ?? 1) === 0 && rows % runs(tune) === 0;
    },
    tune: (t, attrs, subgroupSize) => broadcast.fit(extent(t, attrs), subgroupSize, neighbours),
  };
};

const backwardWBroadcast = bySubgroups("backward_w_broadcast", broadcast.backwardW, backwardWExtent, "both");

/** The algorithm on weights whose channels are exchanged first, in blocks of 4 by 4. */
const transposing = (algorithm: Algorithm<Conv2dAttrs>): Algorithm<Conv2dAttrs> => ({
  ...algorithm,
  name: "transposed",
  kernels: [
    kernel(
      "transpose_w",
      transposeW,
      ({ w: [r, s, c, o] }) => [c / 4, o / 4, r * s],
      () => 0,
    ),
    ...algorithm.kernels.map((k) => ({ ...k, bind: { w: "wt" } })),
  ],
  temporaries: ({ w: [r, s, c, o] }) => ({ wt: [r, s, o, c] }),
  fits: (t, attrs, tune) => t.w[2] % 4 === 0 && t.w[3] % 4 === 0 && algorithm.fits!(t, attrs, tune),
});

/**
 * 2-D convolution of NHWC activations by RSCO weights, any window, stride and zero padding per axis:
 * `y[n,p,q,o] = b[o] + sum_{r,s,c} x[n, p*sh - top + r, q*sw - left + s, c] * w[r,s,c,o]`.
 * x [n,h,wd,c], w [r,s,c,o], b [o] (optional) -> y [n,p,q,o] with p = floor((h + top + below - r) / sh) + 1.
 * Padding is zeros that are multiplied or passed over, so a weight that is infinite or NaN comes out of every element of
 * its output channel and, backwards, may come out of any of its input channel; one in x comes out of the windows that
 * hold it. Winograd's algorithms, for windows of 3x3, 1x3, 3x1, 1x7 and 7x1 at stride 1, let it come out of all
 * outputs of the tile it enters.
 * Throws ShapeError where channels or biases differ, or the window does not fit.
 */
export const conv2d: Op<Conv2dAttrs> = {
  name: "conv2d",
  inputs: ["x", "w", "b"],
  optional: ({ w }) => ({ b: { shape: [w?.[3] ?? 0], value: 0 } }),
  batched,
  linear: [
    ["x", "b"],
    ["w", "b"],
  ],

  shapes: (t, attrs) => ({ y: outputShape("conv2d", t, attrs) }),

  cost: { forward: "2 y r s c + y", x: "2 y r s c", w: "2 y r s c", b: "y" },
  flops({ y, w: [r, s, c] }) {
    const products = 2 * size(y) * r * s * c;
    return { forward: products + size(y), x: products, w: products, b: size(y) };
  },

  forward: [
    bySubgroups("forward_broadcast", broadcast.forward(), forwardExtent, "columns"),
    ...winograd.forward,
    byRegisters("forward_registers", registers.forward, forwardExtent, true),
    byWorkgroups("forward_workgroup", workgroup.forward, forwardExtent),
    { name: "plain", kernels: [kernel("forward", forward, ({ y }) => [y[3], pixels(y), 1])] },
  ],
  backward: {
    x: [
      bySubgroups("backward_x_broadcast", broadcastBackwardX("rsco"), backwardXExtent, "none"),
      transposing(
        bySubgroups(
          "backward_x_broadcast_transposed",
          broadcastBackwardX("rsoc"),
          backwardXExtent,
          "columns",
        ),
      ),
      ...winograd.backwardX,
      byRegisters("backward_x_registers", registers.backwardX, backwardXExtent),
      byWorkgroups("backward_x_workgroup", workgroup.backwardX, backwardXExtent),
      { name: "plain", kernels: [kernel("backward_x", backwardX, ({ x }) => [x[3], pixels(x), 1])] },
    ],
    w: [
      backwardWBroadcast,
      bySubgroupsInParts("backward_w_broadcast_parts", backwardWParts, backwardWExtent, backwardWBroadcast),
      byRegisters("backward_w_registers", registers.backwardW, backwardWExtent),
      byWorkgroups("backward_w_workgroup", workgroup.backwardW, backwardWExtent),
      byWorkgroupsInParts("backward_w_workgroup_parts", workgroup.backwardWParts, backwardWExtent),
      {
        name: "plain",
        kernels: [kernel("backward_w", backwardW, ({ w: [r, s, c, o] }) => [o, r * s * c, 1])],
      },
    ],
    b: [{ name: "plain", kernels: [kernel("backward_b", backwardB, ({ y }) => [y[3], 1, 1])] }],
  },

  reference: {
    forward(t, { x, w, b }, attrs) {
      const y = new Float64Array(size(t.y)).map((_, i) => b[i % t.y[3]]);
      visit(t, attrs, (i, j, k) => {
        y[k] += x[i] * w[j];
      });
      for (const j of strange(w)) every(y, j % t.y[3], t.y[3], (k) => (y[k] += 0 * w[j]));
      return { y };
    },
    backward(t, { x, w, dy }, attrs) {
      const [dx, dw, db] = [t.x, t.w, t.b].map((of) => new Float64Array(size(of)));
      visit(t, attrs, (i, j, k) => {
        dx[i] += dy[k] * w[j];
        dw[j] += dy[k] * x[i];
      });
      for (let k = 0; k < dy.length; k++) db[k % t.y[3]] += dy[k];
      const [c, o] = [t.x[3], t.y[3]];
      for (const j of strange(w)) every(dx, Math.floor(j / o) % c, c, (i) => (dx[i] += 0 * w[j]));
      return { dx, dw, db };
    },
  },

  bound: {
    forward(t, { x, w, b }, attrs) {
      const terms = t.w[0] * t.w[1] * t.w[2] + 1;
      const v = { x: factors(x, terms), w: factors(w, terms), b: abs(b) };
      return { y: sumBound(terms, conv2d.reference.forward(t, v, attrs).y) };
    },
    backward(t, { x, w, dy }, attrs) {
      const [taps, outs] = [t.w[0] * t.w[1] * t.w[3], pixels(t.y)];
      const least = Math.min(taps, outs); // raises subnormal factors enough for either sum
      const v = { x: factors(x, least), w: factors(w, least), dy: factors(dy, least) };
      const { dx, dw } = conv2d.reference.backward(t, v, attrs);
      const db = new Float64Array(size(t.b));
      for (let k = 0; k < dy.length; k++) db[k % db.length] += Math.abs(dy[k]);
      return { dx: sumBound(taps, dx), dw: sumBound(outs, dw), db: sumBound(outs, db) };
    },
  },

  arbitrary(draw) {
    const products = draw.integer(0, 19) === 19 ? 3e6 : 2e5; // forward; a large one now and then, for its grids
    // every other problem is one of those that Winograd's algorithms are for
    const [r, s]: readonly [number?, number?] = draw.pick([false, true]) ? draw.pick(winograd.WINDOWS) : [];
    const [n, stride] = [draw.integer(1, 3), r && 1];
    const [down, across] = [slide(draw, 1, r, stride), slide(draw, 1, s, stride)];
    const steps = ({ extent, taps, stride, padding: [before, after] }: Slide) =>
      Math.floor((extent + before + after - taps) / stride) + 1;
    const planes = n * steps(down) * steps(across) * down.taps * across.taps;
    const o = channels(draw, products / planes);
    const c = channels(draw, products / planes / o);
    const w = [down.taps, across.taps, c, o];
    return {
      shapes: { x: [n, down.extent, across.extent, c], w, ...(draw.pick([false, true]) && { b: [o] }) },
      attrs: { stride: [down.stride, across.stride], padding: [down.padding, across.padding] },
    };
  },
  cases: [
    example("1x1", [2, 5, 5, 8], [1, 1, 16]),
    example("3x3 same", [1, 6, 7, 5], [3, 3, 9], { pad: [1, 1] }),
    example("3x3 same, more images than rows", [3, 2, 4, 3], [3, 3, 4], { pad: [1, 1] }),
    example("3x3 valid", [2, 7, 6, 4], [3, 3, 3]),
    example("3x3 same, tiles of every sort", [2, 10, 13, 11], [3, 3, 40], { pad: [1, 1] }),
    example("3x3, more padding than window", [2, 2, 3, 3], [3, 3, 4], { pad: [3, 4] }),
    example("1x3 same", [3, 4, 10, 9], [1, 3, 6], { pad: [0, 1] }),
    example("3x1 same, tiles over one tile", [5, 27, 3, 6], [3, 1, 35], { pad: [1, 0] }),
    example("3x3 stride 2 valid", [2, 9, 9, 3], [3, 3, 32], { stride: 2 }),
    example("1x7 same", [1, 5, 9, 6], [1, 7, 10], { pad: [0, 3] }),
    example("7x1 same", [1, 9, 5, 6], [7, 1, 10], { pad: [3, 0] }),
    example("5x5 same", [1, 7, 7, 3], [5, 5, 7], { pad: [2, 2] }),
    example("channels over one tile", [1, 4, 5, 35], [1, 1, 67]),
    example("channels in fours over one tile", [1, 3, 5, 60], [1, 2, 68], { pad: [0, 1] }),
    ...[[3, 2] as const, [2, 3] as const].map((stride) => {
      const { shapes, attrs } = example("", [1, 5, 4, 2], [5, 5, 3], { pad: [4, 4] });
      return { what: `padding beyond strides of ${stride}`, shapes, attrs: { ...attrs, stride } };
    }),
    example("more channels in than out", [1, 4, 3, 25], [2, 2, 9]),
    example("pixels over one tile", [3, 11, 7, 2], [3, 1, 4]),
    {
      what: "uneven strides and padding",
      shapes: { x: [2, 8, 9, 3], w: [3, 2, 3, 5], b: [5] },
      attrs: {
        stride: [3, 2],
        padding: [
          [2, 0],
          [1, 2],
        ],
      },
    },
    ...[1, 0].map((pad) => ({
      what: `uneven strides, ${pad ? "all sides padded" : "valid"}`,
      shapes: { x: [2, 7, 8, 2], w: [3, 4, 2, 3], b: [3] },
      attrs: {
        stride: [2, 1] as const,
        padding: [
          [pad, pad],
          [pad, pad],
        ] as const,
      },
    })),
    {
      what: "stride beyond the window",
      shapes: { x: [1, 10, 9, 4], w: [1, 2, 4, 3], b: [3] },
      attrs: {
        stride: [4, 3],
        padding: [
          [0, 0],
          [0, 0],
        ],
      },
    },
    example("one pixel, one channel", [1, 1, 1, 1], [1, 1, 1]),
    example("a batch of single pixels", [19, 1, 1, 4], [1, 1, 5]),
    example("channels beyond half a tile", [2, 5, 5, 12], [1, 1, 3]),
  ],
};

/** Shape of y, for an operation that convolves so; throws ShapeError in its name. */
export function outputShape(op: string, { x, w, b }: Shapes, { stride, padding }: Conv2dAttrs): Shape {
  if (x.length !== 4) throw new ShapeError(`${op}: x is [${x}] but [n,h,w,c] is expected`);
  if (w.length !== 4) throw new ShapeError(`${op}: w is [${w}] but [r,s,c,o] is expected`);
  const [n, h, wd, c] = x;
  const [r, s, wc, o] = w;
  if (c !== wc) throw new ShapeError(`${op}: x has ${c} channels but w expects ${wc}`);
  if (String(b) !== String([o])) throw new ShapeError(`${op}: b is [${b}] but w makes ${o} channels`);
  if (!stride.every((v) => Number.isInteger(v) && v > 0))
    throw new ShapeError(`${op}: stride is [${stride}] but whole numbers above 0 are expected`);
  const [rows, cols] = [h + padding[0][0] + padding[0][1], wd + padding[1][0] + padding[1][1]];
  if (rows < r || cols < s)
    throw new ShapeError(
      `${op}: a ${r}x${s} window does not fit the ${h}x${wd} input padded to ${rows}x${cols}`,
    );
  return [n, Math.floor((rows - r) / stride[0]) + 1, Math.floor((cols - s) / stride[1]) + 1, o];
}

/** Elements of w that are not finite. */
const strange = (w: Float64Array): number[] =>
  w.every(Number.isFinite) ? [] : [...w.keys()].filter((j) => !Number.isFinite(w[j]));

/** Calls `visit` with every element of one channel. */
function every(
  { length }: Float64Array,
  channel: number,
  channels: number,
  visit: (i: number) => void,
): void {
  for (let i = channel; i < length; i += channels) visit(i);
}

/** Calls `product` with the elements of x, w and y that meet in each product of the sum. */
function visit(
  { x, w: [r, s, c, o], y }: Shapes,
  { stride, padding }: Conv2dAttrs,
  product: (x: number, w: number, y: number) => void,
): void {
  eachTap(x, y, { window: [r, s], stride, padding }, (pixel, out, tap) => {
    for (let m = 0; m < c; m++)
      for (let k = 0; k < o; k++) product(pixel * c + m, (tap * c + m) * o + k, out * o + k);
  });
}

/** A case with a bias; stride and padding are the same at opposite sides. */
export function example(
  what: string,
  x: readonly number[],
  [r, s, o]: readonly [number, number, number],
  { stride = 1, pad: [ph, pw] = [0, 0] } = {},
): Case<Conv2dAttrs> {
  const shapes = { x, w: [r, s, x[3], o], b: [o] };
  return {
    what,
    shapes,
    attrs: {
      stride: [stride, stride],
      padding: [
        [ph, ph],
        [pw, pw],
      ],
    },
  };
}
