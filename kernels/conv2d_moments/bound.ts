import { ofBlock } from "../batch_norm/bound.ts";
import { type Shapes, size } from "../op.ts";
import { gamma as compound, filled, LARGEST } from "../rounding.ts";

/** Bound of the moments of parts of `rows` pixels, computed from a `y` that is itself off by `error`. */
export function ofParts(
  { y: [, , , channels], moments }: Shapes,
  y: Float64Array,
  error: Float64Array,
  rows: number,
): Float64Array {
  const bound = filled(size(moments), 0);
  const pixels = y.length / channels;
  for (let part = 0; part * rows < pixels; part++)
    for (let c = 0; c < channels; c++) {
      const n = Math.min(rows, pixels - part * rows);
      const elements = Array.from({ length: n }, (_, i) => (part * rows + i) * channels + c);
      const { mean, squares, meanError, squaresError } = ofBlock(elements.map((i) => y[i]));
      let [moved, spread] = [0, 0];
      for (const i of elements) {
        moved += error[i] / n;
        // with the mean of the moved values a sum of squares is least: it may be taken about the old one
        spread += (2 * Math.abs(y[i] - mean) + error[i]) * error[i];
      }
      const rounding = 1 + compound(4 * n + 20); // of what has moved
      const at = 2 * part * channels + c;
      bound[at] = meanError + rounding * moved;
      const finite = squares + rounding * spread < LARGEST;
      bound[at + channels] = finite ? squaresError + rounding * spread : Infinity;
    }
  return bound;
}
