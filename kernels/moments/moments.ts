import { ofBlock } from "../batch_norm/bound.ts";
import { axes } from "../draw.ts";
import { ShapeError } from "../errors.ts";
import { type Case, type Draw, type Kernel, type Op, type Shape, type Shapes, size } from "../op.ts";
import { withRelu } from "../relu/append.ts";
import forward from "./forward.wgsl";
import shape from "./shape.wgsl";

export interface MomentsAttrs {
  /** Pixels of a part; 16 are what a convolution's tile has at hand. */
  readonly rows: number;
  /** 1: parts run on from image to image. As many as there are images: each image is cut into parts of its own. */
  readonly groups: number;
}

/** Axes of the moments of `x`. */
export const momentsOf = (x: Shape, { rows, groups }: MomentsAttrs): Shape => {
  const channels = x[x.length - 1];
  return [groups, Math.ceil(size(x) / channels / groups / rows), 2, channels];
};

/** Calls `visit` for every part and channel with its values and the index of its mean; the squares are `channels` further on. */
function eachPart(
  x: Float64Array,
  [groups, parts, , channels]: Shape,
  rows: number,
  visit: (values: readonly number[], at: number) => void,
): void {
  const pixels = x.length / channels / groups;
  for (let part = 0; part < groups * parts; part++) {
    const first = (part % parts) * rows;
    const start = Math.floor(part / parts) * pixels + first;
    const length = Math.min(rows, pixels - first);
    for (let c = 0; c < channels; c++)
      visit(
        Array.from({ length }, (_, i) => x[(start + i) * channels + c]),
        part * 2 * channels + c,
      );
  }
}

/** Float64 moments of `x`; its shape and that of the result are in `t`. */
export function reference({ moments }: Shapes, x: Float64Array, { rows }: MomentsAttrs): Float64Array {
  const out = new Float64Array(size(moments));
  eachPart(x, moments, rows, (values, at) => {
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    out[at] = mean;
    out[at + moments[3]] = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  });
  return out;
}

/** Rows and groups of a random problem on `x`. */
export const arbitraryParts = (draw: Draw, x: Shape): MomentsAttrs => ({
  rows: draw.pick([16, 1, 5, 100]),
  groups: draw.pick([1, x[0]]),
});

/** Throws ShapeError where `rows` or `groups` is out of range for `x`. */
export function checkParts(op: string, x: Shape, { rows, groups }: MomentsAttrs): void {
  if (x.length < 2) throw new ShapeError(`${op}: x is [${x}] but [n,...,c] is expected`);
  if (!(Number.isInteger(rows) && rows > 0))
    throw new ShapeError(`${op}: rows is ${rows} but a whole number above 0 is expected`);
  if (groups !== 1 && groups !== x[0])
    throw new ShapeError(`${op}: groups is ${groups} but 1 or ${x[0]}, the images of x, is expected`);
}

const kernel: Kernel<MomentsAttrs> = {
  label: "moments/forward",
  source: withRelu(forward) + shape,
  uniforms: ({ x, moments: [groups, parts, , channels] }, { rows }) => ({
    ...{ pixels: size(x) / channels / groups, channels },
    ...{ parts, rows },
  }),
  threads: ({ moments: [groups, parts, , channels] }, _, { PARTS }) => [
    channels,
    Math.ceil(parts / PARTS),
    groups,
  ],
};

/**
 * Moments of every `rows` consecutive pixels of a group, by channel: x [n,...,c] -> moments [groups, parts, 2, c], the
 * mean and the sum of the squared deviations from it; the last part of a group has the pixels that are left. A group
 * is all of the batch, or one image, so that a batch may be computed a few images at a time. They are merged without
 * loss (Chan, Golub and LeVeque 1979), so a convolution can leave them as it goes. What is not finite spoils its part
 * and channel; squares beyond float32 leave the mean. It has no gradient: an operation that takes moments of x beside
 * x has in its gradient of x what goes through them.
 * Throws ShapeError where x has no batch axis or an attribute is out of range.
 */
export const moments: Op<MomentsAttrs> = {
  name: "moments",
  inputs: ["x"],
  batched: ({ groups }) => (groups > 1 ? ["x", "moments"] : []),
  shapes({ x }, attrs) {
    checkParts("moments", x, attrs);
    return { moments: momentsOf(x, attrs) };
  },
  cost: { forward: "5 x" },
  flops: ({ x }) => ({ forward: 5 * size(x) }),
  forward: [{ name: "parts", kernels: [kernel] }],
  backward: {},
  reference: {
    forward: (t, { x }, attrs) => ({ moments: reference(t, x, attrs) }),
    backward: () => ({}),
  },
  bound: {
    forward(t, { x }, { rows }) {
      const out = new Float64Array(size(t.moments));
      eachPart(x, t.moments, rows, (values, at) => {
        const { meanError, squaresError } = ofBlock(values);
        out[at] = meanError;
        out[at + t.moments[3]] = squaresError;
      });
      return { moments: out };
    },
    backward: () => ({}),
  },
  arbitrary(draw) {
    const x = axes(draw, 2);
    return { shapes: { x }, attrs: arbitraryParts(draw, x) };
  },
  cases: [
    example("images", [2, 5, 7, 6]),
    example("images, each cut on its own", [3, 5, 7, 6], { groups: 3 }),
    example("one image, channels over one workgroup", [1, 9, 4, 67]),
    example("a matrix", [33, 10]),
    example("parts over one workgroup, of one pixel", [2, 9, 9, 3], { rows: 1 }),
    example("parts longer than an image, each cut on its own", [2, 3, 3, 5], { rows: 100, groups: 2 }),
    example("mean 100, deviation 0.1", [2, 9, 9, 3], { x: (i) => 100 + 0.1 * Math.SQRT2 * Math.sin(i * i) }),
    // late in a part every sum rounds up: that leaves more in its mean than the deviations are
    example("sums that round one way", [1, 64, 64, 1], {
      rows: 4096,
      x: (i) => 2000 + 3 / 128 + (i % 3) / 512,
    }),
    example("constant channels", [2, 4, 4, 5], { x: (i) => (i % 5) - 1.3 }),
  ],
};

function example(
  what: string,
  x: Shape,
  { rows = 16, groups = 1, x: value = undefined as ((i: number) => number) | undefined } = {},
): Case<MomentsAttrs> {
  return {
    what,
    shapes: { x },
    attrs: { rows, groups },
    values: value && { x: Array.from({ length: size(x) }, (_, i) => value(i)) },
  };
}
