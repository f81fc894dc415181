import { type Algorithm, type Case, type Op, type Shapes, size, type Values } from "../../../kernels/op.ts";
import { remember } from "../../../kernels/remember.ts";
import { LARGEST, U } from "../../../kernels/rounding.ts";
import { withGradients } from "../../graph/signature.ts";
import { stream } from "../../random.ts";
import { Intrusion } from "./nonfinite.ts";
import { dtypeOf, type Regime, sampleValues, uniform } from "./sampling.ts";

/** A case with its values, what the reference makes of them, and how far float32 may be off. */
export interface CheckProblem {
  readonly shapes: Shapes;
  /** Inputs, outputs as float32 stores them, and random gradients `d<output>`. */
  readonly values: Values;
  readonly want: Readonly<Record<"forward" | "backward", Values>>;
  readonly bound: Readonly<Record<"forward" | "backward", Values>>;
}

/** Shapes of every input and output of a case; those of optional inputs that it leaves out too. */
export function problemShapes(op: Op, { shapes, attrs }: Pick<Case<any>, "shapes" | "attrs">): Shapes {
  const given: Record<string, readonly number[]> = { ...shapes };
  for (const [name, { shape }] of Object.entries(op.optional?.(shapes, attrs) ?? {})) given[name] ??= shape;
  const inputs = Object.fromEntries(op.inputs.map((name) => [name, given[name]]));
  return { ...inputs, ...op.shapes(inputs, attrs) };
}

/** What the inputs hold that are functions of others. */
export const derived = (op: Op, shapes: Shapes, values: Values, attrs: unknown): Values =>
  Object.fromEntries(
    Object.entries(op.derived ?? {}).map(([name, make]) => [name, make(shapes, values, attrs)]),
  );

/** Elements of all tensors of a problem. */
export const elementsOf = (shapes: Shapes): number =>
  Object.values(shapes).reduce((sum, shape) => sum + size(shape), 0);

/** `exact` leaves the outputs that gradients read in float64, where they otherwise are what float32 would store. */
export function problem(
  op: Op,
  example: Case<any>,
  { seed = 1, exact = false, regime = "ordinary" as Regime } = {},
): CheckProblem {
  const { attrs } = example;
  const next = stream(seed);
  const shapes = problemShapes(op, example);
  const inputs: Values = {};
  for (const name of op.inputs)
    if (!op.derived?.[name]) inputs[name] = sampleValues(op, name, shapes[name], example, next, regime);
  for (const [name, list] of Object.entries(derived(op, shapes, inputs, attrs)))
    inputs[name] = exact ? list : list.map(Math.fround);
  const produced = Object.keys(shapes).filter((name) => !op.inputs.includes(name));
  const gradients: Values = {};
  for (const name of produced) gradients[`d${name}`] = uniform(shapes[name], next);

  const forward = (given: Values) => op.reference.forward(shapes, given, attrs);
  /** Inputs with the outputs that gradients read, as float32 stores them, and gradients. */
  const complete = (given: Values, outputs = forward(given)): Values => {
    const keep = (name: string) => dtypeOf(op, name) !== "f32" || exact;
    return {
      ...given,
      ...Object.fromEntries(
        produced.map((name) => [name, keep(name) ? outputs[name] : outputs[name].map(Math.fround)]),
      ),
      ...gradients,
    };
  };
  const backward = (given: Values) => op.reference.backward(shapes, complete(given), attrs);
  const outputs = forward(inputs);
  const values = complete(inputs, outputs);
  const want = { forward: outputs, backward: op.reference.backward(shapes, values, attrs) };
  const bound = {
    forward: representable(want.forward, op.bound.forward(shapes, values, attrs)),
    backward: representable(want.backward, op.bound.backward(shapes, values, attrs)),
  };
  const made = { shapes: withGradients(shapes), values, want, bound };
  const intrusion = regime === "nonfinite" && Intrusion.draw(op, shapes, inputs, example, next);
  if (!intrusion) return made;
  return {
    ...made,
    values: complete(intrusion.enter(inputs)),
    bound: {
      forward: intrusion.spread(bound.forward, inputs, forward),
      backward: intrusion.spread(bound.backward, inputs, backward),
    },
  };
}

const own = new WeakMap<CheckProblem, Map<Algorithm<any>, Values>>();

/** What an algorithm may be off by in a problem: by its own bound, if it has one; worked out once. */
export function boundOf(
  p: CheckProblem,
  algorithm: Algorithm<any>,
  side: "forward" | "backward",
  attrs: unknown,
): Values {
  if (!algorithm.bound) return p.bound[side];
  const known = remember(own, p, () => new Map<Algorithm<any>, Values>());
  return remember(known, algorithm, () => {
    const bound = algorithm.bound!(p.shapes, p.values, attrs);
    const want = Object.fromEntries(Object.keys(bound).map((name) => [name, p.want[side][name]]));
    return representable(want, bound);
  });
}

/**
 * Bounds, infinite where float32 may overflow on the way: a bound is at least one rounding (2^-23) of the largest
 * magnitude that enters a value, and WGSL leaves open what comes of an overflow.
 */
const representable = (want: Values, bound: Values): Values =>
  Object.fromEntries(
    Object.entries(want).map(([name, values]) => [
      name,
      bound[name].map((b, i) => (b >= LARGEST * U || Math.abs(values[i]) >= LARGEST ? Infinity : b)),
    ]),
  );
