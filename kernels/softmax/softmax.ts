import { axes } from "../draw.ts";
import { ShapeError } from "../errors.ts";
import isNan from "../is_nan.wgsl";
import { type Case, type Kernel, type Op, type Shape, type Shapes, size } from "../op.ts";
import { sumBound } from "../rounding.ts";
import { exponential, minus, type Near, over, stored, times } from "../running_error.ts";
import backward from "./backward.wgsl";
import forward from "./forward.wgsl";
import shape from "./shape.wgsl";

/** Rows, and elements of one. */
const sizes = ({ x }: Shapes) => {
  const k = x[x.length - 1];
  return { n: size(x) / k, k };
};

const kernel = (file: string, wgsl: string): Kernel<unknown> => ({
  label: `softmax/${file}`,
  source: wgsl + shape,
  uniforms: sizes,
  threads: (t, _, { WG }) => [sizes(t).n * WG, 1, 1],
});

/**
 * Softmax over the last axis: `y = exp(x) / sum(exp(x))`, without overflow for any finite x. x [n,...,k] -> y like x.
 * A row with +Infinity or a NaN is NaN throughout; of -Infinity it makes 0. Throws ShapeError where x has no batch axis.
 */
export const softmax: Op<unknown> = {
  name: "softmax",
  inputs: ["x"],
  batched: ["x", "y", "dy", "dx"],
  shapes({ x }) {
    if (x.length < 2) throw new ShapeError(`softmax: x is [${x}] but [n,...,k] is expected`);
    return { y: x };
  },
  cost: { forward: "5 x", x: "4 x" },
  /** Compared, shifted, exponentiated, added and divided; in the gradient multiplied and added, shifted and scaled. */
  flops: ({ x }) => ({ forward: 5 * size(x), x: 4 * size(x) }),
  forward: [{ name: "workgroup a row", kernels: [kernel("forward", forward + isNan)] }],
  backward: { x: [{ name: "workgroup a row", kernels: [kernel("backward", backward)] }] },
  reference: {
    forward: (t, { x }) => ({
      y: byRows(t, x, (row) => {
        const { e, sum } = exponentials(row);
        return e.map((v) => v / sum);
      }),
    }),
    backward(t, { y, dy }) {
      const dot = dots(t, y, dy);
      return { dx: y.map((v, i) => v * (dy[i] - dot[Math.floor(i / sizes(t).k)])) };
    },
  },
  bound: {
    /** The kernel's formula. */
    forward: (t, { x }) => ({
      y: byRows(t, x, (row) => {
        const { top } = exponentials(row);
        const near = Array.from(row, (v) => exponential(minus(stored(v), stored(top))));
        const value = near.reduce((s, v) => s + v.value, 0);
        const carried = near.reduce((s, v) => s + v.error, 0);
        const sum: Near = {
          value,
          error: carried + sumBound(row.length, Float64Array.of(value + carried))[0],
        };
        return Float64Array.from(near, (v) => over(v, sum).error);
      }),
    }),
    /** The kernel's formula, with a sum of products in any order. */
    backward(t, { y, dy }) {
      const { k } = sizes(t);
      const dot = dots(t, y, dy);
      const magnitudes = dots(t, y.map(Math.abs), dy.map(Math.abs));
      const errors = sumBound(k, magnitudes);
      return {
        dx: y.map((v, i) => {
          const row = Math.floor(i / k);
          return times(stored(v), minus(stored(dy[i]), { value: dot[row], error: errors[row] })).error;
        }),
      };
    },
  },
  sample: (_, axes, random) => Float64Array.from({ length: size(axes) }, () => 8 * random() - 4),
  arbitrary: (draw) => ({ shapes: { x: axes(draw, 2) }, attrs: {} }),
  cases: [
    example("rows", [4, 10]),
    example("pixels", [2, 3, 5, 7]),
    example("a row over one workgroup", [1, 67]),
    example("one element a row", [3, 1]),
    example("rows over the widest workgroup", [2, 261]),
    example("far apart", [4, 6], (i) => 1e4 * ((i * 5) % 3) - 1e4),
    example("all equal and large", [3, 7], () => 1e4),
    example("a peak at every element in turn", [70, 70], (i) => (i % 71 === 0 ? 200 : (i % 13) - 6)),
  ],
};

/** What `of` makes of every row. */
function byRows(t: Shapes, x: Float64Array, of: (row: Float64Array) => Float64Array): Float64Array {
  const { n, k } = sizes(t);
  const out = new Float64Array(x.length);
  for (let row = 0; row < n; row++) out.set(of(x.subarray(row * k, (row + 1) * k)), row * k);
  return out;
}

function exponentials(row: Float64Array): { e: Float64Array; sum: number; top: number } {
  const top = row.reduce((a, b) => Math.max(a, b));
  const e = row.map((v) => Math.exp(v - top));
  return { e, sum: e.reduce((a, b) => a + b, 0), top };
}

/** Of every row, the sum of products. */
const dots = (t: Shapes, a: Float64Array, b: Float64Array): Float64Array => {
  const { n, k } = sizes(t);
  const out = new Float64Array(n);
  a.forEach((v, i) => {
    out[Math.floor(i / k)] += v * b[i];
  });
  return out;
};

function example(what: string, x: Shape, value?: (i: number) => number): Case<unknown> {
  const values = value && { x: Array.from({ length: size(x) }, (_, i) => value(i)) };
  return { what, shapes: { x }, attrs: {}, ...(values && { values }) };
}
