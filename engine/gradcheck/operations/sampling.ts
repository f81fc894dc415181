import { type Case, type DType, type Op, type Shape, size } from "../../../kernels/op.ts";

type Change = (value: number, i: number) => number;

/**
 * What becomes of an operation's ordinary values in a check of its bound at the edges of float32. Each makes, for one
 * input, the change of its elements. Signs stay, so that a variance stays one.
 */
export const REGIMES = {
  /** As the operation's own sample has them: about 1. */
  ordinary: () => (v) => v,
  /** Magnitudes about the smallest normal number, 2^-126, and below. */
  subnormal: (next) => (v) => v * 2 ** (-118 - 24 * next()),
  /** One input at 2^20 to 2^100 times its size, the next at another: products overflow. */
  large: (next) => {
    const factor = 2 ** Math.floor(20 + 80 * next() ** 2);
    return (v) => v * factor;
  },
  /** Neighbours that differ by up to 2^40. */
  mixed: (next) => (v) => v * 2 ** Math.floor(41 * next() - 20),
  /** A common part of 2^12 that alternates in sign, or is the same for all: sums and means cancel. */
  cancelling: (next) => {
    const alternate = next() < 0.5;
    return (v, i) => v + (alternate && i % 2 === 1 ? -4096 : 4096);
  },
  /** All elements alike. */
  equal: () => {
    let first: number | undefined;
    return (v) => {
      first ??= v;
      return first;
    };
  },
  /** One infinity or NaN in one input: what does not depend on it must not change. */
  nonfinite: () => (v) => v,
} satisfies Record<string, (next: () => number) => Change>;
export type Regime = keyof typeof REGIMES;

/** Uniform in [-1, 1), exactly representable in float32. */
export const uniform = (shape: Shape, next: () => number): Float64Array =>
  Float64Array.from({ length: size(shape) }, () => Math.fround(2 * next() - 1));

/** Values an operation's input takes in a check, exactly representable in float32. */
export function sampleValues(
  op: Op,
  name: string,
  shape: Shape,
  { shapes, attrs, values }: Case<any>,
  next: () => number,
  regime: Regime = "ordinary",
): Float64Array {
  const given = values?.[name];
  const drawn = given ?? op.sample?.(name, shape, next, attrs, shapes) ?? uniform(shape, next);
  const whole = dtypeOf(op, name) !== "f32";
  const ordinary = Float64Array.from(drawn);
  // a loop, for the weights of a network are many millions
  for (let i = 0; !whole && i < ordinary.length; i++) ordinary[i] = Math.fround(ordinary[i]);
  if (whole || given || regime === "ordinary" || op.confined?.includes(name)) return ordinary;
  // a quantity that is never negative has no cancelling pairs
  const change: Change =
    regime === "cancelling" && ordinary.every((v) => v >= 0) ? (v) => v : REGIMES[regime](next);
  return ordinary.map((v, i) => Math.fround(change(v, i)));
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
