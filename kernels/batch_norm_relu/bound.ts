import { affine, gradients, type Moments, merge, normalised } from "../batch_norm/bound.ts";
import { type Shapes, size, type Values } from "../op.ts";
import { either, flushed } from "../rounding.ts";
import { type Near, stored } from "../running_error.ts";
import type { BatchNormReluAttrs } from "./batch_norm_relu.ts";
import { eachMoment, merging } from "./merging.ts";

/** The kernels' formulas, on moments that are as they are given. */
export function forward(t: Shapes, v: Values, attrs: BatchNormReluAttrs): Values {
  const channels = size(t.beta);
  const parts: Moments[][] = Array.from({ length: channels }, () => []);
  eachMoment(t, attrs, (n, c, at) => {
    const [mean, squares] = [v.moments[at], v.moments[at + channels]];
    parts[c].push({ n, mean, squares, meanError: flushed(mean), squaresError: flushed(squares) });
  });
  const { each, blocks } = merging(t);
  const [groups, count] = t.moments;
  const ofChannel = (c: number): Moments => {
    if (each === 1) return merge(parts[c]);
    const first = (block: number) => Math.floor(block / blocks) * count + (block % blocks) * each;
    const last = (block: number) => Math.min(first(block) + each, (Math.floor(block / blocks) + 1) * count);
    const block = (_: unknown, i: number) => merge(parts[c].slice(first(i), last(i)));
    return merge(Array.from({ length: groups * blocks }, block));
  };
  const { y, ...others } = normalised(v, attrs, ofChannel);
  // below 0 by more than it may be off, it is 0
  return { y: Float64Array.from(y, ({ value, error }) => (value < -error ? 0 : error)), ...others };
}

/** The kernels' formulas; where y may be on either side of the kink, so may the gradient. */
export function backward(t: Shapes, v: Values): Values {
  const channels = size(t.mean);
  const masked = (i: number, normal: Near): Near => {
    const { value, error } = affine(normal, v, i % channels);
    if (error !== 0 && !(Math.abs(value) > error))
      return { value: value > 0 ? v.dy[i] : 0, error: either(Math.abs(v.dy[i])) };
    return value > 0 ? stored(v.dy[i]) : { value: 0, error: 0 };
  };
  return gradients(t, v, masked, true);
}
