/** Unit roundoff of float32, either rounding direction allowed (WGSL does not fix the mode): 2^-23. */
export const U = 2 ** -23;

/** Smallest normal float32; anything below may be flushed to zero (WGSL 15.7). */
export const TINY = 2 ** -126;

/** Largest finite float32; what comes of more WGSL leaves open. */
export const LARGEST = 2 ** 128 - 2 ** 104;

/** What a flush to zero may take off a value. */
export const flushed = (value: number): number => (Math.abs(value) < TINY ? Math.abs(value) : 0);

/** Bound of a value that may as well be another: a little above their distance, which is no error. */
export const either = (distance: number): number => distance * (1 + U);

/** Higham's gamma_k: relative error bound of k rounded operations in a row. */
export const gamma = (k: number): number => (k * U) / (1 - k * U);

/**
 * Bound of a sum of `terms` float32 products in any order, given the sums of their `magnitudes`, where no more than
 * `chain` additions follow one another. A product and the sum after it may each be flushed.
 */
export const sumBound = (terms: number, magnitudes: Float64Array, chain = terms): Float64Array =>
  magnitudes.map((m) => gamma(chain + 2) * m + 2 * terms * TINY);

/**
 * Magnitudes of the factors of a sum's products; subnormal ones raised so that `sumBound` of as many terms allows
 * them to be flushed, which costs all of the product, whatever the other factor is.
 */
export const factors = (values: Float64Array, terms: number): Float64Array => {
  const raise = 1 / gamma(terms + 2);
  return values.map((v) => Math.abs(v) + raise * flushed(v));
};

export const abs = (values: Float64Array): Float64Array => values.map(Math.abs);
export const filled = (n: number, value: number): Float64Array => new Float64Array(n).fill(value);
