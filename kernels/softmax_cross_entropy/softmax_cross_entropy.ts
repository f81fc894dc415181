import { channels } from "../draw.ts";
import { ShapeError } from "../errors.ts";
import { type Case, type Kernel, type Op, type Shapes, size } from "../op.ts";
import { either, filled, gamma, TINY, U } from "../rounding.ts";
import backward from "./backward.wgsl";
import mean from "./mean.wgsl";
import rows from "./rows.wgsl";
import shape from "./shape.wgsl";

export interface SoftmaxCrossEntropyAttrs {
  /** Part of the target that is spread over all classes, at least 0 and below 1. */
  readonly smoothing: number;
}

type Attrs = SoftmaxCrossEntropyAttrs;

const kernel = (file: string, wgsl: string, threads: Kernel<Attrs>["threads"]): Kernel<Attrs> => ({
  label: `softmax_cross_entropy/${file}`,
  source: wgsl + shape,
  uniforms: ({ logits: [n, k] }, { smoothing }) => ({
    n,
    k,
    on_label: 1 - smoothing,
    on_each: smoothing / k,
  }),
  threads,
});

/**
 * Mean over the batch of the cross entropy of softmax(logits) with smoothed labels (Szegedy et al. 2016, section 7),
 * `loss = mean_n sum_c -target[n,c] * log softmax(logits)[n,c]`, target = (1 - smoothing) * onehot + smoothing / k.
 * logits [n,k], labels [n] as i32 -> loss [1]; losses [n] before the mean; log_sum [n], the logarithm of the sum of
 * exp(logits); rank [n] as u32, the number of classes ahead of the label, lower classes first among equals: the label
 * is among the best m where rank < m. Only `loss` has a gradient, and only towards the logits.
 * Throws ShapeError where the numbers of rows differ or smoothing is out of range. That labels are in [0, k) is for
 * the caller to check: where one is not, its loss and the mean are NaN, its gradient is not finite, its rank 2^32 - 1.
 * A logit that is +Infinity or NaN spoils its row and the mean loss, one that is -Infinity has probability 0, and costs
 * an infinite loss only where it is in the target. The rank of a row with either is 2^32 - 1: no prediction.
 */
export const softmaxCrossEntropy: Op<SoftmaxCrossEntropyAttrs> = {
  name: "softmax_cross_entropy",
  inputs: ["logits", "labels"],
  dtypes: { labels: "i32", rank: "u32" },
  batched: [], // the gradient needs the size of the whole batch

  shapes({ logits, labels }, { smoothing }) {
    if (logits.length !== 2)
      throw new ShapeError(`softmax_cross_entropy: logits is [${logits}] but [n,k] is expected`);
    const n = [logits[0]];
    if (String(labels) !== String(n))
      throw new ShapeError(`softmax_cross_entropy: labels is [${labels}] but logits has ${n} rows`);
    if (!(smoothing >= 0 && smoothing < 1))
      throw new ShapeError(
        `softmax_cross_entropy: smoothing is ${smoothing} but at least 0 and below 1 is expected`,
      );
    return { loss: [1], losses: n, log_sum: n, rank: n };
  },

  cost: { forward: "6 logits + labels", logits: "4 logits" },
  /**
   * A logit is compared with the greatest and the label's, shifted, exponentiated and added twice; in the gradient
   * shifted, exponentiated, compared and scaled.
   */
  flops: ({ logits: [n, k] }) => ({ forward: 6 * n * k + n, logits: 4 * n * k }),

  forward: [
    {
      name: "workgroup a row",
      kernels: [
        kernel("rows", rows, ({ logits: [n] }, _, { WG }) => [n * WG, 1, 1]),
        { ...kernel("mean", mean, () => [1, 1, 1]), flops: ({ logits: [n] }) => n },
      ],
    },
  ],
  backward: {
    logits: [{ name: "plain", kernels: [kernel("backward", backward, ({ logits: [n, k] }) => [k, n, 1])] }],
  },

  reference: {
    forward(t, { logits, labels }, { smoothing }) {
      const [n, k] = t.logits;
      const [losses, log_sum, rank] = [filled(n, 0), filled(n, 0), filled(n, 0)];
      each(t, logits, (row, z, top, logSum) => {
        const label = labels[row];
        const all = logits.subarray(row * k, (row + 1) * k);
        const behind = all.filter((v, c) => v < all[label] || (v === all[label] && c >= label));
        log_sum[row] = top + logSum;
        const spread = smoothing > 0 ? (smoothing / k) * total(z) : 0;
        losses[row] = logSum - (1 - smoothing) * z[label] - spread;
        rank[row] = all.every(Number.isFinite) ? k - behind.length : 2 ** 32 - 1;
      });
      return { loss: filled(1, total(losses) / n), losses, log_sum, rank };
    },
    backward(t, { logits, labels, dloss }, { smoothing }) {
      const [n, k] = t.logits;
      const dlogits = new Float64Array(n * k);
      each(t, logits, (row, z, _, logSum) => {
        for (let c = 0; c < k; c++) {
          const target = smoothing / k + (c === labels[row] ? 1 - smoothing : 0);
          dlogits[row * k + c] = ((Math.exp(z[c] - logSum) - target) * dloss[0]) / n;
        }
      });
      return { dlogits };
    },
  },

  bound: {
    forward(t, { logits, labels }, { smoothing }) {
      const [n, k] = t.logits;
      const [losses, log_sum, magnitudes, rank] = [0, 1, 2, 3].map(() => filled(n, 0));
      each(t, logits, (row, z, top, logSum) => {
        // each exponential: U |z| for its argument and (3 + 2 |z|) U of its own; then their sum; then the logarithm
        const exps = total(z.map((v) => Math.exp(v) * (3 + 3 * Math.abs(v)) * U + TINY)) / Math.exp(logSum);
        const log = exps + gamma(k) + 2 ** -21 + 3 * U * logSum;
        const spread = (smoothing / k) * total(z.map(Math.abs));
        magnitudes[row] = logSum + (1 - smoothing) * Math.abs(z[labels[row]]) + spread;
        log_sum[row] = log + U * Math.abs(top + logSum);
        losses[row] = log + gamma(k + 2) * spread + gamma(5) * magnitudes[row];
        // of subnormal logits any may count as equal
        const own = logits[row * k + labels[row]];
        const all = logits.subarray(row * k, (row + 1) * k);
        const alike = all.filter((v) => v !== own && Math.abs(v) < TINY).length;
        rank[row] = Math.abs(own) < TINY ? either(alike) : 0;
      });
      const loss = (total(losses) + gamma(n + 3) * total(magnitudes)) / n;
      return { loss: filled(1, loss), losses, log_sum, rank };
    },
    backward(t, { logits, labels, dloss }, { smoothing }) {
      const [n, k] = t.logits;
      const dlogits = new Float64Array(n * k);
      each(t, logits, (row, z, top, logSum) => {
        for (let c = 0; c < k; c++) {
          const shifted = z[c] - logSum;
          const p = Math.exp(shifted);
          const target = smoothing / k + (c === labels[row] ? 1 - smoothing : 0);
          // log_sum is read as rounded to float32; else as forward. It is at least the largest logit, however it is
          // rounded, so that no exponential is far above 1
          const off = (3 + 3 * Math.abs(shifted) + Math.abs(top + logSum)) * U;
          const exp = Math.min(Math.exp(shifted + off) - p, 1 + 3 * U) + TINY;
          dlogits[row * k + c] = ((exp + gamma(7) * (p + target)) * Math.abs(dloss[0])) / n + TINY;
        }
      });
      return { dlogits };
    },
  },

  sample: (input, axes, random, _, { logits: [, k] }) =>
    Float64Array.from({ length: size(axes) }, () =>
      input === "labels" ? Math.floor(k * random()) : 8 * random() - 4,
    ),
  arbitrary(draw) {
    const n = draw.integer(0, 5) === 5 ? channels(draw) : draw.integer(1, 5);
    const k = draw.integer(0, 5) === 5 ? draw.pick([128, 261, 1001]) : channels(draw);
    return { shapes: { logits: [n, k], labels: [n] }, attrs: { smoothing: draw.pick([0, 0.1, 0.3, 0.9]) } };
  },
  cases: [
    example("ten classes", [4, 10]),
    example("ten classes, smoothed", [4, 10], { smoothing: 0.1 }),
    example("classes over one workgroup", [3, 67], { smoothing: 0.3 }),
    example("classes over the widest workgroup", [2, 261]),
    example("ImageNet", [2, 1001], { smoothing: 0.1 }),
    example("one row", [1, 5]),
    example("one class", [3, 1], { smoothing: 0.5 }),
    example("one class, rows far apart", [3, 1], { smoothing: 0.5, logits: (i) => 1000 * i }),
    example("more rows than classes", [5, 3]),
    example("rows far apart, their peaks apart", [4, 6], {
      logits: (i) => 1000 * Math.floor(i / 6) + (i % 6 === (5 * Math.floor(i / 6)) % 6 ? 500 : i % 6),
    }),
    example("a peak at every class in turn", [70, 70], {
      logits: (i) => (i % 71 === 0 ? 200 : (i % 13) - 6),
    }),
    example("all equal", [3, 7], { smoothing: 0.2, logits: () => 3 }),
    example("all equal and large", [3, 7], { logits: () => 1e4 }),
    example("far apart", [4, 6], { smoothing: 0.1, logits: (i) => 1e4 * ((i * 5) % 3) - 1e4 }),
  ],
};

const total = (values: Float64Array) => values.reduce((a, b) => a + b, 0);

/** Calls `visit` for every row with its logits less the largest, that one, and the log of the sum of their exp. */
function each(
  { logits: [n, k] }: Shapes,
  logits: Float64Array,
  visit: (row: number, z: Float64Array, top: number, logSum: number) => void,
): void {
  for (let row = 0; row < n; row++) {
    const all = logits.subarray(row * k, (row + 1) * k);
    const top = all.reduce((a, b) => Math.max(a, b));
    const z = all.map((v) => v - top);
    visit(row, z, top, Math.log(total(z.map(Math.exp))));
  }
}

/** Labels go through the classes in steps of 3; logits are drawn, or those of a function of the element. */
function example(
  what: string,
  [n, k]: readonly [number, number],
  { smoothing = 0, logits }: { smoothing?: number; logits?: (i: number) => number } = {},
): Case<Attrs> {
  const labels = Array.from({ length: n }, (_, row) => (3 * row + k - 1) % k);
  const values = { labels, ...(logits && { logits: Array.from({ length: n * k }, (_, i) => logits(i)) }) };
  return { what, shapes: { logits: [n, k], labels: [n] }, attrs: { smoothing }, values };
}
