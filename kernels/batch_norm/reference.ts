import { type Shapes, size, type Values } from "../op.ts";
import type { BatchNormAttrs } from "./batch_norm.ts";

export function forward(t: Shapes, v: Values, attrs: BatchNormAttrs): Values {
  const { x, running_mean, running_var } = v;
  if (!attrs.training) {
    const used = { mean: running_mean.slice(), rstd: inverse(running_var, attrs.epsilon) };
    return { y: normalised(v, used.mean, used.rstd), ...used };
  }
  const channels = size(t.mean);
  const total = x.length / channels;
  const [mean, squares] = [new Float64Array(channels), new Float64Array(channels)];
  for (let i = 0; i < x.length; i++) mean[i % channels] += x[i] / total;
  for (let i = 0; i < x.length; i++) squares[i % channels] += (x[i] - mean[i % channels]) ** 2;
  return trained(v, mean, squares, attrs);
}

const inverse = (variance: Float64Array, epsilon: number) => variance.map((v) => 1 / Math.sqrt(v + epsilon));

const normalised = ({ x, gamma, beta }: Values, mean: Float64Array, rstd: Float64Array) =>
  x.map((a, i) => {
    const c = i % mean.length;
    return (a - mean[c]) * rstd[c] * gamma[c] + beta[c];
  });

/** Outputs and running statistics by the batch's mean and the sum of squared deviations from it. */
export function trained(
  v: Values,
  mean: Float64Array,
  squares: Float64Array,
  { epsilon, decay }: Pick<BatchNormAttrs, "epsilon" | "decay">,
): Values {
  const total = v.x.length / mean.length;
  const rstd = inverse(
    squares.map((s) => s / total),
    epsilon,
  );
  return {
    y: normalised(v, mean, rstd),
    mean,
    rstd,
    running_mean: v.running_mean.map((old, c) => decay * old + (1 - decay) * mean[c]),
    running_var: v.running_var.map(
      (old, c) => decay * old + ((1 - decay) * squares[c]) / Math.max(total - 1, 1),
    ),
  };
}

/** Through the statistics too where they are the batch's: `mean` and `rstd` are read as the forward pass left them. */
export function backward(
  t: Shapes,
  { x, gamma, mean, rstd, dy }: Values,
  { training }: BatchNormAttrs,
): Values {
  const channels = size(t.mean);
  const total = x.length / channels;
  const normal = x.map((a, i) => (a - mean[i % channels]) * rstd[i % channels]);
  const [dgamma, dbeta] = [new Float64Array(channels), new Float64Array(channels)];
  for (let i = 0; i < x.length; i++) {
    dbeta[i % channels] += dy[i];
    dgamma[i % channels] += dy[i] * normal[i];
  }
  const dx = dy.map((d, i) => {
    const c = i % channels;
    const through = training ? (dbeta[c] + normal[i] * dgamma[c]) / total : 0;
    return gamma[c] * rstd[c] * (d - through);
  });
  return { dx, dgamma, dbeta };
}
