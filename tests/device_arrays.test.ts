// Arrays from the host: what is taken, what is converted, and what is refused by name.
import * as assert from "uvu/assert";
import { toFloats, toIntegers } from "../engine/device/arrays.ts";
import { ShapeError, ValueError } from "../engine/errors.ts";
import { device, group } from "./harness.ts";

const check = group("arrays");
const IMAGES = { shape: [2, 2], range: "[-1, 1]" };

const shared = <T>(Type: new (buffer: SharedArrayBuffer) => T, bytes: number) =>
  new Type(new SharedArrayBuffer(bytes));
const threaded = () => new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true }).buffer;
const resizable = (bytes: number) =>
  new (ArrayBuffer as any)(bytes, { maxByteLength: 2 * bytes }) as ArrayBuffer;
const detached = () => {
  const array = new Float32Array(4);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
};

function raised(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

check.test("floats are taken as they are, converted where float32 holds them, or copied", () => {
  const floats = Float32Array.of(0.5, NaN, -Infinity, -0);
  assert.is(toFloats("images", floats, IMAGES), floats);
  for (const given of [Float64Array.of(0.1, NaN, Infinity, -1), [0.1, NaN, Infinity, -1]])
    assert.equal([...toFloats("images", given, IMAGES)], [Math.fround(0.1), NaN, Infinity, -1]);
  for (const Type of [
    Int8Array,
    Int16Array,
    Int32Array,
    Uint8Array,
    Uint8ClampedArray,
    Uint16Array,
    Uint32Array,
  ])
    assert.equal(toFloats("w", Type.of(1, 2, 3), { shape: [3] }), Float32Array.of(1, 2, 3));
  for (const buffer of [new SharedArrayBuffer(16), threaded(), resizable(16)]) {
    const given = new Float32Array(buffer, 0, 4).fill(0.25);
    const taken = toFloats("images", given, IMAGES);
    assert.is.not(taken.buffer, buffer);
    given.fill(7);
    assert.equal(taken, new Float32Array(4).fill(0.25));
  }
});

check.test("floats that are refused", () => {
  const rows: readonly [value: unknown, says: RegExp][] = [
    [
      new Uint8Array(4),
      /^images: values in \[-1, 1\] as Float32Array are expected but a Uint8Array is given; scale them, e\.g\. x \/ 127\.5 - 1$/,
    ],
    [new Uint8ClampedArray(4), /but a Uint8ClampedArray is given; scale them/],
    [new Int32Array(4), /but an Int32Array is given$/],
    [new BigInt64Array(4), /but a BigInt64Array is given$/],
    [undefined, /are expected but undefined is given/],
    [null, /but null is given/],
    ["0 1 2 3", /but "0 1 2 3" is given/],
    [4, /but 4 is given/],
    [new ArrayBuffer(16), /but an ArrayBuffer is given/],
    [new DataView(new ArrayBuffer(16)), /but a DataView is given/],
    [Promise.resolve(), /but a Promise is given/],
    [{ length: 4 }, /but an object is given/],
    [{ length: 4, [Symbol.toStringTag]: "Float32Array" }, /but a Float32Array is given/],
    [[0, 1, "2", 3], /a number is expected at index 2 but "2" is given/],
    [new Array(4), /a number is expected at index 0 but undefined is given/],
    [[0, 1n, 2, 3], /a number is expected at index 1 but 1n is given/],
    [[[0, 1], [2, 3], 0, 0], /at index 0 but \[0,1\] is given; values are given flat/],
    [[0, 1e300, 2, 3], /value 1e\+300 at index 1 does not fit a float32/],
    [detached(), /the array is detached/],
  ];
  for (const [value, says] of rows) {
    const error = raised(() => toFloats("images", value, IMAGES));
    assert.instance(error, ValueError);
    assert.match(error.message, says);
    assert.match(error.message, /^images: /);
  }
  const inexact = raised(() => toFloats("w", Int32Array.of(1, 2 ** 24 + 1)));
  assert.match(inexact.message, /^w: value 16777217 at index 1 does not fit a float32$/);
  const short = raised(() => toFloats("images", new Float32Array(3), IMAGES));
  assert.instance(short, ShapeError);
  assert.match(short.message, /^images: \[2,2\] takes 4 values but 3 are given$/);
});

check.test("labels are whole numbers of any type", () => {
  const labels = Int32Array.of(0, 1, 9);
  assert.is(toIntegers("labels", labels, { shape: [3] }), labels);
  const TYPES = [
    Int8Array,
    Int16Array,
    Uint8Array,
    Uint8ClampedArray,
    Uint16Array,
    Uint32Array,
    Float32Array,
    Float64Array,
  ];
  for (const Type of TYPES) assert.equal(toIntegers("labels", Type.of(0, 1, 9)), labels);
  for (const given of [[0, 1, 9], [0n, 1n, 9n], BigInt64Array.of(0n, 1n, 9n), BigUint64Array.of(0n, 1n, 9n)])
    assert.equal(toIntegers("labels", given), labels);
  const words = Uint32Array.of(0, 2 ** 32 - 1);
  assert.is(toIntegers("counter", words, { type: "u32" }), words);
  assert.equal(toIntegers("counter", [0, 2 ** 32 - 1], { type: "u32" }), words);
  const given = shared(Int32Array, 12);
  given.set(labels);
  assert.equal(toIntegers("labels", given), labels);
  assert.is.not(toIntegers("labels", given).buffer, given.buffer);
});

check.test("labels that are refused", () => {
  const rows: readonly [value: unknown, says: RegExp][] = [
    [[0, 1.5, 0.5], /value 1\.5 at index 1 is not whole/],
    [Float32Array.of(0, 1, NaN), /value NaN at index 2 is not whole/],
    [Uint32Array.of(0, 2 ** 31, 0), /value 2147483648 at index 1 is outside -2147483648\.\.2147483647/],
    [BigInt64Array.of(0n, 0n, 2n ** 53n + 1n), /value 9007199254740993 at index 2 is outside/],
    [[0, true, 1], /a number is expected at index 1 but true is given/],
    [[0n, 1, 1], /a bigint is expected at index 1 but 1 is given/],
    ["012", /an Int32Array is expected but "012" is given/],
    [new Set([0, 1, 2]), /but a Set is given/],
  ];
  for (const [value, says] of rows) {
    const error = raised(() => toIntegers("labels", value, { shape: [3] }));
    assert.instance(error, ValueError);
    assert.match(error.message, says);
  }
  const negative = raised(() => toIntegers("counter", [-1], { type: "u32" }));
  assert.match(negative.message, /^counter: value -1 at index 0 is outside 0\.\.4294967295$/);
  assert.instance(
    raised(() => toIntegers("labels", [0], { shape: [3] })),
    ShapeError,
  );
});

check.test("Device.write copies any view, shared memory too, and refuses the rest by name", async () => {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = await device.buffer("weights", 32, usage);
  try {
    const values = Float32Array.of(1, 2, 3, 4);
    const over = (memory: ArrayBufferLike) => {
      const array = new Float32Array(memory, 4, 4);
      array.set(values);
      return array;
    };
    const views = [
      over(new ArrayBuffer(20)),
      over(new SharedArrayBuffer(20)),
      over(threaded()),
      over(resizable(20)),
    ];
    for (const view of [...views, new DataView(values.buffer), Buffer.from(values.buffer)]) {
      device.write(buffer, 0, new Float32Array(8));
      device.write(buffer, 8, view, "images");
      const read = new Float32Array(await device.download(buffer, 0, 32));
      assert.equal([...read], [0, 0, 1, 2, 3, 4, 0, 0]);
    }
    const rows: readonly [offset: number, data: unknown, says: RegExp][] = [
      [0, [1, 2], /^images: a typed array or DataView is expected but \[1,2\] is given$/],
      [0, new ArrayBuffer(4), /but an ArrayBuffer is given/],
      [0, undefined, /but undefined is given/],
      [0, detached(), /^images: the array is detached/],
      [0, new Float32Array(9), /^images: 36 bytes at byte 0 do not fit the 32 bytes of weights$/],
      [32, new Float32Array(1), /4 bytes at byte 32 do not fit/],
      [-4, new Float32Array(1), /not whole words/],
      [2, new Float32Array(1), /4 bytes at byte 2 are not whole words of 4 bytes/],
      [NaN, new Float32Array(1), /not whole words/],
      [0, new Uint8Array(3), /3 bytes at byte 0 are not whole words of 4 bytes/],
    ];
    for (const [offset, data, says] of rows) {
      const error = raised(() => device.write(buffer, offset, data as Float32Array, "images"));
      assert.instance(error, ValueError);
      assert.match(error.message, says);
    }
  } finally {
    buffer.destroy();
  }
});
check.run();
