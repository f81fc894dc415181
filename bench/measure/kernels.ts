// Kernels by themselves: every algorithm of a routine on the same problem, each checked before it is timed.

import type { Device } from "../../engine/device/device.ts";
import { DeviceLostError, TesseraError, TuneError } from "../../engine/errors.ts";
import { problemShapes } from "../../engine/gradcheck/operations/problem.ts";
import { withGradients } from "../../engine/graph/signature.ts";
import { settle } from "../../engine/plan/choose.ts";
import type { Dispatch } from "../../engine/plan/dispatch.ts";
import { preferences, problemKey } from "../../engine/plan/tables/preferences.ts";
import { spreadOf } from "../../engine/statistics/quantiles.ts";
import { Clock, type ClockOptions } from "../../engine/tune/clock/clock.ts";
import { Stopwatch } from "../../engine/tune/clock/stopwatch.ts";
import type { Candidate, TuningSubject } from "../../engine/tune/kernel/candidate.ts";
import { routine as subjectOf } from "../../engine/tune/kernel/routine.ts";
import {
  type Algorithm,
  checkable,
  type Op,
  type Runnable,
  routines,
  type Shapes,
  type Tune,
} from "../../kernels/op.ts";
import type { KernelRow } from "./result.ts";

/** A routine of an operation at sizes. */
export interface KernelProblem {
  readonly op: Op;
  /** `forward`, `recompute` or a gradient's name. */
  readonly routine: string;
  /** Of the inputs. */
  readonly shapes: Shapes;
  readonly attrs: unknown;
}

export interface KernelOptions {
  /** Only these, by name; default all. */
  readonly algorithms?: readonly string[];
  /** Settings of tunables, for the algorithms that have them; else the adapter's tuningTable, else what suits the problem. */
  readonly tune?: Tune;
  /** Whether each result is checked before it is timed (the default); a kernel that is wrong has no time. */
  readonly verify?: boolean;
  readonly clock?: ClockOptions;
  readonly signal?: AbortSignal;
}

export const kernelName = ({ op, routine }: { readonly op: Runnable; readonly routine: string }): string =>
  `${op.name}/${routine}`;

/**
 * Problems of a plan's dispatches, those first that take most FLOPs in all, and of equals most bytes. `wanted` are
 * operations such as `conv2d_moments` or routines such as `conv2d_moments/x`; none: all.
 */
export function kernelProblems(
  dispatches: readonly Dispatch[],
  wanted: readonly string[] = [],
): readonly (KernelProblem & { readonly flops: number; readonly times: number })[] {
  const found = new Map<string, KernelProblem & { flops: number; bytes: number; nodes: Set<unknown> }>();
  for (const { node, flops, bytes } of dispatches) {
    const { routine, attrs } = node;
    const op = checkable(node.op);
    if (wanted.length > 0 && !wanted.includes(op.name) && !wanted.includes(kernelName(node))) continue;
    const shapes = inputsOf(op, node.shapes);
    const key = `${kernelName(node)} ${problemKey(shapes, attrs)}`;
    const one = found.get(key) ?? { op, routine, shapes, attrs, flops: 0, bytes: 0, nodes: new Set() };
    found.set(key, one);
    one.flops += flops;
    one.bytes += bytes;
    one.nodes.add(node);
  }
  return [...found.values()]
    .sort((a, b) => b.flops - a.flops || b.bytes - a.bytes)
    .map(({ nodes, bytes, ...problem }) => ({ ...problem, times: nodes.size }));
}

/** Of all shapes of an operation those of its inputs. */
export const inputsOf = (op: Op, shapes: Shapes): Shapes =>
  Object.fromEntries(op.inputs.flatMap((name) => (shapes[name] ? [[name, shapes[name]]] : [])));

/**
 * Measures every algorithm at every problem; a row as soon as it is known. What the adapter cannot run, does not fit or
 * computes something wrong is a row that says why. Ends early, with the rows so far, where the signal asks for it.
 * Throws ShapeError where inputs do not fit, TuneError where no routine has an algorithm of the names, DeviceLostError.
 */
export async function* measureKernels(
  device: Device,
  problems: readonly KernelProblem[],
  options: KernelOptions = {},
): AsyncGenerator<KernelRow> {
  const { algorithms, clock, signal } = options;
  const known = new Set(problems.flatMap((problem) => algorithmsOf(problem).map(({ name }) => name)));
  for (const name of algorithms ?? [])
    if (!known.has(name)) throw new TuneError(`no algorithm ${name} (has ${[...known].join(", ")})`);
  const stopwatch = await Stopwatch.open(device);
  try {
    const timing: Timing = { device, stopwatch, clock: new Clock(stopwatch.quanta, clock) };
    for (const problem of problems) {
      const subject = subjectOf(problem);
      for (const algorithm of algorithmsOf(problem)) {
        if (signal?.aborted) return;
        if (algorithms && !algorithms.includes(algorithm.name)) continue;
        yield await measured(timing, problem, subject, algorithm, options);
      }
    }
  } finally {
    stopwatch.close();
  }
}

interface Timing {
  readonly device: Device;
  readonly stopwatch: Stopwatch;
  readonly clock: Clock;
}

const algorithmsOf = ({ op, routine }: KernelProblem): readonly Algorithm<any>[] => routines(op)[routine];

async function measured(
  { device, stopwatch, clock }: Timing,
  problem: KernelProblem,
  subject: TuningSubject,
  algorithm: Algorithm<any>,
  options: KernelOptions,
): Promise<KernelRow> {
  const settled = settlement(device, problem, algorithm, options.tune);
  if ("refusal" in settled) return rowOf(problem, algorithm, settled);
  const { tune } = settled;
  let candidate: Candidate | undefined;
  try {
    candidate = await subject.prepare(device, { algorithm: algorithm.name, ...tune });
    const work = { tune, flops: candidate.flops, bytes: candidate.bytes };
    const wrong = options.verify === false ? undefined : (await candidate.verify()).message;
    if (wrong) return rowOf(problem, algorithm, { ...work, refusal: `wrong: ${wrong}` });
    const { times, unrankable } = await clock.time(stopwatch.measure(candidate.encode));
    const doubt = unrankable && { doubt: unrankable };
    return rowOf(problem, algorithm, { ...work, device: spreadOf(times), ...doubt });
  } catch (error) {
    if (!(error instanceof TesseraError) || error instanceof DeviceLostError) throw error;
    return rowOf(problem, algorithm, { tune, refusal: error.message });
  } finally {
    candidate?.close();
  }
}

/** The tunables that an algorithm takes at a problem, or why it takes none. */
function settlement(
  device: Device,
  { op, routine, shapes: given, attrs }: KernelProblem,
  algorithm: Algorithm<any>,
  wanted: Tune | undefined,
): { readonly tune: Tune } | { readonly refusal: string } {
  const shapes = withGradients(problemShapes(op, { shapes: given, attrs }));
  const preferred = [...preferences(device.traits, kernelName({ op, routine }), shapes, attrs)].find(
    (choice) => choice.algorithm === algorithm.name,
  );
  const misfit = { refusal: "does not fit this problem" };
  if (algorithm.fits && !algorithm.fits(shapes, attrs)) return misfit;
  try {
    const { tune } = settle(algorithm, shapes, attrs, device.traits, { ...preferred?.tune, ...wanted });
    if (algorithm.fits && !algorithm.fits(shapes, attrs, tune)) return misfit;
    return { tune };
  } catch (error) {
    if (!(error instanceof TesseraError)) throw error;
    return { refusal: error.message };
  }
}

/** A row; what was refused has the operation's FLOPs and no bytes, which are those of a kernel's bindings. */
function rowOf(
  { op, routine, shapes: given, attrs }: KernelProblem,
  { name: algorithm }: Algorithm<any>,
  found: Partial<Pick<KernelRow, "tune" | "flops" | "bytes" | "device" | "refusal" | "doubt">>,
): KernelRow {
  const shapes = withGradients(problemShapes(op, { shapes: given, attrs }));
  const flops = op.flops(shapes, attrs)[routine] ?? 0;
  return {
    routine: kernelName({ op, routine }),
    shapes: given,
    attrs,
    algorithm,
    tune: {},
    flops,
    bytes: 0,
    ...found,
  };
}
