// Runs one routine of an operation as a graph of one and judges what it wrote. Portable: browsers run it too.

import {
  type Algorithm,
  batched,
  type Case,
  type Op,
  routines,
  type Shape,
  type Shapes,
  size,
  type Tune,
  type Values,
} from "../../../kernels/op.ts";
import { TINY } from "../../../kernels/rounding.ts";
import type { Device } from "../../device/device.ts";
import {
  accumulates as canAccumulate,
  reflect,
  settings,
  specialise,
  takesSlice,
} from "../../device/reflect.ts";
import type { Traits } from "../../device/traits.ts";
import { Graph, type Tensor } from "../../graph/graph.ts";
import { at, type Specialised, settle } from "../../plan/choose.ts";
import type { Dispatch } from "../../plan/dispatch.ts";
import { Executable } from "../../plan/executable.ts";
import { type Plan, plan } from "../../plan/plan.ts";
import { worstError } from "../report/judge.ts";
import type { ErrorMap } from "../report/report.ts";
import { boundOf, type CheckProblem, problemShapes } from "./problem.ts";
import { dtypeOf, loaded, stored } from "./sampling.ts";

/** Tensors in storage of their own, as slices of wider ones, added onto what is there, computed an image at a time. */
export const LAYOUTS = ["dense", "sliced", "accumulated", "split"] as const;
export type TensorLayout = (typeof LAYOUTS)[number];

export interface Variant {
  readonly algorithm: string;
  readonly layout: TensorLayout;
  /** Tunables to set on its kernels; the others are at what suits the problem. */
  readonly tune?: Tune;
}

/** Elements left around every tensor: more than any kernel's tile is wide. */
const GUARD = 640;

/** What one check of a routine showed. */
export interface Outcome {
  /** Largest error over its bound. */
  readonly figure: number;
  /** Element of that error, such as `dx[0,3,2,17]`. */
  readonly at: string;
  readonly message?: string;
  readonly map?: ErrorMap;
}

type Wrote = ReadonlyMap<string, ArrayBuffer>;

/** One routine of one problem, loaded on a device. */
export class Launch {
  private constructor(
    private readonly op: Op,
    private readonly setup: Setup,
    private readonly executable: Executable,
  ) {}

  /** Returns undefined where the kernels have no such layout. Throws LimitError where the device cannot run it. */
  static async load(
    device: Device,
    op: Op,
    attrs: unknown,
    shapes: Shapes,
    routine: string,
    variant: Variant,
  ): Promise<Launch | undefined> {
    const setup = prepare(device.traits, op, attrs, shapes, routine, variant);
    return setup && new Launch(op, setup, await Executable.load(device, setup.planned));
  }

  /** Bytes of every tensor written, from the values of those read, in memory that held `poison`, and `around` them. */
  async compute(values: Values, poison = NaN, around = NaN): Promise<Wrote> {
    const { inputs, held, outputs } = this.setup;
    this.executable.poison(poison);
    for (const [k, name] of inputs.entries())
      this.executable.write(name, stored(values[name], dtypeOf(this.op, name)), around + k);
    for (const [name, shape] of Object.entries(held))
      this.executable.write(`before ${name}`, Float32Array.from(before(shape)), around);
    this.executable.run();
    const wrote = new Map<string, ArrayBuffer>();
    for (const name of outputs) wrote.set(name, await this.executable.readBytes(name));
    return wrote;
  }

  /** The same as float64. */
  async values(values: Values): Promise<Values> {
    const wrote = await this.compute(values);
    return Object.fromEntries(
      [...wrote].map(([name, bytes]) => [name, loaded(bytes, dtypeOf(this.op, name))]),
    );
  }

  /** Puts its dispatches into a pass. */
  encode(pass: GPUComputePassEncoder): void {
    this.executable.encode(pass);
  }

  get dispatches(): readonly Dispatch[] {
    return this.setup.planned.dispatches;
  }

  /** What the last run wrote outside its tensors. */
  breaches(): Promise<readonly string[]> {
    return this.executable.breaches();
  }

  close(): void {
    this.executable.close();
  }
}

/**
 * Runs a routine in a layout and judges it, then again on other garbage, `repeats` times in all: every run must write
 * the same bits, and nothing outside the tensors. Returns undefined where the kernels have no such layout.
 */
export async function runLayout(
  device: Device,
  op: Op,
  { attrs }: Pick<Case<any>, "attrs">,
  p: CheckProblem,
  routine: string,
  variant: Variant,
  repeats = 2,
): Promise<Outcome | undefined> {
  const launch = await Launch.load(device, op, attrs, p.shapes, routine, variant);
  if (!launch) return undefined;
  if (routine === "recompute") p = await afterForward(device, op, attrs, p);
  try {
    // NaN shows what is read that should not be; numbers that differ show what is written that should not be
    const first = await launch.compute(p.values);
    for (let repeat = 1; repeat < repeats; repeat++) {
      for (const [name, bytes] of await launch.compute(p.values, 3 * repeat, 5 * repeat)) {
        const changed = difference(first.get(name)!, bytes);
        if (changed) return { figure: Infinity, at: name, message: `${name}: ${changed}` };
      }
      const [breach] = repeat === 1 ? await launch.breaches() : [];
      if (breach) return { figure: Infinity, at: "guard", message: breach };
    }
    return worstOf(op, attrs, p, routine, variant, first);
  } finally {
    launch.close();
  }
}

/** The problem to compute outputs again from those that the forward routine made here, to the bit. */
async function afterForward(device: Device, op: Op, attrs: unknown, p: CheckProblem): Promise<CheckProblem> {
  const [[, { name: algorithm }]] = algorithms(device, op, { attrs }, p);
  const variant = { algorithm, layout: "dense" } as const;
  const forward = (await Launch.load(device, op, attrs, p.shapes, "forward", variant))!;
  try {
    const made = Object.entries(await forward.values(p.values));
    const outputs = Object.fromEntries(made.filter(([name]) => !op.inputs.includes(name)));
    const exact = Object.fromEntries(made.map(([name, list]) => [name, new Float64Array(list.length)]));
    return {
      ...p,
      values: { ...p.values, ...outputs },
      want: { ...p.want, forward: outputs },
      bound: { ...p.bound, forward: exact },
    };
  } finally {
    forward.close();
  }
}

/** What was in a tensor that a gradient is added onto. */
const before = (shape: Shape) => Float64Array.from({ length: size(shape) }, (_, i) => ((i * 7) % 5) - 2);

/** Where two runs differ, if they do. */
export function difference(a: ArrayBuffer, b: ArrayBuffer): string | undefined {
  const [x, y] = [new Uint32Array(a), new Uint32Array(b)];
  const i = x.findIndex((word, k) => word !== y[k]);
  if (i < 0) return undefined;
  const [was, is] = [new Float32Array(a)[i], new Float32Array(b)[i]];
  return `element ${i} was ${was} and is ${is} on the same input`;
}

function worstOf(
  op: Op,
  attrs: unknown,
  p: CheckProblem,
  routine: string,
  { algorithm, layout }: Variant,
  wrote: Wrote,
): Outcome {
  const side = routine in op.backward ? "backward" : "forward";
  const bounds = boundOf(p, named(op, routine, algorithm), side, attrs);
  let worst: Outcome = { figure: 0, at: "" };
  if (routine === "recompute" && [...wrote.keys()].some((name) => !op.recompute!.writes.includes(name)))
    return {
      figure: Infinity,
      at: "recompute",
      message: `writes ${[...wrote.keys()]} but is to write ${op.recompute!.writes}`,
    };
  for (const [name, bytes] of wrote) {
    let [want, bound] = [p.want[side][name], bounds[name]];
    if (!want) continue; // an output no reference speaks of, such as an index kept for the gradient
    if (layout === "accumulated") {
      const held = before(p.shapes[name]);
      // what is added, and the sum, may each be flushed
      bound = bound.map((v, i) => v + 2 ** -22 * (Math.abs(held[i]) + Math.abs(want[i])) + 2 * TINY);
      want = want.map((v, i) => v + held[i]);
    }
    const got = loaded(bytes, dtypeOf(op, name)).subarray(0, want.length);
    const verdict = worstError(name, p.shapes[name], got, want, bound);
    if (!(verdict.figure <= worst.figure) || worst.at === "") worst = verdict;
  }
  return worst;
}

/** Dispatches of a routine on dense tensors. Throws LimitError where the adapter cannot run it. */
export function launchDispatches(
  traits: Traits,
  op: Op,
  attrs: unknown,
  shapes: Shapes,
  routine: string,
  algorithm: string,
  tune?: Tune,
): readonly Dispatch[] {
  return prepare(traits, op, attrs, shapes, routine, { algorithm, layout: "dense", tune })!.planned
    .dispatches;
}

const named = (op: Op, routine: string, algorithm: string): Algorithm<any> =>
  routines(op)[routine].find(({ name }) => name === algorithm)!;

interface Setup {
  readonly planned: Plan;
  readonly inputs: readonly string[];
  /** Outputs, and inputs that are updated in place. */
  readonly outputs: readonly string[];
  /** Shapes of the outputs that are added onto what they held. */
  readonly held: Shapes;
}

function prepare(
  traits: Traits,
  op: Op,
  attrs: unknown,
  shapes: Shapes,
  routine: string,
  variant: Variant,
): Setup | undefined {
  const algorithm = named(op, routine, variant.algorithm);
  const { layout } = variant;
  const { kernels, temporaries } = settle(algorithm, shapes, attrs, traits, variant.tune);
  const { reads, writes, viewable, accumulates, whole } = bindings(op, attrs, kernels);
  if (layout === "sliced" && viewable.size === 0) return undefined;
  if (layout === "accumulated" && !accumulates) return undefined;
  let limited = traits;
  if (layout === "split" && algorithm.whole) return undefined;
  if (layout === "split") {
    const bound = Object.entries(shapes).filter(([name]) => reads.has(name) || writes.has(name));
    const all = { ...Object.fromEntries(bound), ...temporaries };
    limited = { ...traits, maxBindingBytes: bytesOfOneImage(op, attrs, all, whole) };
    if (!splits(op, attrs, all, limited.maxBindingBytes)) return undefined;
  }

  const graph = new Graph();
  const state = [...writes].filter((name) => op.inputs.includes(name));
  const produced = [...writes].filter((name) => !op.inputs.includes(name));
  const inputs: Record<string, Tensor> = {};
  for (const name of [...reads, ...state]) inputs[name] = graph.input(name, shapes[name], dtypeOf(op, name));
  const held = Object.fromEntries(
    (layout === "accumulated" ? produced : []).map((name) => [name, shapes[name]]),
  );
  const onto = Object.fromEntries(
    Object.entries(held).map(([name, shape]) => [name, graph.input(`before ${name}`, shape)]),
  );
  const made = graph.emit(
    { op, routine, attrs, inputs, onto, shapes, phase: "forward", label: op.name },
    produced,
  );
  const slices = [...viewable].filter(([name]) => layout === "sliced" && !state.includes(name));
  const width = Math.max(1, ...slices.map(([, taken]) => taken));
  const planned = plan(graph, limited, {
    outputs: { ...made, ...Object.fromEntries(state.map((name) => [name, inputs[name]])) },
    slices: false,
    choose: () => ({ algorithm: variant.algorithm, tune: variant.tune }),
    external: Object.fromEntries(slices.map(([name], i) => [name, wider(i, shapes[name], width)])),
    guard: layout === "split" ? 0 : GUARD, // which would not fit in the limit that makes it split
  });
  return { planned, inputs: Object.keys(inputs), outputs: [...produced, ...state], held };
}

/**
 * The place of the i-th tensor inside a wider one: no two of one number of channels agree in stride or offset, which are
 * whole multiples of the `width` that a kernel takes at once.
 */
function wider(i: number, shape: Shape, width: number): { channels: number; offset: number } {
  const whole = (n: number) => Math.ceil(n / width) * width;
  return {
    channels: whole((shape[shape.length - 1] ?? 1) + (4 + 2 * i) * width),
    offset: whole(1 + i * width),
  };
}

/** Least binding that takes `whole` tensors, and those that have no batch, and one image of the rest. */
function bytesOfOneImage(op: Op, attrs: unknown, shapes: Shapes, whole: ReadonlySet<string>): number {
  const names = batched(op, attrs);
  const parted = (name: string) => names.includes(name) && !whole.has(name);
  const bytes = Object.entries(shapes).map(
    ([name, shape]) => (4 * size(shape)) / (parted(name) ? shape[0] : 1),
  );
  return Math.max(...bytes) + 255;
}

const splits = (op: Op, attrs: unknown, shapes: Shapes, bytes: number): boolean =>
  batched(op, attrs).some((name) => shapes[name] && 4 * size(shapes[name]) > bytes);

/** What kernels read and write; tensors they take from inside a wider one, with the most elements taken at once. */
function bindings(op: Op, attrs: unknown, kernels: readonly Pick<Specialised, "kernel" | "reflected">[]) {
  const images = batched(op, attrs);
  const reads = new Set<string>();
  const writes = new Set<string>();
  const dense = new Set<string>();
  const viewable = new Map<string, number>();
  /** Temporaries that a kernel reads for something that has no batch. */
  const whole = new Set<string>();
  let accumulates = true;
  for (const { kernel, reflected } of kernels) {
    const bound = [...reflected.bindings].map(([binding, { type, width }]) => ({
      binding,
      type,
      width,
      name: kernel.bind?.[binding] ?? binding,
    }));
    const sums = bound.some(({ type, name }) => type === "storage" && !images.includes(name));
    for (const { binding, type, name, width } of bound) {
      if (type === "uniform") continue;
      if (!isTensor(op, name)) {
        if (sums) whole.add(name);
        continue;
      }
      (type === "storage" ? writes : reads).add(name);
      if (takesSlice(reflected, binding)) viewable.set(name, Math.max(width, viewable.get(name) ?? 1));
      else dense.add(name);
      if (type === "storage" && !canAccumulate(reflected)) accumulates = false;
    }
  }
  for (const name of writes) reads.delete(name);
  for (const name of dense) viewable.delete(name);
  return { reads, writes, viewable, accumulates, whole };
}

/** Whether an algorithm has the accumulated layout. */
export const addsOnto = (op: Op, algorithm: Algorithm<any>): boolean => {
  const kernels = algorithm.kernels.map((kernel) => ({
    kernel,
    reflected: reflect(kernel.label, specialise(kernel, settings(kernel))),
  }));
  return bindings(op, op.cases[0].attrs, kernels).accumulates;
};

/** Inputs, outputs and their gradients; anything else a kernel binds is a temporary. */
function isTensor(op: Op, name: string): boolean {
  const names = Object.keys(problemShapes(op, op.cases[0]));
  return names.includes(name) || (name.startsWith("d") && names.includes(name.slice(1)));
}

/** Whether the device has what an algorithm's kernels need at their defaults. */
export const runnable = ({ traits }: Device, algorithm: Algorithm<any>): boolean =>
  algorithm.kernels.every((kernel) => {
    const { reflected, tune } = at(kernel, {}, traits);
    return (
      reflected.features.every((name) => traits.features.has(name)) &&
      (tune.LANES === undefined || tune.LANES === traits.subgroupSize)
    );
  });

/** Every algorithm of every routine that can compute the case on the device. */
export function* algorithms(
  device: Device,
  op: Op,
  { attrs }: Pick<Case<any>, "attrs">,
  { shapes }: Pick<CheckProblem, "shapes">,
): Iterable<[routine: string, algorithm: Algorithm<any>]> {
  for (const [routine, list] of Object.entries(routines(op)))
    for (const algorithm of list)
      if ((algorithm.fits?.(shapes, attrs) ?? true) && runnable(device, algorithm))
        yield [routine, algorithm];
}
