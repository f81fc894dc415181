// Mutants that survive the cases.

import { explain } from "../explanation.ts";

export const survivors = [
  ...explain(
    "equivalent",
    [
      /^clip_factor\/forward$/,
      /^comparison at its edge: factor\[0\] = bitcast/,
      "limit / length is 1 where they are equal",
    ],
    [/^clip_factor\/forward$/, /^constant: factor\[0\] = .* select\(0x7fc00001u/, "NaN is NaN"],
  ),
  ...explain("elsewhere", [
    /^clip_factor\/forward$/,
    /: (if \(\(squares\[0\] & |norm\[0\] = squares|factor\[0\] = select)/,
    "tests/kernels/clip_factor.test.ts: squares that are not finite, of which no case can speak",
  ]),
];
