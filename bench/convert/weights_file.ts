// Weights in safetensors files.

import { readBytes, writeFile } from "../../engine/io/files.node.ts";
import {
  fromFloat32,
  readSafetensors,
  type StoredTensor,
  toFloat32,
  writeSafetensors,
} from "../../engine/io/safetensors.ts";
import type { StateDict } from "../../engine/nn/variables.ts";

/** Reads a safetensors file. Throws FormatError naming the file if it is missing or damaged. */
export async function readTensors(path: string): Promise<Map<string, StoredTensor>> {
  return readSafetensors(await readBytes(path), path).tensors;
}

/** Writes a safetensors file. Throws FormatError naming it. */
export const writeTensors = (
  path: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Record<string, string> = {},
): Promise<void> => writeFile(path, writeSafetensors(new Map(tensors), metadata));

/** The tensors of a file as float32 values. */
export const asState = (tensors: ReadonlyMap<string, StoredTensor>): StateDict =>
  new Map([...tensors].map(([name, t]) => [name, { shape: t.shape, data: toFloat32(t) }]));

/** Tensors of float32 values, ready to be written. */
export const asTensors = (state: StateDict): Map<string, StoredTensor> =>
  new Map([...state].map(([name, { shape, data }]) => [name, fromFloat32(shape, data)]));
