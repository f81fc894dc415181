// A gradient is linear in the gradients it starts from, whatever the operation: vjp(0) = 0, vjp(2 u) = 2 vjp(u), both
// to the bit, and vjp(u + v) = vjp(u) + vjp(v) within the bounds of the three.

import type { Algorithm, Case, Op, Values } from "../../../kernels/op.ts";
import type { Device } from "../../device/device.ts";
import { stream } from "../../random.ts";
import { worstError } from "../report/judge.ts";
import type { Finding } from "../report/report.ts";
import { Launch } from "./launch.ts";
import type { CheckProblem } from "./problem.ts";

/** Judges the three identities for one gradient routine; the worst of them is the finding. */
export async function linearity(
  device: Device,
  op: Op,
  example: Case<any>,
  p: CheckProblem,
  routine: string,
  algorithm: Algorithm<any>,
): Promise<Finding> {
  const variant = { algorithm: algorithm.name, layout: "dense" } as const;
  const boundOf = algorithm.bound ?? op.bound.backward;
  const launch = (await Launch.load(device, op, example.attrs, p.shapes, routine, variant))!;
  const next = stream(23);
  // multiples of 2^-11 below 1: their sums and doubles are exact in float32
  const draw = () => replace(op, p.values, () => Math.floor((2 * next() - 1) * 2048) / 2048);
  const [u, v] = [draw(), draw()];
  const both = combine(op, u, v, (a, b) => a + b);
  const finding = { layer: "kernel", subject: op.name, check: `d${routine} linear in dy` } as const;
  try {
    const zero = await launch.values(replace(op, p.values, () => 0));
    const [atU, atV, atBoth] = [await launch.values(u), await launch.values(v), await launch.values(both)];
    const doubled = await launch.values(combine(op, u, u, (a) => 2 * a));
    const bounds = [u, v, both].map((values) => boundOf(p.shapes, values, example.attrs));
    let worst: Finding = { ...finding, figure: 0, where: example.what };
    for (const [name, got] of Object.entries(atBoth)) {
      const none = new Float64Array(got.length);
      const allowed = none.map((_, i) => bounds.reduce((sum, bound) => sum + bound[name][i], 2 ** -149));
      const sum = atU[name].map((a, i) => a + atV[name][i]);
      const twice = atU[name].map((a) => 2 * a);
      const shape = p.shapes[name];
      for (const [what, verdict] of [
        ["of zero", worstError(name, shape, zero[name], none, none)],
        ["doubled", worstError(name, shape, doubled[name], twice, none.fill(2 ** -125))],
        ["of a sum", worstError(name, shape, got, sum, allowed)],
      ] as const)
        if (!(verdict.figure <= worst.figure)) {
          const message = verdict.message && `${what}: ${verdict.message}`;
          worst = { ...finding, ...verdict, message, where: `${verdict.at} ${what}, ${example.what}` };
        }
    }
    return worst;
  } finally {
    launch.close();
  }
}

const gradientsOf = (op: Op, values: Values) =>
  Object.keys(values).filter(
    (name) => name.startsWith("d") && name.slice(1) in values && !op.inputs.includes(name),
  );

const replace = (op: Op, values: Values, make: () => number): Values => ({
  ...values,
  ...Object.fromEntries(gradientsOf(op, values).map((name) => [name, values[name].map(make)])),
});

const combine = (op: Op, u: Values, v: Values, f: (a: number, b: number) => number): Values => ({
  ...u,
  ...Object.fromEntries(gradientsOf(op, u).map((name) => [name, u[name].map((a, i) => f(a, v[name][i]))])),
});
