// From a decoded picture to what a network takes.

import { type Picture, resample } from "./resample.ts";

/** Share of the shorter side that an evaluation crop keeps (timm and slim alike). */
const KEPT = 0.875;

/**
 * The centre of a picture as timm's evaluation takes it: the shorter side resized to floor(size / 0.875) by a bicubic
 * filter, the longer in proportion, then size x size pixels from the middle.
 */
export function evaluationCrop(picture: Picture, size: number): Picture {
  const short = Math.floor(size / KEPT);
  const least = Math.min(picture.width, picture.height);
  const scaled = (side: number) => Math.floor((short * side) / least);
  const whole = resample(picture, scaled(picture.width), scaled(picture.height), "bicubic");
  return crop(whole, half(whole.width - size), half(whole.height - size), size);
}

/** size x size pixels from column `left` and row `top` on. */
function crop({ width, data }: Picture, left: number, top: number, size: number): Picture {
  const made = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    const from = ((top + y) * width + left) * 3;
    made.set(data.subarray(from, from + size * 3), y * size * 3);
  }
  return { width: size, height: size, data: made };
}

/** n / 2, and of two equally near integers the even one: where timm, in Python, puts the crop. */
const half = (n: number): number => Math.round(n / 2) - (n % 4 === 1 ? 1 : 0);

/** Writes a picture into `image`, height x width x 3 values in [-1, 1], mirrored left to right if asked. */
export function toNetwork({ width, height, data }: Picture, image: Float32Array, mirror = false): void {
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + (mirror ? width - 1 - x : x)) * 3;
      for (let c = 0; c < 3; c++) image[to++] = data[from + c] / 127.5 - 1;
    }
  }
}
