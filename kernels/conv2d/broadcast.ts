import type { Generator, Tune } from "../op.ts";
import type { Extent } from "./kernel.ts";
import {
  addOnto,
  BACKWARD_W,
  comment,
  FORWARD,
  type Formula,
  INSIDE,
  lines,
  range,
  runAt,
  spilled,
  store,
  zeroed,
} from "./print.ts";

// Convolution as outer products in a subgroup. The workgroup is one subgroup and owns a tile of ROWS*LANES rows by
// COLS*VEC*LANES columns of the result, all in named registers. Per step of the inner sum each lane loads one value of
// the left operand for each of its ROWS rows, subgroupBroadcast hands every row's value to all lanes, and each lane
// multiplies it by its own columns of the right operand, COLS runs of VEC neighbours. Backward to w, whose rows are
// neighbours too, a lane has ROWS runs of VEC of them. No barrier, no workgroup memory. WGSL cannot say "unroll", and
// subgroupBroadcast wants a constant lane: hence text that is printed.

export const TILE: Generator["tunables"] = {
  LANES: { value: 8, choices: [4, 8, 16, 32] },
  ROWS: { value: 2, choices: [1, 2, 3, 4, 8] },
  COLS: { value: 4, choices: [1, 2, 3, 4, 5, 6, 8] },
};
/** Where neighbouring columns are adjacent in memory. */
export const TUNABLES: Generator["tunables"] = { ...TILE, VEC: { value: 1, choices: [1, 4] } };

/** Time of a step of the inner sum on subgroups of 8 apart from its columns, or its rows; 1 is the time of 8 of them. */
const STEP = 2.75;
/** Time of a whole step with one load of four columns a lane, in the same unit. */
const STEP_OF_FOUR = 4.5;

/**
 * 32x32 tiles, 16x32 on subgroups of 4 (docs/decisions/0001), and no larger than the matrix; on subgroups of 8 up to 32
 * rows by 48 columns, whichever take least time in all. `neighbours`: which are adjacent in memory, so that a lane can
 * load four at once.
 */
export function fit(
  { rows, cols }: { rows: number; cols: number },
  subgroupSize: number,
  neighbours: "none" | "columns" | "both" = "columns",
): Tune {
  const groups = (most: number, of: number) =>
    Math.max(1, 2 ** Math.ceil(Math.log2(Math.min(most, of) / (subgroupSize || most))));
  if (subgroupSize !== 8) return { ROWS: groups(subgroupSize === 4 ? 16 : 32, rows), COLS: groups(32, cols) };
  const time = (of: number, n: number, step = n + STEP) => Math.ceil(of / (subgroupSize * n)) * step;
  const least = (choices: readonly number[], of: number) =>
    [...choices].sort((a, b) => time(of, a) - time(of, b))[0];
  const [ROWS, COLS] = [least([4, 3, 2, 1], rows), least([4, 5, 6, 3, 2, 1], cols)];
  const fours =
    cols % 4 === 0 && time(cols, 4, STEP_OF_FOUR) <= time(cols, COLS)
      ? { none: false, columns: true, both: rows % 4 === 0 && ROWS === 4 }[neighbours]
      : false;
  if (!fours) return { ROWS, COLS };
  return { ROWS: neighbours === "both" ? 1 : ROWS, COLS: 1, VEC: 4 };
}

/** The accumulators of a lane: every row of the tile, in runs of `vec`, and its own columns. */
export const tileOf = ({ ROWS, LANES, COLS, VEC = 1 }: Tune, vec = 1) => ({
  height: ROWS * vec * LANES,
  width: COLS * VEC,
});

/** Invocations for a matrix in such tiles. */
export function subgroups({ rows, cols, depth }: Extent, tune: Tune, vec = 1) {
  const { height, width } = tileOf(tune, vec);
  return [Math.ceil(cols / (width * tune.LANES)) * tune.LANES, Math.ceil(rows / height), depth] as const;
}

/** The j-th of the values that runs of `vec` neighbours, named `<name>_<run>`, hold. */
const inRun = (name: string, j: number, vec: number) =>
  vec === 1 ? `${name}_${j}` : `${name}_${Math.floor(j / vec)}.${"xyzw"[j % vec]}`;

/** How a tensor is bound whose neighbours are taken in runs. */
export const elements = ({ VEC = 1 }: Tune) => (VEC === 1 ? "array<f32>" : `array<vec${VEC}f>`);

/**
 * Adds a lane's rows `a_<run>`, broadcast, times its columns `b_<run>` onto the accumulators; the rows of a run are
 * `vec` neighbours.
 */
export const outerProduct = (tune: Tune, vec = 1): string[] => {
  const { LANES, VEC = 1 } = tune;
  const { height, width } = tileOf(tune, vec);
  return range(height).map((i) => {
    const own = Math.floor(i / (vec * LANES)) * vec + (i % vec);
    const a = `let v_${i} = subgroupBroadcast(${inRun("a", own, vec)}, ${Math.floor(i / vec) % LANES}u);`;
    const sums = range(width).map(
      (j) => `acc_${i}_${j} = fma(v_${i}, ${inRun("b", j, VEC)}, acc_${i}_${j});`,
    );
    return [a, ...sums].join(" ");
  });
};

/** Where the first of a lane's runs of `vec` neighbours starts: rows or columns of the tile. */
const own = (vec: number) => (vec === 1 ? "lane" : `lane * ${vec}u`);

/** A lane's first column. */
export const firstColumn = ({ LANES, COLS, VEC = 1 }: Tune) =>
  `group.x * ${COLS * VEC * LANES}u + ${own(VEC)}`;

/** Its j-th, by the first. */
export const ownColumn = ({ LANES, VEC = 1 }: Tune, first: string) =>
  VEC === 1 ? `${first} + j * ${LANES}u` : `${first} + j / ${VEC}u * ${LANES * VEC}u + j % ${VEC}u`;

/** Its j-th as a number in the text, kept inside the operand. */
export const columnInside = ({ VEC = 1 }: Tune, j: number) =>
  VEC === 1 ? `col_${j}` : `col_${Math.floor(j / VEC)} + ${j % VEC}u`;

/** Where its runs of columns start, kept inside the operand: what is beyond is computed and never stored. */
export const columns = ({ LANES, COLS, VEC = 1 }: Tune, first: string, cols: string) =>
  lines(
    2,
    range(COLS).map((j) => `let col_${j} = min(${first} + ${j * LANES * VEC}u, ${cols} - ${VEC}u);`),
  );

/** Its values of its columns, `b_<run>`, from what follows element `at` of a tensor. */
export const loadColumns = ({ COLS, VEC = 1 }: Tune, tensor: string, at: string): string[] =>
  range(COLS).map((j) => `let b_${j} = ${tensor}[${runAt(`${at} + col_${j}`, VEC)}];`);

export const header = (
  formula: Formula,
  tune: Tune,
  rows: string,
  cols: string,
  vec = 1,
) => `enable subgroups;
${comment(formula)}
// One subgroup computes ${tileOf(tune, vec).height} ${rows} by ${tileOf(tune).width * tune.LANES} ${cols}.
`;

export const signature = (LANES: number) => `@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {`;

/** What becomes of a tile of the convolution, sums over r,s,c, before it is stored. */
export interface Epilogue {
  /** What the kernel computes, line by line. */
  readonly formula: Formula;
  /** Axes of the tensors that it reads in addition to x and w, and of those that it writes in addition to y, by binding. */
  readonly reads: Readonly<Record<string, string>>;
  readonly writes?: Readonly<Record<string, string>>;
  /** Appends the functions that it calls to the kernel. */
  readonly append?: (wgsl: string) => string;
  /** Statements on the sums in their registers: `acc_<i>_<j>` is that of pixel `pixel + i` and the lane's j-th column. */
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

const declared = (
  tensors: Readonly<Record<string, string>>,
  first: number,
  access: string,
  tune: Tune = {},
) =>
  Object.entries(tensors).map(
    ([name, axes], i) =>
      `@group(0) @binding(${first + i}) var<storage, ${access}> ${name}: ${elements(tune)};  // ${axes}`,
  );

/** Stores the tile column by column, so that what belongs to a column is read once. */
const finished = ({ sums, column, value }: Epilogue, tune: Tune) => `${lines(2, sums?.(tune) ?? [])}
${spilled(tileOf(tune))}
  let rows = min(${tune.ROWS * tune.LANES}u, pixels - pixel);
  for (var j = 0u; j < ${tileOf(tune).width}u; j++) {
    let col = ${ownColumn(tune, "o")};
    if (col < shape.o) {
${lines(6, column?.(tune) ?? [])}
      for (var i = 0u; i < rows; i++) {
        let row = pixel + i;
        let sum = tile[i * ${tileOf(tune).width}u + j];
        y[shape.y_offset + row * shape.y_stride + col] = ${value};
      }
    }
  }`;

/** The convolution with an epilogue, by default a bias. */
export const forward = (epilogue: Epilogue = bias): Generator => ({
  tunables: TUNABLES,
  print: (tune) => `${header(epilogue.formula, tune, "pixels", "output channels")}
@group(0) @binding(0) var<uniform> shape: Shape;
${[
  ...declared({ x: "n h wd c" }, 1, "read"),
  ...declared({ w: "r s c o" }, 2, "read", tune),
  ...declared(epilogue.reads, 3, "read"),
  ...declared({ y: "n p q o", ...epilogue.writes }, 3 + Object.keys(epilogue.reads).length, "read_write"),
].join("\n")}

${signature(tune.LANES)}
  let pixels = shape.n * shape.p * shape.q;
  let pixel = group.y * ${tune.ROWS * tune.LANES}u;
  let o = ${firstColumn(tune)};
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
${lines(8, [...loadColumns(tune, "w", "w_at"), ...outerProduct(tune)])}
        w_at += shape.o;
      }
    }
  }
${finished(epilogue, tune)}
}
`,
});

/** Of backward to w: the channels of a tile, and the outputs whose tap r, s is inside x. */
export const channelsOfTile = (tune: Tune) => {
  const { LANES, ROWS, VEC = 1 } = tune;
  const rows = (run: number) => `c + ${run * LANES * VEC}u + ${own(VEC)}`;
  return `  let c = group.y * ${tileOf(tune, VEC).height}u;
  let o = ${firstColumn(tune)};
${columns(tune, "o", "shape.o")}
${lines(
  2,
  range(ROWS).map((g) => `let mine_${g} = min(${rows(g)}, shape.c - ${VEC}u);`),
)}
${INSIDE}`;
};

/** Of backward to w: adds the products of the pixels of line `p` of image `n` onto the accumulators. */
export const lineOfPixels = (tune: Tune): string[] => {
  const { ROWS, VEC = 1 } = tune;
  return [
    "let row = n * shape.h + p * shape.stride_h + r - shape.top;",
    "var x_at = shape.x_offset + (row * shape.wd + q_from * shape.stride_w + s - shape.left) * shape.x_stride;",
    "var dy_at = shape.dy_offset + ((n * shape.p + p) * shape.q + q_from) * shape.dy_stride;",
    "for (var q = q_from; q < q_to; q++) {",
    ...range(ROWS).map((g) => `  let a_${g} = x[${runAt(`x_at + mine_${g}`, VEC)}];`),
    ...[...loadColumns(tune, "dy", "dy_at"), ...outerProduct(tune, VEC)].map((line) => `  ${line}`),
    "  x_at += shape.stride_w * shape.x_stride;",
    "  dy_at += shape.dy_stride;",
    "}",
  ];
};

/** Of backward to w: stores the tile of the tap, or of the part and the tap, that group.z is. */
export const storeWeights = (tensor: string, tune: Tune) =>
  store({
    ...tileOf(tune, tune.VEC),
    vec: tune.VEC,
    first: "c",
    rows: "shape.c",
    col: `o + j * ${tune.LANES * (tune.VEC ?? 1)}u`,
    cols: "shape.o",
    at: "(group.z * shape.c + row) * shape.o",
    put: addOnto(tensor, tune.VEC),
  });

export const backwardW: Generator = {
  tunables: TUNABLES,
  print: (tune) => `${header(
    [...BACKWARD_W, "group.z is the tap r*S + s."],
    tune,
    "input channels",
    "output channels",
    tune.VEC,
  )}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: ${elements(tune)};         // n h wd c
@group(0) @binding(2) var<storage, read> dy: ${elements(tune)};        // n p q o
@group(0) @binding(3) var<storage, read_write> dw: ${elements(tune)};  // r s c o

${signature(tune.LANES)}
  let r = group.z / shape.s;
  let s = group.z % shape.s;
${channelsOfTile(tune)}
${zeroed(tileOf(tune, tune.VEC))}
  for (var n = 0u; n < shape.n; n++) {
    for (var p = p_from; p < p_to; p++) {
${lines(6, lineOfPixels(tune))}
    }
  }
${storeWeights("dw", tune)}
}
`,
};
