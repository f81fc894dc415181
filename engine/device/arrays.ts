// Arrays as callers have them, made into what the device takes.
import { size } from "../../kernels/op.ts";
import { formatValue } from "../arguments.ts";
import { ShapeError, ValueError } from "../errors.ts";

/** What is taken where floats are wanted. Whoever takes images refuses arrays of integers: see `toFloats`. */
export type FloatValues =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array
  | readonly number[];

/** What is taken where whole numbers are wanted. */
export type IntegerValues = FloatValues | BigInt64Array | BigUint64Array | readonly bigint[];

/** What an argument must be. */
export interface Expected {
  /** The number of values is the product; not checked without. */
  readonly shape?: readonly number[];
  /** Where floats must be, such as `[-1, 1]`: arrays of integers are refused, as theirs is another range. */
  readonly range?: string;
}

const RANGES = { i32: [-(2 ** 31), 2 ** 31 - 1], u32: [0, 2 ** 32 - 1] } as const;
const FLOATS = ["Float32Array", "Float64Array", "Float16Array"];

/**
 * Values as a Float32Array: the array itself where it is one, or else a copy. Float64Array and plain arrays are rounded
 * to float32, arrays of integers are converted where float32 holds every value.
 * Throws ValueError for anything else, for integers where `range` is given, for a number that float32 does not hold, and
 * for a detached array; ShapeError where the number of values is not the shape's.
 */
export function toFloats(what: string, value: unknown, { shape, range }: Expected = {}): Float32Array {
  const wanted = range ? `values in ${range} as Float32Array are` : "a Float32Array is";
  const { kind, values } = take(what, value, wanted);
  const integers = !FLOATS.includes(kind) && kind !== "Array";
  if (integers && (range || kind.startsWith("Big"))) {
    const scaling = /^Uint8/.test(kind) && range === "[-1, 1]" ? "; scale them, e.g. x / 127.5 - 1" : "";
    throw new ValueError(`${what}: ${wanted} expected but ${formatValue(value)} is given${scaling}`);
  }
  checkCount(what, values, shape);
  if (kind === "Float32Array" && isPlain((values as Float32Array).buffer)) return values as Float32Array;
  if (kind === "Array") checkNumbers(what, values, "number");
  const floats = Float32Array.from(values as ArrayLike<number>);
  for (let i = 0; i < floats.length; i++) {
    const given = values[i] as number;
    const held = integers ? floats[i] === given : Number.isFinite(floats[i]) || !Number.isFinite(given);
    if (!held) throw new ValueError(`${what}: value ${given} at index ${i} does not fit a float32`);
  }
  return floats;
}

/**
 * Values as an Int32Array, or a Uint32Array: the array itself where it is one, or else a copy. Taken are arrays of
 * integers of any size, BigInt too, and floats and plain arrays whose values are whole.
 * Throws ValueError for anything else, for a detached array, and naming the first value that is not whole or out of
 * range; ShapeError where the number of values is not the shape's.
 */
export function toIntegers(what: string, value: unknown, expected?: Expected & { type?: "i32" }): Int32Array;
export function toIntegers(what: string, value: unknown, expected: Expected & { type: "u32" }): Uint32Array;
export function toIntegers(
  what: string,
  value: unknown,
  { shape, type = "i32" }: Expected & { type?: "i32" | "u32" } = {},
): Int32Array | Uint32Array {
  const Target = { i32: Int32Array, u32: Uint32Array }[type];
  const own = { i32: "Int32Array", u32: "Uint32Array" }[type];
  const { kind, values } = take(what, value, `${type === "i32" ? "an" : "a"} ${own} is`);
  checkCount(what, values, shape);
  if (kind === own && isPlain((values as Int32Array).buffer)) return values as Int32Array;
  if (kind === "Array") checkNumbers(what, values, typeof values[0] === "bigint" ? "bigint" : "number");
  const [least, most] = RANGES[type];
  const integers = new Target(values.length);
  for (let i = 0; i < integers.length; i++) {
    const number = Number(values[i]);
    if (!Number.isInteger(number))
      throw new ValueError(`${what}: value ${number} at index ${i} is not whole`);
    if (number < least || number > most)
      throw new ValueError(`${what}: value ${values[i]} at index ${i} is outside ${least}..${most}`);
    integers[i] = number;
  }
  return integers;
}

/**
 * The bytes of a view, or a copy of them where it is over memory that WebGPU does not take: shared between threads
 * (Dawn in Node dies of it), or resizable (browsers refuse it). Throws ValueError for what is no view, and for a
 * detached one.
 */
export function toBytes(what: string, data: unknown): Uint8Array<ArrayBuffer> {
  if (!ArrayBuffer.isView(data))
    throw new ValueError(`${what}: a typed array or DataView is expected but ${formatValue(data)} is given`);
  const bytes = viewOf(what, data);
  return isPlain(bytes.buffer) ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}

/** Whether WebGPU takes this memory as it is: neither shared nor resizable. */
function isPlain(buffer: ArrayBufferLike): buffer is ArrayBuffer {
  const shared = Object.prototype.toString.call(buffer) === "[object SharedArrayBuffer]";
  return !shared && !(buffer as { resizable?: boolean }).resizable;
}

/** The view's bytes. Throws ValueError where its memory is gone. */
function viewOf(what: string, { buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  try {
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch (cause) {
    throw new ValueError(`${what}: the array is detached (its memory was transferred or grown)`, { cause });
  }
}

/** An array of any realm, and what it is called. Throws ValueError where it is none. */
function take(what: string, value: unknown, wanted: string) {
  const view = ArrayBuffer.isView(value) && !(value instanceof DataView);
  const kind: string = view ? (value as any)[Symbol.toStringTag] : "Array";
  if (!view && !Array.isArray(value))
    throw new ValueError(`${what}: ${wanted} expected but ${formatValue(value)} is given`);
  if (view) viewOf(what, value);
  return { kind, values: value as ArrayLike<unknown> };
}

function checkCount(
  what: string,
  { length }: ArrayLike<unknown>,
  shape: readonly number[] | undefined,
): void {
  if (shape && length !== size(shape))
    throw new ShapeError(`${what}: [${shape}] takes ${size(shape)} values but ${length} are given`);
}

function checkNumbers(what: string, values: ArrayLike<unknown>, type: "number" | "bigint"): void {
  for (let i = 0; i < values.length; i++)
    if (typeof values[i] !== type) {
      const flat = Array.isArray(values[i]) ? "; values are given flat, in row-major order" : "";
      throw new ValueError(
        `${what}: a ${type} is expected at index ${i} but ${formatValue(values[i])} is given${flat}`,
      );
    }
}
