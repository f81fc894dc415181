import { type Algorithm, type Case, type Op, routines, type Shapes, type Tune } from "../../../kernels/op.ts";
import type { Device } from "../../device/device.ts";
import { tunables } from "../../device/reflect.ts";
import { FormatError, LimitError } from "../../errors.ts";
import type { Finding } from "../report/report.ts";
import { addsOnto, LAYOUTS, runLayout, type TensorLayout } from "./launch.ts";
import { type CheckProblem, problem } from "./problem.ts";
import { REGIMES, type Regime } from "./sampling.ts";

/** Where the values of a problem come from. */
export interface TrialSource {
  /** Name of one of the operation's cases; else `shapes` and `attrs` say the problem. */
  readonly case?: string;
  readonly shapes?: Shapes;
  readonly attrs?: unknown;
  readonly regime: Regime;
  readonly seed: number;
}

/** One routine of one problem, computed in one way: everything that is needed to do it again. */
export interface Trial extends TrialSource {
  readonly op: string;
  readonly routine: string;
  readonly algorithm: string;
  readonly layout: TensorLayout;
  readonly tune?: Tune;
}

/** Which settings of a kernel's tunables are checked. */
export const TUNABLES = {
  /** The values written in the kernel. */
  default: (algorithm: Algorithm<any>): Tune[] => [
    Object.fromEntries([...spaceOf(algorithm)].map(([name, { value }]) => [name, value])),
  ],
  /** What the plan takes for the problem on this adapter: the tables' settings, or else the algorithm's own. */
  tuned: (): Tune[] => [{}],
  /** Every value of every tunable, the others as the plan takes them. */
  each: (algorithm: Algorithm<any>): Tune[] => [
    {},
    ...[...spaceOf(algorithm)].flatMap(([name, { choices }]) => choices.map((value) => ({ [name]: value }))),
  ],
  /** Every combination of values. */
  all: (algorithm: Algorithm<any>): Tune[] =>
    [...spaceOf(algorithm)].reduce<Tune[]>(
      (settings, [name, { choices }]) =>
        settings.flatMap((tune) => choices.map((value) => ({ ...tune, [name]: value }))),
      [{}],
    ),
};
export type Tunables = keyof typeof TUNABLES;

function spaceOf({ kernels }: Algorithm<any>) {
  const space = new Map(kernels.flatMap((kernel) => [...tunables(kernel)]));
  space.delete("LANES"); // the adapter's subgroup size decides it
  return space;
}

/** The case that a source names or spells out. Throws FormatError where the operation has none of that name. */
export function caseOf(op: Op, source: TrialSource): Case<any> {
  if (source.case === undefined)
    return { what: JSON.stringify(source.shapes), shapes: source.shapes!, attrs: source.attrs };
  const found = op.cases.find(({ what }) => what === source.case);
  if (!found)
    throw new FormatError(
      `${op.name}: no case ${source.case} (has ${op.cases.map(({ what }) => what).join("; ")})`,
    );
  return found;
}

export const trialProblem = (op: Op, source: TrialSource): CheckProblem =>
  problem(op, caseOf(op, source), source);

/** Name of a routine: `forward`, `recompute`, or the gradient it computes. */
export const trialName = (routine: string): string =>
  /^(forward|recompute)$/.test(routine) ? routine : `d${routine}`;

/** Runs a trial and judges it; undefined where the kernels have no such layout or the device cannot run them. */
export async function attempt(
  device: Device,
  op: Op,
  trial: Trial,
  p = trialProblem(op, trial),
  repeats = 2,
): Promise<Finding | undefined> {
  const example = caseOf(op, trial);
  try {
    const outcome = await runLayout(device, op, example, p, trial.routine, trial, repeats);
    if (!outcome) return undefined;
    return {
      layer: "kernel",
      subject: op.name,
      check: `${trialName(trial.routine)} ${trial.algorithm}`,
      figure: outcome.figure,
      where: `${outcome.at}, ${describe(trial)}`,
      message: outcome.message,
      map: outcome.map,
      repro: outcome.message && JSON.stringify(trial),
    };
  } catch (error) {
    // settings may be beyond the adapter; what the plan takes may not
    if (error instanceof LimitError && Object.keys(trial.tune ?? {}).length > 0) return undefined;
    throw error;
  }
}

function describe({ case: named, shapes, regime, layout, tune = {} }: Trial): string {
  const of = Object.entries(shapes ?? {}).map(([name, shape]) => `${name} [${shape}]`);
  const set = Object.entries(tune).map(([name, value]) => `${name}=${value}`);
  const words = [named ?? of.join(" "), regime, layout, set.join(" ")];
  return words.filter((word) => word && word !== "ordinary" && word !== "dense").join(", ");
}

/**
 * A case in every layout, then at the other settings of the tunables, accumulated where it can be: a kernel that
 * computes an element twice shows in nothing else.
 */
export function* trials(
  op: Op,
  example: Case<any>,
  routine: string,
  algorithm: Algorithm<any>,
  tunables: Tunables,
  seed: number,
): Iterable<Trial> {
  const [first, ...others] = TUNABLES[tunables](algorithm);
  const trial = {
    op: op.name,
    case: example.what,
    regime: "ordinary",
    seed,
    routine,
    algorithm: algorithm.name,
  } as const;
  for (const layout of LAYOUTS) yield { ...trial, layout, tune: first };
  const layout = addsOnto(op, algorithm) ? "accumulated" : "dense";
  for (const tune of others) yield { ...trial, layout, tune };
}

/** Reads a trial from the text that a failure prints. Throws FormatError naming what is wrong in it. */
export function parseTrial(text: string, ops: readonly Op[]): { op: Op; trial: Trial } {
  let trial: Trial;
  try {
    trial = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`repro: the case is not JSON: ${(cause as Error).message}`, { cause });
  }
  const among = (what: string, value: unknown, names: readonly string[]) => {
    if (!names.includes(value as string))
      throw new FormatError(
        `repro: ${what} is ${JSON.stringify(value)} but one of ${names.join(", ")} is expected`,
      );
  };
  among(
    "op",
    trial?.op,
    ops.map(({ name }) => name),
  );
  // a concatenation of two and one of three share a name
  const { shapes = {} } = trial;
  const named = ops.filter(({ name }) => name === trial.op);
  const op =
    named.find(({ inputs, cases }) =>
      trial.case === undefined
        ? Object.keys(shapes).every((name) => inputs.includes(name))
        : cases.some(({ what }) => what === trial.case),
    ) ?? named[0];
  among("routine", trial.routine, Object.keys(routines(op)));
  among(
    "algorithm",
    trial.algorithm,
    routines(op)[trial.routine].map(({ name }) => name),
  );
  among("layout", trial.layout, LAYOUTS);
  among("regime", trial.regime, Object.keys(REGIMES));
  if (!Number.isInteger(trial.seed))
    throw new FormatError(`repro: seed is ${JSON.stringify(trial.seed)} but a whole number is expected`);
  if (trial.case === undefined && (typeof trial.shapes !== "object" || trial.shapes === null))
    throw new FormatError("repro: neither a case nor shapes are given");
  return { op, trial };
}
