// Reads the golden files that tests/goldens/make.py and blocks.py write, and makes again what they do not store.
// tests/goldens/README.md has the formulas.

import { FormatError } from "../../engine/errors.ts";
import {
  readSafetensors,
  type StoredTensor,
  toFloat32,
  toFloat64,
  toInt32,
} from "../../engine/io/safetensors.ts";
import type { StateDict } from "../../engine/nn/variables.ts";
import { size } from "../../kernels/op.ts";

type Listed = readonly [name: string, kind: string, shape: readonly number[]];

/** Activations [n,h,w,c]. */
export interface Images {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What goldens of networks and of blocks have in common. */
export interface Golden {
  readonly model: string;
  readonly variant: string;
  readonly parameters: readonly Listed[];
  readonly statistics: readonly Listed[];
  /** Weights and running statistics under public names, OIHW. */
  readonly weights: StateDict;
  /** A stored tensor as float64. Throws FormatError where there is none. */
  stored(name: string): Float64Array;
}

/** A whole network on a batch. */
export interface NetworkGolden extends Golden {
  readonly width: number;
  readonly classes: number;
  readonly images: Images;
  readonly labels: Int32Array;
  /** Relative errors of PyTorch's own float32: of `eval_logits`, `train_logits` and `loss`. */
  readonly torch32: Readonly<Record<string, number>>;
}

/** One block of a network at full width, alone: its input, and the gradient of its output. */
export interface BlockGolden extends Golden {
  readonly path: string;
  readonly x: Images;
  readonly dy: Images;
}

/** Reads the golden of a network. Throws FormatError where the file is no such golden. */
export function readGolden(bytes: Uint8Array, file = "golden"): NetworkGolden {
  const { tensors, metadata } = readSafetensors(bytes, file);
  if (!metadata.model || !metadata.parameters) throw new FormatError(`${file} is no golden of a network`);
  const { model, variant, seed } = metadata;
  const [width, classes, image, batch] = ["width", "classes", "image", "batch"].map((key) =>
    Number(metadata[key]),
  );
  const [parameters, statistics]: Listed[][] = [metadata.parameters, metadata.statistics].map((text) =>
    JSON.parse(text),
  );
  const stored = finder(tensors, "", file);
  return {
    model,
    variant,
    width,
    classes,
    parameters,
    statistics,
    weights: regenerate([...parameters, ...statistics], seed, (name) => tensors.get(`adjusted/${name}`)),
    images: signed("images", [batch, image, image, 3], seed),
    labels: toInt32(stored("labels")),
    torch32: Object.fromEntries(
      ["eval_logits", "train_logits", "loss"].map((key) => [key, Number(metadata[`torch32_${key}`])]),
    ),
    stored: (name) => toFloat64(stored(name)),
  };
}

/** A block of a file, made when asked for. */
export interface ListedBlock {
  readonly model: string;
  readonly path: string;
  read(): BlockGolden;
}

/** Lists the goldens of blocks, in the order of the file. Throws FormatError where the file is no such golden. */
export function listBlocks(bytes: Uint8Array, file = "blocks"): ListedBlock[] {
  const { tensors, metadata } = readSafetensors(bytes, file);
  if (!metadata.blocks) throw new FormatError(`${file} is no golden of blocks`);
  const blocks: any[] = JSON.parse(metadata.blocks);
  return blocks.map(({ model, path, input, output, seed, parameters, statistics }, i) => {
    const stored = finder(tensors, `${i}/`, file);
    const adjusted = (name: string) => tensors.get(`${i}/adjusted/${name}`);
    const read = () => ({
      model,
      variant: "paper",
      path,
      parameters,
      statistics,
      weights: regenerate([...parameters, ...statistics], seed, adjusted),
      x: signed("x", input, seed),
      dy: signed("dy", output, seed),
      stored: (name: string) => toFloat64(stored(name)),
    });
    return { model, path, read };
  });
}

const finder =
  (tensors: ReadonlyMap<string, StoredTensor>, prefix: string, file: string) => (name: string) => {
    const found = tensors.get(prefix + name);
    if (!found) throw new FormatError(`${file}: no tensor ${prefix}${name}`);
    return found;
  };

const regenerate = (
  listed: readonly Listed[],
  seed: string | number,
  adjusted: (name: string) => StoredTensor | undefined,
): StateDict =>
  new Map(
    listed.map(([name, kind, shape]) => {
      const stored = adjusted(name);
      const data = stored ? toFloat32(stored) : generate(kind, shape, fnv(`${name}#${seed}`));
      return [name, { shape, data }];
    }),
  );

const signed = (name: string, shape: readonly number[], seed: string | number): Images => ({
  shape,
  data: generate("images", shape, fnv(`${name}#${seed}`)),
});

const mix = (value: number): number => {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
};
const hash = (mixedSeed: number, i: number): number => mix(mix((i + 0x9e3779b9) >>> 0) ^ mixedSeed);

function fnv(text: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}

function generate(kind: string, shape: readonly number[], seed: number): Float32Array {
  const mixed = mix(seed);
  const u = (i: number) => (hash(mixed, i) + 0.5) / 2 ** 32;
  const each = (value: (i: number) => number) =>
    Float32Array.from({ length: size(shape) }, (_, i) => value(i));
  if (kind === "conv") {
    const [, channels, r, s] = shape;
    const [window, factor] = [r * s, Math.sqrt(12 / (channels * r * s))];
    if (channels === 1) return each((i) => (u(i) - 0.5) * 2 * factor);
    const last = (channels - 1) * window;
    return each((i) => (u(i) - u(i % (channels * window) >= last ? i - last : i + window)) * factor);
  }
  if (kind === "linear") return each((i) => (u(i) - 0.5) * 2 * Math.sqrt(3 / shape[1]));
  if (kind === "bias") return each((i) => (u(i) - 0.5) * 0.2);
  if (kind === "gamma") return each((i) => 1 + 0.2 * (u(i) - 0.5));
  if (kind === "mean") return each((i) => (u(i) - 0.5) * 0.2);
  if (kind === "variance") return each((i) => 0.5 + u(i));
  if (kind === "images") return each((i) => 2 * u(i) - 1);
  throw new FormatError(`no formula for ${kind}`);
}

const DIGEST_SEED = mix(0x5eed);

/** L2 norm and eight projections on signs drawn by hash: the difference of two digests tells how far tensors differ. */
export function digest(x: ArrayLike<number>): Float64Array {
  const out = new Float64Array(9);
  for (let i = 0; i < x.length; i++) {
    const [v, bits] = [x[i], hash(DIGEST_SEED, i)];
    out[0] += v * v;
    for (let j = 0; j < 8; j++) out[j + 1] += (bits >>> j) & 1 ? v : -v;
  }
  out[0] = Math.sqrt(out[0]);
  return out;
}
