import { axes } from "../draw.ts";
import { elementwise, flat, pixelsOfChannels, withAhead } from "../elementwise.ts";
import { type Kernel, type Op, type Shapes, size } from "../op.ts";
import { flushed, sumBound } from "../rounding.ts";
import { stored, times } from "../running_error.ts";
import backward from "./backward.wgsl";
import forward from "./forward.wgsl";
import partialsWgsl from "./partials.wgsl";
import shape from "./shape.wgsl";

export interface SumAttrs {
  /** Sum the squares of the elements. */
  readonly squares: boolean;
}

/** Partial sums are of so many elements or more, until there are as many partials as one workgroup likes to add up. */
const ELEMENTS = 32;
const MOST = 65536;
const terms = ({ x }: Shapes) => Math.max(ELEMENTS, Math.ceil(size(x) / MOST));
/** Whole workgroups of them at every setting: the last elements are dealt out one to a lane. */
const partials = (t: Shapes) => Math.ceil(size(t.x) / terms(t) / 256) * 256;
const kernel = (file: string, wgsl: string, threads: Kernel<SumAttrs>["threads"]): Kernel<SumAttrs> => ({
  label: `sum/${file}`,
  source: wgsl + shape,
  uniforms: (t, { squares }, tune) => ({
    ...pixelsOfChannels(t.x, tune),
    span: terms(t) * tune.WG, // a partial is the sum of an invocation
    partials: partials(t),
    squares: Number(squares),
  }),
  threads,
});

const twice = (v: number) => ({ value: 2 * v, error: 2 * flushed(v) });

/**
 * Sum of all elements, or of their squares, in a fixed order: x of any shape -> y [1].
 * Partial sums are at most 65536, or a few more, so that the rounding error grows with n / 65536 and not with n.
 * It is not split over a batch: x must fit one storage binding.
 */
export const sum: Op<SumAttrs> = {
  name: "sum",
  inputs: ["x"],
  batched: [],
  shapes: () => ({ y: [1] }),
  flops: ({ x }, { squares }) => ({ forward: size(x) * (squares ? 2 : 1), x: squares ? 2 * size(x) : 0 }),
  forward: [
    {
      name: "partials",
      temporaries: (t) => ({ partials: [partials(t)] }),
      kernels: [
        kernel("partials", withAhead(partialsWgsl), (t) => [partials(t), 1, 1]),
        { ...kernel("forward", forward, () => [1, 1, 1]), flops: partials },
      ],
    },
  ],
  backward: {
    x: [
      flat(
        elementwise("sum/backward", backward + shape, "x", {
          uniforms: ({ squares }) => ({ squares: Number(squares) }),
        }),
      ),
    ],
  },
  reference: {
    forward: (_, { x }, { squares }) => ({
      y: Float64Array.of(x.reduce((s, v) => s + (squares ? v * v : v), 0)),
    }),
    backward: (_, { x, dy }, { squares }) => ({ dx: x.map((v) => (squares ? 2 * v * dy[0] : dy[0])) }),
  },
  bound: {
    forward(t, { x }, { squares }) {
      const magnitudes = x.reduce((s, v) => s + (squares ? v * v : Math.abs(v)), 0);
      const chain = terms(t) + partials(t) / 64 + 8; // the longest row of additions, at 64 lanes
      return { y: sumBound(x.length, Float64Array.of(magnitudes), Math.ceil(chain)) };
    },
    backward: (_, { x, dy }, { squares }) => ({
      dx: x.map((v) => (squares ? times(twice(v), stored(dy[0])).error : 0)),
    }),
  },
  /** Away from 0, so that every element weighs more than the bound. */
  sample: (_, axes, random) =>
    Float64Array.from({ length: size(axes) }, () => (0.5 + random()) * (random() < 0.5 ? -1 : 1)),
  arbitrary: (draw) => ({ shapes: { x: axes(draw) }, attrs: { squares: draw.pick([false, true]) } }),
  cases: [
    { what: "an image", shapes: { x: [2, 3, 5, 7] }, attrs: { squares: false } },
    { what: "squares of an image", shapes: { x: [2, 3, 5, 7] }, attrs: { squares: true } },
    { what: "a vector of one", shapes: { x: [1] }, attrs: { squares: true } },
    { what: "channels over one workgroup", shapes: { x: [3, 67] }, attrs: { squares: false } },
    { what: "squares, several pixels at a step", shapes: { x: [2, 11, 9, 7] }, attrs: { squares: true } },
    { what: "squares of more partials than lanes", shapes: { x: [9001] }, attrs: { squares: true } },
    { what: "more partials than lanes", shapes: { x: [1, 9, 9, 131] }, attrs: { squares: false } },
  ],
};
