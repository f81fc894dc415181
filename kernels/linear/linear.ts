import { channels } from "../draw.ts";
import { ShapeError } from "../errors.ts";
import { type Case, type Kernel, type Op, onCpu, type Shapes, size, type Tune } from "../op.ts";
import { abs, factors, sumBound } from "../rounding.ts";
import backwardB from "./backward_b.wgsl";
import backwardW from "./backward_w.wgsl";
import backwardX from "./backward_x.wgsl";
import forward from "./forward.wgsl";
import shape from "./shape.wgsl";

/** Rows, and terms and number of the sums of a row. */
const sizes = ({ x, w: [k, o] }: Shapes) => ({ n: x[0], k, o });

const kernel = (file: string, wgsl: string, threads: Kernel<unknown>["threads"]): Kernel<unknown> => ({
  label: `linear/${file}`,
  source: wgsl + shape,
  uniforms: sizes,
  threads,
});

/**
 * Fully connected layer `y[n,o] = b[o] + sum_k x[n,k] * w[k,o]`; the axes of x after the first are read as one.
 * x [n,k...], w [k,o], b [o] (optional) -> y [n,o].
 * Throws ShapeError where x has no axis to sum over, or its k or the number of biases is not that of w.
 */
export const linear: Op<unknown> = {
  name: "linear",
  inputs: ["x", "w", "b"],
  optional: ({ w }) => ({ b: { shape: [w?.[1] ?? 0], value: 0 } }),
  batched: ["x", "y", "dy", "dx"],
  linear: [
    ["x", "b"],
    ["w", "b"],
  ],

  shapes({ x, w, b }) {
    if (x.length < 2) throw new ShapeError(`linear: x is [${x}] but [n,k...] is expected`);
    if (w.length !== 2) throw new ShapeError(`linear: w is [${w}] but [k,o] is expected`);
    const [n, ...rest] = x;
    const [k, o] = w;
    if (size(rest) !== k) throw new ShapeError(`linear: x has ${size(rest)} values a row but w expects ${k}`);
    if (String(b) !== String([o])) throw new ShapeError(`linear: b is [${b}] but w makes ${o} values a row`);
    return { y: [n, o] };
  },

  cost: { forward: "2 y k + y", x: "2 y k", w: "2 y k", b: "y" },
  flops({ y, w: [k] }) {
    const products = 2 * size(y) * k;
    return { forward: products + size(y), x: products, w: products, b: size(y) };
  },

  forward: [{ name: "plain", kernels: [kernel("forward", forward, ({ y: [n, o] }) => [o, n, 1])] }],
  backward: {
    x: [
      {
        name: "plain",
        tune: lanesOverRows,
        kernels: [kernel("backward_x", backwardX, ({ x: [n], w: [k] }) => [n, k, 1])],
      },
    ],
    w: [
      {
        name: "plain",
        tune: (_, __, subgroupSize): Tune => (onCpu(subgroupSize) ? { ROWS: 64 } : {}),
        kernels: [
          kernel("backward_w", backwardW, ({ w: [k, o] }, _, { ROWS }) => [o, Math.ceil(k / ROWS), 1]),
        ],
      },
    ],
    b: [{ name: "plain", kernels: [kernel("backward_b", backwardB, ({ w: [, o] }) => [o, 1, 1])] }],
  },

  reference: {
    forward(t, { x, w, b }) {
      const { k, o } = sizes(t);
      const y = new Float64Array(size(t.y)).map((_, at) => b[at % o]);
      visit(t, (row, i, j) => {
        y[row * o + j] += x[row * k + i] * w[i * o + j];
      });
      return { y };
    },
    backward(t, { x, w, dy }) {
      const { k, o } = sizes(t);
      const [dx, dw, db] = [t.x, t.w, t.b].map((of) => new Float64Array(size(of)));
      visit(t, (row, i, j) => {
        dx[row * k + i] += dy[row * o + j] * w[i * o + j];
        dw[i * o + j] += x[row * k + i] * dy[row * o + j];
      });
      for (let at = 0; at < dy.length; at++) db[at % o] += dy[at];
      return { dx, dw, db };
    },
  },

  bound: {
    forward(t, { x, w, b }) {
      const terms = sizes(t).k + 1;
      const v = { x: factors(x, terms), w: factors(w, terms), b: abs(b) };
      return { y: sumBound(terms, linear.reference.forward(t, v, {}).y) };
    },
    backward(t, { x, w, dy }) {
      const { n, o } = sizes(t);
      const least = Math.min(n, o); // of the terms: raises subnormal factors enough for either sum
      const v = { x: factors(x, least), w: factors(w, least), dy: factors(dy, least) };
      const { dx, dw } = linear.reference.backward(t, v, {});
      const db = new Float64Array(o);
      for (let at = 0; at < dy.length; at++) db[at % o] += Math.abs(dy[at]);
      return { dx: sumBound(o, dx), dw: sumBound(n, dw), db: sumBound(n, db) };
    },
  },

  arbitrary(draw) {
    const n = draw.integer(0, 7) === 7 ? channels(draw) : draw.integer(1, 5);
    const rows = [channels(draw), ...draw.pick([[], [1, 1], [2, 3]])];
    const o = draw.integer(0, 5) === 5 ? draw.pick([131, 257]) : channels(draw);
    return {
      shapes: { x: [n, ...rows], w: [size(rows), o], ...(draw.pick([false, true]) && { b: [o] }) },
      attrs: {},
    };
  },
  cases: [
    example("an image", [1, 24], 10),
    example("a batch", [4, 33], 17),
    example("images of one pixel", [3, 1, 1, 40], 9),
    example("images flattened", [2, 3, 2, 5], 7),
    example("sums over one workgroup", [2, 20], 131),
    example("rows over one workgroup", [37, 6], 3),
    example("long rows", [2, 300], 5),
    example("one value", [1, 1], 1),
  ],
};

/** As many threads along n as a small batch fills; the others go along k. */
function lanesOverRows({ x: [n] }: Shapes): Tune {
  const rows = Math.min(8, 2 ** Math.floor(Math.log2(n)));
  return { WG_X: rows, WG_Y: 32 / rows };
}

/** Calls `product` with the row, the term and the sum of each product. */
function visit(t: Shapes, product: (row: number, i: number, j: number) => void): void {
  const { n, k, o } = sizes(t);
  for (let row = 0; row < n; row++)
    for (let i = 0; i < k; i++) for (let j = 0; j < o; j++) product(row, i, j);
}

function example(what: string, x: readonly number[], o: number): Case<unknown> {
  return { what, shapes: { x, w: [size(x.slice(1)), o], b: [o] }, attrs: {} };
}
