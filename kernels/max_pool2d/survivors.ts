// Mutants that survive the cases.

import { explain } from "../explanation.ts";

export const survivors = [
  ...explain(
    "equivalent",
    [
      /^max_pool2d\/forward$/,
      /^constant: var best = 0\.0; -> var best = 1\.0;/,
      "the first tap inside takes its place whatever it is",
    ],
    [
      /^max_pool2d\/backward$/,
      /: return vec2u\(\(max\(at \+ stride, window\) /,
      "more windows are looked at; the index of none that does not hold the pixel is its tap",
    ],
  ),
  ...explain("elsewhere", [
    /^max_pool2d\/forward$/,
    /^right operand dropped: let better = /,
    "tests/kernels/nonfinite: windows with a NaN",
  ]),
];
