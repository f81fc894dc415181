import type { Runnable } from "../../kernels/op.ts";
import type { FloatValues, IntegerValues } from "../device/arrays.ts";
import type { Device } from "../device/device.ts";
import { Graph } from "../graph/graph.ts";
import { updates } from "../graph/signature.ts";
import { type Computed, Executable } from "./executable.ts";
import { type PlanOptions, plan } from "./plan.ts";

/** A tensor as a caller gives it to `run`: values in row-major order of the shape. */
export interface Given {
  readonly shape: readonly number[];
  readonly data: FloatValues | IntegerValues;
}

/**
 * Computes one operation forward, one's own too, and returns its outputs by name; an operation that updates inputs in
 * place, such as an optimiser's, returns its inputs too. Plans and compiles at every call: a model or a graph of one's
 * own keeps what it compiled. Throws ShapeError or ValueError where inputs do not fit, and what `Executable.load` throws.
 */
export async function run(
  device: Device,
  op: Runnable,
  inputs: Readonly<Record<string, Given>>,
  attrs: unknown = {},
  { choose }: Pick<PlanOptions, "choose"> = {},
): Promise<Record<string, Computed>> {
  const graph = new Graph();
  const traced = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape }]) => [
      name,
      graph.input(name, shape, op.dtypes?.[name] ?? "f32"),
    ]),
  );
  const made = graph.apply(op, traced, attrs);
  const outputs = updates(op) ? { ...traced, ...made } : made;
  const executable = await Executable.load(device, plan(graph, device.traits, { outputs, choose }));
  try {
    for (const [name, { data }] of Object.entries(inputs))
      if (executable.reads(name)) executable.write(name, data);
    executable.run();
    const read = Object.keys(outputs).map(async (name) => [name, await executable.readTensor(name)] as const);
    return Object.fromEntries(await Promise.all(read));
  } finally {
    executable.close();
  }
}
