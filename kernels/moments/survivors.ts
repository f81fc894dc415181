// Mutants that survive the cases.

import { explain } from "../explanation.ts";

export const survivors = explain("equivalent", [
  /^moments\/forward$/,
  /^comparison at its edge: for \(var i = 0u; i < PARTS/,
  "a neighbour's first part is computed by both, to the same value",
]);
