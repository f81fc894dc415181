import type { Generator } from "../op.ts";
import {
  channelsOfTile,
  elements,
  header,
  lineOfPixels,
  signature,
  storeWeights,
  TUNABLES,
  tileOf,
} from "./broadcast.ts";
import { lines, zeroed } from "./print.ts";

/** Backward to w as in `broadcast.ts`, cut into parts of the sum: few tiles and many pixels leave a GPU idle otherwise. */
export const backwardWParts: Generator = {
  tunables: TUNABLES,
  print: (tune) => `${header(
    [
      "partial[part,r,s,c,o] = sum over n,p,q of x[n, p*stride_h - top + r, q*stride_w - left + s, c] * dy[n,p,q,o]",
      "group.z is (part*R + r)*S + s; a part has a share of the lines of pixels whose tap is inside x.",
    ],
    tune,
    "input channels",
    "output channels",
    tune.VEC,
  )}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: ${elements(tune)};              // n h wd c
@group(0) @binding(2) var<storage, read> dy: ${elements(tune)};             // n p q o
@group(0) @binding(3) var<storage, read_write> partial: ${elements(tune)};  // part r s c o

${signature(tune.LANES)}
  let r = group.z / shape.s % shape.r;
  let s = group.z % shape.s;
${channelsOfTile(tune)}
  let high = max(p_from, p_to) - p_from;
  let all = shape.n * high;
  let share = (all + shape.parts - 1u) / shape.parts;
  let first = group.z / (shape.r * shape.s) * share;
${zeroed(tileOf(tune, tune.VEC))}
  for (var line = first; line < min(all, first + share); line++) {
    let n = line / high;
    let p = p_from + line % high;
${lines(4, lineOfPixels(tune))}
  }
${storeWeights("partial", tune)}
}
`,
};
