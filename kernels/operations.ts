// Every operation there is. A new one is a folder, and a line here.

export { type AdamwAttrs, adamw } from "./adamw/adamw.ts";
export { add } from "./add/add.ts";
export { avgPool2d } from "./avg_pool2d/avg_pool2d.ts";
export { type BatchNormAttrs, batchNorm } from "./batch_norm/batch_norm.ts";
export { type BatchNormReluAttrs, batchNormRelu } from "./batch_norm_relu/batch_norm_relu.ts";
export { type CastF32Attrs, castF16, castF32 } from "./cast/cast.ts";
export { type ClipFactorAttrs, clipFactor } from "./clip_factor/clip_factor.ts";
export { concat } from "./concat/concat.ts";
export { conv2d } from "./conv2d/conv2d.ts";
export type { Conv2dAttrs } from "./conv2d/kernel.ts";
export {
  type Conv2dBatchNormReluAttrs,
  conv2dBatchNormRelu,
} from "./conv2d_batch_norm_relu/conv2d_batch_norm_relu.ts";
export { conv2dMoments } from "./conv2d_moments/conv2d_moments.ts";
export { type Conv2dResidualAttrs, conv2dResidual } from "./conv2d_residual/conv2d_residual.ts";
export { copy } from "./copy/copy.ts";
export { type DropoutAttrs, dropout } from "./dropout/dropout.ts";
export { type FillAttrs, fill } from "./fill/fill.ts";
export { globalAvgPool } from "./global_avg_pool/global_avg_pool.ts";
export { linear } from "./linear/linear.ts";
export { maxPool2d } from "./max_pool2d/max_pool2d.ts";
export { mean } from "./mean/mean.ts";
export { meanSquaredError } from "./mean_squared_error/mean_squared_error.ts";
export { type MomentsAttrs, moments } from "./moments/moments.ts";
export { multiply } from "./multiply/multiply.ts";
export type { Pool2dAttrs } from "./pooling.ts";
export { relu } from "./relu/relu.ts";
export { type RmspropAttrs, rmsprop } from "./rmsprop/rmsprop.ts";
export { type ScaleAttrs, scale } from "./scale/scale.ts";
export { type ScaleAddReluAttrs, scaleAddRelu } from "./scale_add_relu/scale_add_relu.ts";
export { type SgdAttrs, sgd } from "./sgd/sgd.ts";
export { sigmoid } from "./sigmoid/sigmoid.ts";
export { softmax } from "./softmax/softmax.ts";
export {
  type SoftmaxCrossEntropyAttrs,
  softmaxCrossEntropy,
} from "./softmax_cross_entropy/softmax_cross_entropy.ts";
export { type SumAttrs, sum } from "./sum/sum.ts";
export { tanh } from "./tanh/tanh.ts";
export { weightAverage } from "./weight_average/weight_average.ts";
