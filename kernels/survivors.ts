// Why mutants survive the cases of the operations here, each in its operation's folder. What no survivor matches any more
// should go.

import { survivors as avgPool2d } from "./avg_pool2d/survivors.ts";
import { survivors as batchNorm } from "./batch_norm/survivors.ts";
import { survivors as cast } from "./cast/survivors.ts";
import { survivors as clipFactor } from "./clip_factor/survivors.ts";
import { survivors as conv2d } from "./conv2d/survivors.ts";
import { survivors as dropout } from "./dropout/survivors.ts";
import { type Explanation, explain } from "./explanation.ts";
import { survivors as maxPool2d } from "./max_pool2d/survivors.ts";
import { survivors as moments } from "./moments/survivors.ts";
import { survivors as relu } from "./relu/survivors.ts";
import { survivors as softmax } from "./softmax/survivors.ts";
import { survivors as softmaxCrossEntropy } from "./softmax_cross_entropy/survivors.ts";
import { survivors as tanh } from "./tanh/survivors.ts";

/** Of the loops that families of kernels share. */
const shared = explain(
  "equivalent",
  [
    /./,
    /^sign: let end = min\(\(group\.x \+ 1u\) \* shape\.span, /,
    "0 - 1 is the largest u32: the first workgroup computes all elements, and the others none",
  ],
  [
    /_pool2d\//,
    /^sign: strip\(group\.z \/ strips, .* min\(first \+ COLS, /,
    "0 - COLS is above all: the first strip computes the whole line, and the others what they are for",
  ],
  [
    /\/forward$|^cast\/to_f(16|32)$/,
    /: let first = group\.x \* shape\.span \+ lane;/,
    "earlier starts: some elements are computed more than once, to the same value",
  ],
);

/** Of the test for NaN that several kernels have appended. */
const nan = explain("elsewhere", [
  /^(max_pool2d|sigmoid|softmax|tanh)\/forward$/,
  /is_nan\(/,
  "tests/kernels/nonfinite: what is made of a NaN",
]);

export const survivors: readonly Explanation[] = [
  ...shared,
  ...nan,
  ...avgPool2d,
  ...batchNorm,
  ...cast,
  ...clipFactor,
  ...conv2d,
  ...dropout,
  ...maxPool2d,
  ...moments,
  ...relu,
  ...softmax,
  ...softmaxCrossEntropy,
  ...tanh,
];
