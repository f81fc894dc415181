// An operation of one's own: `tessera gradcheck dist/examples/swish.js` checks both, and shows the fault in the second.
import { type Kernel, type Op, size, TINY, U } from "tessera-gpu/kernels";
import backward from "./backward.wgsl";
import forward from "./forward.wgsl";
import shape from "./shape.wgsl";

const kernel = (file: string, wgsl: string): Kernel<unknown> => ({
  label: `swish/${file}`,
  source: wgsl + shape,
  uniforms: ({ x }) => ({ count: size(x) }),
  threads: ({ x }) => [size(x), 1, 1],
});

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Relative error of s: exp errs by 3 + 2|x| units (WGSL 15.7.4), the sum by one, the division by 2.5. */
const error = (x: number) => (3 + 2 * Math.abs(x) + 1 + 2.5) * U;

/** Swish, or SiLU: `y = x / (1 + exp(-x))` over any shape (arXiv 1710.05941). */
export const swish: Op<unknown> = {
  name: "swish",
  inputs: ["x"],
  batched: [], // the kernels take no offset, so it is computed whole
  shapes: ({ x }) => ({ y: x }),
  flops: ({ x }) => ({ forward: 4 * size(x), x: 8 * size(x) }),
  forward: [{ name: "elementwise", kernels: [kernel("forward", forward)] }],
  backward: { x: [{ name: "elementwise", kernels: [kernel("backward", backward)] }] },
  reference: {
    forward: (_, { x }) => ({ y: x.map((v) => v * sigmoid(v)) }),
    backward: (_, { x, dy }) => ({
      dx: dy.map((d, i) => {
        const s = sigmoid(x[i]);
        return d * s * (1 + x[i] * (1 - s));
      }),
    }),
  },
  bound: {
    forward: (_, { x }) => ({ y: x.map((v) => (error(v) + U) * Math.abs(v) * sigmoid(v) + 2 * TINY) }),
    backward: (_, { x, dy }) => ({
      dx: dy.map((d, i) => {
        const [v, s, e] = [x[i], sigmoid(x[i]), error(x[i])];
        // 1 - s is off by e * s and a rounding; all else is relative
        const rest = Math.abs(v) * (e * s + 2 * U);
        return Math.abs(d) * s * ((e + 4 * U) * (1 + Math.abs(v)) + rest) + 4 * TINY * (1 + Math.abs(d));
      }),
    }),
  },
  cases: [
    { what: "an image", shapes: { x: [2, 3, 5, 7] }, attrs: {} },
    { what: "more than one workgroup", shapes: { x: [1, 9, 9, 33] }, attrs: {} },
  ],
  arbitrary: (draw) => ({ shapes: { x: [draw.integer(1, 3), draw.integer(1, 300)] }, attrs: {} }),
};

/** The same with a gradient that is wrong: the derivative of x * s without that of x. */
const faulty = backward.replace("(1.0 + x[id.x] * (1.0 - s))", "x[id.x] * (1.0 - s)");
export const swishWrong: Op<unknown> = {
  ...swish,
  name: "swish_wrong",
  backward: { x: [{ name: "elementwise", kernels: [kernel("backward_wrong", faulty)] }] },
};
