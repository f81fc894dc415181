import { type Shape, type Shapes, size, type Values } from "../op.ts";
import { gamma as compound, filled, LARGEST, TINY, U } from "../rounding.ts";
import { attribute, inverseRoot, minus, type Near, over, plus, stored, times } from "../running_error.ts";
import type { BatchNormAttrs } from "./batch_norm.ts";
import { cut } from "./blocks.ts";

/** Mean and sum of squared deviations of `n` values, and how far off float32 may have them. */
export interface Moments {
  readonly n: number;
  readonly mean: number;
  readonly squares: number;
  readonly meanError: number;
  readonly squaresError: number;
}

const sum = <T>(list: readonly T[], term: (item: T) => number): number =>
  list.reduce((s, item) => s + term(item), 0);

/** Moments of a block as kernels `statistics` and `moments/forward` make them. */
export function ofBlock(x: readonly number[]): Moments {
  const n = x.length;
  const mean = sum(x, (v) => v) / n;
  const squares = sum(x, (v) => (v - mean) ** 2);
  // a value, its difference from the mean, a sum and what follows from it may each be flushed
  const rough = (compound(n + 3) * sum(x, Math.abs)) / n + 3 * TINY; // how far the first pass's mean is off
  const rest = compound(n + 1) * (sum(x, (v) => Math.abs(v - mean)) + n * rough) + 3 * n * TINY;
  const correction = rest / n + compound(3) * (rough + rest / n) + 2 * TINY;
  const removed = ((n * rough + rest) ** 2 * (1 + compound(5)) - (n * rough) ** 2) / n + 2 * TINY;
  const summed = squares + n * rough ** 2;
  const finite = summed * (1 + compound(n + 4)) < LARGEST;
  return {
    n,
    mean,
    squares,
    meanError: correction + U * (Math.abs(mean) + correction),
    squaresError: finite ? compound(n + 4) * summed + removed + U * squares + 2 * n * TINY : Infinity,
  };
}

/** Moments of all values from those of their blocks, as kernels `finish` and `merge` do. */
export function merge(blocks: readonly Moments[]): Moments {
  const n = sum(blocks, (b) => b.n);
  const mean = sum(blocks, (b) => b.n * b.mean) / n;
  const squares = sum(blocks, (b) => b.squares + b.n * (b.mean - mean) ** 2);
  const [shift] = blocks;
  const rounding = compound(blocks.length + 5);
  const shifted =
    sum(blocks, (b) => b.n * (Math.abs(b.mean - shift.mean) + b.meanError + shift.meanError)) / n;
  const handed = sum(blocks, (b) => b.n * b.meanError) / n + rounding * shifted + 4 * blocks.length * TINY;
  const meanError = handed + U * (Math.abs(mean) + handed);
  const apart = (b: Moments) => (Math.abs(b.mean - mean) + b.meanError + meanError) ** 2;
  const squaresError = sum(blocks, (b) => {
    const moved = b.n * (apart(b) - (b.mean - mean) ** 2);
    return b.squaresError + moved + rounding * (b.squares + b.squaresError + b.n * apart(b)) + 4 * TINY;
  });
  const finite = squares + squaresError < LARGEST;
  return { n, mean, squares, meanError, squaresError: finite ? squaresError : Infinity };
}

/** Moments of channel `c`. */
function moments(x: Float64Array, shape: Shape, c: number): Moments {
  const { pixels, rows } = cut(shape);
  const channels = shape[shape.length - 1];
  const blocks: Moments[] = [];
  for (let image = 0; image < shape[0]; image++)
    for (let first = 0; first < pixels; first += rows) {
      const at = (image * pixels + first) * channels + c;
      blocks.push(
        ofBlock(Array.from({ length: Math.min(rows, pixels - first) }, (_, i) => x[at + i * channels])),
      );
    }
  return merge(blocks);
}

/** The kernels' formulas, on moments that are off as they make them. */
export function forward(t: Shapes, v: Values, attrs: BatchNormAttrs): Values {
  const made = normalised(v, attrs, attrs.training ? (c) => moments(v.x, t.x, c) : undefined);
  const { y, mean, rstd, running_mean, running_var } = { ...made, y: errors(made.y) };
  return attrs.training ? { y, mean, rstd, running_mean, running_var } : { y, mean, rstd };
}

/** y, and how far off the other outputs may be, by the moments of each channel or else by the running statistics. */
export function normalised(
  v: Values,
  attrs: Pick<BatchNormAttrs, "epsilon" | "decay">,
  ofChannel?: (c: number) => Moments,
) {
  const channels = v.beta.length;
  const [epsilon, gain] = [attribute(attrs.epsilon), attribute(1 - attrs.decay)];
  const [mean, rstd, running_mean, running_var] = [0, 1, 2, 3].map(() => filled(channels, 0));
  const used: { mean: Near; rstd: Near }[] = [];
  for (let c = 0; c < channels; c++) {
    const old = { mean: stored(v.running_mean[c]), variance: stored(v.running_var[c]) };
    let statistics = old;
    if (ofChannel) {
      const m = ofChannel(c);
      const squares = { value: m.squares, error: m.squaresError };
      const divided = (by: number) => over(squares, { value: by, error: 0 });
      statistics = { mean: { value: m.mean, error: m.meanError }, variance: divided(m.n) };
      const blend = (from: Near, to: Near) => plus(from, times(gain, minus(to, from))).error;
      running_mean[c] = blend(old.mean, statistics.mean);
      running_var[c] = blend(old.variance, divided(Math.max(m.n - 1, 1)));
    }
    used.push({ mean: statistics.mean, rstd: inverseRoot(plus(statistics.variance, epsilon)) });
    [mean[c], rstd[c]] = [statistics.mean.error, used[c].rstd.error];
  }
  const y = Array.from(v.x, (a, i) => {
    const c = i % channels;
    return affine(normal(stored(a), used[c].mean, used[c].rstd), v, c);
  });
  return { y, mean, rstd, running_mean, running_var };
}

const normal = (x: Near, mean: Near, rstd: Near): Near => times(minus(x, mean), rstd);

/** y from the normalised value. */
export const affine = (x: Near, { gamma, beta }: Values, c: number): Near =>
  plus(times(x, stored(gamma[c])), stored(beta[c]));

const errors = (list: readonly Near[]) => Float64Array.from(list, ({ error }) => error);

/** The kernels' formulas. */
export function backward(t: Shapes, v: Values, { training }: BatchNormAttrs): Values {
  return gradients(t, v, (i) => stored(v.dy[i]), training);
}

/**
 * The kernels' formulas on a gradient `dy` that may depend on the element's normalised value, and on sums of as many
 * terms as a block has pixels and then of as many as there are blocks.
 */
export function gradients(t: Shapes, v: Values, dy: (i: number, x: Near) => Near, training: boolean): Values {
  const channels = size(t.mean);
  const total = v.x.length / channels;
  const { blocks, rows } = cut(t.x);
  const [mean, rstd, gamma] = [v.mean, v.rstd, v.gamma].map((list) => Array.from(list, stored));
  const normals = Array.from(v.x, (a, i) => normal(stored(a), mean[i % channels], rstd[i % channels]));
  const given = normals.map((x, i) => dy(i, x));
  const [sums, products] = [0, 1].map(() => Array.from({ length: channels }, () => new Sum()));
  for (let i = 0; i < v.x.length; i++) {
    sums[i % channels].add(given[i]);
    products[i % channels].add(times(given[i], normals[i]));
  }
  const additions = rows + t.x[0] * blocks;
  const [dbeta, dgamma] = [sums, products].map((list) => list.map((s) => s.near(additions)));
  const none = { value: 0, error: 0 };
  const average = (s: Near) => (training ? over(s, { value: total, error: 0 }) : none);
  const [means, slopes] = [dbeta.map(average), dgamma.map(average)];
  const dx = given.map((d, i) => {
    const c = i % channels;
    const inner = minus(minus(d, means[c]), times(normals[i], slopes[c]));
    return times(times(gamma[c], rstd[c]), inner);
  });
  return { dx: errors(dx), dgamma: errors(dgamma), dbeta: errors(dbeta) };
}

/** A sum in any order. */
class Sum {
  #terms = 0;
  #value = 0;
  #magnitude = 0;
  #error = 0;

  add({ value, error }: Near): void {
    this.#terms++;
    this.#value += value;
    this.#magnitude += Math.abs(value);
    this.#error += error;
  }

  /** After at most so many `additions` in a row, each of which may be flushed. */
  near(additions: number): Near {
    const carried = this.#error + this.#terms * TINY + compound(additions) * (this.#magnitude + this.#error);
    return { value: this.#value, error: this.#magnitude + carried < LARGEST ? carried : Infinity };
  }
}
