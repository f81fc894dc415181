// Runs one routine of an operation as a graph of one and judges what it wrote. Portable: browsers run it too.

import {
  type Case,
  type Op,
  type Shape,
  type Shapes,
  size,
  type Tune,
  type Values,
} from "../../kernels/op.ts";
import type { Device } from "../device/device.ts";
import {
  accumulates as canAccumulate,
  reflect,
  settings,
  specialise,
  takesSlice,
} from "../device/reflect.ts";
import { withGradients } from "../graph/autodiff.ts";
import { Graph, type Tensor } from "../graph/graph.ts";
import { at } from "../plan/choose.ts";
import { Executable } from "../plan/executable.ts";
import { plan } from "../plan/plan.ts";
import { dtypeOf, loaded, random, sample, stored, within } from "./sampling.ts";

/** A case with its values, what the reference makes of them, and how far float32 may be off. */
export interface Problem {
  readonly shapes: Shapes;
  readonly values: Values;
  readonly want: Readonly<Record<"forward" | "backward", Values>>;
  readonly bound: Readonly<Record<"forward" | "backward", Values>>;
}

/** `exact` leaves the outputs that gradients read in float64, where they otherwise are what float32 would store. */
export function problem(op: Op, example: Case<any>, { seed = 1, exact = false } = {}): Problem {
  const next = random(seed);
  const given: Record<string, readonly number[]> = { ...example.shapes };
  for (const [name, { shape }] of Object.entries(op.optional?.(example.shapes, example.attrs) ?? {}))
    given[name] ??= shape;
  const inputs = Object.fromEntries(op.inputs.map((name) => [name, given[name]]));
  const shapes = { ...inputs, ...op.shapes(inputs, example.attrs) };
  const values: Values = {};
  for (const name of op.inputs) values[name] = sample(op, name, shapes[name], example, next);
  const forward = op.reference.forward(shapes, values, example.attrs);
  for (const name of Object.keys(shapes)) {
    if (name in inputs) continue;
    values[name] = forward[name].map(dtypeOf(op, name) === "f32" && !exact ? Math.fround : (v) => v);
    values[`d${name}`] = Float64Array.from({ length: size(shapes[name]) }, () => Math.fround(2 * next() - 1));
  }
  return {
    shapes: withGradients(shapes),
    values,
    want: { forward, backward: op.reference.backward(shapes, values, example.attrs) },
    bound: {
      forward: op.bound.forward(shapes, values, example.attrs),
      backward: op.bound.backward(shapes, values, example.attrs),
    },
  };
}

export interface Variant {
  readonly algorithm: string;
  readonly tune?: Tune;
  readonly layout: (typeof LAYOUTS)[number];
}

/** Tensors in storage of their own, as slices of wider ones, added onto what is there, computed an image at a time. */
export const LAYOUTS = ["dense", "sliced", "accumulated", "split"] as const;

/** Where a tensor lies in a wider one: different for every name, so that no two strides or offsets agree. */
function wider(name: string, shape: Shape): { channels: number; offset: number } {
  const key = [...name].reduce((sum, letter) => (sum * 7 + letter.charCodeAt(0)) % 11, 0);
  return { channels: channels(shape) + 4 + 2 * key, offset: 1 + key };
}

/** Runs a routine and returns the largest error / bound of what it wrote. Throws where that exceeds 1. */
export async function run(
  device: Device,
  op: Op,
  example: Case<any>,
  p: Problem,
  routine: string,
  variant: Variant,
): Promise<number> {
  const algorithm = (routine === "forward" ? op.forward : op.backward[routine]).find(
    ({ name }) => name === variant.algorithm,
  )!;
  const traffic = bindings(op, algorithm, variant.tune);
  if (variant.layout === "sliced" && traffic.viewable.size === 0) return 0;
  if (variant.layout === "accumulated" && !traffic.accumulates) return 0;

  const traits =
    variant.layout === "split"
      ? {
          ...device.traits,
          maxBindingBytes: bytesOfOneImage(op, {
            ...p.shapes,
            ...algorithm.temporaries?.(p.shapes, example.attrs),
          }),
        }
      : device.traits;
  if (variant.layout === "split" && !splits(op, p.shapes, traits.maxBindingBytes)) return 0;

  const graph = new Graph();
  const tensor = (name: string): Tensor => graph.input(name, p.shapes[name], dtypeOf(op, name));
  const state = [...traffic.writes].filter((name) => op.inputs.includes(name));
  const produced = [...traffic.writes].filter((name) => !op.inputs.includes(name));
  const inputs = Object.fromEntries([...traffic.reads, ...state].map((name) => [name, tensor(name)]));
  const before = Object.fromEntries(
    produced.map((name) => [
      name,
      Float64Array.from({ length: size(p.shapes[name]) }, (_, i) => ((i * 7) % 5) - 2),
    ]),
  );
  const onto =
    variant.layout === "accumulated"
      ? Object.fromEntries(produced.map((name) => [name, graph.input(`before ${name}`, p.shapes[name])]))
      : {};
  const outputs = graph.emit(
    { op, routine, attrs: example.attrs, inputs, onto, shapes: p.shapes, phase: "forward", label: op.name },
    produced,
  );
  const wide = (names: Iterable<string>) =>
    Object.fromEntries(
      [...names]
        .filter((name) => variant.layout === "sliced" && traffic.viewable.has(name))
        .map((name) => [name, wider(name, p.shapes[name])]),
    );
  const external = wide([...traffic.reads, ...produced]);
  const made = plan(graph, traits, {
    outputs: { ...outputs, ...Object.fromEntries(state.map((name) => [name, inputs[name]])) },
    slices: false,
    choose: () => ({ algorithm: variant.algorithm, tune: variant.tune }),
    external,
  });
  const executable = await Executable.load(device, made);
  try {
    executable.poison();
    for (const name of Object.keys(inputs)) {
      const values = external[name] ? widen(p.values[name], name, p.shapes[name]) : p.values[name];
      executable.write(name, stored(values, dtypeOf(op, name)));
    }
    if (variant.layout === "accumulated")
      for (const name of produced) executable.write(`before ${name}`, Float32Array.from(before[name]));
    executable.run();
    let worst = 0;
    const side = routine === "forward" ? "forward" : "backward";
    for (const name of [...produced, ...state]) {
      const got = external[name]
        ? narrow(loaded(await executable.readStorage(name), dtypeOf(op, name)), name, p.shapes[name])
        : loaded(await executable.readBytes(name), dtypeOf(op, name));
      const [want, bound] = [p.want[side][name], p.bound[side][name]];
      if (!want) continue; // an output no reference speaks of, such as an index kept for the gradient
      const sums = variant.layout === "accumulated";
      const expected = sums ? want.map((v, i) => v + before[name][i]) : want;
      const allowed = sums
        ? bound.map((v, i) => v + 2 ** -22 * (Math.abs(before[name][i]) + Math.abs(want[i])))
        : bound;
      const what = `${op.name}/${routine} ${variant.algorithm} ${variant.layout} ${JSON.stringify(variant.tune ?? {})}: ${name}`;
      worst = Math.max(worst, within(what, got.subarray(0, want.length), expected, allowed, p.shapes[name]));
    }
    return worst;
  } finally {
    executable.close();
  }
}

/** Least binding that takes whole tensors that have no batch, whole temporaries, and one image of the rest. */
function bytesOfOneImage(op: Op, shapes: Shapes): number {
  const batched = (name: string) => op.batched.includes(name) && `d${name.replace(/^d/, "")}` in shapes;
  const bytes = Object.entries(shapes).map(
    ([name, shape]) => (4 * size(shape)) / (batched(name) ? shape[0] : 1),
  );
  return Math.max(...bytes) + 255;
}

const splits = (op: Op, shapes: Shapes, bytes: number): boolean =>
  op.batched.some((name) => shapes[name] && 4 * size(shapes[name]) > bytes);

const channels = (shape: Shape) => shape[shape.length - 1] ?? 1;

function widen(values: Float64Array, name: string, shape: Shape): Float64Array {
  const [c, { channels: width, offset }] = [channels(shape), wider(name, shape)];
  const out = new Float64Array((values.length / c) * width).fill(NaN);
  for (let i = 0; i < values.length; i++) out[Math.floor(i / c) * width + offset + (i % c)] = values[i];
  return out;
}

/** The slice; what lies around it must still be the NaN it was filled with. */
function narrow(values: Float64Array, name: string, shape: Shape): Float64Array {
  const [c, { channels: width, offset }] = [channels(shape), wider(name, shape)];
  const out = new Float64Array((values.length / width) * c);
  for (let i = 0; i < values.length; i++) {
    const k = (i % width) - offset;
    if (k >= 0 && k < c) out[Math.floor(i / width) * c + k] = values[i];
    else if (!Number.isNaN(values[i]))
      throw new Error(`${name}: element ${i}, outside the slice, was overwritten with ${values[i]}`);
  }
  return out;
}

function bindings(op: Op, algorithm: Op["forward"][number], tune: Tune = {}) {
  const reads = new Set<string>();
  const writes = new Set<string>();
  const dense = new Set<string>();
  const viewable = new Set<string>();
  let accumulates = true;
  for (const kernel of algorithm.kernels) {
    const known = settings(kernel);
    const set = Object.fromEntries(Object.entries(tune).filter(([name]) => name in known));
    const reflected = reflect(kernel.label, specialise(kernel, settings(kernel, set)));
    for (const [binding, { type }] of reflected.bindings) {
      const name = kernel.bind?.[binding] ?? binding;
      if (type === "uniform" || !isTensor(op, name)) continue;
      (type === "storage" ? writes : reads).add(name);
      (takesSlice(reflected, binding) ? viewable : dense).add(name);
      if (type === "storage" && !canAccumulate(reflected)) accumulates = false;
    }
  }
  for (const name of writes) reads.delete(name);
  for (const name of dense) viewable.delete(name);
  return { reads, writes, viewable, accumulates };
}

/** Inputs, outputs and their gradients; anything else a kernel binds is a temporary. */
function isTensor(op: Op, name: string): boolean {
  const example = op.cases[0];
  const given: Record<string, readonly number[]> = { ...example.shapes };
  for (const [key, { shape }] of Object.entries(op.optional?.(example.shapes, example.attrs) ?? {}))
    given[key] ??= shape;
  const names = [...op.inputs, ...Object.keys(op.shapes(given, example.attrs))];
  return names.includes(name) || (name.startsWith("d") && names.includes(name.slice(1)));
}

/** Whether the device has what an algorithm's kernels need at their defaults. */
export const runnable = (device: Device, algorithm: Op["forward"][number]): boolean =>
  algorithm.kernels.every((kernel) => {
    const { reflected, tune } = at(kernel, {}, device.traits);
    return (
      reflected.features.every((name) => device.traits.features.has(name)) &&
      (tune.LANES === undefined || tune.LANES === device.traits.lanes)
    );
  });

/** Every algorithm of every routine that can compute the case on the device. */
export function* algorithms(
  device: Device,
  op: Op,
  example: Case<any>,
  { shapes }: Problem,
): Iterable<[routine: string, algorithm: Op["forward"][number]]> {
  for (const [routine, list] of Object.entries({ forward: op.forward, ...op.backward }))
    for (const algorithm of list)
      if ((algorithm.fits?.(shapes, example.attrs) ?? true) && runnable(device, algorithm))
        yield [routine, algorithm];
}
