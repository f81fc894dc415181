import type { Generator } from "../op.ts";
import { columns, header, outerProduct, signature, TUNABLES, tileOf } from "./broadcast.ts";
import { addOnto, INSIDE, lines, range, store, zeroed } from "./print.ts";

/** Backward to w as in `broadcast.ts`, cut into parts of the sum: few tiles and many pixels leave a GPU idle otherwise. */
export const backwardWParts: Generator = {
  tunables: TUNABLES,
  print: (tune) => `${header(
    [
      "partial[part,r,s,c,o] = sum over n,p,q of x[n, p*stride_h - top + r, q*stride_w - left + s, c] * dy[n,p,q,o]",
      "group.z is (part*R + r)*S + s; a part has a share of the lines of pixels whose tap lies inside x.",
    ],
    tune,
    "input channels",
    "output channels",
  )}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;              // n h wd c
@group(0) @binding(2) var<storage, read> dy: array<f32>;             // n p q o
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;  // part r s c o

${signature(tune.LANES)}
  let r = group.z / shape.s % shape.r;
  let s = group.z % shape.s;
  let c = group.y * ${tune.ROWS * tune.LANES}u;
  let o = group.x * ${tune.COLS * tune.LANES}u + lane;
${columns(tune, "o", "shape.o")}
${lines(
  2,
  range(tune.ROWS).map((g) => `let mine_${g} = min(c + ${g * tune.LANES}u + lane, shape.c - 1u);`),
)}
${INSIDE}
  let high = max(p_from, p_to) - p_from;
  let all = shape.n * high;
  let share = (all + shape.parts - 1u) / shape.parts;
  let first = group.z / (shape.r * shape.s) * share;
${zeroed(tileOf(tune))}
  for (var line = first; line < min(all, first + share); line++) {
    let n = line / high;
    let p = p_from + line % high;
    let row = n * shape.h + p * shape.stride_h + r - shape.top;
    var x_at = shape.x_offset + (row * shape.wd + q_from * shape.stride_w + s - shape.left) * shape.x_stride;
    var dy_at = shape.dy_offset + ((n * shape.p + p) * shape.q + q_from) * shape.dy_stride;
    for (var q = q_from; q < q_to; q++) {
${lines(
  6,
  range(tune.ROWS).map((g) => `let a_${g} = x[x_at + mine_${g}];`),
)}
${lines(
  6,
  range(tune.COLS).map((j) => `let b_${j} = dy[dy_at + col_${j}];`),
)}
${outerProduct(6, tune)}
      x_at += shape.stride_w * shape.x_stride;
      dy_at += shape.dy_stride;
    }
  }
${store({
  ...tileOf(tune),
  first: "c",
  rows: "shape.c",
  col: `o + j * ${tune.LANES}u`,
  cols: "shape.o",
  at: "(group.z * shape.c + row) * shape.o",
  put: addOnto("partial"),
})}
}
`,
};
