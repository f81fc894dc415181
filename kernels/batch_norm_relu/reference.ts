import * as batchNorm from "../batch_norm/reference.ts";
import { type Shapes, size, type Values } from "../op.ts";
import type { BatchNormReluAttrs } from "./batch_norm_relu.ts";
import { eachMoment } from "./merging.ts";

export function forward(t: Shapes, v: Values, attrs: BatchNormReluAttrs): Values {
  const channels = size(t.beta);
  const total = v.x.length / channels;
  const [mean, squares] = [new Float64Array(channels), new Float64Array(channels)];
  eachMoment(t, attrs, (n, c, at) => {
    mean[c] += (n / total) * v.moments[at];
  });
  eachMoment(t, attrs, (n, c, at) => {
    squares[c] += v.moments[at + channels] + n * (v.moments[at] - mean[c]) ** 2;
  });
  const { y, ...others } = batchNorm.trained(v, mean, squares, attrs);
  return { y: y.map((a) => Math.max(a, 0)), ...others };
}

/** Of x, the whole derivative: through the moments too. */
export function backward(t: Shapes, v: Values, { epsilon, decay }: BatchNormReluAttrs): Values {
  const channels = size(t.mean);
  const dy = v.dy.map((d, i) => {
    const c = i % channels;
    return (v.x[i] - v.mean[c]) * v.rstd[c] * v.gamma[c] + v.beta[c] <= 0 ? 0 : d;
  });
  return batchNorm.backward(t, { ...v, dy }, { training: true, epsilon, decay });
}
