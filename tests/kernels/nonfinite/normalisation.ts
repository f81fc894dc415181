// Rows of batch normalisation and moments.

import * as kernels from "../../../kernels/index.ts";
import { I, N, type Row } from "./row.ts";

const two = { values: { x: [N, 1, 2, 3], gamma: [1, 1], beta: [0, 0] } };
const normalised = { x: [2, 2], gamma: [2], beta: [2], running_mean: [2], running_var: [2] };
const pair = { ...normalised, moments: [1, 1, 2, 2] };
const fused = { epsilon: 1e-3, decay: 0.9, rows: 16, groups: 1 };
const frozen = { training: false, epsilon: 1e-3, decay: 0.9 };
const training = { ...frozen, training: true };

export const ROWS: readonly Row[] = [
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
];
