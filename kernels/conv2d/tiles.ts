import { type Algorithm, type Generator, type Kernel, type Shapes, size, type Tune } from "../op.ts";
import backwardWSum from "./backward_w_sum.wgsl";
import { type Conv2dAttrs, type Extent, kernel } from "./kernel.ts";

// How tiles are cut for the generators whose kernels need no subgroups, and how sums are cut into parts.

type Extents = (t: Shapes, attrs: Conv2dAttrs) => Extent;

const upTo = (n: number, tile: number) => Math.ceil(n / tile);

/** Invocations that each compute ROWS rows by COLS columns, see `registers.ts`; `wide`: columns of VEC channels. */
export const byRegisters = (
  file: string,
  source: Generator,
  extent: Extents,
  wide = false,
): Algorithm<Conv2dAttrs> => ({
  name: "registers",
  kernels: [
    kernel(file, source, (t, attrs, { WG_X, ROWS, COLS, VEC = 1 }) => {
      const { rows, cols, depth } = extent(t, attrs);
      return [upTo(cols / (wide ? VEC : 1), WG_X * COLS) * WG_X, upTo(rows, ROWS), depth];
    }),
  ],
  fits: ({ w: [, , , o] }, _, tune) => o % (tune?.VEC ?? 1) === 0,
  tune({ w: [, , , o] }) {
    const VEC = o % 4 === 0 ? 4 : 1;
    return { ROWS: 4, COLS: wide && VEC === 4 ? 1 : 4, ...("VEC" in source.tunables && { VEC }) };
  },
});

/** A 1x1 window that visits every pixel once: rows, columns and depth are plain pixels and channels. */
const isPointwise = ({ w: [r, s] }: Shapes, { stride, padding }: Conv2dAttrs) =>
  r * s * stride[0] * stride[1] === 1 && padding.flat().every((p) => p === 0);

/** Workgroups that a GPU wants to be busy. */
const BUSY = 256;

/** Tiles of 64x64, or of 32x32 where there would be few of them. */
function tileOf(t: Shapes, attrs: Conv2dAttrs, { rows, cols, depth }: Extent): Tune {
  const [BM, BN] = [rows, cols].map((n) => (n > 32 ? 64 : 32));
  const few = upTo(rows, BM) * upTo(cols, BN) * depth < BUSY;
  const VEC = t.w[2] % 4 === 0 && t.w[3] % 4 === 0 ? 4 : 1;
  return {
    BM: few ? 32 : BM,
    BN: few ? 32 : BN,
    BK: 16,
    TM: 4,
    TN: 4,
    VEC,
    WINDOW: isPointwise(t, attrs) ? 0 : 1,
  };
}

const fitsTile: Algorithm<Conv2dAttrs>["fits"] = (t, attrs, { VEC = 1, WINDOW = 1 } = {}) =>
  t.w[2] % VEC === 0 && t.w[3] % VEC === 0 && (WINDOW === 1 || isPointwise(t, attrs));

const workgroups =
  (extent: Extents): Kernel<Conv2dAttrs>["threads"] =>
  (t, attrs, { BM, BN, TM, TN, SPLITS = 1 }) => {
    const { rows, cols, depth } = extent(t, attrs);
    return [(upTo(cols, BN) * BN) / TN, (upTo(rows, BM) * BM) / TM, depth * SPLITS];
  };

/** Workgroups that each compute BM rows by BN columns in workgroup memory, see `workgroup_tile.ts`. */
export const byWorkgroups = (file: string, source: Generator, extent: Extents): Algorithm<Conv2dAttrs> => ({
  name: "workgroup",
  kernels: [kernel(file, source, workgroups(extent))],
  fits: fitsTile,
  tune: (t, attrs) => tileOf(t, attrs, extent(t, attrs)),
});

/** As many parts of the sum over pixels as keep a GPU busy with so many tiles, none of fewer than 64 pixels. */
function splits(tiles: number, { y: [n, p, q] }: Shapes): number {
  const most = Math.min(BUSY / tiles, (n * p * q) / 64, 64);
  return 2 ** Math.ceil(Math.log2(Math.max(1, most)));
}

const SPLITS = { SPLITS: { value: 4, choices: [1, 2, 4, 16, 64] } };

const inParts = (
  name: string,
  parts: Kernel<Conv2dAttrs>,
  rest: Pick<Algorithm<Conv2dAttrs>, "fits" | "tune">,
): Algorithm<Conv2dAttrs> => ({
  name,
  kernels: [
    parts,
    kernel(
      "backward_w_sum",
      backwardWSum,
      ({ w: [r, s, c, o] }) => [o, r * s * c, 1],
      ({ partial }) => size(partial),
    ),
  ],
  temporaries: ({ w }, _, tune) => ({ partial: [tune.SPLITS, ...w] }),
  ...rest,
});

/** Backward to w by workgroups, the sum over pixels in SPLITS parts that are added up in order. */
export const byWorkgroupsInParts = (file: string, source: Generator, extent: Extents) =>
  inParts(
    "workgroup_split",
    kernel(file, { ...source, tunables: { ...source.tunables, ...SPLITS } }, workgroups(extent)),
    {
      fits: fitsTile,
      tune(t, attrs) {
        const { rows, cols, depth } = extent(t, attrs);
        const tile = tileOf(t, attrs, { rows, cols, depth: BUSY }); // parts make up for few tiles
        return { ...tile, SPLITS: splits(upTo(rows, tile.BM) * upTo(cols, tile.BN) * depth, t) };
      },
    },
  );

/** The same by subgroups, which are cut as `whole` cuts them. */
export const bySubgroupsInParts = (
  file: string,
  source: Generator,
  extent: Extents,
  whole: Algorithm<Conv2dAttrs>,
) =>
  inParts(
    "broadcast_split",
    kernel(file, { ...source, tunables: { ...source.tunables, ...SPLITS } }, (t, attrs, tune) => {
      const [x, y, z] = whole.kernels[0].threads(t, attrs, tune);
      return [x, y, z * tune.SPLITS];
    }),
    {
      tune(t, attrs, subgroupSize) {
        const { rows, cols, depth } = extent(t, attrs);
        const tile = whole.tune!(t, attrs, subgroupSize);
        const { VEC = 1 } = tile;
        const [high, wide] = [tile.ROWS, tile.COLS].map((n) => n * VEC * (subgroupSize || 1));
        const tiles = upTo(rows, high) * upTo(cols, wide) * depth;
        return { ...tile, SPLITS: splits(tiles, t) };
      },
      fits: whole.fits,
    },
  );
