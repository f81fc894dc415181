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
      /: let p_(from|to) = /,
      "more rows of windows are looked at; the index of none that does not hold the pixel is its tap",
    ],
    [
      /^max_pool2d\/backward$/,
      /: var q_from = /,
      "more windows of a row are looked at; the index of none that does not hold the pixel is its tap",
    ],
    [
      /^max_pool2d\/backward$/,
      /^(right term dropped|constant): var q_to = .* shape\.stride_w \+? ?(0u)?, shape\.q/,
      "the first pixel already counts the window that is missing",
    ],
    [
      /^max_pool2d\/(forward|backward)$/,
      /^sign: let end = min\(first - COLS, /,
      "the first strip computes its whole row, and the others what they are for",
    ],
  ),
  ...explain("elsewhere", [
    /^max_pool2d\/forward$/,
    /^right operand dropped: let better = /,
    "tests/kernels/nonfinite: windows with a NaN",
  ]),
];
