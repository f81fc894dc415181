// The float64 reference of an operation against itself: its gradient along a random direction must equal central
// differences of its forward values, extrapolated (Richardson) so that only rounding is left.

import { type Case, type Op, size, type Values } from "../../../kernels/op.ts";
import { signature } from "../../graph/signature.ts";
import { stream } from "../../random.ts";
import type { Finding } from "../report/report.ts";
import { derived, problem } from "./problem.ts";
import { dtypeOf } from "./sampling.ts";

/** Relative error allowed: h^4 of truncation and 1e-16 / h of rounding, times what the fifth derivative may be. */
const ALLOWED = 1e-7;

/** First step of the extrapolation, near the fifth root of float64's roundoff, where its error is least. */
const STEP = 2 ** -10;

/** d/dh of f at 0: central differences at h and h/2, extrapolated to cancel the error in h^2. */
export function derivative(f: (h: number) => number, h = STEP): number {
  const central = (step: number) => (f(step) - f(-step)) / (2 * step);
  return central(h / 2) + (central(h / 2) - central(h)) / 3;
}

export const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

/** Outputs whose gradient some routine reads; the others are not differentiable. */
export const differentiable = (op: Op, outputs: readonly string[]): string[] =>
  outputs.filter(
    (name) =>
      dtypeOf(op, name) === "f32" &&
      Object.keys(op.backward).some((routine) => signature(op, routine).reads.has(`d${name}`)),
  );

/** One finding for every input with a gradient: `<dy, J v>` by differences against `<dx, v>`, v random. */
export function* differences(op: Op, example: Case<any>, seed: number): Generator<Finding> {
  if (Object.keys(op.backward).length === 0) return;
  const p = problem(op, example, { seed, exact: true });
  const { shapes, values, want } = p;
  const next = stream(seed + 1);
  const outputs = differentiable(
    op,
    Object.keys(shapes).filter((name) => `d${name}` in values && !op.inputs.includes(name)),
  );
  for (const name of op.inputs) {
    const gradient = want.backward[`d${name}`];
    // prescribed values may be ties or other kinks on purpose
    if (!gradient || name in (example.values ?? {})) continue;
    const direction = Float64Array.from({ length: size(shapes[name]) }, () => 2 * next() - 1);
    const numeric = derivative((h) => {
      const moved: Values = { ...values, [name]: values[name].map((v, i) => v + h * direction[i]) };
      const given = { ...moved, ...derived(op, shapes, moved, example.attrs) };
      const y = op.reference.forward(shapes, given, example.attrs);
      return outputs.reduce((sum, key) => sum + dot(y[key], values[`d${key}`]), 0);
    });
    const exact = dot(gradient, direction);
    const magnitude = gradient.reduce((sum, g, i) => sum + Math.abs(g * direction[i]), 1e-3);
    const figure = Math.abs(numeric - exact) / magnitude / ALLOWED;
    const message =
      figure <= 1
        ? undefined
        : `d${name} along a direction is ${exact} by the reference's gradient, ${numeric} by differences of its values`;
    yield {
      layer: "reference",
      subject: op.name,
      check: `d${name} by differences`,
      figure,
      where: example.what,
      message,
    };
  }
}
