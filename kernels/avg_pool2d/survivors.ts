// Mutants that survive the cases.

import { explain } from "../explanation.ts";

export const survivors = explain("equivalent", [
  /^avg_pool2d\/backward_sliding$/,
  /^left operand dropped: if \(col < back /,
  "col - back is then above all columns, as 0 - 1 is the largest u32",
]);
