import { type Algorithm, batched, type Op, type Shapes, size, type Tune } from "../../../kernels/op.ts";
import { remember } from "../../../kernels/remember.ts";
import { problemShapes } from "../../gradcheck/operations/problem.ts";

/** Operations of a problem that the float64 reference computes in about a second, with its gradients and bounds. */
const MOST = 2e7;
/** Sizes are kept in their residue classes modulo these, the first that makes the problem small enough. */
const MODULI = [64, 32, 16, 8];

const known = new WeakMap<Op, Map<string, Shapes>>();

/**
 * Inputs of a small problem that a kernel treats like the large one: sizes that were equal are still, and each is what it
 * was or more than a tile and as far beyond a multiple of it; of the images two or three are left. The same object for
 * the same sizes.
 */
export function likeness(
  op: Op,
  routine: string,
  algorithm: Algorithm<any>,
  shapes: Shapes,
  attrs: unknown,
  tune: Tune,
): Shapes {
  const given = Object.fromEntries(op.inputs.map((name) => [name, shapes[name]]));
  let least = given;
  for (const modulus of [Infinity, ...MODULI]) {
    const like = reduced(op, attrs, given, modulus);
    if (!possible(op, algorithm, like, attrs, tune)) continue;
    least = like;
    if (cost(op, routine, like, attrs) <= MOST) break;
  }
  return remember(
    remember(known, op, () => new Map<string, Shapes>()),
    JSON.stringify([least, attrs]),
    () => least,
  );
}

function reduced(op: Op, attrs: unknown, shapes: Shapes, modulus: number): Shapes {
  if (modulus === Infinity) return shapes;
  const images = batched(op, attrs);
  const less = (n: number) => (n < 2 * modulus ? n : modulus + (n % modulus));
  const few = (n: number) => (n > 3 ? 2 + (n % 2) : n);
  const several = Object.entries(shapes).some(([name, { length }]) => length > 1 && images.includes(name));
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      shape.map((n, axis) => (axis === 0 && several && images.includes(name) ? few(n) : less(n))),
    ]),
  );
}

function possible(op: Op, { fits }: Algorithm<any>, shapes: Shapes, attrs: unknown, tune: Tune): boolean {
  try {
    const all = problemShapes(op, { shapes, attrs });
    return (fits?.(all, attrs) ?? true) && (fits?.(all, attrs, tune) ?? true);
  } catch {
    return false; // sizes that depend on each other in another way
  }
}

function cost(op: Op, routine: string, shapes: Shapes, attrs: unknown): number {
  const all = problemShapes(op, { shapes, attrs });
  const elements = Object.values(all).reduce((sum, shape) => sum + size(shape), 0);
  return Math.max(op.flops(all, attrs)[routine] ?? 0, 8 * elements);
}
