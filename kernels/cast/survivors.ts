// Mutants that survive the cases.

import { explain } from "../explanation.ts";

export const survivors = [
  ...explain(
    "equivalent",
    [/^cast\/to_f16$/, /^left operand dropped: .*0x7e00u/, "the sign of a NaN says nothing"],
    [
      /^cast\/to_f16$/,
      /^(comparison at its edge|constant): if \(magnitude (>= 0x477ff000u|< 0x38800000u)/,
      "at this very value both ways give the same half",
    ],
    [
      /^cast\/to_f16$/,
      /^constant: drop = min\(126u .* 26u\)/,
      "what is less than half of the smallest float16 rounds to 0 however many digits are dropped",
    ],
    [
      /^cast\/to_f32$/,
      /^right operand dropped: .* single\(x\[word\] \)/,
      "single reads the lower 16 bits only",
    ],
    [
      /^cast\/to_f32$/,
      /^(comparison at its edge|constant): if \(magnitude >= 0x400u\)/,
      "2^-14 is the same both ways",
    ],
  ),
  ...explain("elsewhere", [
    /^cast\/to_f32$/,
    /: if \(magnitude >= 0x7c00u\)/,
    "tests/kernels/cast.test.ts: every half, infinite and NaN ones too",
  ]),
  ...explain("hidden", [
    /^cast\/to_f16$/,
    /^constant: if \(magnitude > 0x7f800000u\)/,
    "values travel as numbers, and a number's NaN is the quiet one",
  ]),
];
