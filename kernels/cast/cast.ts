import { axes } from "../draw.ts";
import { flat, pixelsOfChannels, share, withAhead } from "../elementwise.ts";
import { ShapeError } from "../errors.ts";
import { type Op, type Shape, size } from "../op.ts";
import { halfBits, halfValue } from "./float16.ts";
import shape from "./shape.wgsl";
import toF16 from "./to_f16.wgsl";
import toF32 from "./to_f32.wgsl";

const words = (of: Shape) => Math.ceil(size(of) / 2);

/**
 * float32 to float16, to nearest, ties to even; 65520 and above become infinity, NaN stays NaN.
 * x of any shape -> y [ceil(n/2)], words of two float16 each, the earlier in the low half: the bytes of an
 * `array<f16>` of n. No gradient: words have none.
 */
export const castF16: Op<unknown> = {
  name: "cast_f16",
  inputs: ["x"],
  dtypes: { y: "u32" },
  batched: [],
  shapes: ({ x }) => ({ y: [words(x)] }),
  cost: { forward: "0" },
  flops: () => ({ forward: 0 }),
  forward: [
    flat({
      label: "cast/to_f16",
      source: withAhead(toF16) + shape,
      uniforms: ({ x, y }, _, tune) => ({ ...pixelsOfChannels(x, tune), span: share(y[0], tune).span }),
      threads: ({ y }, _, tune) => share(y[0], tune).threads,
    }),
  ],
  backward: {},
  reference: {
    forward: ({ y }, { x }) => {
      const half = (i: number) => (i < x.length ? halfBits(x[i]) : 0);
      return { y: new Float64Array(y[0]).map((_, i) => half(2 * i) + 65536 * half(2 * i + 1)) };
    },
    backward: () => ({}),
  },
  bound: {
    forward: ({ y }) => ({ y: new Float64Array(y[0]) }),
    backward: () => ({}),
  },
  arbitrary: (draw) => ({ shapes: { x: axes(draw) }, attrs: {} }),
  cases: [
    { what: "an image", shapes: { x: [2, 3, 5, 7] }, attrs: {} },
    { what: "one element", shapes: { x: [1] }, attrs: {} },
    { what: "an odd bank longer than a small grid", shapes: { x: [9001] }, attrs: {} },
    { what: "three elements", shapes: { x: [3] }, attrs: {} },
    example("ties", [1 + 2 ** -11, 1 + 3 * 2 ** -11, -1 - 2 ** -11 - 2 ** -23, 2 - 2 ** -11, 1025 / 1024]),
    example("subnormals", [2 ** -14, 2 ** -14 - 2 ** -25, 2 ** -15, 5 * 2 ** -25, 7 * 2 ** -25, -(2 ** -24)]),
    example("towards zero", [
      2 ** -25,
      2 ** -25 + 2 ** -48,
      2 ** -26,
      -0,
      2 ** -126,
      2 ** -149,
      1.9 * 2 ** -25,
    ]),
    example("beyond the largest", [
      65504,
      65519,
      65519.99609375,
      65520,
      -65536,
      1e30,
      -Infinity,
      Infinity,
      NaN,
    ]),
  ],
};

function example(what: string, x: readonly number[]) {
  return { what, shapes: { x: [x.length] }, attrs: {}, values: { x } };
}

export interface CastF32Attrs {
  /** Shape of y. */
  readonly shape: Shape;
}

/**
 * float16 to float32, exact: x [ceil(n/2)], words as castF16 makes them -> y [shape] of n elements.
 * Throws ShapeError where x has not the words that the shape takes.
 */
export const castF32: Op<CastF32Attrs> = {
  name: "cast_f32",
  inputs: ["x"],
  dtypes: { x: "u32" },
  batched: [],
  shapes({ x }, { shape: y }) {
    if (String(x) !== String([words(y)]))
      throw new ShapeError(`cast_f32: x is [${x}] but [${y}] takes [${words(y)}] words`);
    return { y };
  },
  cost: { forward: "0" },
  flops: () => ({ forward: 0 }),
  forward: [
    flat({
      label: "cast/to_f32",
      source: withAhead(toF32) + shape,
      uniforms: ({ x, y }, _, tune) => ({ ...pixelsOfChannels(y, tune), span: share(x[0], tune).span }),
      threads: ({ x }, _, tune) => share(x[0], tune).threads,
    }),
  ],
  backward: {},
  reference: {
    forward: ({ y }, { x }) => ({
      y: new Float64Array(size(y)).map((_, i) => halfValue(Math.floor(x[i >> 1] / 65536 ** (i % 2)) % 65536)),
    }),
    backward: () => ({}),
  },
  bound: {
    forward: ({ y }) => ({ y: new Float64Array(size(y)) }),
    backward: () => ({}),
  },
  /** Finite halves of every magnitude. */
  sample: (_, axes, random) => {
    const half = () => Math.floor(random() * 0x7c00) + (random() < 0.5 ? 0x8000 : 0);
    return Float64Array.from({ length: size(axes) }, () => half() + 65536 * half());
  },
  arbitrary(draw) {
    const shape = axes(draw);
    return { shapes: { x: [words(shape)] }, attrs: { shape } };
  },
  cases: [
    { what: "an image", shapes: { x: [105] }, attrs: { shape: [2, 3, 5, 7] } },
    { what: "one element", shapes: { x: [1] }, attrs: { shape: [1] } },
    { what: "an odd bank longer than a small grid", shapes: { x: [4501] }, attrs: { shape: [9001] } },
    { what: "three elements", shapes: { x: [2] }, attrs: { shape: [3] } },
    {
      what: "zeros and subnormals",
      shapes: { x: [3] },
      attrs: { shape: [2, 3] },
      values: { x: [0x80000000, 0x80010001, 0x040003ff] },
    },
  ],
};
