import { type Op, type Shapes, size } from "../op.ts";
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
import { abs, sumBound } from "../rounding.ts";
import backward from "./backward.wgsl";
import backwardSliding from "./backward_sliding.wgsl";
import forward from "./forward.wgsl";
import forwardSliding from "./forward_sliding.wgsl";
import shape from "./shape.wgsl";

const kernel = (file: string, wgsl: string, of: "x" | "y") => pooling(`avg_pool2d/${file}`, wgsl + shape, of);

/**
 * Mean of each channel in a sliding window, over the elements inside the image: the padding is not counted.
 * `y[n,p,q,c] = sum_{r,s} x[n, p*sh - top + r, q*sw - left + s, c] / (elements inside)`.
 * x [n,h,wd,c] -> y [n,p,q,c] with p = floor((h + top + below - r) / sh) + 1.
 * What is not finite comes out of every window that holds it, and of no other.
 * Throws ShapeError where the window does not fit, or the padding is as large as the window.
 */
export const avgPool2d: Op<Pool2dAttrs> = {
  name: "avg_pool2d",
  inputs: ["x"],
  batched: ["x", "y", "dy", "dx"],
  cheap: true,
  linear: [["x"]],
  shapes: ({ x }, attrs) => ({ y: pooled("avg_pool2d", x, attrs) }),

  cost: { forward: "y r s + y", x: "y r s + y" },
  flops({ y }, { window: [r, s] }) {
    const sumAndDivide = size(y) * (r * s + 1);
    return { forward: sumAndDivide, x: sumAndDivide };
  },

  forward: [
    {
      name: "sliding",
      fits: slides,
      tune,
      kernels: [kernel("forward_sliding", withInside(forwardSliding), "y")],
    },
    { name: "plain", tune, kernels: [kernel("forward", withInside(forward), "y")] },
  ],
  backward: {
    x: [
      {
        name: "sliding",
        fits: slides,
        tune,
        kernels: [kernel("backward_sliding", withOver(withInside(backwardSliding)), "x")],
      },
      { name: "plain", tune, kernels: [kernel("backward", withOver(withInside(backward)), "x")] },
    ],
  },

  reference: {
    forward(t, { x }, attrs) {
      const y = new Float64Array(size(t.y));
      visit(t, attrs, (k, i) => {
        y[k] += x[i];
      });
      const counts = inside(t, attrs);
      return { y: y.map((sum, k) => sum / counts[k]) };
    },
    backward(t, { dy }, attrs) {
      const dx = new Float64Array(size(t.x));
      const counts = inside(t, attrs);
      visit(t, attrs, (k, i) => {
        dx[i] += dy[k] / counts[k];
      });
      return { dx };
    },
  },

  bound: {
    forward(t, { x }, attrs) {
      const { y } = avgPool2d.reference.forward(t, { x: abs(x) }, attrs);
      return { y: sumBound(attrs.window[0] * attrs.window[1], y) };
    },
    backward(t, { dy }, attrs) {
      const { dx } = avgPool2d.reference.backward(t, { dy: abs(dy) }, attrs);
      return { dx: sumBound(overlaps(attrs), dx) };
    },
  },

  arbitrary,
  cases: [
    example("3x3 same", [2, 6, 7, 33], [3, 3], { pad: [1, 1, 1, 1] }),
    example("5x5 stride 3 valid", [2, 17, 11, 6], [5, 5], { stride: [3, 3] }),
    example("rows and columns no window reaches", [1, 10, 8, 5], [3, 3], { stride: [2, 2] }),
    example("5x3, uneven padding", [2, 9, 8, 5], [5, 3], { pad: [2, 1, 1, 1] }),
    example("7x1 same", [1, 9, 5, 6], [7, 1], { pad: [3, 3, 0, 0] }),
    example("stride beyond the window", [1, 10, 9, 4], [1, 2], { stride: [4, 3] }),
    example("uneven window, stride and padding", [2, 8, 11, 3], [4, 3], {
      stride: [3, 2],
      pad: [2, 0, 1, 2],
    }),
    example("uneven strides, all sides padded", [1, 7, 6, 2], [3, 3], { stride: [2, 1], pad: [1, 1, 1, 1] }),
    example("stride wider than high", [1, 7, 9, 2], [3, 4], { stride: [1, 3], pad: [1, 0, 0, 1] }),
    example("a window as large as the image", [1, 8, 8, 67], [8, 8]),
    example("one pixel, one channel", [1, 1, 1, 1], [2, 3], { pad: [1, 0, 2, 1] }),
  ],
};

/** Whether a window has 3 columns, each of which the next two windows share. */
function slides(_: Shapes, { window, stride }: Pool2dAttrs): boolean {
  return window[1] === 3 && stride[1] === 1;
}

/** Elements inside the image that each element of y is the mean of. */
function inside(t: Shapes, attrs: Pool2dAttrs): Float64Array {
  const counts = new Float64Array(size(t.y));
  visit(t, attrs, (k) => {
    counts[k]++;
  });
  return counts;
}
