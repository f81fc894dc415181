import backwardFinish from "../batch_norm/backward_finish.wgsl";
import { cut } from "../batch_norm/blocks.ts";
import finish from "../batch_norm/finish.wgsl";
import { withColumns } from "../columns.ts";
import { channels as arbitraryChannels, axes } from "../draw.ts";
import { ShapeError } from "../errors.ts";
import * as parts from "../moments/moments.ts";
import {
  type Algorithm,
  type Case,
  type Kernel,
  type Op,
  type Shape,
  type Shapes,
  size,
  type Tune,
} from "../op.ts";
import { withRelu, withReluGradient } from "../relu/append.ts";
import { vec4OrScalar, type Width } from "../vec4.ts";
import backwardSums from "./backward_sums.wgsl";
import backwardSumsWhole from "./backward_sums_whole.wgsl";
import backwardX from "./backward_x.wgsl";
import * as bound from "./bound.ts";
import merge from "./merge.wgsl";
import { merging, pixelsOf } from "./merging.ts";
import normalise from "./normalise.wgsl";
import * as reference from "./reference.ts";
import shape from "./shape.wgsl";
import whole from "./whole.wgsl";

export interface BatchNormReluAttrs extends parts.MomentsAttrs {
  /** Added to the variance; 0.001 in the networks here. */
  readonly epsilon: number;
  /** What a running statistic keeps of itself in a step: new = decay * old + (1 - decay) * batch. */
  readonly decay: number;
}

type Own = Kernel<BatchNormReluAttrs>;
const kernel = (file: string, wgsl: string, own: Omit<Own, "label" | "source">): Own => ({
  label: `batch_norm_relu/${file}`,
  source: wgsl + shape,
  ...own,
});

/** Merges moments, or blocks of them, and updates the running statistics. */
const finishing = (partial: string): Own =>
  kernel("finish", finish, {
    bind: { partial },
    uniforms(t, { rows, epsilon, decay }) {
      const { each, blocks } = merging(t);
      const [images, , , channels] = t.moments;
      const cut = { images, pixels: pixelsOf(t), blocks, rows: rows * each };
      return { ...cut, channels, epsilon, gain: 1 - decay };
    },
    flops: (t) => 4 * size(t[partial]),
    threads: ({ beta }) => [size(beta), 1, 1],
  });

const merger = kernel("merge", merge, {
  uniforms(t, { rows }) {
    const { each, blocks } = merging(t);
    const [images, parts, , channels] = t.moments;
    return { images, pixels: pixelsOf(t), channels, blocks, parts, each, rows };
  },
  threads: (t) => [size(t.beta), merging(t).blocks, t.moments[0]],
  flops: ({ moments }) => 4 * size(moments),
});

const pixelsAndChannels = ({ x }: Shapes) => {
  const channels = x[x.length - 1];
  return { pixels: size(x) / channels, channels };
};

const kernelFile = (file: string, width: Width) => (width === 1 ? file : `${file}_vec4`);

/** One invocation takes `width` channels of several pixels, as many as keep a workgroup busy. */
const rows = (file: string, wgsl: string, width: Width): Own => {
  const share = (t: Shapes, { WG, PASSES }: Tune) => {
    const { pixels, channels } = pixelsAndChannels(t);
    const columns = channels / width;
    return { columns, extent: pixels, span: Math.floor(WG / Math.min(columns, WG)) * PASSES };
  };
  return kernel(kernelFile(file, width), wgsl, {
    uniforms: (t, _, tune) => ({ ...pixelsAndChannels(t), ...share(t, tune) }),
    threads(t, _, tune) {
      const { columns, extent, span } = share(t, tune);
      return [columns, Math.ceil(extent / span), 1];
    },
  });
};

/** A workgroup costs a CPU as much as 30 loads; a GPU wants many. */
const tune: Algorithm<BatchNormReluAttrs>["tune"] = (t, _, subgroupSize) => ({
  PASSES: (subgroupSize > 0 && subgroupSize <= 8) || pixelsAndChannels(t).pixels > 2 ** 17 ? 64 : 4,
});

/** Most pixels that one invocation goes through so that one launch is enough. */
const FEW = 512;
const small = (t: Shapes): boolean => pixelsAndChannels(t).pixels <= FEW && merging(t).each === 1;

/** Sums over blocks of every image; how these are cut `partial` says, for it is shaped once for all images. */
const blocks = ({ x, partial: [, count] }: Shapes) => {
  const { pixels } = cut(x);
  return { images: x[0], pixels, channels: x[x.length - 1], blocks: count, rows: Math.ceil(pixels / count) };
};

const normaliser = {
  1: rows("normalise", withRelu(withColumns(normalise), 1), 1),
  4: rows("normalise", withRelu(withColumns(normalise), 4), 4),
};
const backwardOf = (width: Width): Own => ({
  ...rows("backward_x", withReluGradient(withColumns(backwardX), width), width),
  flops: ({ x }) => 9 * size(x),
});
const rescaler = { 1: backwardOf(1), 4: backwardOf(4) };
const byChannels = (algorithm: (width: Width) => Algorithm<BatchNormReluAttrs>) =>
  vec4OrScalar(({ beta }) => size(beta), algorithm);

type Algorithms = readonly Algorithm<BatchNormReluAttrs>[];
/** Algorithms that tables may choose between those that are preferred and fit every problem, the plainest last. */
const around = ([first, last]: Algorithms, others: Algorithms): Algorithms => [first, ...others, last];

/**
 * Batch normalisation in training and a rectified linear unit in one (arXiv 1502.03167): `y = max((x - mean) * rstd *
 * gamma + beta, 0)` with `rstd = 1 / sqrt(variance + epsilon)`, by the moments of x, which operation `moments` or a
 * convolution has computed for parts of `rows` pixels of `groups` groups.
 * x [n,...,c], moments [groups,parts,2,c], gamma [c] (optional: 1), beta [c], running_mean [c], running_var [c]
 * -> y like x, mean [c], rstd [c]. running_mean and running_var, there the unbiased variance, are updated in place.
 * dx is the whole derivative, through the moments too: these have no gradient of their own. It is made from x, mean
 * and rstd, and so can y be again, which need not be kept. At the kink the gradient is 0.
 * What is not finite spoils its channel and no other; a NaN before the relu stays a NaN
 * and passes the gradient. Throws ShapeError where x has no batch axis, moments or a parameter does not fit, or an
 * attribute is out of range.
 */
export const batchNormRelu: Op<BatchNormReluAttrs> = {
  name: "batch_norm_relu",
  inputs: ["x", "moments", "gamma", "beta", "running_mean", "running_var"],
  optional: ({ x }) => ({ gamma: { shape: [x?.[x.length - 1] ?? 0], value: 1 } }),
  batched: ["x", "y", "dy", "dx", "partial"],
  cheap: true,
  derived: { moments: (t, { x }, attrs) => parts.reference(t, x, attrs) },

  shapes({ x, moments, ...parameters }, attrs) {
    const { epsilon, decay } = attrs;
    parts.checkParts("batch_norm_relu", x, attrs);
    const want = parts.momentsOf(x, attrs);
    if (String(moments) !== String(want))
      throw new ShapeError(`batch_norm_relu: moments is [${moments}] but [${want}] is expected`);
    const c = x[x.length - 1];
    for (const [name, axes] of Object.entries(parameters))
      if (String(axes) !== String([c]))
        throw new ShapeError(`batch_norm_relu: ${name} is [${axes}] but x has ${c} channels`);
    if (!(epsilon > 0))
      throw new ShapeError(`batch_norm_relu: epsilon is ${epsilon} but a number above 0 is expected`);
    if (!(decay >= 0 && decay <= 1))
      throw new ShapeError(`batch_norm_relu: decay is ${decay} but a number from 0 to 1 is expected`);
    return { y: x, mean: [c], rstd: [c] };
  },

  cost: { forward: "5 x", recompute: "5 x", x: "17 x" },
  flops: ({ x }) => ({ forward: 5 * size(x), recompute: 5 * size(x), x: 17 * size(x) }),

  forward: [
    ...byChannels((width) => ({
      name: "merged in two",
      fits: (t) => merging(t).each > 1,
      tune,
      temporaries: (t) => ({ merged: [t.moments[0], merging(t).blocks, 2, size(t.beta)] }),
      kernels: [merger, finishing("merged"), normaliser[width]],
    })),
    ...around(
      byChannels((width) => ({
        name: "merged",
        fits: (t) => merging(t).each === 1,
        tune,
        kernels: [finishing("moments"), normaliser[width]],
      })),
      byChannels((width) => ({
        name: "whole",
        whole: true,
        fits: small,
        kernels: [
          {
            ...finishing("moments"),
            flops: undefined,
            label: `batch_norm_relu/${kernelFile("whole", width)}`,
            source: withRelu(whole, width) + shape,
            threads: ({ beta }: Shapes) => [size(beta) / width, 1, 1] as const,
          },
        ],
      })),
    ),
  ],
  recompute: {
    writes: ["y"],
    routine: byChannels((width) => ({ name: "normalised", tune, kernels: [normaliser[width]] })),
  },
  backward: {
    x: around(
      byChannels((width) => ({
        name: "sums",
        tune,
        temporaries: ({ x, mean }) => ({ partial: [x[0], cut(x).blocks, 2, ...mean], means: [2, ...mean] }),
        kernels: [
          kernel(kernelFile("backward_sums", width), withReluGradient(backwardSums, width), {
            uniforms: blocks,
            threads: ({ x, partial: [images, count] }) => [x[x.length - 1] / width, count, images],
          }),
          kernel("backward_finish", backwardFinish, {
            uniforms: (t) => ({ ...blocks(t), training: 1 }),
            flops: ({ partial }) => size(partial),
            threads: ({ beta }) => [size(beta), 1, 1],
          }),
          rescaler[width],
        ],
      })),
      byChannels((width) => ({
        name: "whole",
        whole: true,
        fits: small,
        tune,
        temporaries: ({ mean }) => ({ means: [2, ...mean] }),
        kernels: [
          kernel(kernelFile("backward_sums_whole", width), withReluGradient(backwardSumsWhole, width), {
            uniforms: ({ x }) => ({ images: x[0], channels: x[x.length - 1], ...cut(x) }),
            threads: ({ beta }) => [size(beta) / width, 1, 1],
          }),
          rescaler[width],
        ],
      })),
    ),
  },

  reference,
  bound,
  /** Variances are positive. x is far from 0, gamma too, and beta near it, so that y keeps clear of the kink. */
  sample(input, axes, random) {
    const sign = () => (random() < 0.5 ? -1 : 1);
    const make: Record<string, () => number> = {
      x: () => sign() * (0.5 + 0.5 * random()),
      gamma: () => sign() * (0.5 + 0.5 * random()),
      beta: () => sign() * (0.1 + 0.1 * random()),
      running_var: () => 0.5 + random(),
    };
    return Float64Array.from({ length: size(axes) }, make[input] ?? (() => 2 * random() - 1));
  },

  arbitrary(draw) {
    const large = draw.integer(0, 9) === 9;
    const leading = large ? [draw.integer(1, 3), 40, 40] : axes(draw, 2).slice(0, -1);
    const x = [...leading, large ? draw.integer(1, 4) : arbitraryChannels(draw)];
    const attrs = {
      ...parts.arbitraryParts(draw, x),
      epsilon: draw.pick([1e-3, 1e-5, 0.1, 1, 1e-10]),
      decay: draw.pick([0.9, 0.9997, 0.5, 0, 1]),
    };
    const { gamma, ...others } = shapesOf(x, attrs);
    return { shapes: { ...others, ...(draw.pick([false, true]) && { gamma }) }, attrs };
  },
  cases: [
    example("images", [2, 5, 7, 6]),
    example("images, their moments apart", [3, 5, 7, 6], { groups: 3 }),
    example("one image, channels over one workgroup", [1, 9, 4, 67]),
    example("channels in fours", [2, 7, 7, 12]),
    example("channels in fours over one workgroup", [3, 3, 5, 276]),
    example("a matrix", [33, 10]),
    example("a sequence", [3, 11, 4], { decay: 0.5, epsilon: 0.1 }),
    example("moments merged in two, the last block short", [2, 15, 14, 9], { rows: 5 }),
    example("moments merged in two, image by image", [3, 15, 14, 5], { rows: 5, groups: 3 }),
    example("the last grid", [3, 8, 8, 33], { decay: 0.9997 }),
    example("one value a channel", [1, 1, 1, 5]),
    example("mean 100, deviation 0.1", [2, 9, 9, 3], {
      x: (i) => 100 + (Math.sin(i * i) < 0 ? -0.1 : 0.1) + 0.01 * Math.cos(i),
    }),
    example("channels of different sizes", [2, 4, 4, 3], {
      x: (i) => 1e4 ** (i % 3) * (1 + Math.sin(i * i)),
    }),
    example("parts that are constant, each at its own", [1, 16, 8, 2], {
      x: (i) => 1000 + Math.floor(i / 32),
    }),
    example("constant channels", [2, 4, 4, 5], { x: (i) => (i % 5) - 1.3 }),
  ],
};

function shapesOf(x: Shape, attrs: BatchNormReluAttrs) {
  const c = [x[x.length - 1]];
  const moments = parts.momentsOf(x, attrs);
  return { x, moments, gamma: c, beta: c, running_mean: c, running_var: c };
}

function example(
  what: string,
  x: Shape,
  {
    epsilon = 1e-3,
    decay = 0.9,
    rows = 16,
    groups = 1,
    x: value = undefined as ((i: number) => number) | undefined,
  } = {},
): Case<BatchNormReluAttrs> {
  const attrs = { epsilon, decay, rows, groups };
  const values = value && { x: Array.from({ length: size(x) }, (_, i) => value(i)) };
  return { what, shapes: shapesOf(x, attrs), attrs, values };
}
