// The safetensors format: a little-endian u64 header length, a JSON header, then the bytes of all tensors end
// to end. A file is judged whole before any of it is handed out. Works wherever there are typed arrays.
import { FormatError } from "../errors.ts";

// What views the elements of a dtype, in the order in which tensors are laid out in a file: widest first, so
// that each is aligned to its own elements although nothing may lie between two.
const arrays = {
  U64: BigUint64Array,
  I64: BigInt64Array,
  F64: Float64Array,
  F32: Float32Array,
  U32: Uint32Array,
  I32: Int32Array,
  BF16: Uint16Array,
  F16: Uint16Array,
  U16: Uint16Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};
const dtypes = Object.keys(arrays) as StoredDType[];
const headerLimit = 100_000_000;

export type StoredDType =
  | "U64"
  | "I64"
  | "F64"
  | "F32"
  | "U32"
  | "I32"
  | "BF16"
  | "F16"
  | "U16"
  | "I16"
  | "I8"
  | "U8"
  | "BOOL";

/** A tensor as it lies in a file: row-major, little-endian. */
export interface StoredTensor {
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/**
 * Reads a safetensors file held in memory; tensors come in the order of their bytes and are views of `bytes`.
 * Throws FormatError naming `file`, the tensor and both values wherever the file contradicts itself.
 */
export function readSafetensors(
  bytes: Uint8Array,
  file = "safetensors",
): { tensors: Map<string, StoredTensor>; metadata: Record<string, string> } {
  const { header, start } = readHeader(bytes, file);
  const { __metadata__: metadata = {}, ...entries } = header;
  if (!isMetadata(metadata)) fail(`${file}: __metadata__ is ${show(metadata)}, not an object of strings`);

  const available = bytes.length - start;
  const placed = Object.entries(entries)
    .map(([name, entry]) => ({ name, ...readEntry(entry, available, place(file, name)) }))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let reached = 0;
  for (const { name, begin, end } of placed) {
    if (begin !== reached) {
      const fault = begin < reached ? "overlaps" : "leaves a hole after";
      fail(`${place(file, name)} begins at ${begin} and ${fault} the data before, which ends at ${reached}`);
    }
    reached = end;
  }
  if (reached !== available) fail(`${file} has ${available} bytes of data but its tensors end at ${reached}`);

  const tensors = placed.map(({ name, dtype, shape, begin, end }): [string, StoredTensor] => [
    name,
    { dtype, shape, bytes: new Uint8Array(bytes.buffer, bytes.byteOffset + start + begin, end - begin) },
  ]);
  return { tensors: new Map(tensors), metadata };
}

/**
 * Writes tensors by name, byte for byte as the reference library does; `metadata` is left out when empty.
 * Throws FormatError naming the tensor whose bytes do not fit its shape.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor> | Readonly<Record<string, StoredTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const entries: [string, StoredTensor][] = [...(tensors instanceof Map ? tensors : Object.entries(tensors))];
  const rank = (t: StoredTensor) => dtypes.indexOf(t.dtype);
  entries.sort(([a, s], [b, t]) => rank(s) - rank(t) || (a < b ? -1 : 1));

  if (!isMetadata(metadata)) fail("safetensors: metadata must be strings");
  let end = 0;
  // Put together by hand: an object would move names that look like numbers to the front.
  const fields = Object.keys(metadata).length > 0 ? [field("__metadata__", metadata)] : [];
  for (const [name, { dtype, shape, bytes }] of entries) {
    if (name === "__metadata__") fail("safetensors: no tensor can be named __metadata__");
    checkBytes(dtype, shape, bytes.length, place("safetensors", name));
    fields.push(field(name, { dtype, shape, data_offsets: [end, end + bytes.length] }));
    end += bytes.length;
  }
  const json = new TextEncoder().encode(`{${fields.join(",")}}`);
  const start = 8 + Math.ceil(json.length / 8) * 8;

  const file = new Uint8Array(start + end).fill(0x20, 8, start);
  new DataView(file.buffer).setBigUint64(0, BigInt(start - 8), true);
  file.set(json, 8);
  let offset = start;
  for (const [, { bytes }] of entries) {
    file.set(bytes, offset);
    offset += bytes.length;
  }
  return file;
}

/** The values as float32; a view where they are float32 and aligned, a copy otherwise. */
export function toFloat32(t: StoredTensor): Float32Array {
  const values = elements(t);
  if (values instanceof Float32Array) return values;
  const decode = fromHalf[t.dtype] ?? Number;
  const out = new Float32Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = decode(values[i] as number);
  return out;
}

/** The values as float64, in memory of their own. */
export const toFloat64 = (t: StoredTensor): Float64Array =>
  t.dtype === "F64" ? Float64Array.from(elements(t) as Float64Array) : Float64Array.from(toFloat32(t));

/**
 * The values as int32; a view where they are int32 and aligned, a copy otherwise.
 * Throws FormatError naming the first value that int32 cannot hold.
 */
export function toInt32(t: StoredTensor): Int32Array {
  const values = t.dtype in fromHalf ? toFloat32(t) : elements(t);
  if (values instanceof Int32Array) return values;
  const out = new Int32Array(values.length);
  for (let i = 0; i < out.length; i++) {
    out[i] = Number(values[i]) | 0;
    if (out[i] !== Number(values[i])) fail(`${t.dtype} value ${values[i]} at ${i} is no int32`);
  }
  return out;
}

/** A float32 tensor over the memory of `data`, row-major. Throws FormatError if `shape` has another size. */
export const fromFloat32 = (shape: readonly number[], data: Float32Array): StoredTensor =>
  stored("F32", shape, data);

/** An int32 tensor over the memory of `data`, row-major. Throws FormatError if `shape` has another size. */
export const fromInt32 = (shape: readonly number[], data: Int32Array): StoredTensor =>
  stored("I32", shape, data);

function stored(dtype: StoredDType, shape: readonly number[], data: ArrayBufferView): StoredTensor {
  checkBytes(dtype, shape, data.byteLength, dtype);
  return { dtype, shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

function readHeader(bytes: Uint8Array, file: string): { header: Record<string, unknown>; start: number } {
  if (bytes.length < 8) fail(`${file} has ${bytes.length} bytes, too few for the 8 of a header length`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > headerLimit) fail(`${file}: header of ${length} bytes; the format allows ${headerLimit}`);
  const start = 8 + Number(length);
  if (start > bytes.length) fail(`${file}: header ends at byte ${start} but the file at ${bytes.length}`);
  let json: string;
  let header: unknown;
  try {
    json = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, start));
    header = JSON.parse(json);
  } catch (cause) {
    fail(`${file}: header is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (!isObject(header)) fail(`${file}: header is ${show(header)}, not an object`);
  const twice = duplicateKey(json);
  if (twice !== undefined) fail(`${file}: header names ${show(twice)} twice`);
  return { header, start };
}

function readEntry(entry: unknown, available: number, where: string) {
  if (!isObject(entry)) fail(`${where} is ${show(entry)}, not an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!dtypes.includes(dtype as StoredDType))
    fail(`${where} has dtype ${show(dtype)}; known are ${dtypes.join(", ")}`);
  if (!Array.isArray(shape)) fail(`${where} has shape ${show(shape)}, not a list of sizes`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize) || offsets[0] > offsets[1])
    fail(`${where} has data_offsets ${show(offsets)}, not [begin, end]`);
  const [begin, end] = offsets as [number, number];
  if (end > available) fail(`${where} ends at ${end} but the file has ${available} bytes of data`);
  checkBytes(dtype as StoredDType, shape, end - begin, where);
  return { dtype: dtype as StoredDType, shape: shape as number[], begin, end };
}

function checkBytes(dtype: StoredDType, shape: readonly number[], bytes: number, where: string): void {
  const count = shape.reduce((product, size) => product * size, arrays[dtype].BYTES_PER_ELEMENT);
  if (!shape.every(isSize) || !Number.isSafeInteger(count))
    fail(`${where} has shape ${show(shape)}, not whole sizes of fewer than 2^53 bytes together`);
  if (count !== bytes) fail(`${where}: ${dtype} of shape ${show(shape)} is ${count} bytes, not ${bytes}`);
}

/** The first key that an object in valid JSON holds twice: JSON.parse keeps the later one without a word. */
function duplicateKey(json: string): string | undefined {
  const colon = /\s*:/y;
  const open: Set<string>[] = [];
  for (let i = 0; i < json.length; i++) {
    if (json[i] === "{") open.push(new Set());
    else if (json[i] === "}") open.pop();
    else if (json[i] === '"') {
      const begin = i;
      while (json[++i] !== '"') if (json[i] === "\\") i++;
      colon.lastIndex = i + 1;
      if (!colon.test(json)) continue;
      const key: string = JSON.parse(json.slice(begin, i + 1));
      if (open.at(-1)!.has(key)) return key;
      open.at(-1)!.add(key);
    }
  }
  return undefined;
}

function elements({ dtype, bytes }: StoredTensor) {
  const Elements = arrays[dtype];
  // A file need not begin on a boundary of its own elements, least of all one read into a pooled Buffer.
  const { buffer, byteOffset } =
    bytes.byteOffset % Elements.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return new Elements(buffer as ArrayBuffer, byteOffset, bytes.length / Elements.BYTES_PER_ELEMENT);
}

// float16 has no array of its own in every engine, bfloat16 in none.
const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);
const fromHalf: Partial<Record<StoredDType, (half: number) => number>> = {
  F16(half) {
    // Taken for float32, a float16's bits are its value times 2^-112, subnormal or not.
    bits[0] = (half & 0x7fff) << 13;
    const size = (half & 0x7c00) < 0x7c00 ? float[0] * 2 ** 112 : half & 0x3ff ? NaN : Infinity;
    return half & 0x8000 ? -size : size;
  },
  BF16(half) {
    bits[0] = half << 16;
    return float[0];
  },
};

function fail(message: string, options?: ErrorOptions): never {
  throw new FormatError(message, options);
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isMetadata = (value: unknown): value is Record<string, string> =>
  isObject(value) && Object.values(value).every((text) => typeof text === "string");
const field = (name: string, value: unknown) => `${JSON.stringify(name)}:${JSON.stringify(value)}`;
const place = (file: string, name: string) => `${file}: tensor ${show(name)}`;

/** A value for a message: never long and never deep, whatever a file holds. */
function show(value: unknown): string {
  if (Array.isArray(value))
    return `[${value.slice(0, 8).map((v) => (typeof v === "object" ? "..." : show(v)))}${value.length > 8 ? ",..." : ""}]`;
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}
