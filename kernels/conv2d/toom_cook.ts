// F(m, r): m neighbouring outputs of a filter of r taps from m + r - 1 products, y = A [(G g) . (B d)], for any
// m + r - 2 distinct points and infinity (Winograd, Arithmetic Complexity of Computations, 1980; made as by Toom and
// Cook, see Barabasz et al., arXiv 1803.10986, section 3). Each choice of points has its own growth of rounding errors.

/** Rows of a matrix. */
export type Matrix = readonly (readonly number[])[];

export interface Transforms {
  /** Outputs and taps. */
  readonly m: number;
  readonly r: number;
  /** Filter to points. */
  readonly G: Matrix;
  /** Inputs to points. */
  readonly B: Matrix;
  /** Points to outputs. */
  readonly A: Matrix;
}

/**
 * Finite points by products made less infinity. Of those tried they let rounding errors grow least; opposite numbers
 * share work.
 */
const POINTS: Readonly<Record<number, readonly number[]>> = {
  1: [],
  4: [0, 1, -1],
  6: [0, 3 / 4, -3 / 4, 3 / 2, -3 / 2],
  8: [0, 1, -1, 2, -2, 1 / 2, -1 / 2],
  10: [0, 1, -1, 2, -2, 1 / 2, -1 / 2, 4, -1 / 4],
};

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Coefficients, lowest first, of the product of (x - a) over `zeros`, in `n` places. */
function polynomial(zeros: readonly number[], n: number): number[] {
  let list = [1];
  for (const a of zeros)
    list = [...list, 0].map((v, i) => (i > 0 ? list[i - 1] : 0) - (i < list.length ? a * v : 0));
  return range(n).map((i) => list[i] ?? 0);
}

/** Matrices of F(m, r); `POINTS` must have m + r - 1. F(1, 1) is the product itself. */
export function transforms(m: number, r: number): Transforms {
  const n = m + r - 1;
  const points = POINTS[n];
  const others = (i: number) => points.filter((_, k) => k !== i);
  const norms = points.map((a, i) => others(i).reduce((product, b) => product * (a - b), 1));
  const last = (length: number) => range(length).map((j) => (j === length - 1 ? 1 : 0));
  return {
    m,
    r,
    G: [...points.map((a, i) => range(r).map((j) => a ** j / norms[i])), last(r)],
    B: [...points.map((_, i) => polynomial(others(i), n)), polynomial(points, n)],
    A: range(m).map((j) => [...points.map((a) => a ** j), last(m)[j]]),
  };
}
