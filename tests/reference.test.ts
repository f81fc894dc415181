// The float64 reference of every operation against itself: its gradient along random directions must equal central
// differences of its forward values, extrapolated (Richardson) so that only rounding is left.

import { problem } from "../engine/gradcheck/routine.ts";
import { dtypeOf, random } from "../engine/gradcheck/sampling.ts";
import { ops } from "../kernels/index.ts";
import { type Case, type Op, size, type Values } from "../kernels/op.ts";
import { group } from "./harness.ts";

const check = group("reference");
for (const op of ops)
  for (const example of op.cases)
    if (Object.keys(op.backward).length > 0)
      check.test(`${op.name} ${example.what}`, () => {
        // prescribed values may be ties or other kinks on purpose
        const smooth = op.inputs.filter(
          (name) => dtypeOf(op, name) === "f32" && !(name in (example.values ?? {})),
        );
        for (const name of smooth) differentiate(op, example, name);
      });
check.run();

/** Compares `<dy, J v>` by differences with `<dx, v>` for a random direction v of one input. */
function differentiate(op: Op, example: Case<any>, name: string): void {
  const { shapes, values, want } = problem(op, example, { seed: 7, exact: true });
  const gradient = want.backward[`d${name}`];
  if (!gradient) return;
  const next = random(11);
  const direction = Float64Array.from({ length: size(shapes[name]) }, () => 2 * next() - 1);
  const outputs = Object.keys(values).filter(
    (key) => `d${key}` in values && !op.inputs.includes(key) && dtypeOf(op, key) === "f32",
  );
  const differentiable = outputs.filter((key) => reads(op, key));
  const along = (h: number): number => {
    const moved: Values = { ...values, [name]: values[name].map((v, i) => v + h * direction[i]) };
    const y = op.reference.forward(shapes, moved, example.attrs);
    return differentiable.reduce((sum, key) => sum + dot(y[key], values[`d${key}`]), 0);
  };
  const central = (h: number) => (along(h) - along(-h)) / (2 * h);
  const [h, scale] = [2 ** -9, 1 / 3];
  const numeric = central(h / 2) + (central(h / 2) - central(h)) * scale;
  const exact = dot(gradient, direction);
  const magnitude = gradient.reduce((sum, g, i) => sum + Math.abs(g * direction[i]), 1e-3);
  const error = Math.abs(numeric - exact) / magnitude;
  if (!(error < 1e-6))
    throw new Error(
      `${op.name} d${name}: ${exact} by the reference, ${numeric} by differences (relative ${error})`,
    );
}

/** Whether some gradient routine reads the gradient of this output. */
const reads = (op: Op, output: string): boolean =>
  Object.values(op.backward)
    .flat()
    .some(({ kernels }) =>
      kernels.some(({ source, bind }) => {
        const text =
          typeof source === "string"
            ? source
            : source.print(
                Object.fromEntries(Object.entries(source.tunables).map(([k, { value }]) => [k, value])),
              );
        return new RegExp(`> d${output}:`).test(text) || Object.values(bind ?? {}).includes(`d${output}`);
      }),
    );

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, v, i) => sum + v * b[i], 0);
