// Labelled pictures on disk as batches in memory. Node only.

import { checkNumber, checkWhole } from "../arguments.ts";
import { FormatError, ValueError } from "../errors.ts";
import { randomBits } from "../random.ts";
import { formatLeftOut, type LeftOut, type Sample } from "./folder.node.ts";
import { type PictureOptions, readPicture } from "./picture.node.ts";
import { evaluationCrop, toNetwork } from "./preprocess.ts";

/** `images` are n x h x w x 3 (red, green, blue) in [-1, 1], `labels` n class indices. */
export interface Batch {
  readonly images: Float32Array;
  readonly labels: Int32Array;
}

export interface BatchOptions extends PictureOptions {
  /** Images in a batch. */
  readonly batch: number;
  /** Pixels a side. */
  readonly size: number;
  readonly seed?: number;
  /** Mirror a picture left to right at every other sight of it. */
  readonly flip?: boolean;
  /** What decoded pictures may occupy, at size * size * 3 each; those beyond are decoded anew every epoch. */
  readonly cacheBytes?: number;
  /** Share of the samples, from 0 to 1, that may turn out not to be readable; 0.01 by default. Above 0 it allows one. */
  readonly maxBad?: number;
}

const MAX_BAD = 0.01;

/**
 * One picture as timm shows it to a network under evaluation: shorter side resized to floor(size / 0.875) by a bicubic
 * filter, centre cropped; decoded as `readPicture` does, which by default turns it upright (timm does not).
 * Returns size x size x 3 values in [-1, 1].
 * Throws FormatError naming a file that cannot be decoded, TesseraError if sharp is not installed.
 */
export async function decodeImage(
  path: string,
  size: number,
  options?: PictureOptions,
): Promise<Float32Array> {
  const image = new Float32Array(size * size * 3);
  toNetwork(evaluationCrop(await readPicture(path, options), size), image);
  return image;
}

/**
 * Endless shuffled batches, the same for the same seed. Batch k is the samples from k * batch on in a sequence
 * that holds every sample once an epoch, in an order drawn from seed and epoch. So none is short or left out
 * (a batch may straddle two epochs), and training resumed at step k sees what it would have seen.
 * In the place of a picture that cannot be decoded stands the next one of the epoch; `bad` names it.
 */
export class ImageBatches {
  readonly #decoded = new Map<number, Uint8Array>();
  readonly #bad = new Map<number, LeftOut>();
  #order: { epoch: number; of: Uint32Array } | undefined;

  constructor(
    private readonly samples: readonly Sample[],
    private readonly options: BatchOptions,
  ) {
    const { batch, size, maxBad = MAX_BAD } = options;
    if (samples.length === 0) throw new ValueError("ImageBatches: there are no samples");
    checkWhole("ImageBatches", "batch", batch, 1);
    checkWhole("ImageBatches", "size", size, 1);
    checkNumber("ImageBatches", "maxBad", maxBad, { least: 0, most: 1 });
  }

  /** Files that could not be decoded so far, and why. */
  get bad(): readonly LeftOut[] {
    return [...this.#bad.values()];
  }

  /**
   * Batch `step`, counted from 0, in arrays of its own.
   * Throws FormatError naming the first file where more than `maxBad` of the samples cannot be decoded.
   */
  async at(step: number): Promise<Batch> {
    const { batch, size, seed = 0, flip = false } = this.options;
    const length = size * size * 3;
    const made = { images: new Float32Array(batch * length), labels: new Int32Array(batch) };
    const place = async (i: number) => {
      const position = step * batch + i;
      const { data, label } = await this.#pictureAt(position);
      const mirror = flip && randomBits(seed, MIRROR, position) % 2 === 1;
      toNetwork({ width: size, height: size, data }, made.images.subarray(i * length), mirror);
      made.labels[i] = label;
    };
    await Promise.all(Array.from({ length: batch }, (_, i) => place(i)));
    return made;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, never> {
    for (let step = 0; ; step++) yield await this.at(step);
  }

  /** The picture at a position of the sequence, or the next one that can be decoded. */
  async #pictureAt(position: number): Promise<{ data: Uint8Array; label: number }> {
    const { samples } = this;
    const order = this.#orderOf(Math.floor(position / samples.length));
    for (let next = position; ; next++) {
      const index = order[next % samples.length];
      const data = await this.#pixels(index);
      if (data) return { data, label: samples[index].label };
    }
  }

  #orderOf(epoch: number): Uint32Array {
    if (this.#order?.epoch !== epoch)
      this.#order = { epoch, of: shuffled(this.samples.length, this.options.seed ?? 0, epoch) };
    return this.#order.of;
  }

  /** Undefined where a file cannot be decoded. */
  async #pixels(index: number): Promise<Uint8Array | undefined> {
    const { size, cacheBytes = 2 ** 30, maxBad = MAX_BAD } = this.options;
    const known = this.#decoded.get(index);
    if (known || this.#bad.has(index)) return known;
    const { path } = this.samples[index];
    try {
      const { data } = evaluationCrop(await readPicture(path, this.options), size);
      if ((this.#decoded.size + 1) * data.length <= cacheBytes) this.#decoded.set(index, data);
      return data;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#bad.set(index, { path, why: (error.cause as Error).message });
      const [bad, all] = [this.#bad.size, this.samples.length];
      if (bad < all && bad <= (maxBad > 0 ? Math.max(1, maxBad * all) : 0)) return undefined;
      const which = formatLeftOut(this.bad);
      throw new FormatError(`${bad} of ${all} images cannot be decoded, more than ${maxBad}: ${which}`, {
        cause: error,
      });
    }
  }
}

/** 0 .. n - 1 in an order drawn by Fisher and Yates's shuffle. */
function shuffled(n: number, seed: number, epoch: number): Uint32Array {
  const order = new Uint32Array(n).map((_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = randomBits(seed, epoch, i) % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Not an epoch. */
const MIRROR = -1;
