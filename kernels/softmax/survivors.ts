// Mutants that survive the cases.

import { explain } from "../explanation.ts";

export const survivors = [
  ...explain("equivalent", [/^softmax\/forward$/, /^constant: let nan_bits/, "NaN is NaN"]),
  ...explain("elsewhere", [
    /^softmax\/forward$/,
    /nans|spoilt/,
    "tests/kernels/nonfinite: rows with infinities and NaN",
  ]),
];
