// Mutants that survive the cases.

import { explain } from "../explanation.ts";

const kernel = /^softmax_cross_entropy\/rows$/;

export const survivors = [
  ...explain(
    "equivalent",
    [kernel, /^constant: let nan_bits/, "NaN is NaN"],
    [
      kernel,
      /^(select always the second|constant): let own = /,
      "where the label is no class, own is not used",
    ],
  ),
  ...explain(
    "elsewhere",
    [
      kernel,
      /: (let valid = |losses\[n\] = |log_sum\[n\] = |rank\[n\] = )/,
      "tests/kernels/softmax_cross_entropy.test.ts: labels that are no class",
    ],
    [
      kernel,
      /: let spread = select\(0\.0, /,
      "tests/kernels/nonfinite: a logit of -Infinity, where nothing is smoothed",
    ],
    [kernel, /is_strange\(/, "tests/kernels/nonfinite: logits that are not finite"],
  ),
];
