// Labelled pictures on disk as batches in memory. Node only: the decoding is sharp's (libvips).
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { FormatError, TesseraError, ValueError } from "../errors.ts";

export interface Sample {
  readonly path: string;
  /** Index into the classes. */
  readonly label: number;
}

/** `images` are n x h x w x 3 (red, green, blue) in [-1, 1], `labels` n class indices. */
export interface Batch {
  readonly images: Float32Array;
  readonly labels: Int32Array;
}

export interface BatchOptions {
  /** Images in a batch. */
  readonly batch: number;
  /** Pixels a side. */
  readonly size: number;
  readonly seed?: number;
  /** Mirror a picture left to right at every other sight of it. */
  readonly flip?: boolean;
  /** What decoded pictures may occupy, at size * size * 3 each; those beyond are decoded anew every epoch. */
  readonly cacheBytes?: number;
}

/**
 * Lists a data set kept as one folder of JPEG, PNG or WebP files per class; classes and files in sorted order.
 * Throws TesseraError if there is no such folder, fewer than two classes, or a class without images.
 */
export async function scanFolder(dir: string): Promise<{ classes: string[]; samples: Sample[] }> {
  const names = await list(dir);
  const folders = await Promise.all(names.map((name) => isFolder(join(dir, name))));
  const classes = names.filter((_, i) => folders[i]);
  if (classes.length < 2) {
    const found = classes.length === 0 ? "no folder" : `one folder, ${classes[0]}`;
    throw new TesseraError(`${dir} holds ${found}; it takes two classes or more, a folder of images each`);
  }
  const files = await Promise.all(classes.map((name) => list(join(dir, name))));
  const images = files.map((names) => names.filter((name) => /\.(jpe?g|png|webp)$/i.test(name)));
  const empty = classes.filter((_, label) => images[label].length === 0);
  if (empty.length > 0)
    throw new TesseraError(`${dir}: no .jpg, .jpeg, .png or .webp in ${empty.join(", ")}`);
  const samples = images.flatMap((names, label) =>
    names.map((name) => ({ path: join(dir, classes[label], name), label })),
  );
  return { classes, samples };
}

/**
 * One picture as timm shows it to a network under evaluation: upright, sRGB on white, shorter side resized to
 * floor(size / 0.875) by a bicubic filter, centre cropped. Returns size x size x 3 values in [-1, 1].
 * Throws FormatError naming a file that cannot be decoded, TesseraError if sharp is not installed.
 */
export async function decodeImage(path: string, size: number): Promise<Float32Array> {
  const image = new Float32Array(size * size * 3);
  normalise(await decodePixels(path, size), image, size, false);
  return image;
}

/**
 * Endless shuffled batches, the same for the same seed. Batch k is the samples from k * batch on in a sequence
 * that holds every sample once an epoch, in an order drawn from seed and epoch. So none is short or left out
 * (a batch may straddle two epochs), and training resumed at step k sees what it would have seen.
 */
export class ImageBatches {
  private readonly current: Batch;
  private readonly decoded = new Map<number, Uint8Array>();
  private readonly order: Uint32Array;
  private epoch = -1;

  constructor(
    private readonly samples: readonly Sample[],
    private readonly options: BatchOptions,
  ) {
    const { batch, size } = options;
    if (samples.length === 0) throw new ValueError("ImageBatches: there are no samples");
    for (const [name, value] of Object.entries({ batch, size }))
      if (!(Number.isInteger(value) && value > 0))
        throw new ValueError(`ImageBatches: ${name} is ${value}, not 1 or more`);
    this.current = { images: new Float32Array(batch * size * size * 3), labels: new Int32Array(batch) };
    this.order = new Uint32Array(samples.length);
  }

  /** Batch `step`, counted from 0. Every call fills the same arrays: they hold until the next. */
  async at(step: number): Promise<Batch> {
    const { batch, size, seed = 0, flip = false } = this.options;
    const chosen = Array.from({ length: batch }, (_, i) => this.sampleAt(step * batch + i));
    const pictures = await Promise.all(chosen.map((index) => this.pixels(index)));
    const { images, labels } = this.current;
    pictures.forEach((pixels, i) => {
      const mirror = flip && randomBits(seed, MIRROR, step * batch + i) % 2 === 1;
      normalise(pixels, images.subarray(i * pixels.length, (i + 1) * pixels.length), size, mirror);
      labels[i] = this.samples[chosen[i]].label;
    });
    return this.current;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, never> {
    for (let step = 0; ; step++) yield await this.at(step);
  }

  private sampleAt(position: number): number {
    const { samples, order } = this;
    const epoch = Math.floor(position / samples.length);
    if (epoch !== this.epoch) shuffle(order, this.options.seed ?? 0, epoch);
    this.epoch = epoch;
    return order[position % samples.length];
  }

  private async pixels(index: number): Promise<Uint8Array> {
    const { size, cacheBytes = 2 ** 30 } = this.options;
    const known = this.decoded.get(index);
    if (known) return known;
    const pixels = await decodePixels(this.samples[index].path, size);
    if ((this.decoded.size + 1) * pixels.length <= cacheBytes) this.decoded.set(index, pixels);
    return pixels;
  }
}

/**
 * sharp, loaded when first wanted: it is an optional dependency. Throws TesseraError if it cannot be loaded.
 * @internal
 */
export async function loadSharp(): Promise<typeof import("sharp").default> {
  try {
    return (await import("sharp")).default;
  } catch (cause) {
    const { message } = cause as Error;
    throw new TesseraError(
      `images need the package sharp (npm install sharp), which did not load: ${message}`,
      { cause },
    );
  }
}

async function decodePixels(path: string, size: number): Promise<Uint8Array> {
  const sharp = await loadSharp();
  try {
    // Read here, since libvips remembers a file by its path, whatever has become of it since.
    const picture = sharp(await readFile(path), { failOn: "error" });
    const { width, height } = (await picture.metadata()).autoOrient;
    const short = Math.floor(size / 0.875);
    const scaled = (side: number) => Math.floor((short * side) / Math.min(width, height));
    const pixels = await picture
      .autoOrient()
      .flatten({ background: "white" })
      .resize(scaled(width), scaled(height), { fit: "fill", kernel: "cubic", fastShrinkOnLoad: false })
      .extract({
        left: half(scaled(width) - size),
        top: half(scaled(height) - size),
        width: size,
        height: size,
      })
      .raw()
      .toBuffer();
    if (pixels.length !== size * size * 3)
      throw new Error(`${pixels.length} values, not ${size} x ${size} x 3`);
    return pixels;
  } catch (cause) {
    throw new FormatError(`${path} cannot be decoded: ${(cause as Error).message}`, { cause });
  }
}

/** n / 2, and of two equally near integers the even one: where timm, in Python, puts the crop. */
const half = (n: number): number => Math.round(n / 2) - (n % 4 === 1 ? 1 : 0);

function normalise(pixels: Uint8Array, image: Float32Array, size: number, mirror: boolean): void {
  let to = 0;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const from = (y * size + (mirror ? size - 1 - x : x)) * 3;
      for (let c = 0; c < 3; c++) image[to++] = pixels[from + c] / 127.5 - 1;
    }
  }
}

/** Fisher and Yates's shuffle of 0 .. n - 1. */
function shuffle(order: Uint32Array, seed: number, epoch: number): void {
  for (let i = 0; i < order.length; i++) order[i] = i;
  for (let i = order.length - 1; i > 0; i--) {
    const j = randomBits(seed, epoch, i) % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
}

/** Not an epoch. */
const MIRROR = -1;

/** Random 32 bits, a function of its arguments alone: nothing to save and nothing that depends on who asked before. */
export function randomBits(seed: number, stream: number, counter: number): number {
  let bits = 0x7e55e7a;
  for (const word of [seed, stream, counter]) {
    bits = Math.imul(bits ^ word, 0x9e3779b1);
    bits = Math.imul(bits ^ (bits >>> 15), 0x85ebca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
    bits ^= bits >>> 16;
  }
  return bits >>> 0;
}

async function list(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).filter((name) => !name.startsWith(".")).sort();
  } catch (cause) {
    throw new TesseraError(`cannot list the folder ${dir}: ${(cause as Error).message}`, { cause });
  }
}

const isFolder = async (path: string) => (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
