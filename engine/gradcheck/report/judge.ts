import type { Shape } from "../../../kernels/op.ts";
import { TINY } from "../../../kernels/rounding.ts";
import type { ErrorMap } from "./report.ts";

/** How far a tensor is from the truth. */
export interface WorstError {
  /** Largest error over its bound; infinite where a value is NaN and should not be. */
  readonly figure: number;
  /** Index of that element, such as `y[0,3,2,17]`. */
  readonly at: string;
  /** Of a failure: how many values are wrong, and the worst with what it should be. */
  readonly message?: string;
  readonly map?: ErrorMap;
}

/** Compares element by element. An infinite bound lets anything pass: what it is for, the operation's bound says. */
export function worstError(
  name: string,
  shape: Shape,
  got: Float64Array,
  want: Float64Array,
  bound: Float64Array,
): WorstError {
  if (got.length !== want.length || bound.length !== want.length)
    throw new Error(
      `${name}: ${got.length} values and ${bound.length} bounds where ${want.length} are expected`,
    );
  const ratios = want.map((value, i) => {
    if (bound[i] === Infinity || Object.is(got[i], value)) return 0;
    if (got[i] === 0 && Math.abs(value) < TINY) return 0; // flushed, which WGSL allows
    const error = Math.abs(got[i] - value);
    return error === 0 ? 0 : Number.isNaN(error) ? Infinity : error / bound[i];
  });
  let [worst, wrong] = [0, 0];
  for (let i = 0; i < ratios.length; i++) {
    if (!(ratios[i] <= 1)) wrong++;
    if (!(ratios[i] <= ratios[worst])) worst = i;
  }
  const at = `${name}[${indexOfElement(worst, shape)}]`;
  const figure = ratios.length === 0 ? 0 : ratios[worst];
  if (wrong === 0) return { figure, at };
  const message = `${wrong} of ${want.length} values wrong; worst at ${at}: got ${got[worst]}, want ${want[worst]} within ${bound[worst].toExponential(2)}`;
  return { figure, at, message, map: { name, shape, ratios } };
}

/** Index of an element by axis, from its number in row-major order. */
export function indexOfElement(element: number, shape: Shape): number[] {
  const index: number[] = [];
  for (let d = shape.length - 1, i = element; d >= 0; d--) {
    index.unshift(i % shape[d]);
    i = Math.floor(i / shape[d]);
  }
  return index;
}
