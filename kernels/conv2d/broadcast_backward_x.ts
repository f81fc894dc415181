import type { Generator, Tune } from "../op.ts";
import {
  columns,
  elements,
  firstColumn,
  header,
  loadColumns,
  outerProduct,
  ownColumn,
  signature,
  TILE,
  TUNABLES,
  tileOf,
} from "./broadcast.ts";
import { addOnto, BACKWARD_X, lines, PHASE, PHASE_PIXEL, range, store, zeroed } from "./print.ts";

// Backward to x as in `broadcast.ts`, on weights as they are or with their channels exchanged.

/** How backward to x finds the weights of a lane's columns for output channel o, by the layout of the weights. */
const WEIGHTS = {
  rsco: {
    tunables: TILE,
    axes: "r s c o",
    before: ({ COLS }: Tune) => [
      "let w_at = (r * shape.s + s) * shape.c;",
      ...range(COLS).map((j) => `let w_${j} = (w_at + col_${j}) * shape.o;`),
    ],
    load: ({ COLS }: Tune) => range(COLS).map((j) => `let b_${j} = w[w_${j} + o];`),
    after: [],
  },
  rsoc: {
    tunables: TUNABLES,
    axes: "r s o c",
    before: () => ["var w_at = (r * shape.s + s) * shape.o * shape.c;"],
    load: (tune: Tune) => loadColumns(tune, "w", "w_at"),
    after: ["w_at += shape.c;"],
  },
};

export const backwardX = (layout: keyof typeof WEIGHTS): Generator => {
  const { tunables, axes, before, load, after } = WEIGHTS[layout];
  return { tunables, print: (tune) => printBackwardX(tune, axes, before(tune), load(tune), after) };
};

const printBackwardX = (
  tune: Tune,
  axes: string,
  before: readonly string[],
  load: readonly string[],
  after: readonly string[],
) => `${header(BACKWARD_X, tune, "pixels of one phase", "input channels")}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> dy: array<f32>;        // n p q o
@group(0) @binding(2) var<storage, read> w: ${elements(tune)};         // ${axes}
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // n h wd c

${signature(tune.LANES)}
${PHASE}
  let pixel = group.y * ${tune.ROWS * tune.LANES}u;
  if (pixel >= pixels) { return; }
  let c = ${firstColumn(tune)};
${columns(tune, "c", "shape.c")}
${lines(
  2,
  range(tune.ROWS).flatMap((g) => [
    `let mine_${g} = min(pixel + ${g * tune.LANES}u + lane, pixels - 1u);`,
    `let p_${g} = i32(mine_${g} / wide % high + p0);`,
    `let q_${g} = i32(mine_${g} % wide + q0);`,
    `let image_${g} = i32(mine_${g} / (wide * high) * shape.p);`,
  ]),
)}
${zeroed(tileOf(tune))}
  for (var r = phase_h; r < shape.r; r += shape.stride_h) {
    for (var s = phase_w; s < shape.s; s += shape.stride_w) {
${lines(
  6,
  range(tune.ROWS).flatMap((g) => [
    `let row_${g} = p_${g} - i32(r / shape.stride_h);`,
    `let col_at_${g} = q_${g} - i32(s / shape.stride_w);`,
    `let inside_${g} = row_${g} >= 0 && row_${g} < i32(shape.p) && col_at_${g} >= 0 && col_at_${g} < i32(shape.q);`,
    `let from_${g} = shape.dy_offset + select(0u, u32((image_${g} + row_${g}) * i32(shape.q) + col_at_${g}) * shape.dy_stride, inside_${g});`,
  ]),
)}
${lines(6, before)}
      for (var o = 0u; o < shape.o; o++) {
${lines(
  8,
  range(tune.ROWS).map((g) => `let a_${g} = select(0.0, dy[from_${g} + o], inside_${g});`),
)}
${lines(8, [...load, ...outerProduct(tune), ...after])}
      }
    }
  }
${store({
  ...tileOf(tune),
  first: "pixel",
  rows: "pixels",
  col: ownColumn(tune, "c"),
  cols: "shape.c",
  at: PHASE_PIXEL,
  put: addOnto("dx"),
})}
}
`;
