// Mutants that survive the cases.

import { explain } from "../explanation.ts";

export const survivors = explain("equivalent", [
  /^tanh\/forward$/,
  /^comparison at its edge: let value = .* abs\(v\) <= NEAR/,
  "at the edge itself the series and the quotient are both within the bound",
]);
