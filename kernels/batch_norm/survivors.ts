// Mutants that survive the cases.

import { explain } from "../explanation.ts";

export const survivors = explain(
  "equivalent",
  [
    /^batch_norm\/statistics$/,
    /: (var sum = 0\.0;|for .* sum \+= x\[start \+ i)/,
    "any value near those of the block will do as the first pass's mean: the second takes out what is left",
  ],
  [/^batch_norm(_relu)?\/(finish|merge)$/, /^operands swapped: let d = /, "d enters as its square only"],
  [
    /^batch_norm\/backward_finish$/,
    /: means\[shape\.channels \+ c\] = select\(0\.0, products/,
    "with frozen statistics backward_x multiplies it by 0; what is not finite: tests/kernels/nonfinite",
  ],
  [
    /^batch_norm\/backward_x$/,
    /: let normal = select\(0\.0, /,
    "with frozen statistics it is multiplied by 0; what is not finite: tests/kernels/nonfinite",
  ],
);
