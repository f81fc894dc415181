// Resizing of pictures, with the filters and the arithmetic of Pillow's `Image.resize`: values agree to the bit.

import { checkWhole } from "../arguments.ts";
import { ValueError } from "../errors.ts";

/** A picture in memory: height x width x 3 bytes, red, green and blue, row by row from the top. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Part of a picture in pixels, which need not be whole: columns from `left` on, rows from `top` on. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A filter and how far it reaches on either side, in pixels of the coarser of both grids. */
interface Filter {
  readonly support: number;
  readonly at: (distance: number) => number;
}

/** Both are widened where a picture is made smaller, so that every pixel counts. */
export type Interpolation = "bilinear" | "bicubic";

const FILTERS: Readonly<Record<Interpolation, Filter>> = {
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  /** Keys's cubic convolution with a = -1/2. */
  bicubic: {
    support: 2,
    at(distance) {
      const x = Math.abs(distance);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
    },
  },
};

/** Weights are whole multiples of 2^-22. */
const PRECISION = 22;

/**
 * Resizes a picture, or the part of it in `box`, to width x height.
 * Throws ValueError where a size is no whole number above 0 or the box is not inside the picture.
 */
export function resample(
  picture: Picture,
  width: number,
  height: number,
  interpolation: Interpolation,
  box: Box = { left: 0, top: 0, width: picture.width, height: picture.height },
): Picture {
  checkWhole("resample", "width", width, 1);
  checkWhole("resample", "height", height, 1);
  const { left, top } = box;
  const inside = left >= 0 && top >= 0 && box.width > 0 && box.height > 0;
  if (!(inside && left + box.width <= picture.width && top + box.height <= picture.height))
    throw new ValueError(
      `resample: the box [${left}, ${top}, ${box.width}, ${box.height}] is not inside a picture of ${picture.width}x${picture.height}`,
    );
  const filter = FILTERS[interpolation];
  const across = weightsOf(picture.width, left, box.width, width, filter);
  const down = weightsOf(picture.height, top, box.height, height, filter);
  return columns(rows(picture, across), down);
}

/** For every pixel of a line that is made, the first pixel it takes, how many, and their weights. */
interface Weights {
  readonly length: number;
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `most` for each pixel. */
  readonly weights: Int32Array;
  readonly most: number;
  /** Whether every pixel is taken as it is. */
  readonly same: boolean;
}

function weightsOf(from: number, start: number, span: number, length: number, filter: Filter): Weights {
  const scale = span / length;
  const wide = Math.max(scale, 1);
  const support = filter.support * wide;
  const most = Math.ceil(support) * 2 + 1;
  const [first, count] = [new Int32Array(length), new Int32Array(length)];
  const weights = new Int32Array(length * most);
  const line = new Float64Array(most);
  for (let i = 0; i < length; i++) {
    const center = start + (i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - support + 0.5));
    const high = Math.min(from, Math.trunc(center + support + 0.5));
    let sum = 0;
    for (let k = 0; k < high - low; k++) {
      line[k] = filter.at((k + low - center + 0.5) / wide);
      sum += line[k];
    }
    [first[i], count[i]] = [low, high - low];
    for (let k = 0; k < high - low; k++) {
      const w = (line[k] / sum) * 2 ** PRECISION;
      weights[i * most + k] = w < 0 ? w - 0.5 : w + 0.5;
    }
  }
  return { length, first, count, weights, most, same: span === length && span === from };
}

const HALF = 1 << (PRECISION - 1);
const clipped = (sum: number) => {
  const level = sum >> PRECISION;
  return level < 0 ? 0 : level > 255 ? 255 : level;
};

function rows(picture: Picture, { length, first, count, weights, most, same }: Weights): Picture {
  if (same) return picture;
  const { width, height, data } = picture;
  const made = new Uint8Array(height * length * 3);
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < length; x++) {
      let [red, green, blue] = [HALF, HALF, HALF];
      let from = (y * width + first[x]) * 3;
      for (let k = x * most, end = k + count[x]; k < end; k++, from += 3) {
        red += weights[k] * data[from];
        green += weights[k] * data[from + 1];
        blue += weights[k] * data[from + 2];
      }
      made[to++] = clipped(red);
      made[to++] = clipped(green);
      made[to++] = clipped(blue);
    }
  return { width: length, height, data: made };
}

function columns(picture: Picture, { length, first, count, weights, most, same }: Weights): Picture {
  if (same) return picture;
  const line = picture.width * 3;
  const made = new Uint8Array(length * line);
  const sums = new Int32Array(line);
  for (let y = 0; y < length; y++) {
    sums.fill(HALF);
    for (let k = 0; k < count[y]; k++) {
      const weight = weights[y * most + k];
      const from = (first[y] + k) * line;
      for (let i = 0; i < line; i++) sums[i] += weight * picture.data[from + i];
    }
    for (let i = 0; i < line; i++) made[y * line + i] = clipped(sums[i]);
  }
  return { width: picture.width, height: length, data: made };
}
