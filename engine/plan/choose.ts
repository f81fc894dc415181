import {
  type Algorithm,
  batched,
  type Kernel,
  routines,
  type Shapes,
  size,
  type Tune,
} from "../../kernels/op.ts";
import { remember } from "../../kernels/remember.ts";
import { type Reflected, reflect, settings, specialise, tunables } from "../device/reflect.ts";
import type { Traits } from "../device/traits.ts";
import type { Choice } from "../device/tuning_table.ts";
import { LimitError, TuneError } from "../errors.ts";
import type { Node } from "../graph/graph.ts";
import { type Preference, preferences } from "./tables/preferences.ts";

/** Chooses for a problem of a routine `<op>/<routine>`; undefined leaves it to the tables of the adapter. */
export type Choose = (routine: string, shapes: Shapes, attrs: any) => Choice | undefined;

/** A kernel at fixed tunables. */
export interface Specialised {
  readonly kernel: Kernel<any>;
  readonly tune: Tune;
  readonly text: string;
  readonly reflected: Reflected;
}

/** What is to be computed: a routine of an operation at some sizes. */
export type Problem = Pick<Node, "op" | "routine" | "shapes" | "attrs">;

/** How a problem is computed. */
export interface Chosen {
  readonly algorithm: Algorithm<any>;
  readonly kernels: readonly Specialised[];
  /** What chose the algorithm: a rule of a table, the caller, or the operation's own order. */
  readonly why: string;
  /** Shapes of inputs, outputs and temporaries. */
  readonly shapes: Shapes;
}

/** A node with the algorithm that will compute it. */
export interface ChosenNode extends Chosen {
  readonly node: Node;
}

/** Each node with its algorithm. */
export const select = (
  nodes: readonly Node[],
  traits: Traits,
  choose: Choose = () => undefined,
): ChosenNode[] =>
  nodes.map((node) => ({
    node,
    ...decide(node, traits, choose(routineName(node), node.shapes, node.attrs)),
  }));

/** `<op>/<routine>`, as tables name it. */
export const routineName = ({ op, routine }: Pick<Problem, "op" | "routine">) => `${op.name}/${routine}`;

/**
 * What the caller wants, or else the first preference of the tables that can be had, or else the operation's order.
 * Throws TuneError where what is wanted does not exist, LimitError where it does not fit the problem or the adapter.
 */
export function decide(node: Problem, traits: Traits, wanted?: Choice): Chosen {
  const name = routineName(node);
  const routine = routines(node.op)[node.routine];
  const preferred = [...preferences(traits, name, node.shapes, node.attrs)];
  if (wanted?.algorithm && !routine.some((a) => a.name === wanted.algorithm))
    throw new TuneError(
      `${name}: no algorithm ${wanted.algorithm} (has ${routine.map((a) => a.name).join(", ")})`,
    );
  const refusals: string[] = [];
  for (const choice of wanted
    ? [settled(wanted, preferred)]
    : [...preferred, { why: "the operation's order" }])
    for (const algorithm of routine) {
      if (choice.algorithm && algorithm.name !== choice.algorithm) continue;
      const made = attempt(node, traits, algorithm, choice);
      if (typeof made !== "string") return made;
      refusals.push(made);
    }
  throw new LimitError(`${name}: no algorithm runs on ${traits.name}: ${[...new Set(refusals)].join("; ")}`);
}

/** The caller's choice; tunables that it leaves open are those of the first rule for the same algorithm. */
function settled(wanted: Choice, preferred: readonly Preference[]): Preference {
  const same = wanted.algorithm && preferred.find(({ algorithm }) => algorithm === wanted.algorithm);
  return { ...wanted, tune: { ...(same || undefined)?.tune, ...wanted.tune }, why: "the caller" };
}

/** The node computed as chosen, or why that cannot be. */
function attempt(
  node: Problem,
  traits: Traits,
  algorithm: Algorithm<any>,
  { tune: given, why }: Preference,
): Chosen | string {
  const { shapes, attrs } = node;
  if (algorithm.fits && !algorithm.fits(shapes, attrs)) return `${algorithm.name} does not fit this problem`;
  const { kernels, tune, temporaries } = settle(algorithm, shapes, attrs, traits, given);
  if (algorithm.fits && !algorithm.fits(shapes, attrs, tune))
    return `${algorithm.name} does not fit this problem at ${JSON.stringify(tune)}`;
  const refusal = kernels.map((k) => refuses(k, traits)).find((reason) => reason);
  const large = tooLarge(node, algorithm, temporaries, traits);
  if (refusal ?? large) return `${algorithm.name} needs ${refusal ?? large}`;
  return { algorithm, kernels, why, shapes: { ...shapes, ...temporaries } };
}

/** A tensor may lie in one so many times as wide, of which a binding takes as much. */
const WIDER = 32;

/** A temporary that cannot be bound at once, nor a few images at a time; of what takes all images, any such tensor. */
function tooLarge(
  { op, attrs, shapes }: Problem,
  { whole }: Algorithm<any>,
  temporaries: Shapes,
  traits: Traits,
): string | undefined {
  const parted = batched(op, attrs);
  const bytes = [
    ...Object.entries(temporaries).map(([name, axes]) => ({ name, bytes: 4 * size(axes) })),
    ...Object.entries(whole ? shapes : {}).map(([name, axes]) => ({ name, bytes: 4 * WIDER * size(axes) })),
  ];
  const large = bytes.find((of) => (whole || !parted.includes(of.name)) && of.bytes > traits.maxBindingBytes);
  return (
    large &&
    `a binding of ${large.bytes} bytes for ${large.name} where the adapter allows ${traits.maxBindingBytes}`
  );
}

/**
 * The tunables of kernels as one setting of them all; without the subgroup size, which is the adapter's, and those of
 * which two kernels have different values.
 */
export function settingsOf(kernels: readonly Specialised[]): Tune {
  const all = kernels.flatMap(({ tune }) => Object.entries(tune));
  const agreed = all.filter(
    ([name, value]) => name !== "LANES" && all.every(([other, of]) => other !== name || of === value),
  );
  return Object.fromEntries(agreed);
}

/** The kernels of an algorithm at what suits the problem, save for what is given, and the temporaries they then need. */
export function settle(
  algorithm: Algorithm<any>,
  shapes: Shapes,
  attrs: unknown,
  traits: Traits,
  given?: Tune,
): { kernels: readonly Specialised[]; tune: Tune; temporaries: Shapes } {
  const suited = { ...algorithm.tune?.(shapes, attrs, traits.subgroupSize), ...given };
  const kernels = algorithm.kernels.map((kernel) => at(kernel, suited, traits));
  const tune: Tune = Object.assign({}, ...kernels.map((k) => k.tune));
  return { kernels, tune, temporaries: algorithm.temporaries?.(shapes, attrs, tune) ?? {} };
}

/** Kernels by their settings: a network sets the same few hundreds of times, and printing one takes long. */
const specialised = new WeakMap<Kernel<any>, Map<string, Specialised>>();

/** The kernel at those of the given tunables that it has; LANES is the adapter's subgroup size. */
export function at(kernel: Kernel<any>, given: Tune, traits: Traits): Specialised {
  const settled = remember(specialised, kernel, () => new Map<string, Specialised>());
  return remember(settled, `${traits.subgroupSize} ${JSON.stringify(given)}`, () => {
    const known = tunables(kernel);
    const set = Object.fromEntries(Object.entries(given).filter(([name]) => known.has(name)));
    if (known.get("LANES")?.choices.includes(traits.subgroupSize)) set.LANES ??= traits.subgroupSize;
    const tune = settings(kernel, set);
    const text = specialise(kernel, tune);
    return { kernel, tune, text, reflected: reflect(kernel.label, text) };
  });
}

/** Why the adapter cannot run the kernel, if it cannot. */
function refuses({ tune, reflected }: Specialised, traits: Traits): string | undefined {
  const feature = reflected.features.find((name) => !traits.features.has(name));
  if (feature) return feature;
  if (tune.LANES !== undefined && tune.LANES !== traits.subgroupSize)
    return `subgroups of ${tune.LANES} where the adapter has ${traits.subgroupSize || "several sizes"}`;
  const invocations = reflected.workgroupSize.reduce((a, b) => a * b, 1);
  if (invocations > traits.maxInvocations)
    return `${invocations} invocations a workgroup where the adapter allows ${traits.maxInvocations}`;
  if (reflected.workgroupBytes > traits.maxWorkgroupBytes)
    return `${reflected.workgroupBytes} bytes of workgroup memory where the adapter allows ${traits.maxWorkgroupBytes}`;
  const storage = [...reflected.bindings.values()].filter(({ type }) => type !== "uniform").length;
  if (storage > traits.maxBindings)
    return `${storage} storage buffers where the adapter allows ${traits.maxBindings}`;
  return undefined;
}
