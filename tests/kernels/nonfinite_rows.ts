// What every operation makes of infinities, NaN and ties. The casts have theirs in cast.test.ts, labels that are no class
// in softmax_cross_entropy.test.ts.

import * as kernels from "../../kernels/index.ts";
import type { Op, Shapes } from "../../kernels/op.ts";

const { NaN: N, POSITIVE_INFINITY: I } = Number;

/** What a value may be, by the letter that stands for it below. */
export const SIGNS: Record<string, (v: number) => boolean> = {
  n: Number.isNaN,
  "+": (v) => v === I,
  "-": (v) => v === -I,
  ".": Number.isFinite,
  "!": (v) => !Number.isFinite(v), // an exponential of a NaN may be infinite
  "0": (v) => v === 0,
  "1": (v) => v === 1,
  "2": (v) => v === 2,
  m: (v) => v === -1,
  w: (v) => v === 2 ** 32 - 1, // ranks below every number of best classes: wrong
  "*": () => true,
};

export interface Row {
  readonly what: string;
  readonly op: Op<any>;
  readonly shapes: Shapes;
  readonly attrs?: unknown;
  /** Inputs, and for a gradient outputs and their gradients; all others are 1. */
  readonly values: Readonly<Record<string, readonly number[]>>;
  readonly routine?: string;
  /** Signs of what comes out, by tensor. */
  readonly want: Readonly<Record<string, string>>;
}

const pool = (window: number, stride = 1) => ({
  window: [1, window],
  stride: [1, stride],
  padding: [
    [0, 0],
    [0, 0],
  ],
});
const row4 = { x: [1, 1, 4, 1] };
const one = (name: string, values: readonly number[]) => ({
  shapes: { [name]: [values.length] },
  values: { [name]: values },
});
const two = { values: { x: [N, 1, 2, 3], gamma: [1, 1], beta: [0, 0] } };
const normalised = { x: [2, 2], gamma: [2], beta: [2], running_mean: [2], running_var: [2] };
const statistics = { b: [2], gamma: [2], beta: [2], running_mean: [2], running_var: [2] };
const pair = { ...normalised, moments: [1, 1, 2, 2] };
const fused = { epsilon: 1e-3, decay: 0.9, rows: 16, groups: 1 };
const frozen = { training: false, epsilon: 1e-3, decay: 0.9 };
const training = { ...frozen, training: true };
const bank = (...names: string[]) => ({
  ...Object.fromEntries(names.map((name) => [name, [3]])),
  rate: [1],
  factor: [1],
});

export const ROWS: readonly Row[] = [
  { what: "relu", op: kernels.relu, ...one("x", [N, I, -I, 2]), want: { y: "n+02" } },
  {
    what: "relu passes a gradient where y is above 0 or NaN",
    op: kernels.relu,
    shapes: { x: [4] },
    values: { y: [N, I, 0, 2] },
    routine: "x",
    want: { dx: "1101" },
  },
  {
    what: "add",
    op: kernels.add,
    shapes: { a: [4], b: [4] },
    values: { a: [N, I, I, 1], b: [1, 1, -I, 1] },
    want: { y: "n+n2" },
  },
  {
    what: "scale_add_relu",
    op: kernels.scaleAddRelu,
    shapes: { x: [4], r: [4] },
    attrs: { scale: 0.5, relu: true },
    values: { x: [N, 1, I, 1], r: [1, -I, 1, 2] },
    want: { y: "n0+2" },
  },
  {
    what: "scale_add_relu without relu",
    op: kernels.scaleAddRelu,
    shapes: { x: [4], r: [4] },
    attrs: { scale: 0.5, relu: false },
    values: { x: [N, 1, I, I], r: [1, -I, 1, -I] },
    want: { y: "n-+n" },
  },
  { what: "copy", op: kernels.copy, ...one("x", [N, I, -I, 2]), want: { y: "n+-2" } },
  {
    what: "concat",
    op: kernels.concat(2),
    shapes: { x1: [2, 1], x2: [2, 1] },
    values: { x1: [N, 1], x2: [-I, 2] },
    want: { y: "n-12" },
  },
  {
    what: "fill",
    op: kernels.fill,
    shapes: {},
    attrs: { shape: [2], value: I },
    values: {},
    want: { y: "++" },
  },
  {
    what: "dropout that keeps all",
    op: kernels.dropout,
    shapes: { x: [4], counter: [2] },
    attrs: { keep: 1, key: 0 },
    values: { x: [N, I, -I, 2] },
    want: { y: "n+-2" },
  },
  {
    what: "dropout that drops all",
    op: kernels.dropout,
    shapes: { x: [4], counter: [2] },
    attrs: { keep: 1e-7, key: 0 },
    values: { x: [N, I, -I, 2] },
    want: { y: "0000" },
  },
  {
    what: "max_pool2d: the last NaN; of ties the first",
    op: kernels.maxPool2d,
    shapes: { x: [1, 1, 18, 1] },
    attrs: pool(3, 3),
    values: { x: [N, 1, 2, 1, N, 2, -I, -I, -I, 1, I, I, N, 1, N, I, 1, N] },
    want: { y: "nn-+nn", index: "010122" },
  },
  {
    what: "avg_pool2d",
    op: kernels.avgPool2d,
    shapes: { x: [1, 1, 6, 1] },
    attrs: pool(2),
    values: { x: [2, N, 2, 2, I, -I] },
    want: { y: "nn2+n" },
  },
  {
    what: "global_avg_pool",
    op: kernels.globalAvgPool,
    shapes: { x: [2, 1, 2, 2] },
    values: { x: [N, 2, 1, 2, 2, I, 2, 1] },
    want: { y: "n22+" },
  },
  {
    what: "linear: rows of x, columns of w",
    op: kernels.linear,
    shapes: { x: [2, 2], w: [2, 2], b: [2] },
    values: { x: [N, 1, 1, 1], w: [1, 1, I, 1], b: [0, 0] },
    want: { y: "nn+2" },
  },
  {
    what: "conv2d: windows that meet it",
    op: kernels.conv2d,
    shapes: { ...row4, w: [1, 2, 1, 2], b: [2] },
    attrs: pool(2),
    values: { x: [2, 0, 2, N], w: [1, 1, 1, 1], b: [0, 0] },
    want: { y: "2222nn" },
  },
  {
    what: "conv2d: a weight reaches its whole channel, in the padding perhaps",
    op: kernels.conv2d,
    shapes: { ...row4, w: [1, 2, 1, 2], b: [2] },
    attrs: {
      stride: [1, 1],
      padding: [
        [0, 0],
        [1, 0],
      ],
    },
    values: { w: [N, 1, 1, 1], b: [0, 0] },
    want: { y: "*1n2n2n2" },
  },
  {
    what: "conv2d_moments: the part and the channel",
    op: kernels.conv2dMoments,
    shapes: { x: [1, 1, 17, 1], w: [1, 1, 1, 2], b: [2] },
    attrs: pool(1),
    values: { x: [...Array(16).fill(1), N], b: [0, I] },
    want: { y: `${"1+".repeat(16)}nn`, moments: "1n0n" + "nnnn" },
  },
  {
    what: "conv2d_residual: windows that meet it, an element of the shortcut",
    op: kernels.conv2dResidual,
    shapes: { ...row4, w: [1, 2, 1, 1], b: [1], shortcut: [1, 1, 3, 1] },
    attrs: { ...pool(2), scale: 0.5, relu: true },
    values: { x: [2, 0, 2, N], b: [0], shortcut: [I, -I, 1] },
    want: { y: "+0n" },
  },
  {
    what: "conv2d_residual without relu",
    op: kernels.conv2dResidual,
    shapes: { ...row4, w: [1, 2, 1, 1], b: [1], shortcut: [1, 1, 3, 1] },
    attrs: { ...pool(2), scale: 0.5, relu: false },
    values: { x: [2, 0, 2, N], b: [0], shortcut: [I, -I, 1] },
    want: { y: "+-n" },
  },
  {
    what: "conv2d_residual passes a gradient where y is above 0 or NaN",
    op: kernels.conv2dResidual,
    shapes: { ...row4, w: [1, 2, 1, 1], b: [1], shortcut: [1, 1, 3, 1] },
    attrs: { ...pool(2), scale: 1, relu: true },
    values: { y: [N, I, 0] },
    routine: "x",
    want: { dx: "1210" },
  },
  {
    what: "conv2d_batch_norm_relu: a running variance is for its channel",
    op: kernels.conv2dBatchNormRelu,
    shapes: { ...row4, w: [1, 2, 1, 2], ...statistics },
    attrs: { ...pool(2), epsilon: 1e-3 },
    values: { x: [2, 0, 2, N], running_var: [N, 1] },
    want: { y: "n.n.nn" },
  },
  {
    what: "conv2d_batch_norm_relu without relu",
    op: kernels.conv2dBatchNormRelu,
    shapes: { ...row4, w: [1, 2, 1, 2], ...statistics },
    attrs: { ...pool(2), epsilon: 1e-3, relu: false },
    values: { x: [2, 0, 2, N], b: [I, 0] },
    want: { y: "+.+.nn" },
  },
  {
    what: "batch_norm in training: the channel",
    op: kernels.batchNorm,
    shapes: normalised,
    attrs: training,
    ...two,
    want: { y: "n.n.", mean: "n2", rstd: "n.", running_mean: "n.", running_var: "n." },
  },
  {
    what: "batch_norm in training: squares beyond float32 leave the mean",
    op: kernels.batchNorm,
    shapes: normalised,
    attrs: training,
    values: { x: [2 ** 70, 1, 0, 3] },
    want: { y: "*.*.", mean: ".2", rstd: "*.", running_mean: "..", running_var: "*." },
  },
  {
    what: "batch_norm, frozen statistics: the element",
    op: kernels.batchNorm,
    shapes: normalised,
    attrs: frozen,
    ...two,
    want: { y: "n...", mean: "11", rstd: ".." },
  },
  {
    what: "batch_norm, frozen statistics: a running variance is for its channel",
    op: kernels.batchNorm,
    shapes: normalised,
    attrs: frozen,
    values: { running_var: [N, 1] },
    want: { y: "n.n.", mean: "11", rstd: "n." },
  },
  {
    what: "batch_norm in training, gradients: the channel",
    op: kernels.batchNorm,
    shapes: normalised,
    attrs: training,
    ...two,
    routine: "x",
    want: { dx: "n.n.", dgamma: "n.", dbeta: "22" },
  },
  {
    what: "batch_norm, frozen statistics, gradients: dgamma alone reads x",
    op: kernels.batchNorm,
    shapes: normalised,
    attrs: frozen,
    ...two,
    routine: "x",
    want: { dx: "1111", dgamma: "n.", dbeta: "22" },
  },
  {
    what: "moments: the part and the channel",
    op: kernels.moments,
    shapes: { x: [5, 2] },
    attrs: { rows: 2, groups: 1 },
    values: { x: [1, 1, N, 1, 1, I, 1, 1, 2, 2 ** 70] },
    want: { moments: "n1n0" + "1n0n" + "2.00" },
  },
  {
    what: "batch_norm_relu: moments are for their channel",
    op: kernels.batchNormRelu,
    shapes: pair,
    attrs: fused,
    values: { moments: [N, 1, 1, 1] },
    want: { y: "n1n1", mean: "n1", rstd: "n.", running_mean: "n1", running_var: "n." },
  },
  {
    what: "batch_norm_relu: an element of x",
    op: kernels.batchNormRelu,
    shapes: pair,
    attrs: fused,
    values: { x: [N, 2, I, -I] },
    want: { y: "n.+0", mean: "11", rstd: ".." },
  },
  {
    what: "batch_norm_relu, gradients: the channel, and a NaN passes dy",
    op: kernels.batchNormRelu,
    shapes: pair,
    attrs: fused,
    values: { x: [N, 1, 2, 3], moments: [1, 2, 0, 2] },
    routine: "x",
    want: { dx: "n.n.", dgamma: "n.", dbeta: "22" },
  },
  {
    what: "softmax_cross_entropy: the row and the mean",
    op: kernels.softmaxCrossEntropy,
    shapes: { logits: [3, 2], labels: [3] },
    attrs: { smoothing: 0 },
    values: { logits: [1, N, 1, 1, I, 1], labels: [0, 1, 0] },
    want: { losses: "!.!", log_sum: "!.!", rank: "w1w", loss: "!" },
  },
  {
    what: "softmax_cross_entropy: a logit of -Infinity has probability 0",
    op: kernels.softmaxCrossEntropy,
    shapes: { logits: [2, 2], labels: [2] },
    attrs: { smoothing: 0 },
    values: { logits: [1, -I, -I, 2], labels: [0, 0] },
    want: { losses: "0+", log_sum: "12", rank: "ww", loss: "+" },
  },
  {
    what: "softmax_cross_entropy: logits at the end of float32 have finite losses",
    op: kernels.softmaxCrossEntropy,
    shapes: { logits: [3, 2], labels: [3] },
    attrs: { smoothing: 0.5 },
    values: { logits: [3e38, 0, 3e38, 3e38, -3e38, 0], labels: [1, 0, 0] },
    want: { losses: "...", log_sum: "...", rank: "101", loss: "." },
  },
  {
    what: "softmax_cross_entropy, gradient: logits at the end of float32",
    op: kernels.softmaxCrossEntropy,
    shapes: { logits: [2, 2], labels: [2] },
    attrs: { smoothing: 0 },
    values: { logits: [3e38, -3e38, 3e38, 0], labels: [0, 0], log_sum: [3e38, 3e38], dloss: [1] },
    routine: "logits",
    want: { dlogits: "0000" },
  },
  {
    what: "softmax_cross_entropy, gradient: the row",
    op: kernels.softmaxCrossEntropy,
    shapes: { logits: [2, 2], labels: [2] },
    attrs: { smoothing: 0 },
    values: { logits: [1, N, -I, 1], labels: [0, 1], log_sum: [N, 1], dloss: [1] },
    routine: "logits",
    want: { dlogits: "!!00" },
  },
  {
    what: "clip_factor",
    op: kernels.clipFactor,
    ...one("squares", [I]),
    attrs: { limit: 2 },
    want: { norm: "+", factor: "n" },
  },
  {
    what: "clip_factor with a gate",
    op: kernels.clipFactor,
    ...one("squares", [N]),
    attrs: { limit: 2, gate: true },
    want: { norm: "n", factor: "m" },
  },
  {
    what: "sum of a NaN",
    op: kernels.sum,
    ...one("x", [1, N, 1]),
    attrs: { squares: false },
    want: { y: "n" },
  },
  {
    what: "sum of two infinities",
    op: kernels.sum,
    ...one("x", [I, 1, -I]),
    attrs: { squares: false },
    want: { y: "n" },
  },
  {
    what: "sum of squares",
    op: kernels.sum,
    ...one("x", [1, -I]),
    attrs: { squares: true },
    want: { y: "+" },
  },
  {
    what: "rmsprop: the parameter",
    op: kernels.rmsprop,
    shapes: bank("w", "g", "mean_square", "momentum"),
    attrs: { decay: 0.9, momentum: 0.9, epsilon: 1, weightDecay: 0 },
    values: { g: [N, 1, I] },
    want: { w: "n.*", mean_square: "n.+", momentum: "n.*" },
  },
  {
    what: "adamw: the parameter",
    op: kernels.adamw,
    shapes: { ...bank("w", "g", "mean", "variance"), correction: [2] },
    attrs: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 },
    values: { g: [N, 1, I] },
    want: { w: "n.*", mean: "n.+", variance: "n.+" },
  },
  {
    what: "sgd: the parameter",
    op: kernels.sgd,
    shapes: bank("w", "g", "momentum"),
    attrs: { momentum: 0.9, nesterov: true, weightDecay: 0 },
    values: { g: [N, 1, I] },
    want: { w: "n.-", momentum: "n.+" },
  },
  {
    what: "sgd: a rate is for all",
    op: kernels.sgd,
    shapes: bank("w", "g", "momentum"),
    attrs: { momentum: 0, nesterov: false, weightDecay: 0 },
    values: { rate: [N] },
    want: { w: "nnn", momentum: "111" },
  },
  {
    what: "rmsprop with a factor below 0",
    op: kernels.rmsprop,
    shapes: bank("w", "g", "mean_square", "momentum"),
    attrs: { decay: 0.9, momentum: 0.9, epsilon: 1, weightDecay: 0 },
    values: { g: [N, 1, I], factor: [-1] },
    want: { w: "111", mean_square: "111", momentum: "111" },
  },
  {
    what: "adamw with a factor below 0",
    op: kernels.adamw,
    shapes: { ...bank("w", "g", "mean", "variance"), correction: [2] },
    attrs: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 },
    values: { g: [N, 1, I], factor: [-1] },
    want: { w: "111", mean: "111", variance: "111" },
  },
  {
    what: "sgd with a factor below 0",
    op: kernels.sgd,
    shapes: bank("w", "g", "momentum"),
    attrs: { momentum: 0.9, nesterov: true, weightDecay: 0 },
    values: { g: [N, 1, I], factor: [-1] },
    want: { w: "111", momentum: "111" },
  },
  {
    what: "weight_average with a factor below 0",
    op: kernels.weightAverage,
    shapes: { average: [3], w: [3], decay: [1], factor: [1] },
    values: { w: [N, 1, I], decay: [0.5], factor: [-1] },
    want: { average: "111" },
  },
  {
    what: "weight_average",
    op: kernels.weightAverage,
    shapes: { average: [3], w: [3], decay: [1] },
    values: { w: [N, 1, I], decay: [0.5] },
    want: { average: "n1+" },
  },
];
