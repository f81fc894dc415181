import { type Shape, size } from "../../kernels/op.ts";
import { checkNumber } from "../arguments.ts";

/** First values of a variable; `random` is uniform in [0, 1) and the same for the same seed and path. */
export type Initialiser = (shape: Shape, random: () => number) => Float32Array;

/** Inputs and outputs that meet in one weight: RSCO [r,s,c,o] has r*s*c and r*s*o, [k,o] has k and o. */
export function fans(shape: Shape): { fanIn: number; fanOut: number } {
  const window = size(shape.slice(0, -2));
  return { fanIn: window * (shape[shape.length - 2] ?? 1), fanOut: window * (shape[shape.length - 1] ?? 1) };
}

export const constant =
  (value: number): Initialiser =>
  (shape) =>
    new Float32Array(size(shape)).fill(value);

/**
 * Normal, cut at two deviations, of standard deviation sqrt(1.3 * factor / fan-in): TF-slim's
 * `variance_scaling_initializer`, with which Inception-v4 was trained.
 */
export function varianceScaling(factor = 2): Initialiser {
  checkNumber("varianceScaling", "factor", factor, { least: 0 });
  return (shape, random) => {
    const deviation = Math.sqrt((1.3 * factor) / fans(shape).fanIn);
    return drawn(shape, () => deviation * truncatedNormal(random));
  };
}

/** Uniform within +-sqrt(6 / (fan-in + fan-out)) (Glorot and Bengio, 2010, equation 16). */
export const xavier = (): Initialiser => (shape, random) => {
  const { fanIn, fanOut } = fans(shape);
  const limit = Math.sqrt(6 / (fanIn + fanOut));
  return drawn(shape, () => limit * (2 * random() - 1));
};

/** So many values of a function; a loop, because `Float32Array.from` takes ten times as long. */
function drawn(shape: Shape, next: () => number): Float32Array {
  const values = new Float32Array(size(shape));
  for (let i = 0; i < values.length; i++) values[i] = next();
  return values;
}

/** Share of a standard normal between zero and two deviations. */
const HALF = 0.4772498680518208;

/**
 * Standard normal without what lies beyond two deviations: the inverse of its distribution function at a uniform value.
 * Of q = p - 1/2 it is q times a function of q * q, here a ratio of polynomials fitted within 9e-8 of it; four
 * operations of arithmetic give the same weights everywhere, which logarithms and cosines need not.
 */
function truncatedNormal(random: () => number): number {
  const q = (2 * random() - 1) * HALF;
  const r = q * q;
  const above =
    2.50662840438 + r * (-24.3196305208 + r * (79.2170594525 + r * (-94.0991919281 + r * 24.9129828876)));
  const below = 1 + r * (-10.7493113609 + r * (40.5560078721 + r * (-61.4909264739 + r * 29.2214827814)));
  return (q * above) / below;
}
