import { channels } from "../draw.ts";
import { ShapeError } from "../errors.ts";
import { type Kernel, type Op, type Shapes, size } from "../op.ts";
import { abs, sumBound } from "../rounding.ts";
import backward from "./backward.wgsl";
import forward from "./forward.wgsl";
import shape from "./shape.wgsl";

const kernel = (file: string, wgsl: string, threads: Kernel<unknown>["threads"]): Kernel<unknown> => ({
  label: `global_avg_pool/${file}`,
  source: wgsl + shape,
  uniforms: ({ x: [, h, wd, c] }) => ({ h, wd, c }),
  threads,
});

/**
 * Mean of each channel over the whole image, `y[n,c] = sum_{h,wd} x[n,h,wd,c] / (H*WD)`.
 * x [n,h,wd,c] -> y [n,c]. Throws ShapeError where x is no image or has no pixels.
 */
export const globalAvgPool: Op<unknown> = {
  name: "global_avg_pool",
  inputs: ["x"],
  batched: ["x", "y", "dy", "dx"],
  linear: [["x"]],

  shapes({ x }) {
    if (x.length !== 4) throw new ShapeError(`global_avg_pool: x is [${x}] but [n,h,w,c] is expected`);
    const [n, h, wd, c] = x;
    if (h * wd < 1)
      throw new ShapeError(`global_avg_pool: x is ${h}x${wd} but at least one pixel is expected`);
    return { y: [n, c] };
  },

  cost: { forward: "x + y", x: "y" },
  flops: ({ x, y }) => ({ forward: size(x) + size(y), x: size(y) }),

  forward: [{ name: "plain", kernels: [kernel("forward", forward, ({ y: [n, c] }) => [c, n, 1])] }],
  backward: {
    x: [{ name: "plain", kernels: [kernel("backward", backward, ({ x: [n, h, , c] }) => [c, h, n])] }],
  },

  reference: {
    forward(t, { x }) {
      const y = new Float64Array(size(t.y));
      visit(t, (k, i, pixels) => {
        y[k] += x[i] / pixels;
      });
      return { y };
    },
    backward(t, { dy }) {
      const dx = new Float64Array(size(t.x));
      visit(t, (k, i, pixels) => {
        dx[i] = dy[k] / pixels;
      });
      return { dx };
    },
  },

  bound: {
    forward(t, { x }, attrs) {
      const { y } = globalAvgPool.reference.forward(t, { x: abs(x) }, attrs);
      return { y: sumBound(t.x[1] * t.x[2], y) };
    },
    backward(t, { dy }, attrs) {
      const { dx } = globalAvgPool.reference.backward(t, { dy: abs(dy) }, attrs);
      return { dx: sumBound(1, dx) };
    },
  },

  arbitrary: (draw) => ({
    shapes: { x: [draw.integer(1, 4), draw.integer(1, 12), draw.integer(1, 20), channels(draw)] },
    attrs: {},
  }),
  cases: [
    { what: "8x8", shapes: { x: [2, 8, 8, 32] }, attrs: {} },
    { what: "channels over one workgroup", shapes: { x: [2, 3, 5, 67] }, attrs: {} },
    { what: "one image, one row", shapes: { x: [1, 1, 9, 7] }, attrs: {} },
    { what: "wide rows", shapes: { x: [2, 5, 21, 13] }, attrs: {} },
    { what: "one pixel, one channel", shapes: { x: [1, 1, 1, 1] }, attrs: {} },
  ],
};

/** Calls `meet` for every element of y with every element of x it is the mean of, and how many those are. */
function visit({ x: [n, h, wd, c] }: Shapes, meet: (y: number, x: number, pixels: number) => void): void {
  for (let image = 0; image < n; image++)
    for (let pixel = 0; pixel < h * wd; pixel++)
      for (let k = 0; k < c; k++) meet(image * c + k, (image * h * wd + pixel) * c + k, h * wd);
}
