// Mutants that survive the cases, of any kernel with a rectified linear unit.

import { explain } from "../explanation.ts";

export const survivors = [
  ...explain(
    "elsewhere",
    [/./, /^comparison at its edge: fn relu\(/, "tests/kernels/nonfinite: of -Infinity the unit makes 0"],
    [
      /^conv2d_moments\//,
      /^select always the first: fn relu\(/,
      "a sum of squares is below 0 by rounding alone",
    ],
  ),
  ...explain(
    "equivalent",
    [
      /^(relu|scale_add_relu|conv2d_residual)\/backward$/,
      /^select always the first: fn relu\(/,
      "y is the output of the unit, which is never below 0",
    ],
    [
      /^(moments\/forward|batch_norm\/statistics)$/,
      /^select always the first: fn relu\(/,
      "a sum of squares is below 0 by rounding alone",
    ],
  ),
];
