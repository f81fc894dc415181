// Running error analysis (Higham, Accuracy and Stability of Numerical Algorithms, 3.3): a bound is computed by the
// kernel's own formula, every value with how far off float32 may have it. Accuracies are WGSL's (15.7.4).

import { flushed, LARGEST, TINY, U } from "./rounding.ts";

/** A value, and how far off what float32 has in its place may be; infinite where WGSL leaves open what that is. */
export interface Near {
  readonly value: number;
  readonly error: number;
}

/** A number in a tensor: no error, but a subnormal one may be read as zero. */
export const stored = (value: number): Near => ({ value, error: flushed(value) });

/** A constant of the kernel that float32 holds. */
export const exact = (value: number): Near => ({ value, error: 0 });

/** An attribute: rounded to nearest on its way into the uniform. */
export const attribute = (value: number): Near => ({
  value,
  error: 0.5 * U * Math.abs(value) + flushed(value),
});

/** The result of an operation of the given accuracy on operands that are off by themselves. */
export function rounded(value: number, carried: number, ulps = 1): Near {
  const most = Math.abs(value) + carried;
  if (most === 0) return { value, error: 0 };
  const error = carried + ulps * U * most;
  if (!(Math.abs(value) + error < LARGEST)) return { value, error: Infinity };
  return { value, error: Math.abs(value) - error < TINY ? error + TINY : error };
}

export const plus = (a: Near, b: Near): Near => rounded(a.value + b.value, a.error + b.error);

export const minus = (a: Near, b: Near): Near => rounded(a.value - b.value, a.error + b.error);

export const times = (a: Near, b: Near): Near =>
  rounded(a.value * b.value, Math.abs(a.value) * b.error + Math.abs(b.value) * a.error + a.error * b.error);

/** Accurate to 2.5 ULP for a divisor in [2^-126, 2^126]. */
export function over(a: Near, b: Near): Near {
  const [least, most] = [Math.abs(b.value) - b.error, Math.abs(b.value) + b.error];
  const value = a.value / b.value;
  if (!(least >= TINY && most <= 2 ** 126)) return { value, error: Infinity };
  return rounded(value, (a.error + Math.abs(value) * b.error) / least, 2.5);
}

/** 2 ULP. */
export function inverseRoot({ value, error }: Near): Near {
  const least = value - error;
  if (!(least >= TINY)) return { value: 1 / Math.sqrt(value), error: Infinity };
  return rounded(1 / Math.sqrt(value), 1 / Math.sqrt(least) - 1 / Math.sqrt(value), 2);
}

/** 4.5 ULP: WGSL derives it as 1 / inverseSqrt. */
export const root = ({ value, error }: Near): Near =>
  rounded(Math.sqrt(value), Math.sqrt(value) - Math.sqrt(Math.max(value - error, 0)), 4.5);

/** 3 + 2 |x| ULP. */
export function exponential({ value, error }: Near): Near {
  const carried = Math.exp(value + error) - Math.exp(value);
  return rounded(Math.exp(value), carried, 3 + 2 * (Math.abs(value) + error));
}
