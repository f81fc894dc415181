import {
  type Algorithm,
  type Op,
  routines,
  type Shapes,
  type Tune,
  type Values,
} from "../../../kernels/op.ts";
import { remember } from "../../../kernels/remember.ts";
import type { Device } from "../../device/device.ts";
import { tunables } from "../../device/reflect.ts";
import { TuneError } from "../../errors.ts";
import {
  difference,
  Launch,
  launchDispatches,
  runLayout,
  runnable,
} from "../../gradcheck/operations/launch.ts";
import { type CheckProblem, derived, problem, problemShapes } from "../../gradcheck/operations/problem.ts";
import { dtypeOf, loaded, sampleValues, uniform } from "../../gradcheck/operations/sampling.ts";
import { worstError } from "../../gradcheck/report/judge.ts";
import { withGradients } from "../../graph/signature.ts";
import { decide, settingsOf } from "../../plan/choose.ts";
import type { Dispatch } from "../../plan/dispatch.ts";
import { stream } from "../../random.ts";
import type { Configuration } from "../space/space.ts";
import type { Candidate, TuningSubject, Verification } from "./candidate.ts";
import { allowedError } from "./kernel.ts";
import { likeness } from "./likeness.ts";

/** A routine of an operation at the sizes for which it is tuned. */
export interface RoutineDescription {
  readonly op: Op;
  /** `forward`, `recompute` or the gradient's name; default `forward`. */
  readonly routine?: string;
  /** Where the configuration does not choose by a parameter `algorithm`; the first that can run by default. */
  readonly algorithm?: string;
  /** Shapes of the inputs. */
  readonly shapes: Shapes;
  readonly attrs: unknown;
  /** Of the values; a fresh one for each run of a tuner, the same for all of its configurations. Default 1. */
  readonly seed?: number;
}

/**
 * Two kernels that compute the same at full size differ by far less than this part of what is usual in the tensor; one
 * that leaves out a tile or takes the wrong one, by all of it.
 */
const AGREEMENT = 2 ** -10;

/**
 * A routine of an operation as what is tuned. What is verified is a problem like the one that is tuned (`likeness`),
 * against the float64 reference by its bound, and then the whole one against the plainest algorithm of the routine: the
 * reference of a large convolution takes minutes, and what small sizes do not show, such as an index that overflows,
 * is no matter of rounding.
 */
export function routine(description: RoutineDescription): TuningSubject {
  const { op, routine: name = "forward", shapes, attrs, seed = 1 } = description;
  const list = routines(op)[name];
  if (!list)
    throw new TuneError(`${op.name}: no routine ${name} (has ${Object.keys(routines(op)).join(", ")})`);
  const truth = new Truth(op, name, withGradients(problemShapes(op, { shapes, attrs })), attrs, seed);
  return {
    label: `${op.name}/${name}`,
    print(device, configuration) {
      const { algorithm, tune } = choice(op, name, list, device, description.algorithm, configuration);
      return wgslOf(launchDispatches(device.traits, op, attrs, truth.shapes, name, algorithm.name, tune));
    },
    async prepare(device, configuration) {
      const { algorithm, tune } = choice(op, name, list, device, description.algorithm, configuration);
      const variant = { algorithm: algorithm.name, layout: "dense", tune } as const;
      const launch = (await Launch.load(device, op, attrs, truth.shapes, name, variant))!;
      return new Tuned(device, truth, launch, algorithm, tune);
    },
    standard(device) {
      const { algorithm } = choice(op, name, list, device, description.algorithm, {});
      const problem = { op, routine: name, shapes: truth.shapes, attrs };
      const { kernels } = decide(problem, device.traits, { algorithm: algorithm.name });
      return { algorithm: algorithm.name, ...settingsOf(kernels) };
    },
  };
}

/** The algorithm and the tunables that a configuration sets. */
function choice(
  op: Op,
  name: string,
  list: readonly Algorithm<any>[],
  device: Device,
  fallback: string | undefined,
  configuration: Configuration,
): { algorithm: Algorithm<any>; tune: Tune } {
  const { algorithm: chosen = fallback, ...settings }: Partial<Configuration> = configuration;
  const algorithm = list.find((a) => (chosen === undefined ? runnable(device, a) : a.name === chosen));
  if (!algorithm)
    throw new TuneError(
      `${op.name}/${name}: no algorithm ${chosen} (has ${list.map((a) => a.name).join(", ")})`,
    );
  const known = new Set(
    list.flatMap(({ kernels }) => kernels.flatMap((kernel) => [...tunables(kernel).keys()])),
  );
  const unknown = Object.keys(settings).find((key) => !known.has(key));
  if (unknown)
    throw new TuneError(`${op.name}/${name}: no tunable ${unknown} (has ${[...known].join(", ") || "none"})`);
  const tune = Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, Number(value)]));
  return { algorithm, tune };
}

/** What a routine must write, worked out once for all configurations. */
class Truth {
  #problems = new Map<Shapes, CheckProblem>();
  #whole: { values: Values; want: ReadonlyMap<string, ArrayBuffer> } | undefined;

  constructor(
    readonly op: Op,
    readonly routine: string,
    /** Of all tensors. */
    readonly shapes: Shapes,
    readonly attrs: unknown,
    private readonly seed: number,
  ) {}

  /** The problem with these sizes of the inputs, and what the reference makes of it. */
  problem(shapes: Shapes): CheckProblem {
    const { op, attrs, seed } = this;
    return remember(this.#problems, shapes, () =>
      problem(op, { what: "like the one that is tuned", shapes, attrs }, { seed }),
    );
  }

  /** The problem as it is tuned, and what the plainest algorithm makes of it. */
  async whole(device: Device): Promise<{ values: Values; want: ReadonlyMap<string, ArrayBuffer> }> {
    if (this.#whole) return this.#whole;
    const { op, routine: name, shapes, attrs, seed } = this;
    const next = stream(seed);
    const example = { what: "whole", shapes, attrs };
    const values: Values = {};
    for (const input of op.inputs)
      if (!op.derived?.[input]) values[input] = sampleValues(op, input, shapes[input], example, next);
    for (const [input, made] of Object.entries(derived(op, shapes, values, attrs)))
      values[input] = made.map(Math.fround);
    if (name !== "forward") {
      const forward = await plainest(device, op, "forward", shapes, attrs);
      try {
        const made = Object.entries(await forward.values(values));
        for (const [output, computed] of made)
          if (!op.inputs.includes(output)) {
            values[output] = computed;
            values[`d${output}`] = uniform(shapes[output], next);
          }
      } finally {
        forward.close();
      }
    }
    const plain = await plainest(device, op, name, shapes, attrs);
    try {
      this.#whole = { values, want: await plain.compute(values) };
    } finally {
      plain.close();
    }
    return this.#whole;
  }
}

/** The last algorithm of a routine, which fits every problem. */
async function plainest(
  device: Device,
  op: Op,
  name: string,
  shapes: Shapes,
  attrs: unknown,
): Promise<Launch> {
  const { name: algorithm } = routines(op)[name].findLast((a) => runnable(device, a))!;
  return (await Launch.load(device, op, attrs, shapes, name, { algorithm, layout: "dense" }))!;
}

const wgslOf = (dispatches: readonly Dispatch[]): string =>
  [...new Set(dispatches.map(({ kernel }) => kernel.text))].join("\n");

class Tuned implements Candidate {
  constructor(
    private readonly device: Device,
    private readonly truth: Truth,
    private readonly launch: Launch,
    private readonly algorithm: Algorithm<any>,
    private readonly tune: Tune,
  ) {}

  get wgsl(): string {
    return wgslOf(this.launch.dispatches);
  }
  get flops(): number {
    return this.launch.dispatches.reduce((sum, { flops }) => sum + flops, 0);
  }
  get bytes(): number {
    return this.launch.dispatches.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  readonly encode = (pass: GPUComputePassEncoder): void => this.launch.encode(pass);

  async verify(): Promise<Verification> {
    const { op, routine: name, shapes, attrs } = this.truth;
    const like = likeness(op, name, this.algorithm, shapes, attrs, this.tune);
    let error = 0;
    // added onto what is there, too: an element that is computed twice shows in nothing else
    for (const layout of ["dense", "accumulated"] as const) {
      const variant = { algorithm: this.algorithm.name, layout, tune: this.tune };
      const outcome = await runLayout(this.device, op, { attrs }, this.truth.problem(like), name, variant);
      if (outcome?.message) return { error: outcome.figure, message: `${sizes(like)}: ${outcome.message}` };
      error = Math.max(error, outcome?.figure ?? 0);
    }
    const message = await this.#agrees();
    return message ? { error: Infinity, message } : { error };
  }

  /** What is wrong at full size. */
  async #agrees(): Promise<string | undefined> {
    const { op, shapes } = this.truth;
    const { values, want } = await this.truth.whole(this.device);
    const first = await this.launch.compute(values);
    for (const [name, bytes] of first) {
      const dtype = dtypeOf(op, name);
      if (dtype !== "f32" || !want.has(name)) continue; // an index may name another of two equals
      const truth = loaded(want.get(name)!, dtype);
      const got = loaded(bytes, dtype).subarray(0, truth.length);
      const { message } = worstError(name, shapes[name], got, truth, allowedError(truth, dtype, AGREEMENT));
      if (message) return `not what the plainest algorithm writes: ${message}`;
    }
    for (const [name, bytes] of await this.launch.compute(values, 3, 5)) {
      const changed = difference(first.get(name)!, bytes);
      if (changed) return `${name}: ${changed}`;
    }
    const [breach] = await this.launch.breaches();
    return breach;
  }

  close(): void {
    this.launch.close();
  }
}

const sizes = (shapes: Shapes): string =>
  Object.entries(shapes)
    .map(([name, shape]) => `${name} [${shape}]`)
    .join(", ");
