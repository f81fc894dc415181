import type { Generator, Tune } from "../op.ts";
import {
  addOnto,
  BACKWARD_W,
  BACKWARD_X,
  comment,
  FORWARD,
  type Formula,
  INSIDE,
  lines,
  PHASE,
  PHASE_PIXEL,
  range,
  spilled,
  store,
  zeroed,
} from "./print.ts";

// Convolution as outer products in a subgroup. The workgroup is one subgroup and owns a tile of ROWS*LANES rows by
// COLS*LANES columns of the result, all in named registers. Per step of the inner sum each lane loads one value of
// the left operand for each of its ROWS rows, subgroupBroadcast hands every row's value to all lanes, and each lane
// multiplies it by its own COLS columns of the right operand. No barrier, no workgroup memory. WGSL cannot say
// "unroll", and subgroupBroadcast wants a constant lane: hence text that is printed.

export const TUNABLES: Generator["tunables"] = {
  LANES: { value: 8, choices: [4, 8, 16, 32] },
  ROWS: { value: 2, choices: [1, 2, 3, 4, 8] },
  COLS: { value: 4, choices: [1, 2, 3, 4, 5, 6, 8] },
};

/** What a step of the inner sum takes on subgroups of 8 besides its columns, or its rows, by the time of 8 of them. */
const STEP = 2.75;

/**
 * 32x32 tiles, 16x32 on subgroups of 4 (docs/decisions/0001), and no larger than the matrix; on subgroups of 8 up to 32
 * rows by 48 columns, whichever take least time in all.
 */
export function fit({ rows, cols }: { rows: number; cols: number }, lanes: number): Tune {
  const groups = (most: number, of: number) =>
    Math.max(1, 2 ** Math.ceil(Math.log2(Math.min(most, of) / (lanes || most))));
  if (lanes !== 8) return { ROWS: groups(lanes === 4 ? 16 : 32, rows), COLS: groups(32, cols) };
  const least = (choices: readonly number[], of: number) => {
    const time = (n: number) => Math.ceil(of / (lanes * n)) * (n + STEP);
    return [...choices].sort((a, b) => time(a) - time(b))[0];
  };
  return { ROWS: least([4, 3, 2, 1], rows), COLS: least([4, 5, 6, 3, 2, 1], cols) };
}

/** The accumulators of a lane: every row of the tile, and its own columns. */
export const tileOf = ({ ROWS, LANES, COLS }: Tune) => ({ height: ROWS * LANES, width: COLS });

/** Adds `a_<group>` of every lane, broadcast, times `b_<col>` onto the accumulators. */
export const outerProduct = (depth: number, { ROWS, LANES, COLS }: Tune) =>
  lines(
    depth,
    range(ROWS * LANES).map((i) => {
      const a = `let v_${i} = subgroupBroadcast(a_${Math.floor(i / LANES)}, ${i % LANES}u);`;
      return [a, ...range(COLS).map((j) => `acc_${i}_${j} = fma(v_${i}, b_${j}, acc_${i}_${j});`)].join(" ");
    }),
  );

/** Each lane's columns, kept inside the operand: what lies beyond is computed and never stored. */
export const columns = ({ LANES, COLS }: Tune, col: string, cols: string) =>
  lines(
    2,
    range(COLS).map((j) => `let col_${j} = min(${col} + ${j * LANES}u, ${cols} - 1u);`),
  );

export const header = (
  formula: Formula,
  { LANES, ROWS, COLS }: Tune,
  rows: string,
  cols: string,
) => `enable subgroups;
${comment(formula)}
// One subgroup computes ${ROWS * LANES} ${rows} by ${COLS * LANES} ${cols}.
`;

export const signature = (LANES: number) => `@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {`;

/** What becomes of a tile of the convolution, sums over r,s,c, before it is stored. */
export interface Epilogue {
  /** What the kernel computes, line by line. */
  readonly formula: Formula;
  /** Axes of the tensors that it reads besides x and w, and of those that it writes besides y, by binding. */
  readonly reads: Readonly<Record<string, string>>;
  readonly writes?: Readonly<Record<string, string>>;
  /** Functions that it calls. */
  readonly functions?: readonly string[];
  /** Statements on the sums in their registers: `acc_<i>_<j>` is that of pixel `pixel + i` and column `col_<j>`. */
  sums?(tune: Tune): readonly string[];
  /** Statements for the lane's j-th column, `col`. */
  column?(tune: Tune): readonly string[];
  /** What y takes for `sum`, that of pixel `row` and column `col`. */
  readonly value: string;
}

const bias: Epilogue = {
  formula: FORWARD,
  reads: { b: "o" },
  column: () => ["let bias = b[col];"],
  value: "sum + bias",
};

const declared = (tensors: Readonly<Record<string, string>>, first: number, access: string) =>
  Object.entries(tensors).map(
    ([name, axes], i) =>
      `@group(0) @binding(${first + i}) var<storage, ${access}> ${name}: array<f32>;  // ${axes}`,
  );

/** Stores the tile column by column, so that what belongs to a column is read once. */
const finished = ({ sums, column, value }: Epilogue, tune: Tune) => `${lines(2, sums?.(tune) ?? [])}
${spilled(tileOf(tune))}
  let rows = min(${tune.ROWS * tune.LANES}u, pixels - pixel);
  for (var j = 0u; j < ${tune.COLS}u; j++) {
    let col = o + j * ${tune.LANES}u;
    if (col < shape.o) {
${lines(6, column?.(tune) ?? [])}
      for (var i = 0u; i < rows; i++) {
        let row = pixel + i;
        let sum = tile[i * ${tune.COLS}u + j];
        y[shape.y_offset + row * shape.y_stride + col] = ${value};
      }
    }
  }`;

/** The convolution with an epilogue, which adds a bias unless told. */
export const forward = (epilogue: Epilogue = bias): Generator => ({
  tunables: TUNABLES,
  print: (tune) => `${header(epilogue.formula, tune, "pixels", "output channels")}
@group(0) @binding(0) var<uniform> shape: Shape;
${[
  ...declared({ x: "n h wd c", w: "r s c o", ...epilogue.reads }, 1, "read"),
  ...declared({ y: "n p q o", ...epilogue.writes }, 3 + Object.keys(epilogue.reads).length, "read_write"),
  ...(epilogue.functions ?? []),
].join("\n")}

${signature(tune.LANES)}
  let pixels = shape.n * shape.p * shape.q;
  let pixel = group.y * ${tune.ROWS * tune.LANES}u;
  let o = group.x * ${tune.COLS * tune.LANES}u + lane;
${columns(tune, "o", "shape.o")}
${lines(
  2,
  range(tune.ROWS).flatMap((g) => [
    `let mine_${g} = min(pixel + ${g * tune.LANES}u + lane, pixels - 1u);`,
    `let top_${g} = i32(mine_${g} / shape.q % shape.p * shape.stride_h) - i32(shape.top);`,
    `let left_${g} = i32(mine_${g} % shape.q * shape.stride_w) - i32(shape.left);`,
    `let image_${g} = i32(mine_${g} / (shape.q * shape.p) * shape.h);`,
  ]),
)}
${zeroed(tileOf(tune))}
  for (var r = 0u; r < shape.r; r++) {
    for (var s = 0u; s < shape.s; s++) {
${lines(
  6,
  range(tune.ROWS).flatMap((g) => [
    `let row_${g} = top_${g} + i32(r);`,
    `let col_at_${g} = left_${g} + i32(s);`,
    `let inside_${g} = row_${g} >= 0 && row_${g} < i32(shape.h) && col_at_${g} >= 0 && col_at_${g} < i32(shape.wd);`,
    `let from_${g} = shape.x_offset + select(0u, u32((image_${g} + row_${g}) * i32(shape.wd) + col_at_${g}) * shape.x_stride, inside_${g});`,
  ]),
)}
      var w_at = (r * shape.s + s) * shape.c * shape.o;
      for (var c = 0u; c < shape.c; c++) {
${lines(
  8,
  range(tune.ROWS).map((g) => `let a_${g} = select(0.0, x[from_${g} + c], inside_${g});`),
)}
${lines(
  8,
  range(tune.COLS).map((j) => `let b_${j} = w[w_at + col_${j}];`),
)}
${outerProduct(8, tune)}
        w_at += shape.o;
      }
    }
  }
${finished(epilogue, tune)}
}
`,
});

export const backwardX: Generator = {
  tunables: TUNABLES,
  print: (tune) => `${header(BACKWARD_X, tune, "pixels of one phase", "input channels")}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> dy: array<f32>;        // n p q o
@group(0) @binding(2) var<storage, read> w: array<f32>;         // r s c o
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // n h wd c

${signature(tune.LANES)}
${PHASE}
  let pixel = group.y * ${tune.ROWS * tune.LANES}u;
  if (pixel >= pixels) { return; }
  let c = group.x * ${tune.COLS * tune.LANES}u + lane;
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
      let w_at = (r * shape.s + s) * shape.c;
${lines(
  6,
  range(tune.COLS).map((j) => `let w_${j} = (w_at + col_${j}) * shape.o;`),
)}
      for (var o = 0u; o < shape.o; o++) {
${lines(
  8,
  range(tune.ROWS).map((g) => `let a_${g} = select(0.0, dy[from_${g} + o], inside_${g});`),
)}
${lines(
  8,
  range(tune.COLS).map((j) => `let b_${j} = w[w_${j} + o];`),
)}
${outerProduct(8, tune)}
      }
    }
  }
${store({
  ...tileOf(tune),
  first: "pixel",
  rows: "pixels",
  col: `c + j * ${tune.LANES}u`,
  cols: "shape.c",
  at: PHASE_PIXEL,
  put: addOnto("dx"),
})}
}
`,
};

/** Of backward to w: the channels of a tile, and the outputs whose tap r, s lies inside x. */
export const channelsOfTile = (tune: Tune) => `  let c = group.y * ${tune.ROWS * tune.LANES}u;
  let o = group.x * ${tune.COLS * tune.LANES}u + lane;
${columns(tune, "o", "shape.o")}
${lines(
  2,
  range(tune.ROWS).map((g) => `let mine_${g} = min(c + ${g * tune.LANES}u + lane, shape.c - 1u);`),
)}
${INSIDE}`;

/** Of backward to w: adds the products of the pixels of line `p` of image `n` onto the accumulators. */
export const lineOfPixels = (depth: number, tune: Tune) =>
  lines(depth, [
    "let row = n * shape.h + p * shape.stride_h + r - shape.top;",
    "var x_at = shape.x_offset + (row * shape.wd + q_from * shape.stride_w + s - shape.left) * shape.x_stride;",
    "var dy_at = shape.dy_offset + ((n * shape.p + p) * shape.q + q_from) * shape.dy_stride;",
    "for (var q = q_from; q < q_to; q++) {",
    ...range(tune.ROWS).map((g) => `  let a_${g} = x[x_at + mine_${g}];`),
    ...range(tune.COLS).map((j) => `  let b_${j} = dy[dy_at + col_${j}];`),
    outerProduct(2, tune).replaceAll("\n", `\n${" ".repeat(depth)}`),
    "  x_at += shape.stride_w * shape.x_stride;",
    "  dy_at += shape.dy_stride;",
    "}",
  ]);

/** Of backward to w: stores the tile of the tap, or of the part and the tap, that group.z is. */
export const storeWeights = (tensor: string, tune: Tune) =>
  store({
    ...tileOf(tune),
    first: "c",
    rows: "shape.c",
    col: `o + j * ${tune.LANES}u`,
    cols: "shape.o",
    at: "(group.z * shape.c + row) * shape.o",
    put: addOnto(tensor),
  });

export const backwardW: Generator = {
  tunables: TUNABLES,
  print: (tune) => `${header(
    [...BACKWARD_W, "group.z is the tap r*S + s."],
    tune,
    "input channels",
    "output channels",
  )}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // n h wd c
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // n p q o
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;  // r s c o

${signature(tune.LANES)}
  let r = group.z / shape.s;
  let s = group.z % shape.s;
${channelsOfTile(tune)}
${zeroed(tileOf(tune))}
  for (var n = 0u; n < shape.n; n++) {
    for (var p = p_from; p < p_to; p++) {
${lineOfPixels(6, tune)}
    }
  }
${storeWeights("dw", tune)}
}
`,
};
