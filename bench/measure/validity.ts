// Whether a step computes the right numbers: the same step by other kernels, on weights on which float32 is sharp.

import type { Device } from "../../engine/device/device.ts";
import type { Choice } from "../../engine/device/tuning_table.ts";
import type { StateDict } from "../../engine/nn/variables.ts";
import type { Choose } from "../../engine/plan/choose.ts";
import { batched, type Op, ops, routines, type Shapes, type Tune } from "../../kernels/index.ts";
import { remember } from "../../kernels/remember.ts";
import { getEntry } from "../../models/index.ts";
import { type Planning, type Setting, type StepPlan, stepDispatches } from "./setting.ts";
import { normOf, stepSubjectOf, tame } from "./subject.ts";

/** Relative errors allowed: relus that change sides cost a gradient a thousandth to a hundredth, a wrong kernel more. */
const ALLOWED = { loss: 1e-4, norm: 1e-3, gradient: 5e-2, change: 5e-2, logits: 1e-3 } as const;
/** Of the norm of all: what is smaller may be rounding. */
const ROUNDING = 1e-6;
/** Values of a channel that every batch norm must see, or gradients are little but rounding. */
const SEEN = 8;
/** Beyond a network's smallest image, whose last grid is 1x1, what makes that 3x3: one image is then enough. */
const BEYOND = 64;
/** FLOPs of a step that adapters compute by plain kernels in seconds; software ones do not. */
const AFFORDABLE = 1e12;
/** Algorithms of convolutions that share nothing with the faster ones, in a fraction of the plain one's time. */
const INDEPENDENT = "registers";

/** What a comparison of two steps found. */
export interface StepComparison {
  readonly valid: boolean;
  readonly why: string;
}

/** What a step left behind. */
interface Outcome {
  readonly plan: StepPlan;
  readonly loss?: number;
  readonly logits?: Float32Array;
  /** Of training, by parameter. */
  readonly gradients: StateDict;
  readonly changes: StateDict;
}

/**
 * Compares a step by the kernels of a plan with one by the plainest algorithms and without fusion, both with the same
 * weights: the loss, every gradient and every change of a weight, or the logits. What an adapter cannot compute so in
 * seconds is compared at 139x139, one image, by the algorithms and tunables of the plan. Undefined where interrupted.
 */
export async function compareWithPlain(
  device: Device,
  setting: Setting,
  timed: StepPlan,
  planning: Planning,
  signal?: AbortSignal,
): Promise<StepComparison | undefined> {
  const small = checked(setting, device, timed);
  const same = small.image === setting.image && small.batch === setting.batch;
  const ours = await outcome(device, small, same ? planning : { ...planning, choose: asIn(timed) });
  if (signal?.aborted) return undefined;
  const plain = await outcome(device, small, { choose: plainest(timed), fuse: false });
  const worst = errors(ours, plain).reduce((a, b) => (a.error / a.allowed >= b.error / b.allowed ? a : b));
  const valid = worst.error <= worst.allowed;
  const share =
    (100 * covered(timed, ours.plan)) / stepDispatches(timed).reduce((sum, d) => sum + d.flops, 0);
  const against = `held against plain kernels at ${small.image}x${small.image}, batch ${small.batch}${same ? "" : ` (${share.toFixed(0)} % of its FLOPs run in the kernels that were checked)`}`;
  const figure = `${worst.what} is off by ${worst.error.toExponential(1)} where ${worst.allowed} is allowed`;
  return { valid, why: `${against}: ${valid ? "at most, " : ""}${figure}` };
}

/** Where the comparison means something and can be paid for. */
function checked(setting: Setting, device: Device, timed: StepPlan): Setting {
  const flops = stepDispatches(timed).reduce((sum, d) => sum + d.flops, 0);
  const { smallestImage } = getEntry(setting.network, setting.variant);
  const grid = Math.floor((setting.image - smallestImage) / 32) + 1;
  if (!device.software && flops <= AFFORDABLE && setting.batch * grid ** 2 >= SEEN) return setting;
  return { ...setting, image: smallestImage + BEYOND, batch: 1 };
}

async function outcome(device: Device, setting: Setting, planning: Planning): Promise<Outcome> {
  // at a rate of 1 what a step adds is so large that the rounding of the weights does not hide it
  const subject = await stepSubjectOf(device, setting, planning, 1);
  try {
    const { variables } = subject;
    const before = tame(variables, setting.seed);
    variables.load(before);
    const { loss, logits } = await subject.step();
    const train = setting.mode === "train";
    const gradients: StateDict = train ? await variables.read("gradient") : new Map();
    const changes = train ? changed(gradients, before, await variables.read()) : new Map();
    const [pass, update] = subject.parts.map(({ plan }) => plan);
    return {
      plan: { pass, update, variables: variables.specs, variableBytes: variables.bytes },
      loss,
      logits,
      gradients,
      changes,
    };
  } finally {
    subject.close();
  }
}

/** What a step adds to each parameter. */
function changed(parameters: StateDict, before: StateDict, after: StateDict): StateDict {
  const of = (path: string) => {
    const [from, to] = [before.get(path)!.data, after.get(path)!.data];
    return from.map((value, i) => to[i] - value);
  };
  return new Map([...parameters].map(([path, { shape }]) => [path, { shape, data: of(path) }]));
}

interface Difference {
  readonly what: string;
  readonly error: number;
  readonly allowed: number;
}

const relative = (got: number, want: number) => Math.abs(got - want) / Math.abs(want);
/** NaN is larger than anything. */
const known = (error: number) => (Number.isNaN(error) ? Infinity : error);

function errors(ours: Outcome, plain: Outcome): Difference[] {
  const found: Difference[] = [];
  const note = (what: string, error: number, allowed: number) =>
    found.push({ what, error: known(error), allowed });
  if (plain.logits)
    note("logits", distance(ours.logits!, plain.logits) / lengthOf(plain.logits), ALLOWED.logits);
  if (plain.loss !== undefined) note("the loss", relative(ours.loss!, plain.loss), ALLOWED.loss);
  if (plain.gradients.size > 0)
    note(
      "the norm of the gradient",
      relative(normOf(ours.gradients.values()), normOf(plain.gradients.values())),
      ALLOWED.norm,
    );
  const compared = (what: string, ours: StateDict, plain: StateDict, allowed: number) => {
    const least = ROUNDING * normOf(plain.values());
    let neighbour = 0;
    for (const [path, { shape, data }] of plain) {
      // a shift that a later batch norm removes has no gradient: only its neighbour's size says how small that is
      const scale = Math.max(lengthOf(data), shape.length === 1 ? neighbour / 10 : 0, least);
      neighbour = lengthOf(data);
      note(`the ${what} of ${path}`, distance(ours.get(path)!.data, data) / scale, allowed);
    }
  };
  compared("gradient", ours.gradients, plain.gradients, ALLOWED.gradient);
  compared("change", ours.changes, plain.changes, ALLOWED.change);
  return found;
}

const lengthOf = (data: Float32Array): number => normOf([{ data }]);

function distance(a: Float32Array, b: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (a[i] - b[i]) ** 2;
  return Math.sqrt(squares);
}

/** FLOPs of a plan's launches whose very kernels another plan launches. */
function covered(timed: StepPlan, by: StepPlan): number {
  const texts = new Set(stepDispatches(by).map(({ kernel }) => kernel.text));
  return stepDispatches(timed).reduce((sum, d) => sum + (texts.has(d.kernel.text) ? d.flops : 0), 0);
}

const find = (name: string): [Op, string] => {
  const [op, kind] = name.split("/");
  return [ops.find((one) => one.name === op)!, kind];
};

/** The last algorithm of each routine that fits, save that convolutions go by registers where the plan does not. */
function plainest(timed: StepPlan): Choose {
  const taken = new Set(stepDispatches(timed).map(({ node, algorithm }) => `${node.routine} ${algorithm}`));
  return (name, shapes, attrs) => {
    const [op, routine] = find(name);
    const fitting = routines(op)[routine].filter(({ fits }) => !fits || fits(shapes, attrs));
    const independent = fitting.find(
      (one) => one.name === INDEPENDENT && !taken.has(`${routine} ${one.name}`),
    );
    const algorithm = independent ?? fitting.at(-1);
    return algorithm && { algorithm: algorithm.name };
  };
}

/**
 * What a plan chose, for the same network at another size: each routine's launches with the same weights and attributes
 * take their turns, as they come in the same order. Where a choice does not fit, it is the tables'.
 */
function asIn(timed: StepPlan): Choose {
  const chosen = new Map<string, Choice[]>();
  const seen = new Set<unknown>();
  for (const { node, algorithm, kernel } of stepDispatches(timed)) {
    const key = kind(`${node.op.name}/${node.routine}`, node.shapes, node.attrs);
    const choices = remember(chosen, key, () => []);
    if (seen.has(node)) choices.push(merged(choices.pop()!, kernel.tune));
    else choices.push({ algorithm, tune: kernel.tune });
    seen.add(node);
  }
  const turns = new Map<string, number>();
  return (name, shapes, attrs) => {
    const key = kind(name, shapes, attrs);
    const turn = turns.get(key) ?? 0;
    turns.set(key, turn + 1);
    const choice = chosen.get(key)?.[turn];
    const [op, routine] = find(name);
    const algorithm = routines(op)[routine].find((one) => one.name === choice?.algorithm);
    const fits = algorithm && (algorithm.fits?.(shapes, attrs, choice!.tune) ?? true);
    return fits ? choice : undefined;
  };
}

/** The tunables of several launches of one node; the algorithm alone where its launches set a tunable differently. */
function merged({ algorithm, tune }: Choice, more: Tune): Choice {
  const differ = Object.keys(more).some((name) => (tune?.[name] ?? more[name]) !== more[name]);
  return differ || !tune ? { algorithm } : { algorithm, tune: { ...tune, ...more } };
}

/** A routine's problem without images and pixels. */
function kind(name: string, shapes: Shapes, attrs: unknown): string {
  const parted = batched(find(name)[0], attrs);
  const kept = Object.entries(shapes).map(([tensor, shape]) => {
    const wide = parted.includes(tensor) || parted.includes(tensor.replace(/^d/, ""));
    return [tensor, wide ? shape.slice(-1) : shape];
  });
  return JSON.stringify([name, kept, attrs]);
}
