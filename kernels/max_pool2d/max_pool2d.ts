import isNan from "../is_nan.wgsl";
import { type Op, type Shapes, size, type Values } from "../op.ts";
import {
  arbitrary,
  example,
  overlaps,
  type Pool2dAttrs,
  pooled,
  pooling,
  tune,
  visit,
  withInside,
  withOver,
} from "../pooling.ts";
import { abs, either, filled, flushed, gamma, TINY } from "../rounding.ts";
import backward from "./backward.wgsl";
import forwardWgsl from "./forward.wgsl";
import shape from "./shape.wgsl";

const kernel = (file: string, wgsl: string, of: "x" | "y") => pooling(`max_pool2d/${file}`, wgsl + shape, of);

/**
 * Largest value of each channel in a sliding window; the padding never is:
 * `y[n,p,q,c] = max_{r,s} x[n, p*sh - top + r, q*sw - left + s, c]`, and `index` is where it was found, `r*S + s`,
 * the first of equal ones. x [n,h,wd,c] -> y [n,p,q,c], index [n,p,q,c] (u32) with
 * p = floor((h + top + below - r) / sh) + 1. The gradient goes to the element at `index` alone.
 * A NaN is above all numbers, and `index` is then that of the last NaN, as in PyTorch.
 * Throws ShapeError where the window does not fit, or the padding is as large as the window.
 */
export const maxPool2d: Op<Pool2dAttrs> = {
  name: "max_pool2d",
  inputs: ["x"],
  dtypes: { index: "u32" },
  batched: ["x", "y", "index", "dy", "dx"],
  cheap: true,

  shapes({ x }, attrs) {
    const y = pooled("max_pool2d", x, attrs);
    return { y, index: y };
  },

  cost: { forward: "y r s", x: "y" },
  /** Comparisons forward, additions backward. */
  flops: ({ y }, { window: [r, s] }) => ({ forward: size(y) * r * s, x: size(y) }),

  forward: [{ name: "plain", tune, kernels: [kernel("forward", withInside(forwardWgsl) + isNan, "y")] }],
  backward: { x: [{ name: "plain", tune, kernels: [kernel("backward", withOver(backward), "x")] }] },

  reference: {
    forward(t, { x }, attrs) {
      const [y, index] = [new Float64Array(size(t.y)), new Float64Array(size(t.y)).fill(-1)];
      visit(t, attrs, (k, i, tap) => {
        if (index[k] < 0 || x[i] > y[k] || Number.isNaN(x[i])) [y[k], index[k]] = [x[i], tap];
      });
      return { y, index };
    },
    backward(t, { index, dy }, attrs) {
      const dx = new Float64Array(size(t.x));
      visit(t, attrs, (k, i, tap) => {
        if (index[k] === tap) dx[i] += dy[k];
      });
      return { dx };
    },
  },

  bound: {
    forward,
    /** Additions, each of which may be flushed, as what it adds may be. */
    backward(t, { index, dy }, attrs) {
      const { dx } = maxPool2d.reference.backward(t, { index, dy: abs(dy) }, attrs);
      const most = overlaps(attrs);
      return { dx: dx.map((v) => (v === 0 ? 0 : gamma(most - 1) * v + 2 * most * TINY)) };
    },
  },

  /** Multiples of 1/64, no two alike, so that the gradient is defined; mostly below 0, where a padding of zeros wins. */
  sample(_, axes, random) {
    const values = Float64Array.from(
      { length: size(axes) },
      (_, i) => (i - Math.floor(0.75 * size(axes))) / 64,
    );
    for (let i = values.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [values[i], values[j]] = [values[j], values[i]];
    }
    return values;
  },

  arbitrary,
  cases: [
    example("3x3 stride 2 valid", [2, 9, 9, 8], [3, 3], { stride: [2, 2] }),
    example("rows and columns no window reaches", [2, 10, 8, 5], [3, 3], { stride: [2, 2] }),
    example("3x3 same", [1, 6, 7, 33], [3, 3], { pad: [1, 1, 1, 1] }),
    example("1x7 same", [1, 5, 9, 6], [1, 7], { pad: [0, 0, 3, 3] }),
    example("2x2 side by side", [3, 8, 6, 3], [2, 2], { stride: [2, 2] }),
    example("stride beyond the window", [1, 10, 9, 4], [1, 2], { stride: [4, 3] }),
    example("uneven window, stride and padding", [2, 8, 11, 3], [4, 3], {
      stride: [3, 2],
      pad: [2, 0, 1, 2],
    }),
    example("stride wider than high", [1, 7, 9, 2], [3, 4], { stride: [1, 3], pad: [1, 0, 0, 1] }),
    example("a window as large as the image", [1, 8, 8, 67], [8, 8]),
    example("one pixel, one channel", [1, 1, 1, 1], [2, 3], { pad: [1, 0, 2, 1] }),
    {
      ...example("equal values", [1, 7, 7, 4], [3, 3], { stride: [2, 1], pad: [1, 0, 0, 1] }),
      values: { x: Array.from({ length: 7 * 7 * 4 }, (_, i) => -1 - ((i * i) % 19)) },
    },
  ],
};

/**
 * The largest value itself, or 0 where it is subnormal and flushed. Of several subnormal ones, which may all count as
 * equal, any may be found.
 */
function forward(t: Shapes, { x, y: largest }: Values, attrs: Pool2dAttrs): Values {
  const [y, index] = [filled(size(t.y), 0), filled(size(t.y), 0)];
  const differ = filled(size(t.y), 0);
  visit(t, attrs, (k, i) => {
    if (Math.abs(largest[k]) >= TINY || Math.abs(x[i]) >= TINY) return;
    differ[k] = Math.max(differ[k], largest[k] - x[i]);
  });
  const taps = attrs.window[0] * attrs.window[1];
  for (let k = 0; k < y.length; k++) {
    y[k] = Math.max(flushed(largest[k]), either(differ[k]));
    index[k] = differ[k] > 0 ? either(taps - 1) : 0;
  }
  return { y, index };
}
