// Rows of convolutions, pools and the fully connected layer.

import * as kernels from "../../../kernels/index.ts";
import { I, N, pool, type Row } from "./row.ts";

const row4 = { x: [1, 1, 4, 1] };
const statistics = { b: [2], gamma: [2], beta: [2], running_mean: [2], running_var: [2] };

export const ROWS: readonly Row[] = [
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
];
