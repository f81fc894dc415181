import { shareColumns, withColumns } from "../columns.ts";
import { channels as arbitraryChannels, axes } from "../draw.ts";
import { ShapeError } from "../errors.ts";
import { type Case, type Kernel, type Op, onCpu, type Shape, type Shapes, size, type Tune } from "../op.ts";
import { withRelu } from "../relu/append.ts";
import { atWidth } from "../vec4.ts";
import backwardFinish from "./backward_finish.wgsl";
import backwardSums from "./backward_sums.wgsl";
import backwardX from "./backward_x.wgsl";
import { cut } from "./blocks.ts";
import * as bound from "./bound.ts";
import finish from "./finish.wgsl";
import normalise from "./normalise.wgsl";
import recall from "./recall.wgsl";
import * as reference from "./reference.ts";
import shape from "./shape.wgsl";
import statistics from "./statistics.wgsl";

export interface BatchNormAttrs {
  /** Whether the batch's own statistics are used, and the running ones updated; else the running ones are used. */
  readonly training: boolean;
  /** Added to the variance; 0.001 in the networks here. */
  readonly epsilon: number;
  /** What a running statistic keeps of itself in a step: new = decay * old + (1 - decay) * batch. */
  readonly decay: number;
}

const channels = ({ x }: Shapes) => x[x.length - 1];

/** Pixels of WG channels that a workgroup treats one after the other. */
const columns = (t: Shapes, tune: Tune) => shareColumns(size(t.x) / channels(t), channels(t), tune);

/** Of a few images or of all: how these are cut into blocks, `partial` says, for it is shaped once for all. */
const uniforms = (t: Shapes, { training, epsilon, decay }: BatchNormAttrs, tune: Tune) => {
  const { x, partial } = t;
  const { pixels } = cut(x);
  const blocks = partial?.[1] ?? 1;
  return {
    images: x[0],
    pixels,
    channels: channels(t),
    ...(tune.GROUPS && columns(t, tune).uniforms),
    blocks,
    rows: Math.ceil(pixels / blocks),
    training: Number(training),
    epsilon,
    gain: 1 - decay,
  };
};

const kernel = (
  file: string,
  wgsl: string,
  threads: (t: Shapes, tune: Tune) => readonly [number, number, number],
  flops?: (t: Shapes) => number,
): Kernel<BatchNormAttrs> => ({
  label: `batch_norm/${file}`,
  source: wgsl + shape,
  uniforms,
  threads: (t, _, tune) => threads(t, tune),
  ...(flops && { flops }),
});

const elements = (t: Shapes, tune: Tune) => columns(t, tune).threads;
const sums = ({ partial }: Shapes) => [size(partial) / 2, 1, 1] as const;
const finishes = (t: Shapes) => [channels(t), 1, 1] as const;
const tune = (_: Shapes, __: BatchNormAttrs, subgroupSize: number): Tune =>
  onCpu(subgroupSize) ? { WG: 16, GROUPS: 64 } : {};

/** A block's values are weighed and added, or added up. */
const merges = ({ partial }: Shapes) => 4 * size(partial);
const adds = ({ partial }: Shapes) => size(partial);
const root = (t: Shapes) => 2 * channels(t);

/** Two values of every block of every image, by channel. */
const partial = (x: Shape): Shape => [x[0], cut(x).blocks, 2, x[x.length - 1]];

/**
 * Batch normalisation over all axes but the last (arXiv 1502.03167, algorithms 1 and 2):
 * `y = (x - mean) * rstd * gamma + beta` with `rstd = 1 / sqrt(variance + epsilon)`.
 * x [n,...,c], gamma [c] (optional: 1), beta [c], running_mean [c], running_var [c] -> y like x, mean [c], rstd [c].
 * In training, mean and the biased variance are the batch's, gradients run through them, and running_mean and
 * running_var, there the unbiased variance, are updated in place. Otherwise the running ones are used as they are.
 * What is not finite spoils its channel and no other; so do values whose squares exceed float32, beyond about 2^63,
 * but for the mean.
 * Throws ShapeError where x has no batch axis, a parameter is not [c], or an attribute is out of range.
 */
export const batchNorm: Op<BatchNormAttrs> = {
  name: "batch_norm",
  inputs: ["x", "gamma", "beta", "running_mean", "running_var"],
  optional: ({ x }) => ({ gamma: { shape: [x?.[x.length - 1] ?? 0], value: 1 } }),
  batched: ["x", "y", "dy", "dx", "partial"],

  shapes({ x, ...parameters }, { epsilon, decay }) {
    if (x.length < 2) throw new ShapeError(`batch_norm: x is [${x}] but [n,...,c] is expected`);
    const c = x[x.length - 1];
    for (const [name, axes] of Object.entries(parameters))
      if (String(axes) !== String([c]))
        throw new ShapeError(`batch_norm: ${name} is [${axes}] but x has ${c} channels`);
    if (!(epsilon > 0))
      throw new ShapeError(`batch_norm: epsilon is ${epsilon} but a number above 0 is expected`);
    if (!(decay >= 0 && decay <= 1))
      throw new ShapeError(`batch_norm: decay is ${decay} but a number from 0 to 1 is expected`);
    return { y: x, mean: [c], rstd: [c] };
  },

  cost: { forward: "9 x; 4 x by running statistics", x: "11 x" },
  flops: ({ x }, { training }) => ({ forward: (training ? 9 : 4) * size(x), x: 11 * size(x) }),

  forward: [
    {
      name: "training",
      fits: (_, { training }) => training,
      tune,
      temporaries: ({ x }) => ({ partial: partial(x) }),
      kernels: [
        kernel("statistics", withRelu(statistics), sums),
        kernel("finish", finish, finishes, merges),
        kernel("normalise", atWidth(withColumns(normalise), 1), elements, ({ x }) => 4 * size(x)),
      ],
    },
    {
      name: "inference",
      fits: (_, { training }) => !training,
      tune,
      kernels: [
        kernel("recall", recall, finishes, root),
        kernel("normalise", atWidth(withColumns(normalise), 1), elements),
      ],
    },
  ],
  backward: {
    x: [
      {
        name: "sums",
        tune,
        temporaries: ({ x, mean }) => ({ partial: partial(x), means: [2, ...mean] }),
        kernels: [
          kernel("backward_sums", backwardSums, sums),
          kernel("backward_finish", backwardFinish, finishes, adds),
          kernel("backward_x", atWidth(withColumns(backwardX), 1), elements, ({ x }) => 6 * size(x)),
        ],
      },
    ],
  },

  reference,
  bound,
  /** Variances are positive. */
  sample: (input, axes, random) =>
    Float64Array.from({ length: size(axes) }, () =>
      input === "running_var" ? 0.5 + random() : 2 * random() - 1,
    ),

  arbitrary(draw) {
    const leading = draw.integer(0, 9) === 9 ? [draw.integer(1, 3), 40, 40] : axes(draw, 2).slice(0, -1);
    const c = leading.length === 3 && leading[1] === 40 ? draw.integer(1, 4) : arbitraryChannels(draw);
    const one = [c];
    return {
      shapes: {
        ...{ x: [...leading, c], beta: one, running_mean: one, running_var: one },
        ...(draw.pick([false, true]) && { gamma: one }),
      },
      attrs: {
        training: draw.pick([true, false]),
        epsilon: draw.pick([1e-3, 1e-5, 0.1, 1, 1e-10]),
        decay: draw.pick([0.9, 0.9997, 0.5, 0, 1]),
      },
    };
  },
  cases: [
    example("images", [2, 5, 7, 6]),
    example("one image, channels over one workgroup", [1, 9, 4, 67]),
    example("a matrix", [33, 10]),
    example("a sequence", [3, 11, 4], { decay: 0.5, epsilon: 0.1 }),
    example("the last grid", [3, 8, 8, 33], { decay: 0.9997 }),
    example("one value a channel", [1, 1, 1, 5]),
    example("mean 100, deviation 0.1", [2, 9, 9, 3], { x: (i) => 100 + 0.1 * Math.SQRT2 * Math.sin(i * i) }),
    example("channels of different sizes", [2, 4, 4, 3], {
      x: (i) => 1e4 ** (i % 3) * (1 + Math.sin(i * i)),
    }),
    example("two values a channel", [2, 5]),
    // late in a block every sum rounds up: that leaves more in its mean than the deviations are
    example("sums that round one way", [1, 128, 128, 1], {
      epsilon: 1e-10,
      x: (i) => 2000 + 3 / 128 + (i % 3) / 512,
    }),
    example("constant channels", [2, 4, 4, 5], { x: (i) => (i % 5) - 1.3 }),
    example("images, frozen statistics", [2, 4, 5, 7], { training: false }),
    example("a matrix, frozen statistics", [5, 70], { training: false, epsilon: 0.1 }),
  ],
};

function example(
  what: string,
  x: Shape,
  {
    training = true,
    epsilon = 1e-3,
    decay = 0.9,
    x: value = undefined as ((i: number) => number) | undefined,
  } = {},
): Case<BatchNormAttrs> {
  const c = [x[x.length - 1]];
  return {
    what,
    shapes: { x, gamma: c, beta: c, running_mean: c, running_var: c },
    attrs: { training, epsilon, decay },
    values: value && { x: Array.from({ length: size(x) }, (_, i) => value(i)) },
  };
}
