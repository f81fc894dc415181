import { adamw } from "./adamw/adamw.ts";
import { add } from "./add/add.ts";
import { avgPool2d } from "./avg_pool2d/avg_pool2d.ts";
import { batchNorm } from "./batch_norm/batch_norm.ts";
import { batchNormRelu } from "./batch_norm_relu/batch_norm_relu.ts";
import { castF16, castF32 } from "./cast/cast.ts";
import { clipFactor } from "./clip_factor/clip_factor.ts";
import { concat } from "./concat/concat.ts";
import { conv2d } from "./conv2d/conv2d.ts";
import { conv2dBatchNormRelu } from "./conv2d_batch_norm_relu/conv2d_batch_norm_relu.ts";
import { conv2dMoments } from "./conv2d_moments/conv2d_moments.ts";
import { conv2dResidual } from "./conv2d_residual/conv2d_residual.ts";
import { copy } from "./copy/copy.ts";
import { dropout } from "./dropout/dropout.ts";
import { fill } from "./fill/fill.ts";
import { globalAvgPool } from "./global_avg_pool/global_avg_pool.ts";
import { linear } from "./linear/linear.ts";
import { maxPool2d } from "./max_pool2d/max_pool2d.ts";
import { moments } from "./moments/moments.ts";
import type { Op } from "./op.ts";
import { relu } from "./relu/relu.ts";
import { rmsprop } from "./rmsprop/rmsprop.ts";
import { scaleAddRelu } from "./scale_add_relu/scale_add_relu.ts";
import { sgd } from "./sgd/sgd.ts";
import { softmaxCrossEntropy } from "./softmax_cross_entropy/softmax_cross_entropy.ts";
import { sum } from "./sum/sum.ts";
import { weightAverage } from "./weight_average/weight_average.ts";

export { bank } from "./bank.ts";
export { elementwise, flat, share } from "./elementwise.ts";
export * from "./errors.ts";
export * from "./op.ts";
export * from "./rounding.ts";
export {
  adamw,
  add,
  avgPool2d,
  batchNorm,
  batchNormRelu,
  castF16,
  castF32,
  clipFactor,
  concat,
  conv2d,
  conv2dBatchNormRelu,
  conv2dMoments,
  conv2dResidual,
  copy,
  dropout,
  fill,
  globalAvgPool,
  linear,
  maxPool2d,
  moments,
  relu,
  rmsprop,
  scaleAddRelu,
  sgd,
  softmaxCrossEntropy,
  sum,
  weightAverage,
};

/** Every operation there is; a concatenation of two and of three stands for those of any number. */
export const ops: readonly Op[] = [
  adamw,
  add,
  avgPool2d,
  batchNorm,
  batchNormRelu,
  castF16,
  castF32,
  clipFactor,
  /* @__PURE__ */ concat(2), // so that bundlers may leave the list out
  /* @__PURE__ */ concat(3),
  conv2d,
  conv2dBatchNormRelu,
  conv2dMoments,
  conv2dResidual,
  copy,
  dropout,
  fill,
  globalAvgPool,
  linear,
  maxPool2d,
  moments,
  relu,
  rmsprop,
  scaleAddRelu,
  sgd,
  softmaxCrossEntropy,
  sum,
  weightAverage,
];
