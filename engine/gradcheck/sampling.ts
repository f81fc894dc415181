import { type Case, type DType, type Op, type Shape, size } from "../../kernels/op.ts";

/** Uniform in [0, 1), the same sequence for the same seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Values an operation's input takes in a check, exactly representable in float32. */
export function sample(
  op: Op,
  name: string,
  shape: Shape,
  { attrs, values }: Case<any>,
  next: () => number,
): Float64Array {
  const drawn =
    values?.[name] ??
    op.sample?.(name, shape, next, attrs) ??
    Float64Array.from({ length: size(shape) }, () => 2 * next() - 1);
  return Float64Array.from(drawn, (v) => (dtypeOf(op, name) === "f32" ? Math.fround(v) : v));
}

export const dtypeOf = (op: Op, name: string): DType =>
  op.dtypes?.[name] ?? op.dtypes?.[name.replace(/^d/, "")] ?? "f32";

/** The same values as the device stores them. */
export function stored(values: Float64Array, dtype: DType): Float32Array | Int32Array | Uint32Array {
  return dtype === "i32"
    ? Int32Array.from(values)
    : dtype === "u32"
      ? Uint32Array.from(values)
      : Float32Array.from(values);
}

/** What the device stored, as float64. */
export const loaded = (bytes: ArrayBuffer, dtype: DType): Float64Array =>
  Float64Array.from(
    dtype === "i32"
      ? new Int32Array(bytes)
      : dtype === "u32"
        ? new Uint32Array(bytes)
        : new Float32Array(bytes),
  );

/** Throws unless every value is within its bound; says how many are not, and the worst. Returns the largest error / bound. */
export function within(
  what: string,
  got: Float64Array,
  want: Float64Array,
  bound: Float64Array,
  shape: Shape,
): number {
  if (got.length !== want.length)
    throw new Error(`${what}: ${got.length} values where ${want.length} are expected`);
  let [worst, at, wrong] = [0, -1, 0];
  for (let i = 0; i < want.length; i++) {
    const error = Math.abs(got[i] - want[i]);
    const ratio = error === 0 ? 0 : error / bound[i];
    if (!(ratio <= 1)) wrong++;
    if (!(ratio <= worst)) [worst, at] = [Number.isNaN(ratio) ? Infinity : ratio, i];
  }
  if (wrong === 0) return worst;
  const index: number[] = [];
  for (let d = shape.length - 1, i = at; d >= 0; d--) {
    index.unshift(i % shape[d]);
    i = Math.floor(i / shape[d]);
  }
  throw new Error(
    `${what}: ${wrong} of ${want.length} values wrong; worst at [${index}]: got ${got[at]}, want ${want[at]} within ${bound[at].toExponential(2)}`,
  );
}
