// What must hold of gradients at sizes where no float64 reference of a convolution can be run: every sum of products
// with random signs sees an error in any element, since errors of rounding cancel in it and faults do not.

import type { Op, Shapes, Values } from "../../../kernels/op.ts";
import { U } from "../../../kernels/rounding.ts";
import type { Device } from "../../device/device.ts";
import { withGradients } from "../../graph/signature.ts";
import { stream } from "../../random.ts";
import type { Finding } from "../report/report.ts";
import { derivative, differentiable, dot } from "./differences.ts";
import { algorithms, Launch } from "./launch.ts";
import { derived, problemShapes } from "./problem.ts";
import { dtypeOf, sampleValues, uniform } from "./sampling.ts";

/** A use of an operation in a network. */
export interface Use {
  readonly op: Op;
  readonly attrs: any;
  /** Shapes of its inputs. */
  readonly shapes: Shapes;
  /** Where: `inception-v4 stem/1 conv2d`. */
  readonly where: string;
}

/**
 * What is allowed, in standard deviations of a sum of rounding errors with random signs: K roundings in a row err by
 * about sqrt(K) units in the last place (Higham and Mary 2019, "A new approach to probabilistic rounding error
 * analysis"), a unit being that of the partial sums, whose size is the root of the sum of the squared products.
 */
const DEVIATIONS = 6;

/** Judges one use: by `<A u, v> = <u, A^T v>` where the operation is linear, else by directional derivatives. */
export async function* identities(device: Device, use: Use, seed = 1): AsyncGenerator<Finding> {
  const { op } = use;
  if (Object.keys(op.backward).length === 0) return;
  const run = new Passes(device, use, seed);
  yield* op.linear ? adjoints(run, op.linear) : directional(run);
}

/** Forward and backward of a use on the device, on random values. */
class Passes {
  readonly shapes: Shapes;
  readonly inputs: Values = {};
  readonly dy: Values = {};

  constructor(
    private readonly device: Device,
    readonly use: Use,
    seed: number,
  ) {
    const { op, attrs } = use;
    this.shapes = problemShapes(op, use);
    const next = stream(seed);
    const example = { what: "", attrs, shapes: this.shapes };
    for (const name of op.inputs)
      if (!op.derived?.[name]) this.inputs[name] = sampleValues(op, name, this.shapes[name], example, next);
    Object.assign(this.inputs, derived(op, this.shapes, this.inputs, attrs));
    const outputs = Object.keys(this.shapes).filter((name) => !op.inputs.includes(name));
    for (const name of differentiable(op, outputs)) this.dy[name] = uniform(this.shapes[name], next);
  }

  /** Outputs and gradients of the inputs, as the plan would compute them. */
  async compute(inputs: Values, dy: Values): Promise<{ y: Values; dx: Values }> {
    const { op, attrs } = this.use;
    const shapes = withGradients(this.shapes);
    const given = {
      ...inputs,
      ...Object.fromEntries(Object.entries(dy).map(([name, v]) => [`d${name}`, v])),
    };
    const [y, dx]: [Values, Values] = [{}, {}];
    const done = new Set<string>();
    for (const [routine, { name: algorithm }] of algorithms(this.device, op, { attrs }, { shapes })) {
      if (done.has(routine) || routine === "recompute") continue; // the plan takes the first that runs
      done.add(routine);
      const variant = { algorithm, layout: "dense" } as const;
      const launch = (await Launch.load(this.device, op, attrs, shapes, routine, variant))!;
      try {
        Object.assign(routine === "forward" ? y : dx, await launch.values({ ...given, ...y }));
      } finally {
        launch.close();
      }
    }
    return { y, dx };
  }
}

async function* adjoints(run: Passes, groups: readonly (readonly string[])[]): AsyncGenerator<Finding> {
  const { use, inputs, dy } = run;
  const { op, attrs, where } = use;
  const { y, dx } = await run.compute(inputs, dy);
  const squares = await run.compute(squared(op, inputs), squared(op, dy));
  const flops = op.flops(run.shapes, attrs);
  const [out] = Object.keys(dy);
  const terms = (routine: string, n: number) => Math.sqrt(Math.max(1, (flops[routine] ?? 0) / (2 * n)));
  const forward = terms("forward", dy[out].length) * weighted(dy[out], roots(squares.y[out]));
  for (const group of groups) {
    const left = dot(y[out], dy[out]);
    let right = 0;
    let deviation = forward;
    for (const name of group) {
      right += dot(inputs[name], dx[`d${name}`]);
      const routine = name in op.backward ? name : Object.keys(op.backward)[0];
      deviation +=
        terms(routine, inputs[name].length) * weighted(inputs[name], roots(squares.dx[`d${name}`]));
    }
    const figure = Math.abs(left - right) / (DEVIATIONS * U * deviation);
    yield {
      layer: "identity",
      subject: op.name,
      check: `adjoint in ${group.join(", ")}`,
      figure,
      where,
      message: figure <= 1 ? undefined : `<A u, v> is ${left} but <u, A^T v> is ${right}`,
    };
  }
}

async function* directional(run: Passes): AsyncGenerator<Finding> {
  const { use, inputs, dy, shapes } = run;
  const { op, attrs, where } = use;
  const { dx } = await run.compute(inputs, dy);
  const next = stream(31);
  const along: Values = {};
  for (const name of op.inputs) if (`d${name}` in dx) along[name] = inputs[name].map(() => 2 * next() - 1);
  const numeric = derivative((h) => {
    const moved = Object.fromEntries(
      Object.entries(along).map(([name, v]) => [name, inputs[name].map((x, i) => x + h * v[i])]),
    );
    const given = { ...inputs, ...moved };
    const y = op.reference.forward(shapes, { ...given, ...derived(op, shapes, given, attrs) }, attrs);
    return Object.entries(dy).reduce((sum, [name, v]) => sum + dot(y[name], v), 0);
  });
  const outputs = op.reference.forward(shapes, inputs, attrs);
  const gradients = Object.fromEntries(
    Object.entries(outputs).map(([name]) => [`d${name}`, dy[name] ?? zeros(outputs[name])]),
  );
  const bound = op.bound.backward(shapes, { ...inputs, ...outputs, ...gradients }, attrs);
  let [exact, deviation] = [0, 0];
  for (const [name, v] of Object.entries(along)) {
    exact += dot(dx[`d${name}`], v);
    deviation = Math.hypot(deviation, weighted(v, bound[`d${name}`]));
  }
  const rest =
    1e-9 * Object.entries(along).reduce((sum, [name, v]) => sum + weighted(v, dx[`d${name}`]), 1e-9);
  const figure = Math.abs(numeric - exact) / (deviation + rest);
  yield {
    layer: "identity",
    subject: op.name,
    check: "directional derivative",
    figure,
    where,
    message:
      figure <= 1
        ? undefined
        : `along a direction it is ${numeric} in float64 but <gradient, direction> is ${exact}`,
  };
}

const zeros = (values: Float64Array) => new Float64Array(values.length);

/** sqrt of the sum of (a_i b_i)^2: the deviation of a sum of terms of those sizes with random signs. */
function weighted(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] * b[i]) ** 2;
  return Math.sqrt(sum);
}

const roots = (values: Float64Array) => values.map(Math.sqrt);

/** Values whose sums of products are the squares of what those sums deviate by. */
const squared = (op: Op, values: Values): Values =>
  Object.fromEntries(
    Object.entries(values).map(([name, list]) => [
      name,
      dtypeOf(op, name) === "f32" ? list.map((v) => v * v) : list,
    ]),
  );
