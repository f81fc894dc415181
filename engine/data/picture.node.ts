// Pictures from files. Node only: the decoding is sharp's (libvips).

import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { FormatError, TesseraError } from "../errors.ts";
import type { Picture } from "./resample.ts";

export interface PictureOptions {
  /** Turn the picture as its EXIF orientation says (true), or leave it as it is stored, as PyTorch's loaders do. */
  readonly upright?: boolean;
}

/** Pixels a picture may have: beyond, it is refused before it is decoded. */
const MOST_PIXELS = 2 ** 28;

/**
 * Decodes a picture, by its content and not by its name: JPEG, PNG, WebP, GIF and TIFF (the first frame or page),
 * AVIF. What comes out is what Pillow's `convert("RGB")` makes of it, colour profiles ignored, save that alpha is laid
 * over white and 16 bits keep their high 8.
 * Throws FormatError where the data cannot be decoded, is cut off, holds floats, or has more than 2^28 pixels;
 * TesseraError if sharp is not installed.
 */
export async function decodePicture(
  bytes: Uint8Array,
  { upright = true }: PictureOptions = {},
): Promise<Picture> {
  const sharp = await loadSharp();
  if (bytes.length === 0) throw new FormatError("it is empty");
  if (bytes[0] === 0x42 && bytes[1] === 0x4d) throw new FormatError("BMP is not supported");
  const decode = async (failOn: "warning" | "error"): Promise<Picture> => {
    const picture = sharp(bytes, { failOn, ignoreIcc: true, limitInputPixels: MOST_PIXELS });
    const { space, depth } = await picture.metadata();
    if (depth === "float" || depth === "double" || depth === "complex")
      throw new FormatError(`its pixels are floats (${depth}), whose range is not known`);
    const turned = upright ? picture.autoOrient() : picture;
    const inks = space === "cmyk";
    const as = inks
      ? turned.pipelineColourspace("cmyk").toColourspace("cmyk")
      : turned.flatten({ background: "white" }).toColourspace("srgb");
    const { data, info } = await as.raw().toBuffer({ resolveWithObject: true });
    if (info.channels !== (inks ? 4 : 3)) throw new FormatError(`it has ${info.channels} channels`);
    return { width: info.width, height: info.height, data: inks ? fromInks(data) : data };
  };
  try {
    // a JPEG that is cut off and has an end marker is no error to libjpeg; what it says of other flaws is harmless
    return await decode("warning").catch((error: Error) => {
      if (error instanceof FormatError || /premature end/i.test(error.message)) throw error;
      return decode("error");
    });
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw new FormatError((cause as Error).message, { cause });
  }
}

/** Decodes the picture in a file. Throws FormatError naming the file, also where it is no plain file. */
export async function readPicture(path: string, options?: PictureOptions): Promise<Picture> {
  try {
    return await decodePicture(await contentOf(path), options);
  } catch (cause) {
    if (cause instanceof TesseraError && !(cause instanceof FormatError)) throw cause;
    throw new FormatError(`${path} cannot be decoded: ${(cause as Error).message}`, { cause });
  }
}

/** Read here, since libvips remembers a file by its path, whatever has become of it since. A pipe is not waited for. */
async function contentOf(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new FormatError("it is no plain file");
    return await file.readFile();
  } finally {
    await file.close();
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

/** Cyan, magenta, yellow and black without a profile: each takes its colour from what black leaves. */
function fromInks(inks: Uint8Array): Uint8Array {
  const data = new Uint8Array((inks.length / 4) * 3);
  for (let from = 0, to = 0; from < inks.length; from += 4) {
    const left = 255 - inks[from + 3];
    for (let c = 0; c < 3; c++) data[to++] = Math.round(left - (inks[from + c] * left) / 255);
  }
  return data;
}
