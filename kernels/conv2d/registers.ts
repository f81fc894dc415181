import type { Generator, Tune } from "../op.ts";
import {
  addOnto,
  BACKWARD_W,
  BACKWARD_X,
  comment,
  each,
  FORWARD,
  INSIDE,
  lines,
  PHASE,
  PHASE_PIXEL,
  range,
  store,
  zeroed,
} from "./print.ts";

// Convolution by tiles of registers: one invocation owns ROWS rows by COLS columns of the result, loads what a step of
// the inner sum needs of either operand and adds all products. It asks nothing of the adapter: no subgroups, no
// workgroup memory, no barrier. Neighbouring invocations take neighbouring columns, COLS steps of WG_X apart. Weights are
// read VEC at a time; activations may start at any element, and are read one by one.

const WORKGROUP = { WG_X: { value: 8, choices: [8, 16] }, WG_Y: { value: 8, choices: [4, 8] } };
const TILE = { ROWS: { value: 4, choices: [1, 2, 4, 8] }, COLS: { value: 2, choices: [1, 2, 4] } };
const TUNABLES: Generator["tunables"] = { ...WORKGROUP, ...TILE };
const VECTORS: Generator["tunables"] = { ...TUNABLES, VEC: { value: 1, choices: [1, 4] } };

const XYZW = ["x", "y", "z", "w"];
const vector = (VEC: number) => (VEC === 4 ? "vec4f" : "f32");

const tileOf = ({ ROWS, COLS }: Tune, type = "f32") => ({ height: ROWS, width: COLS, type });

/** Adds the products of every row with every column; `a` and `b` are the factors, of as many parts as are added. */
const products = (
  depth: number,
  tune: Tune,
  parts: readonly string[],
  a: (i: number, part: string) => string = (i, part) => `a_${i}${part}`,
) =>
  parts
    .map((part) =>
      each(
        depth,
        tileOf(tune),
        (i, j) => `acc_${i}_${j} = fma(${a(i, part)}, b_${j}${part}, acc_${i}_${j});`,
      ),
    )
    .join("\n");

const signature = ({ WG_X, WG_Y }: Tune) => `@compute @workgroup_size(${WG_X}, ${WG_Y})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {`;

/** First row and column of an invocation, and its columns kept inside: what is beyond is not stored. */
const corner = ({ WG_X, WG_Y, ROWS, COLS }: Tune, row: string, rows: string, col: string, cols: string) =>
  lines(2, [
    `let ${row} = (group.y * ${WG_Y}u + local.y) * ${ROWS}u;`,
    `let ${col} = group.x * ${WG_X * COLS}u + local.x;`,
    `if (${row} >= ${rows} || ${col} >= ${cols}) { return; }`,
    ...range(COLS).map((j) => `let col_${j} = min(${col} + ${j * WG_X}u, ${cols} - 1u);`),
  ]);

/** Where each row reads at this tap, and whether there is anything. */
const taps = (
  { ROWS }: Tune,
  tensor: string,
  [high, wide]: readonly [string, string],
  row: (i: number) => string,
  col: (i: number) => string,
) =>
  lines(
    6,
    range(ROWS).flatMap((i) => [
      `let row_${i} = ${row(i)};`,
      `let col_at_${i} = ${col(i)};`,
      `let inside_${i} = row_${i} >= 0 && row_${i} < i32(${high}) && col_at_${i} >= 0 && col_at_${i} < i32(${wide});`,
      `let from_${i} = shape.${tensor}_offset + select(0u, u32((image_${i} + row_${i}) * i32(${wide}) + col_at_${i}) * shape.${tensor}_stride, inside_${i});`,
    ]),
  );

export const forward: Generator = {
  tunables: VECTORS,
  print: (tune) => {
    const { VEC, ROWS, COLS } = tune;
    const of = VEC === 4 ? `vectors of ${VEC} output channels` : "output channels";
    return `${comment(FORWARD)}
// One invocation computes ${ROWS} pixels by ${COLS} ${of}.

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // n h wd c
@group(0) @binding(2) var<storage, read> w: array<${vector(VEC)}>;        // r s c o
@group(0) @binding(3) var<storage, read> b: array<f32>;        // o
@group(0) @binding(4) var<storage, read_write> y: array<f32>;  // n p q o

${signature(tune)}
  let pixels = shape.n * shape.p * shape.q;
  let width = shape.o / ${VEC}u;
${corner(tune, "pixel", "pixels", "o", "width")}
${lines(
  2,
  range(ROWS).flatMap((i) => [
    `let mine_${i} = min(pixel + ${i}u, pixels - 1u);`,
    `let top_${i} = i32(mine_${i} / shape.q % shape.p * shape.stride_h) - i32(shape.top);`,
    `let left_${i} = i32(mine_${i} % shape.q * shape.stride_w) - i32(shape.left);`,
    `let image_${i} = i32(mine_${i} / (shape.q * shape.p) * shape.h);`,
  ]),
)}
${zeroed(tileOf(tune, vector(VEC)))}
  for (var r = 0u; r < shape.r; r++) {
    for (var s = 0u; s < shape.s; s++) {
${taps(
  tune,
  "x",
  ["shape.h", "shape.wd"],
  (i) => `top_${i} + i32(r)`,
  (i) => `left_${i} + i32(s)`,
)}
      var w_at = (r * shape.s + s) * shape.c * width;
      for (var c = 0u; c < shape.c; c++) {
${lines(
  8,
  range(ROWS).map((i) => `let a_${i} = select(0.0, x[from_${i} + c], inside_${i});`),
)}
${lines(
  8,
  range(COLS).map((j) => `let b_${j} = w[w_at + col_${j}];`),
)}
${products(8, tune, [""], (i) => `${VEC === 4 ? `vec4f(a_${i})` : `a_${i}`}`)}
        w_at += width;
      }
    }
  }
${store({
  ...tileOf(tune, vector(VEC)),
  first: "pixel",
  rows: "pixels",
  col: `o + j * ${tune.WG_X}u`,
  cols: "width",
  at: "shape.y_offset + row * shape.y_stride",
  put: (value) =>
    VEC === 4
      ? `for (var k = 0u; k < 4u; k++) { y[at + col * 4u + k] = ${value}[k] + b[col * 4u + k]; }`
      : `y[at + col] = ${value} + b[col];`,
})}
}
`;
  },
};

export const backwardX: Generator = {
  tunables: VECTORS,
  print: (tune) => {
    const { VEC, ROWS, COLS } = tune;
    const four = (i: number) =>
      VEC === 4
        ? `vec4f(${range(4)
            .map((k) => `dy[from_${i} + o * 4u + ${k}u]`)
            .join(", ")})`
        : `dy[from_${i} + o]`;
    return `${comment(BACKWARD_X)}
// One invocation computes ${ROWS} pixels of one phase by ${COLS} input channels, ${VEC} output channels at a time.

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> dy: array<f32>;        // n p q o
@group(0) @binding(2) var<storage, read> w: array<${vector(VEC)}>;         // r s c o
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // n h wd c

${signature(tune)}
${PHASE}
${corner(tune, "pixel", "pixels", "c", "shape.c")}
${lines(
  2,
  range(ROWS).flatMap((i) => [
    `let mine_${i} = min(pixel + ${i}u, pixels - 1u);`,
    `let p_${i} = i32(mine_${i} / wide % high + p0);`,
    `let q_${i} = i32(mine_${i} % wide + q0);`,
    `let image_${i} = i32(mine_${i} / (wide * high) * shape.p);`,
  ]),
)}
  let width = shape.o / ${VEC}u;
${zeroed(tileOf(tune))}
  for (var r = phase_h; r < shape.r; r += shape.stride_h) {
    for (var s = phase_w; s < shape.s; s += shape.stride_w) {
${taps(
  tune,
  "dy",
  ["shape.p", "shape.q"],
  (i) => `p_${i} - i32(r / shape.stride_h)`,
  (i) => `q_${i} - i32(s / shape.stride_w)`,
)}
      let w_at = (r * shape.s + s) * shape.c;
${lines(
  6,
  range(COLS).map((j) => `let w_${j} = (w_at + col_${j}) * width;`),
)}
      for (var o = 0u; o < width; o++) {
${lines(
  8,
  range(ROWS).map((i) => `let a_${i} = select(${vector(VEC)}(), ${four(i)}, inside_${i});`),
)}
${lines(
  8,
  range(COLS).map((j) => `let b_${j} = w[w_${j} + o];`),
)}
${products(8, tune, VEC === 4 ? XYZW.map((part) => `.${part}`) : [""])}
      }
    }
  }
${store({
  ...tileOf(tune),
  first: "pixel",
  rows: "pixels",
  col: `c + j * ${tune.WG_X}u`,
  cols: "shape.c",
  at: PHASE_PIXEL,
  put: addOnto("dx"),
})}
}
`;
  },
};

export const backwardW: Generator = {
  tunables: TUNABLES,
  print: (tune) => `${comment(BACKWARD_W)}
// One invocation computes ${tune.ROWS} input channels by ${tune.COLS} output channels of the tap group.z = r*S + s.

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // n h wd c
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // n p q o
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;  // r s c o

${signature(tune)}
  let r = group.z / shape.s;
  let s = group.z % shape.s;
${corner(tune, "c", "shape.c", "o", "shape.o")}
${lines(
  2,
  range(tune.ROWS).map((i) => `let mine_${i} = min(c + ${i}u, shape.c - 1u);`),
)}
${INSIDE}
${zeroed(tileOf(tune))}
  for (var n = 0u; n < shape.n; n++) {
    for (var p = p_from; p < p_to; p++) {
      let row = n * shape.h + p * shape.stride_h + r - shape.top;
      var x_at = shape.x_offset + (row * shape.wd + q_from * shape.stride_w + s - shape.left) * shape.x_stride;
      var dy_at = shape.dy_offset + ((n * shape.p + p) * shape.q + q_from) * shape.dy_stride;
      for (var q = q_from; q < q_to; q++) {
${lines(
  8,
  range(tune.ROWS).map((i) => `let a_${i} = x[x_at + mine_${i}];`),
)}
${lines(
  8,
  range(tune.COLS).map((j) => `let b_${j} = dy[dy_at + col_${j}];`),
)}
${products(8, tune, [""])}
        x_at += shape.stride_w * shape.x_stride;
        dy_at += shape.dy_stride;
      }
    }
  }
${store({
  ...tileOf(tune),
  first: "c",
  rows: "shape.c",
  col: `o + j * ${tune.WG_X}u`,
  cols: "shape.o",
  at: "(group.z * shape.c + row) * shape.o",
  put: addOnto("dw"),
})}
}
`,
};
