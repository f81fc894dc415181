// A check says nothing of an element whose bound is infinite. How many those are, over random problems at the edges of
// float32: none but where something overflows, or depends on what is not finite.

import { boundOf, type CheckProblem, problem } from "../../engine/gradcheck/operations/problem.ts";
import { REGIMES, type Regime } from "../../engine/gradcheck/operations/sampling.ts";
import { stream } from "../../engine/random.ts";
import { type Draw, type Op, ops } from "../../kernels/index.ts";
import { group } from "../harness.ts";

const check = group("bounds");
const PROBLEMS = 24;

/**
 * Shares allowed of the elements whose bound is infinite, the mean over the problems, by operation and tensor: a fifth
 * above what was seen. All other tensors, and all other regimes, have none.
 */
const ALLOWED: Partial<Record<Regime, Record<string, Record<string, number>>>> = {
  // two inputs at up to 2^100 are multiplied, or one is squared; momentum and weights follow their gradients
  large: {
    adamw: { w: 0.83, mean: 0.18, variance: 0.82 },
    batch_norm: { y: 0.25, rstd: 0.15, running_var: 0.15 },
    batch_norm_relu: { y: 0.35, rstd: 0.35, running_var: 0.35 },
    conv2d: { y: 0.19, "y winograd_1x4": 0.044, "y winograd_4x4": 0.056, "y winograd_2x2": 0.027 },
    conv2d_batch_norm_relu: {
      y: 0.53,
      "y winograd_4x4": 0.15,
      "y winograd_2x2": 0.13,
      "y winograd_1x4": 0.093,
      "y winograd_4x1": 0.011,
    },
    conv2d_moments: {
      y: 0.19,
      moments: 0.64,
      "y winograd_4x4": 0.056,
      "moments winograd_4x4": 0.13,
      "y winograd_2x2": 0.027,
      "moments winograd_2x2": 0.13,
      "y winograd_1x4": 0.043,
      "moments winograd_1x4": 0.075,
      "moments winograd_4x1": 0.025,
      "moments winograd_1x4_of_7": 0.05,
      "moments winograd_4x1_of_7": 0.025,
    },
    conv2d_residual: { y: 0.18, "y winograd_4x4": 0.05, "y winograd_2x2": 0.027, "y winograd_1x4": 0.043 },
    linear: { y: 0.3 },
    mean_squared_error: { loss: 0.45 },
    moments: { moments: 0.12 },
    multiply: { y: 0.05 },
    rmsprop: { w: 0.78, mean_square: 0.8, momentum: 0.78 },
    sgd: { w: 0.7, momentum: 0.23 },
    sum: { y: 0.15 },
  },
  // all that a NaN or an infinity in one element may reach: all of a small problem, a whole bank by its rate
  nonfinite: {
    adamw: { w: 0.58, mean: 0.22, variance: 0.21 },
    add: { y: 0.005 },
    avg_pool2d: { y: 0.0089 },
    batch_norm: {
      y: 0.043,
      mean: 0.0088,
      rstd: 0.009,
      dx: 0.033,
      dgamma: 0.043,
      running_mean: 0.0032,
      running_var: 0.0064,
    },
    batch_norm_relu: {
      y: 0.036,
      mean: 0.0016,
      rstd: 0.015,
      dx: 0.051,
      dgamma: 0.051,
      dbeta: 0.051,
      running_mean: 0.012,
      running_var: 0.028,
    },
    cast_f16: { y: 0.0099 },
    clip_factor: { norm: 1, factor: 1 },
    concat: { y: 0.0016 },
    conv2d: {
      y: 0.12,
      dx: 0.11,
      dw: 0.0096,
      "y winograd_4x4": 0.007,
      "dx winograd_4x4": 0.033,
      "y winograd_2x2": 0.007,
      "dx winograd_2x2": 0.033,
      "y winograd_1x4": 0.0046,
      "dx winograd_1x4": 0.016,
      "y winograd_4x1": 0.0017,
      "dx winograd_4x1": 0.0034,
      "y winograd_1x4_of_7": 0.0019,
      "y winograd_4x1_of_7": 0.0014,
      "dx winograd_4x1_of_7": 0.01,
    },
    conv2d_batch_norm_relu: {
      y: 0.13,
      "y winograd_4x4": 0.011,
      "y winograd_2x2": 0.0084,
      "y winograd_1x4": 0.053,
      "y winograd_4x1": 0.0017,
      "y winograd_1x4_of_7": 0.0018,
      "y winograd_4x1_of_7": 0.0014,
    },
    conv2d_moments: {
      y: 0.093,
      moments: 0.28,
      dx: 0.077,
      dw: 0.028,
      "y winograd_4x4": 0.024,
      "moments winograd_4x4": 0.064,
      "dx winograd_4x4": 0.0039,
      "y winograd_2x2": 0.015,
      "moments winograd_2x2": 0.064,
      "dx winograd_2x2": 0.0039,
      "y winograd_1x4": 0.029,
      "moments winograd_1x4": 0.064,
      "dx winograd_1x4": 0.013,
      "y winograd_4x1": 0.0019,
      "moments winograd_4x1": 0.013,
      "y winograd_1x4_of_7": 0.0018,
      "moments winograd_1x4_of_7": 0.0018,
      "dx winograd_1x4_of_7": 0.0067,
      "y winograd_4x1_of_7": 0.0014,
      "moments winograd_4x1_of_7": 0.0014,
      "dx winograd_4x1_of_7": 0.01,
    },
    conv2d_residual: {
      y: 0.11,
      dx: 0.23,
      dw: 0.19,
      db: 0.21,
      dshortcut: 0.054,
      "y winograd_4x4": 0.016,
      "dx winograd_4x4": 0.1,
      "y winograd_2x2": 0.012,
      "dx winograd_2x2": 0.094,
      "y winograd_1x4": 0.052,
      "dx winograd_1x4": 0.05,
      "y winograd_4x1": 0.0017,
      "dx winograd_4x1": 0.0034,
      "y winograd_1x4_of_7": 0.0018,
      "dx winograd_1x4_of_7": 0.05,
      "y winograd_4x1_of_7": 0.000019,
    },
    copy: { y: 0.005 },
    dropout: { y: 0.005 },
    global_avg_pool: { y: 0.018 },
    linear: { y: 0.27, dx: 0.0039, dw: 0.0095 },
    max_pool2d: { y: 0.008, index: 0.0073, dx: 0.004 },
    mean: { y: 1 },
    mean_squared_error: { loss: 1, dx: 0.005, dtarget: 0.005 },
    moments: { moments: 0.012 },
    multiply: { y: 0.005, da: 0.0026, db: 0.0023 },
    relu: { y: 0.005, dx: 0.005 },
    rmsprop: { w: 0.33, mean_square: 0.13, momentum: 0.33 },
    scale: { y: 0.005 },
    scale_add_relu: { y: 0.005, dx: 0.0013, dr: 0.0013 },
    sgd: { w: 0.52, momentum: 0.12 },
    sigmoid: { y: 0.005, dx: 0.005 },
    softmax: { y: 0.11, dx: 0.11 },
    softmax_cross_entropy: { loss: 1, losses: 0.57, log_sum: 0.57, rank: 0.57, dlogits: 0.57 },
    sum: { y: 1, dx: 0.0015 },
    tanh: { y: 0.005, dx: 0.005 },
    weight_average: { average: 0.43 },
  },
};

const drawing = (next: () => number): Draw => ({
  integer: (least, most) => least + Math.floor(next() * (most - least + 1)),
  pick: (choices) => choices[Math.floor(next() * choices.length)],
});

/** Bounds by tensor, and those that an algorithm states itself by its name too. */
function boundsOf(op: Op, attrs: unknown, p: CheckProblem): [name: string, bounds: Float64Array][] {
  const own = Object.entries({ forward: op.forward, ...op.backward }).flatMap(([routine, list]) =>
    list
      .filter(({ bound, fits }) => bound && (fits?.(p.shapes, attrs) ?? true))
      .flatMap((algorithm) =>
        Object.entries(boundOf(p, algorithm, routine === "forward" ? "forward" : "backward", attrs)).map(
          ([name, bounds]): [string, Float64Array] => [`${name} ${algorithm.name}`, bounds],
        ),
      ),
  );
  return [...Object.entries({ ...p.bound.forward, ...p.bound.backward }), ...own];
}

for (const op of ops)
  check.test(`${op.name} of ${op.inputs.length}`, () => {
    for (const regime of Object.keys(REGIMES) as Regime[]) {
      const shares = new Map<string, number>();
      for (let seed = 1; seed <= PROBLEMS; seed++) {
        const made = { what: "", ...op.arbitrary!(drawing(stream(seed))) };
        for (const [name, bounds] of boundsOf(op, made.attrs, problem(op, made, { seed, regime }))) {
          const invalid = bounds.find((b) => !(b >= 0));
          if (invalid !== undefined)
            throw new Error(`${op.name}: a bound of ${name} is ${invalid} (${regime})`);
          const infinite = bounds.filter((b) => b === Infinity).length;
          shares.set(name, (shares.get(name) ?? 0) + infinite / bounds.length / PROBLEMS);
        }
      }
      for (const [name, share] of shares) {
        const allowed = ALLOWED[regime]?.[op.name]?.[name] ?? 0;
        if (share > allowed)
          throw new Error(
            `${op.name}: ${share.toPrecision(2)} of the bounds of ${name} are infinite, more than ${allowed} (${regime})`,
          );
      }
    }
  });

check.run();
