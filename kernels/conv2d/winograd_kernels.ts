import type { Generator } from "../op.ts";
import {
  columns,
  elements,
  firstColumn,
  header,
  loadColumns,
  outerProduct,
  signature,
  TUNABLES,
  tileOf,
} from "./broadcast.ts";
import { lines, range, runAt, store, zeroed } from "./print.ts";
import type { Matrix, Transforms } from "./toom_cook.ts";
import shape from "./winograd_shape.wgsl";

// The four kernels of a Winograd convolution, for one F(m, r) down and one across. The sums of a transform are written
// out, since WGSL cannot say which of their terms are zero; tiles are read and stored by loops, since compilers choke on
// as many guarded loads and stores one by one.

const WORKGROUP: Generator["tunables"] = { WG: { value: 32, choices: [8, 32, 64] } };

/** Writes into array `to` the product of `down`, the tile in array `z`, and the transpose of `across`. */
function sandwich(down: Matrix, z: string, across: Matrix, to: string): string {
  const wide = across[0].length;
  const columnsFirst = range(wide).flatMap((j) =>
    down.map((row, i) => `let t_${i}_${j} = ${sum(row, (k) => `${z}[${k * wide + j}]`)};`),
  );
  const rows = down.flatMap((_, i) =>
    across.map((row, j) => `${to}[${i * across.length + j}] = ${sum(row, (k) => `t_${i}_${k}`)};`),
  );
  return lines(2, [`var ${to}: array<f32, ${down.length * across.length}>;`, ...columnsFirst, ...rows]);
}

/** Sum of named values times constants, those that are zero left out. */
function sum(coefficients: readonly number[], name: (k: number) => string): string {
  const terms = coefficients.flatMap((a, k) => (a === 0 ? [] : [{ a, value: name(k) }]));
  const [first, ...others] = terms;
  const product = (a: number, value: string) => (a === 1 ? value : `${literal(a)} * ${value}`);
  return others.reduce(
    (text, { a, value }) => `${text} ${a < 0 ? "-" : "+"} ${product(Math.abs(a), value)}`,
    product(first.a, first.value),
  );
}

const literal = (a: number) => (Number.isInteger(a) ? `${a}.0` : `${a}`);

const points = ({ B }: Transforms) => B.length;
const notation = (down: Transforms, across: Transforms) => `F(${down.m}x${across.m}, ${down.r}x${across.r})`;

/** `backward`: the filter turned about and its channels exchanged, which makes a gradient of x a convolution of dy. */
export const filterTransform = (down: Transforms, across: Transforms, backward: boolean): Generator => ({
  tunables: WORKGROUP,
  print: ({
    WG,
  }) => `// u[i,j,c,o] = sum over r,s of G[i,r] * g[r,s,c,o] * G'[j,s] of ${notation(down, across)},
// ${backward ? "g[r,s,c,o] = w[R-1-r,S-1-s,o,c]" : "g = w"}.
// One invocation transforms the taps of one input and one output channel.
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> w: array<f32>;        // r s ${backward ? "o c" : "c o"}
@group(0) @binding(2) var<storage, read_write> u: array<f32>;  // i j c o

@compute @workgroup_size(${WG})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let o = id.x;
  let c = id.y;
  if (o >= shape.o) { return; }
  let plane = shape.c * shape.o;
  let start = ${backward ? "o * shape.c + c" : "c * shape.o + o"};
  let to = c * shape.o + o;
  var g: array<f32, ${down.r * across.r}>;
  for (var k = 0u; k < ${down.r * across.r}u; k++) { g[k] = w[start + ${backward ? `(${down.r * across.r - 1}u - k)` : "k"} * plane]; }
${sandwich(down.G, "g", across.G, "points")}
  for (var k = 0u; k < ${points(down) * points(across)}u; k++) { u[to + k * plane] = points[k]; }
}
${shape}`,
});

export const inputTransform = (down: Transforms, across: Transforms): Generator => ({
  tunables: WORKGROUP,
  print: ({
    WG,
  }) => `// v[n,i,j,a,b,c] = sum over k,l of B[i,k] * x[n, a*${down.m} - top + k, b*${across.m} - left + l, c] * B'[j,l]
// of ${notation(down, across)}; outside x is zero.
// One invocation transforms one channel of tile a, b.
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // n h wd c
@group(0) @binding(2) var<storage, read_write> v: array<f32>;  // n i j a b c

@compute @workgroup_size(${WG})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let c = id.x;
  if (c >= shape.c) { return; }
  let n = id.z / shape.down;
  let top = i32(id.z % shape.down * ${down.m}u) - shape.top;
  let left = i32(id.y * ${across.m}u) - shape.left;
  var d: array<f32, ${points(down) * points(across)}>;
  for (var i = 0u; i < ${points(down)}u; i++) {
    let row = u32(top + i32(i));
    for (var j = 0u; j < ${points(across)}u; j++) {
      let col = u32(left + i32(j));
      let inside = row < shape.h && col < shape.wd;
      let at = shape.x_offset + select(0u, ((n * shape.h + row) * shape.wd + col) * shape.x_stride, inside) + c;
      d[i * ${points(across)}u + j] = select(0.0, x[at], inside);
    }
  }
${sandwich(down.B, "d", across.B, "points")}
  let plane = shape.down * shape.across;
  let to = shape.v_offset + (n * ${points(down) * points(across)}u * plane + id.z % shape.down * shape.across + id.y) * shape.c + c;
  for (var k = 0u; k < ${points(down) * points(across)}u; k++) { v[to + k * plane * shape.c] = points[k]; }
}
${shape}`,
});

export const products = (down: Transforms, across: Transforms): Generator => ({
  tunables: TUNABLES,
  print: (tune) => {
    const count = points(down) * points(across);
    return `${header(
      [
        "m[n,i,j,a,b,o] = sum over c of v[n,i,j,a,b,c] * u[i,j,c,o]",
        `group.z is the point i, j of ${notation(down, across)}.`,
      ],
      tune,
      "tiles",
      "output channels",
    )}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> v: array<f32>;        // n i j a b c
@group(0) @binding(2) var<storage, read> u: ${elements(tune)};        // i j c o
@group(0) @binding(3) var<storage, read_write> m: ${elements(tune)};  // n i j a b o

${signature(tune.LANES)}
  let first = group.y * ${tune.ROWS * tune.LANES}u;
  let o = ${firstColumn(tune)};
${columns(tune, "o", "shape.o")}
  // tiles of one image are together, point by point
  let plane = shape.down * shape.across;
${lines(
  2,
  range(tune.ROWS).flatMap((g) => [
    `let mine_${g} = min(first + ${g * tune.LANES}u + lane, shape.tiles - 1u);`,
    `let from_${g} = shape.v_offset + ((mine_${g} / plane * ${count}u + group.z) * plane + mine_${g} % plane) * shape.c;`,
  ]),
)}
${zeroed(tileOf(tune))}
  var u_at = group.z * shape.c * shape.o;
  for (var c = 0u; c < shape.c; c++) {
${lines(
  4,
  range(tune.ROWS).map((g) => `let a_${g} = v[from_${g} + c];`),
)}
${lines(4, [...loadColumns(tune, "u", "u_at"), ...outerProduct(tune)])}
    u_at += shape.o;
  }
${store({
  ...tileOf(tune),
  vec: tune.VEC,
  first: "first",
  rows: "shape.tiles",
  col: `o + j * ${tune.LANES * (tune.VEC ?? 1)}u`,
  cols: "shape.o",
  at: `shape.m_offset + ((row / plane * ${count}u + group.z) * plane + row % plane) * shape.o`,
  put: (value) => `m[${runAt("at + col", tune.VEC ?? 1)}] = ${value};`,
})}
}
${shape}`;
  },
});

/** `backward`: no bias, and what y holds may be added onto. */
export const outputTransform = (down: Transforms, across: Transforms, backward: boolean): Generator => ({
  tunables: WORKGROUP,
  print: ({
    WG,
  }) => `// y[n, a*${down.m} + k, b*${across.m} + l, o] = ${backward ? "" : "b[o] + "}sum over i,j of A[k,i] * m[n,i,j,a,b,o] * A'[l,j] of ${notation(down, across)}
// One invocation computes one channel of tile a, b.
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> m: array<f32>;        // n i j a b o
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // n p q o
${backward ? "" : "@group(0) @binding(3) var<storage, read> b: array<f32>;        // o\n"}
@compute @workgroup_size(${WG})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let o = id.x;
  if (o >= shape.o) { return; }
  let plane = shape.down * shape.across;
  let n = id.z / shape.down;
  let start = shape.m_offset + (n * ${points(down) * points(across)}u * plane + id.z % shape.down * shape.across + id.y) * shape.o + o;
  var points: array<f32, ${points(down) * points(across)}>;
  for (var k = 0u; k < ${points(down) * points(across)}u; k++) { points[k] = m[start + k * plane * shape.o]; }
${sandwich(down.A, "points", across.A, "outputs")}
  let p = id.z % shape.down * ${down.m}u;
  let q = id.y * ${across.m}u;
  let to = shape.y_offset + ((n * shape.p + p) * shape.q + q) * shape.y_stride + o;
  for (var i = 0u; i < min(${down.m}u, shape.p - p); i++) {
    for (var j = 0u; j < min(${across.m}u, shape.q - q); j++) {
      let at = to + (i * shape.q + j) * shape.y_stride;
      var sum = outputs[i * ${across.m}u + j]${backward ? "" : " + b[o]"};
${backward ? "      if (shape.accumulate != 0u) { sum += y[at]; }\n" : ""}      y[at] = sum;
    }
  }
}
${shape}`,
});
