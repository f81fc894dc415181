import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { gunzipSync } from "node:zlib";
import { FormatError } from "../../engine/errors.ts";
import {
  fromFloat32,
  readSafetensors,
  type StoredTensor,
  toFloat32,
  writeSafetensors,
} from "../../engine/io/safetensors.ts";
import type { StateDict } from "../../engine/nn/variables.ts";

/** The bytes of a file. Throws FormatError naming it where it cannot be read. */
export const readBytes = (path: string): Promise<Buffer> =>
  readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new FormatError(`${path}: ${cause.code === "ENOENT" ? "no such file" : cause.message}`, { cause });
  });

/** Bytes of a file, unpacked where they are gzip's. Throws FormatError naming it. */
export async function readUnpacked(path: string): Promise<Buffer> {
  const bytes = await readBytes(path);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw new FormatError(`${path}: cannot be unpacked: ${(cause as Error).message}`, { cause });
  }
}

/** Reads a safetensors file. Throws FormatError naming the file where it is missing or not what it claims. */
export async function readTensors(path: string): Promise<Map<string, StoredTensor>> {
  return readSafetensors(await readBytes(path), path).tensors;
}

/** The tensors of a file as float32 values. */
export const asState = (tensors: ReadonlyMap<string, StoredTensor>): StateDict =>
  new Map([...tensors].map(([name, t]) => [name, { shape: t.shape, data: toFloat32(t) }]));

/** Tensors of float32 values, ready to be written. */
export const asTensors = (state: StateDict): Map<string, StoredTensor> =>
  new Map([...state].map(([name, { shape, data }]) => [name, fromFloat32(shape, data)]));

/** Writes a safetensors file as `writeWhole` does. */
export const writeTensors = (
  path: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Record<string, string> = {},
): Promise<void> => writeWhole(path, () => writeSafetensors(new Map(tensors), metadata));

/** Writes a file beside its place and moves it there when complete. Throws FormatError naming it where that fails. */
export async function writeWhole(path: string, content: () => Uint8Array | string): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(partial, content());
    await rename(partial, path);
  } catch (cause) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw new FormatError(`${path}: cannot be written: ${(cause as Error).message}`, { cause });
  }
}

/** Writes a file as `writeWhole` does, or stdout where it is called `-`. */
export async function writeOut(path: string, text: () => string): Promise<void> {
  if (path === "-") process.stdout.write(text());
  else await writeWhole(path, text);
}
