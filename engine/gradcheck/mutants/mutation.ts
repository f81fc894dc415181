// Judges mutants of an operation's kernels by the operation's own cases. Portable; mutation.node.ts runs it in a
// process that may hang or crash.

import { type Kernel, type Op, routines, type Tune } from "../../../kernels/op.ts";
import type { Device } from "../../device/device.ts";
import { tunables } from "../../device/reflect.ts";
import { DeviceLostError } from "../../errors.ts";
import { at } from "../../plan/choose.ts";
import { algorithms, runnable } from "../operations/launch.ts";
import { type CheckProblem, elementsOf, problem } from "../operations/problem.ts";
import { races } from "../operations/races.ts";
import { attempt, type Trial, trials } from "../operations/trial.ts";

/** A kernel to seed faults in, with the operations that launch it. */
export interface Target {
  readonly label: string;
  readonly ops: readonly Op[];
  /** What is mutated: the source, or what a generator prints at `tune`. */
  readonly wgsl: string;
  /** Settings of a generator, at which alone it is run. */
  readonly tune?: Tune;
}

/** One run of a routine in which a kernel takes part. */
export interface Probe {
  readonly op: Op;
  readonly problem: CheckProblem;
  readonly trial: Trial;
}

/** Seed of the values of all cases. */
const SEED = 1;

/** What killed a mutant. */
export interface Kill {
  /** Case, layout and tunables. */
  readonly where: string;
  readonly message: string;
}

const algorithmsOf = (op: Op) => Object.values(routines(op)).flat();

/** Every kernel of the operations that the device can run; one that several of them launch comes once. */
export function targets(device: Device, ops: readonly Op[]): Target[] {
  const found = new Map<string, Target>();
  for (const op of ops)
    for (const algorithm of algorithmsOf(op))
      for (const kernel of runnable(device, algorithm) ? algorithm.kernels : []) {
        const { label } = kernel;
        const known = found.get(label);
        if (known?.ops.includes(op)) continue;
        const generated = typeof kernel.source !== "string" && at(kernel, least(kernel), device.traits);
        found.set(label, {
          label,
          ops: [...(known?.ops ?? []), op],
          wgsl: generated ? generated.text : (kernel.source as string),
          tune: generated ? generated.tune : undefined,
        });
      }
  return [...found.values()];
}

/** Settings of a generator with which its text is short, but has in it everything that is repeated. */
const least = (kernel: Kernel<any>): Tune =>
  Object.fromEntries(
    [...tunables(kernel)]
      .filter(([name]) => name !== "LANES") // the adapter's
      .map(([name, { value, choices }]) => [name, choices.find((choice) => choice > 1) ?? value]),
  );

/** The operation with another text for the kernel of that label. */
export function withText(op: Op, label: string, wgsl: string): Op {
  const kernel = (k: Kernel<any>): Kernel<any> => {
    if (k.label !== label) return k;
    return { ...k, source: typeof k.source === "string" ? wgsl : { ...k.source, print: () => wgsl } };
  };
  const routine = (list: Op["forward"]) => list.map((a) => ({ ...a, kernels: a.kernels.map(kernel) }));
  const backward = Object.fromEntries(
    Object.entries(op.backward).map(([name, list]) => [name, routine(list)]),
  );
  const recompute = op.recompute && { ...op.recompute, routine: routine(op.recompute.routine) };
  return { ...op, forward: routine(op.forward), recompute, backward };
}

/** Every case in every layout, the smallest first; then at every value of every tunable, unless these are fixed. */
export function probes(device: Device, { label, ops, tune }: Target): Probe[] {
  const [first, later]: [Probe[], Probe[]] = [[], []];
  for (const op of ops)
    for (const example of op.cases) {
      const p = problem(op, example, { seed: SEED });
      for (const [routine, algorithm] of algorithms(device, op, example, p)) {
        const kernel = algorithm.kernels.find((k) => k.label === label);
        if (!kernel) continue;
        const own = { ...algorithm, kernels: [kernel] };
        for (const trial of trials(op, example, routine, own, tune ? "tuned" : "each", SEED)) {
          const probe = { op, problem: p, trial: { ...trial, tune: tune ?? trial.tune } };
          (Object.keys(trial.tune ?? {}).length > 0 ? later : first).push(probe);
        }
      }
    }
  const bySize = (list: Probe[]) =>
    list.sort((a, b) => elementsOf(a.problem.shapes) - elementsOf(b.problem.shapes));
  return [...bySize(first), ...bySize(later)];
}

/** Whether a text compiles as the kernel. */
export async function compiles(device: Device, target: Target, wgsl: string): Promise<boolean> {
  const kernel = algorithmsOf(withText(target.ops[0], target.label, wgsl))
    .flatMap(({ kernels }) => kernels)
    .find(({ label }) => label === target.label)!;
  try {
    const { text, reflected } = at(kernel, target.tune ?? {}, device.traits);
    await device.compile(target.label, text, reflected);
    return true;
  } catch (error) {
    if (error instanceof DeviceLostError) throw error;
    return false;
  }
}

/**
 * Runs the probes with that text for the kernel until one fails, then looks for races in its workgroup memory; `alive`
 * is called before each. Throws DeviceLostError.
 */
export async function judgeMutant(
  device: Device,
  target: Target,
  wgsl: string,
  list: readonly Probe[],
  alive: () => void = () => {},
): Promise<Kill | undefined> {
  const faulty = new Map(target.ops.map((op) => [op, withText(op, target.label, wgsl)]));
  for (const { op, problem: p, trial } of list) {
    alive();
    const message = await failure(device, faulty.get(op)!, trial, p);
    if (message === undefined) continue;
    await device.settle("mutant", device.gpu.queue.onSubmittedWorkDone()).catch(() => {}); // its errors are its own
    const { routine, case: example, layout, tune = {} } = trial;
    const set = Object.keys(tune).length > 0 ? ` ${JSON.stringify(tune)}` : "";
    return { where: `${routine}, ${example}, ${layout}${set}`, message };
  }
  for (const op of faulty.values())
    for (const { where, message } of races(device, op)) if (message) return { where, message };
  return undefined;
}

/** What is wrong with what the trial wrote; undefined where nothing is. */
async function failure(device: Device, op: Op, trial: Trial, p: CheckProblem): Promise<string | undefined> {
  try {
    return (await attempt(device, op, trial, p))?.message;
  } catch (error) {
    if (error instanceof DeviceLostError) throw error; // nothing more can be run on it
    return (error as Error).message;
  }
}
