// Winograd's minimal filtering (Lavin and Gray, arXiv 1509.09308), nested over the two axes: filter and input tiles
// are carried to points, where a convolution is one product of matrices per point, and the products back to outputs.

import type { Algorithm, Generator, Kernel, Routine, Shape, Shapes, Values } from "../op.ts";
import { flushed, gamma, LARGEST, TINY } from "../rounding.ts";
import { fit, subgroups } from "./broadcast.ts";
import type { Conv2dAttrs } from "./kernel.ts";
import { type Matrix, type Transforms, transforms } from "./toom_cook.ts";
import { filterTransform, inputTransform, outputTransform, products } from "./winograd_kernels.ts";

/** Outputs of a tile and taps of the window, down and across; three taps where the name says none. */
const FAMILY = [
  { name: "winograd_4x4", outputs: [4, 4], window: [3, 3] },
  { name: "winograd_2x2", outputs: [2, 2], window: [3, 3] },
  { name: "winograd_1x4", outputs: [1, 4], window: [1, 3] },
  { name: "winograd_4x1", outputs: [4, 1], window: [3, 1] },
  { name: "winograd_1x4_of_7", outputs: [1, 4], window: [1, 7] },
  { name: "winograd_4x1_of_7", outputs: [4, 1], window: [7, 1] },
] as const;

/** Windows that have an algorithm. */
export const WINDOWS = [
  [3, 3],
  [1, 3],
  [3, 1],
  [1, 7],
  [7, 1],
] as const;

/** A convolution at stride 1 as the kernels see it: which tensors it reads and writes, and where windows start. */
interface Side {
  readonly label: string;
  readonly image: string;
  readonly result: string;
  /** Whether the filter is turned about and its channels exchanged, and there is no bias. */
  readonly turned: boolean;
  /** Zeros above and to the left of the image; below zero where as many rows or columns of it are passed over. */
  zeros(t: Shapes, attrs: Conv2dAttrs): readonly [top: number, left: number];
}

const FORWARD: Side = {
  label: "conv2d/",
  image: "x",
  result: "y",
  turned: false,
  zeros: (_, { padding: [[top], [left]] }) => [top, left],
};

const BACKWARD_X: Side = {
  label: "conv2d/backward_x_",
  image: "dy",
  result: "dx",
  turned: true,
  zeros: ({ w: [r, s] }, { padding: [[top], [left]] }) => [r - 1 - top, s - 1 - left],
};

type Pair = readonly [down: Transforms, across: Transforms];

const family = (side: Side): Routine<Conv2dAttrs> =>
  FAMILY.map(({ name, outputs: [high, wide], window: [r, s] }) =>
    algorithm(name, side, [transforms(high, r), transforms(wide, s)]),
  );

const tilesOf = ([, p, q]: Shape, [down, across]: Pair) =>
  [Math.ceil(p / down.m), Math.ceil(q / across.m)] as const;

function algorithm(name: string, side: Side, pair: Pair): Algorithm<Conv2dAttrs> {
  const [down, across] = pair;
  const { image, result, turned } = side;
  const tiles = (t: Shapes) => tilesOf(t[result], pair);
  const kernel = (
    part: string,
    source: Generator,
    bind: Record<string, string>,
    threads: Kernel<Conv2dAttrs>["threads"],
    flops?: (t: Shapes) => number,
  ): Kernel<Conv2dAttrs> => ({
    label: `${side.label}${name}_${part}`,
    source,
    bind,
    threads,
    ...(flops && { flops }),
    uniforms(t, attrs) {
      const [[n, p, q, o], [, h, wd, c]] = [t[result], t[image]];
      const [[high, wide], [top, left]] = [tiles(t), side.zeros(t, attrs)];
      return { h, wd, c, p, q, o, down: high, across: wide, tiles: n * high * wide, top, left };
    },
  });
  /** One channel of one tile each. */
  const overTiles = (t: Shapes, channels: number) => {
    const [high, wide] = tiles(t);
    return [channels, wide, t[result][0] * high] as const;
  };
  const rows = (t: Shapes) => {
    const [high, wide] = tiles(t);
    return t[result][0] * high * wide;
  };
  const points = down.B.length * across.B.length;
  return {
    name,
    // the transforms say what they do; the products have all else that the direct sum takes
    kernels: [
      kernel(
        "filter",
        filterTransform(down, across, turned),
        {},
        (t) => [t[result][3], t[image][3], 1],
        (t) => t[result][3] * t[image][3] * work(down.G, across.G),
      ),
      kernel(
        "input",
        inputTransform(down, across),
        { x: image },
        (t) => overTiles(t, t[image][3]),
        (t) => rows(t) * t[image][3] * work(down.B, across.B),
      ),
      kernel("products", products(down, across), {}, (t, _, tune) =>
        subgroups({ rows: rows(t), cols: t[result][3], depth: points }, tune),
      ),
      kernel(
        "output",
        outputTransform(down, across, turned),
        { y: result },
        (t) => overTiles(t, t[result][3]),
        (t) => rows(t) * t[result][3] * work(down.A, across.A),
      ),
    ],
    fits: (t, { stride }, tune) =>
      t.w[0] === down.r &&
      t.w[1] === across.r &&
      stride.every((step) => step === 1) &&
      t[result][3] % (tune?.VEC ?? 1) === 0,
    tune: (t, _, subgroupSize) => fit({ rows: rows(t), cols: t[result][3] }, subgroupSize),
    temporaries(t) {
      const [n, c, o] = [t[result][0], t[image][3], t[result][3]];
      const at = [n, points, ...tiles(t)];
      return { u: [points, c, o], v: [...at, c], m: [...at, o] };
    },
    bound: (t, values, attrs) => ({ [result]: bound(t, values, side, pair, side.zeros(t, attrs)) }),
  };
}

/** FLOPs of down z across', as written out: no term with a zero, no product with a one. */
function work(down: Matrix, across: Matrix): number {
  const of = (rows: Matrix) =>
    rows.flat().reduce((sum, a) => sum + (a === 0 ? 0 : 1 + Number(Math.abs(a) !== 1)), 0);
  const sums = (rows: Matrix) => of(rows) - rows.length; // a sum of n terms is n - 1 additions
  return across[0].length * sums(down) + down.length * sums(across);
}

/**
 * Every product that enters a result passes through no more than N roundings: those of constants, products and sums
 * of the transforms of filter, input and result, one after the other, and of the sum over channels. The error is thus
 * within gamma_N |A| ((|G| |g| |G'|) . (|B| |d| |B'|)) |A'|, with bars on each element (Higham, Accuracy and Stability
 * of Numerical Algorithms, 3.1; for Winograd, Barabasz et al., arXiv 1803.10986, section 4). Unlike a direct
 * sum's bound, it takes in all of the tile, and so does what is not finite: it may come out of every output of
 * each tile that it enters. What float32 may flush on the way is added where it happens, divided by gamma_N.
 */
function bound(
  t: Shapes,
  values: Values,
  side: Side,
  [down, across]: Pair,
  [top, left]: readonly [number, number],
) {
  const [[, h, wd, c], [n, p, q, o]] = [t[side.image], t[side.result]];
  const [high, wide] = [down.B.length, across.B.length];
  const rounds = ({ m, r, B }: Transforms) => (r === 1 && m === 1 ? 0 : r + 2 * B.length + 6);
  const steps = rounds(down) + rounds(across) + c + 2;
  const flush = (2 * TINY) / gamma(steps);
  const through = (matrices: readonly [Matrix, Matrix], z: Float64Array) => sandwich(matrices, z, flush);

  const filters = filtersOf(t.w, values.w, side.turned).map((g) => through([down.G, across.G], g));
  const out = new Float64Array(n * p * q * o);
  const image = values[side.image];
  for (let k = 0; k < n; k++)
    for (let a = 0; a < p; a += down.m)
      for (let b = 0; b < q; b += across.m) {
        const inputs = Array.from({ length: c }, (_, channel) => {
          const d = new Float64Array(high * wide).map((_, i) => {
            const [row, col] = [a - top + Math.floor(i / wide), b - left + (i % wide)];
            const inside = row >= 0 && row < h && col >= 0 && col < wd;
            return inside ? image[((k * h + row) * wd + col) * c + channel] : 0;
          });
          return through([down.B, across.B], d);
        });
        for (let j = 0; j < o; j++) {
          const sums = new Float64Array(high * wide).map((_, i) =>
            inputs.reduce((sum, v, channel) => sum + v[i] * filters[channel * o + j][i] + flush, 0),
          );
          const results = through([down.A, across.A], sums);
          const bias = side.turned ? 0 : Math.abs(values.b[j]);
          for (let i = 0; i < results.length; i++) {
            const [row, col] = [a + Math.floor(i / across.m), b + (i % across.m)];
            if (row >= p || col >= q) continue;
            const error = gamma(steps) * (results[i] + bias) + flushed(bias) + TINY;
            out[((k * p + row) * q + col) * o + j] = error < LARGEST ? error : Infinity;
          }
        }
      }
  return out;
}

/** Taps of each filter, input channels first. */
function filtersOf([r, s, c, o]: Shape, w: Float64Array, turned: boolean): Float64Array[] {
  const taps = r * s;
  return Array.from({ length: c * o }, (_, i) =>
    new Float64Array(taps).map((_, k) =>
      turned ? w[((taps - 1 - k) * c + (i % c)) * o + Math.floor(i / c)] : w[k * c * o + i],
    ),
  );
}

/** |down| |z| |across'|, with `flush` for every operation; infinite where float32 may not hold it. */
function sandwich([down, across]: readonly [Matrix, Matrix], z: Float64Array, flush: number): Float64Array {
  const [high, wide] = [down[0].length, across[0].length];
  const held = (v: number) => (v < LARGEST / 2 ? v : Infinity);
  const first = new Float64Array(down.length * wide);
  for (let i = 0; i < first.length; i++) {
    const row = down[Math.floor(i / wide)];
    for (let k = 0; k < high; k++) if (row[k] !== 0) first[i] += Math.abs(row[k] * z[k * wide + (i % wide)]);
    first[i] = held(first[i] + (high + 1) * flush);
  }
  const second = new Float64Array(down.length * across.length);
  for (let i = 0; i < second.length; i++) {
    const row = across[i % across.length];
    const from = Math.floor(i / across.length) * wide;
    for (let k = 0; k < wide; k++) if (row[k] !== 0) second[i] += Math.abs(row[k] * first[from + k]);
    second[i] = held(second[i] + (wide + 1) * flush);
  }
  return second;
}

export const forward = family(FORWARD);
export const backwardX = family(BACKWARD_X);
