import { explain } from "../explanation.ts";

export const survivors = explain("elsewhere", [
  /^dropout\//,
  /: return bitcast<f32>\(select\(0u, bits/,
  "tests/kernels/nonfinite: what becomes of an infinity or NaN that is dropped",
]);
