// Mutants of the kernels here that survive their cases, and why. What no survivor matches any more should go.

import type { Explanation } from "../../engine/gradcheck/mutants/score.ts";

const list = (
  kind: Explanation["kind"],
  entries: readonly (readonly [kernel: RegExp, mutant: RegExp, reason: string])[],
): Explanation[] => entries.map(([kernel, mutant, reason]) => ({ kind, kernel, mutant, reason }));

const CLAMPED = "a lane beyond the result only keeps inside the operand; what it computes is never stored";

const equivalent = list("equivalent", [
  [
    /./,
    /^sign: let end = min\(\(group\.x \+ 1u\) \* shape\.span, /,
    "0 - 1 is the largest u32: the first workgroup computes all elements, and the others none",
  ],
  [
    /^((relu|scale_add_relu|dropout|fill|concat)\/forward|cast\/to_f(16|32))$/,
    /: let first = group\.x \* shape\.span \+ lane;/,
    "earlier starts: some elements are computed more than once, to the same value",
  ],
  [
    /^avg_pool2d\/forward$|^max_pool2d\/forward$/,
    /^constant: var best = 0\.0; -> var best = 1\.0;/,
    "the first tap inside takes its place whatever it is",
  ],
  [
    /^max_pool2d\/backward$/,
    /: let p_(from|to) = /,
    "more rows of windows are looked at; the index of none that does not hold the pixel is its tap",
  ],
  [
    /^batch_norm\/statistics$/,
    /: (var sum = 0\.0;|for .* sum \+= x\[start \+ i)/,
    "any value near those of the block will do as the first pass's mean: the second takes out what is left",
  ],
  [
    /^moments\/forward$/,
    /^comparison at its edge: for \(var i = 0u; i < PARTS/,
    "a neighbour's first part is computed by both, to the same value",
  ],
  [/^batch_norm(_relu)?\/(finish|merge)$/, /^operands swapped: let d = /, "d enters as its square only"],
  [/^cast\/to_f16$/, /^left operand dropped: .*0x7e00u/, "the sign of a NaN says nothing"],
  [
    /^cast\/to_f16$/,
    /^(comparison at its edge|constant): if \(magnitude (>= 0x477ff000u|< 0x38800000u)/,
    "at this very value both ways give the same half",
  ],
  [
    /^cast\/to_f16$/,
    /^constant: drop = min\(126u .* 26u\)/,
    "what lies below half of the least half rounds to 0 however many digits are dropped",
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
  [
    /^clip_factor\/forward$/,
    /^comparison at its edge: factor\[0\]/,
    "limit / length is 1 where they are equal",
  ],
  [/^clip_factor\/forward$/, /^constant: factor\[0\] = 0x7fc00000u/, "NaN is NaN"],
  [/^softmax_cross_entropy\/rows$/, /^constant: let nan_bits/, "NaN is NaN"],
  [
    /^softmax_cross_entropy\/rows$/,
    /^(select always the second|constant): let own = /,
    "of a label that is no class, what own is goes nowhere",
  ],
  [
    /^batch_norm\/backward_finish$/,
    /: means\[shape\.channels \+ c\] = select\(0\.0, products/,
    "with frozen statistics backward_x multiplies it by 0; what is not finite: tests/kernels/nonfinite.test.ts",
  ],
  [
    /^batch_norm\/backward_x$/,
    /: let normal = select\(0\.0, /,
    "with frozen statistics it is multiplied by 0; what is not finite: tests/kernels/nonfinite.test.ts",
  ],
  [/^conv2d\w*\/.*_broadcast$/, /: let (col|mine)_\d+ = min\(/, CLAMPED],
  [
    /^conv2d\w*\/.*_broadcast$/,
    /^(constant|select always the second): let from_\d+ = .*inside_/,
    "where the tap is outside the image, 0 is taken whatever is read",
  ],
  [
    /^conv2d\w*\/.*_broadcast$/,
    /: if \((pixel|c) \+ 0u < \S+\) \{ -> /,
    "the first row of a tile is always inside the result: the grid has no empty tile",
  ],
  [
    /^conv2d\/backward_x_broadcast$/,
    /: if \(h0 >= shape\.h \|\| w0 >= shape\.wd\)/,
    "the phase then has no pixel, and the next guard returns",
  ],
  [
    /^conv2d\/backward_x_broadcast$/,
    /: if \(pixel >= pixels\) \{ return; \}/,
    "every row of the tile has a guard of its own; this one saves work",
  ],
  [/^conv2d\/backward_x_broadcast$/, /: let [pq]_\d+ = i32.* - phase_[hw]\)/, "the division drops the phase"],
  [
    /^conv2d\/backward_x$/,
    /^left operand dropped: if \((above|before) < 0 /,
    "as u32 a negative number is beyond the last window",
  ],
]);

const elsewhere = list("elsewhere", [
  [
    /^clip_factor\/forward$/,
    /: (if \(\(squares\[0\] & |norm\[0\] = squares|factor\[0\] = 0x7fc0)/,
    "tests/kernels/clip_factor.test.ts: squares that are not finite, of which no case can speak",
  ],
  [
    /^cast\/to_f32$/,
    /: if \(magnitude >= 0x7c00u\)/,
    "tests/kernels/cast.test.ts: every half, infinite and NaN ones too",
  ],
  [
    /^softmax_cross_entropy\/rows$/,
    /: (let valid = |losses\[n\] = |log_sum\[n\] = |rank\[n\] = )/,
    "tests/kernels/softmax_cross_entropy.test.ts: labels that are no class",
  ],
  [
    /^softmax_cross_entropy\/rows$/,
    /: let spread = select\(0\.0, /,
    "tests/kernels/nonfinite.test.ts: a logit of -Infinity, where nothing is smoothed",
  ],
]);

const hidden = list("hidden", [
  [
    /^cast\/to_f16$/,
    /^constant: if \(magnitude > 0x7f800000u\)/,
    "values travel as numbers, and a number's NaN is the quiet one",
  ],
]);

export const explained: readonly Explanation[] = [...equivalent, ...elsewhere, ...hidden];
