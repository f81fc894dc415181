// The float64 references against PyTorch: cases with their inputs, outputs and gradients, from a file that
// tests/goldens/operations.py writes.

import { ops } from "../../../kernels/index.ts";
import { type Op, type Shape, type Shapes, size, type Values } from "../../../kernels/op.ts";
import { FormatError } from "../../errors.ts";
import { readSafetensors, toFloat64 } from "../../io/safetensors.ts";
import { indexOfElement } from "../report/judge.ts";
import { type Finding, passes } from "../report/report.ts";

/**
 * Largest error of a reference, over the largest value of the tensor. Both sides sum in float64 some hundred terms in
 * orders of their own, which costs up to 1e-14, and ten times that through a variance; a formula that is wrong by as
 * little as float32 can tell is wrong by 1e-7.
 */
export const FIXTURE_LIMIT = 1e-12;

/** An operation on given values, and what PyTorch makes of them. Gradients are `d<input>`. */
export interface Fixture {
  readonly op: Op;
  readonly what: string;
  readonly attrs: unknown;
  /** Inputs, and `d<output>` where there are gradients. */
  readonly shapes: Shapes;
  readonly values: Values;
  readonly want: Readonly<Record<"forward" | "backward", Values>>;
}

interface Listed {
  readonly op: string;
  readonly what: string;
  readonly inputs: readonly string[];
  readonly attrs: unknown;
}

/** Reads a file of fixtures. Throws FormatError where it is none, or names an operation that is not there. */
export function readFixtures(bytes: Uint8Array, file = "fixtures"): Fixture[] {
  const { tensors, metadata } = readSafetensors(bytes, file);
  if (!metadata.cases) throw new FormatError(`${file}: its metadata lists no cases`);
  const listed: Listed[] = JSON.parse(metadata.cases);
  const counts = new Map<string, number>();
  return listed.map(({ op: name, what, inputs, attrs }) => {
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    const op = named(name, inputs);
    if (!op) throw new FormatError(`${file}: no operation ${name} of ${inputs.join(", ")}`);
    const shapes: Record<string, Shape> = {};
    const values: Values = {};
    const want = { forward: {} as Values, backward: {} as Values };
    const prefix = `${name}.${count}/`;
    for (const [key, tensor] of tensors) {
      if (!key.startsWith(prefix)) continue;
      const [side, of] = key.slice(prefix.length).split("/");
      const gradient = of.startsWith("d") && op.inputs.includes(of.slice(1));
      if (side === "in") [shapes[of], values[of]] = [tensor.shape, toFloat64(tensor)];
      else want[gradient ? "backward" : "forward"][of] = toFloat64(tensor);
    }
    return { op, what, attrs, shapes, values, want };
  });
}

/** A concatenation is one operation for every number of parts; optional inputs may be missing. */
const named = (name: string, inputs: readonly string[]): Op | undefined =>
  ops.find(
    (op) =>
      op.name === name &&
      inputs.every((input) => op.inputs.includes(input)) &&
      (name !== "concat" || op.inputs.length === inputs.length),
  );

/** Judges an operation's float64 reference: its outputs, and its gradients where the fixture has them. */
export function* verifyFixture(fixture: Fixture): Iterable<Finding> {
  const { op, attrs, want } = fixture;
  const given: Record<string, Shape> = {};
  const values: Values = { ...fixture.values };
  const optional = op.optional?.(fixture.shapes, attrs) ?? {};
  for (const name of op.inputs) {
    given[name] = fixture.shapes[name] ?? optional[name].shape;
    values[name] ??= new Float64Array(size(given[name])).fill(optional[name].value);
  }
  const shapes = { ...given, ...op.shapes(given, attrs) };
  const forward = op.reference.forward(shapes, values, attrs);
  yield judge(fixture, "forward, PyTorch float64", forward, want.forward, shapes);
  if (Object.keys(want.backward).length === 0) return;
  // in-place results share the names of inputs, which the gradient reads as they were
  const backward = op.reference.backward(shapes, { ...forward, ...values }, attrs);
  yield judge(fixture, "gradients, PyTorch float64", backward, want.backward, shapes);
}

function judge({ op, what }: Fixture, check: string, got: Values, want: Values, shapes: Shapes): Finding {
  let worst = { figure: -1, where: "", message: "" };
  for (const [name, truth] of Object.entries(want)) {
    const found = farthest(got[name], truth);
    if (!(found.figure > worst.figure) && !Number.isNaN(found.figure)) continue;
    const index = indexOfElement(found.at, shapes[name] ?? shapes[name.slice(1)]);
    const where = `${what}: ${name}[${index}]`;
    const message = `${op.name} ${where}: got ${got[name]?.[found.at]}, PyTorch ${truth[found.at]}`;
    worst = { figure: found.figure, where, message };
  }
  const { figure, where, message } = worst;
  return {
    layer: "reference",
    subject: op.name,
    check,
    figure,
    where,
    message: passes(figure) ? undefined : message,
  };
}

/** Largest error over the largest finite value and the limit; NaN where the numbers of elements differ. */
function farthest(got: Float64Array | undefined, want: Float64Array): { figure: number; at: number } {
  if (got?.length !== want.length) return { figure: Number.NaN, at: 0 };
  const largest = want.reduce((most, v) => (Number.isFinite(v) ? Math.max(most, Math.abs(v)) : most), 0);
  let [figure, at] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    if (Object.is(got[i], want[i])) continue;
    const error = Math.abs(got[i] - want[i]);
    const ratio = error === 0 ? 0 : error / (largest * FIXTURE_LIMIT);
    if (Number.isNaN(ratio)) return { figure: ratio, at: i };
    if (ratio > figure) [figure, at] = [ratio, i];
  }
  return { figure, at };
}
