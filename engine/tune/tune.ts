import { type Algorithm, type Op, routines } from "../../kernels/op.ts";
import type { Device } from "../device/device.ts";
import { tunables } from "../device/reflect.ts";
import { TuneError } from "../errors.ts";
import type { Ranking, RankingOptions } from "../statistics/ranking.ts";
import type { ClockOptions } from "./clock/clock.ts";
import { kernel as described, type KernelDescription } from "./kernel/kernel.ts";
import { type RoutineDescription, routine } from "./kernel/routine.ts";
import type { Origin } from "./records/origin.ts";
import { describeSpace as describedSpace, type Header } from "./records/record.ts";
import type { Environment } from "./results/environment.ts";
import type { Row } from "./results/row.ts";
import type { Json } from "./results/schema.ts";
import { type Evaluator, type Inspection, Runner } from "./runner/runner.ts";
import { type Budget, type Run, search } from "./search/search.ts";
import { constraint as parsed } from "./space/expression.ts";
import { type Configuration, type Constraint, type Parameter, Space, type Value } from "./space/space.ts";
import type { Strategy } from "./strategies/strategy.ts";

/** Where rows are kept and found again; `RunRecord` is one. */
export interface RowStore {
  find(of: Pick<Row, "configuration" | "wgsl">): Row | undefined;
  append(row: Row): boolean;
  /** Keeps the WGSL of a hash, which is asked for where it is not there yet. */
  archive?(wgsl: string, print: () => Promise<string>): Promise<void>;
}

/** Sees what a run does. */
export interface Observer {
  /** Before the first configuration: the space, and what it is measured with. */
  started?(space: Space, environment: Environment): void;
  /** After each; `known` where the row was found in the record. What it returns is added to the row's metrics. */
  evaluated?(row: Row, known: boolean): Readonly<Record<string, number>> | undefined;
}

export interface TuneOptions {
  /** A kernel of one's own; or else `op` and `problem`. */
  readonly kernel?: KernelDescription;
  readonly op?: Op;
  /** Of an operation, the routine and sizes; of a kernel, whatever tells this problem from others in a record. */
  readonly problem?: Omit<RoutineDescription, "op"> | Json;
  /** By default the tunables of the operation's algorithm, each with the values that its kernels name. */
  readonly params?: readonly Parameter[] | Readonly<Record<string, readonly Value[]>>;
  /** T1 expressions, functions of a whole configuration, or constraints that name what they read. */
  readonly constraints?: readonly (string | Constraint | ((configuration: Configuration) => boolean))[];
  /** Default: brute force. */
  readonly strategy?: Strategy | string;
  readonly settings?: Readonly<Record<string, number | string>>;
  /** Its seconds cover the ranking of the finalists too, for which a fifth is kept. */
  readonly budget?: Budget;
  /** What is minimised, of a row that is `ok`; default its median time in seconds. */
  readonly objective?: (row: Row) => number;
  readonly observers?: readonly Observer[];
  /** Whether results are checked before they are timed; default true. */
  readonly verify?: boolean;
  readonly clock?: ClockOptions;
  /** Where rows are kept, made for the header of this run; rows of the same WGSL, adapter and problem are not measured again. */
  readonly cache?: (header: Header) => RowStore;
  readonly seed?: number;
  /** Configurations to compare with, of the space or not: evaluated first, and measured again with the fastest. */
  readonly against?: readonly Configuration[];
  /**
   * Whether what the adapter cannot have becomes a row when it is met, rather than being left out before the search: printing every
   * configuration of a large space takes longer than a short search.
   */
  readonly lazy?: boolean;
  /** What the record says of how to make the same again; of `op`, by default its name and problem. */
  readonly origin?: Origin;
  /** How many of the fastest are measured again, in turns; default 8. */
  readonly finalists?: number;
  readonly ranking?: RankingOptions;
  /** What measures; by default this process, on the device that is found. */
  readonly evaluator?: Evaluator;
  /** An open device to measure on; it stays open. By default the one that is found is opened, and closed at the end. */
  readonly device?: Device;
  /** Opens a device, at first where none is given, and again where it was lost. */
  readonly open?: () => Promise<Device>;
}

export interface Tuned {
  readonly results: readonly Row[];
  /** Fastest of the second measurement; absent where nothing could be timed. */
  readonly best?: Row;
  /** Those that nothing tells from the best, itself included. */
  readonly tied: readonly Row[];
  /** Those that were measured again, as `ranking` numbers them. */
  readonly finalists: readonly Row[];
  readonly ranking?: Ranking;
  readonly stopped: Run["stopped"];
  readonly space: Space;
  /** What the adapter cannot have, by reason: these configurations were never compiled. */
  readonly refused: ReadonlyMap<string, number>;
  readonly environment: Environment;
}

/**
 * Searches the configurations of a kernel, or of an operation's routine, for the fastest that is right. Each becomes a
 * row, whatever happens to it; the finalists are measured again in turns, and the answer is all that are tied with the
 * best. Throws TuneError for options that contradict each other, NoAdapterError, and what the record or an observer throw.
 */
export async function tune(options: TuneOptions): Promise<Tuned> {
  const evaluator = options.evaluator ?? new Runner(subjectOf(options), options);
  try {
    return await tuned(evaluator, options);
  } finally {
    if (!options.evaluator) evaluator.close();
  }
}

async function tuned(evaluator: Evaluator, options: TuneOptions): Promise<Tuned> {
  const environment = await evaluator.environment();
  const whole = spaceOf(options, options.op && (await evaluator.standard?.()));
  const inspections = new Map<string, Inspection>();
  const { space, refused } = options.lazy
    ? { space: whole, refused: new Map<string, number>() }
    : await illegal(whole, evaluator, inspections);
  for (const observer of options.observers ?? []) observer.started?.(space, environment);
  const store = options.cache?.(headerOf(options, whole, environment));
  const rows = new Map<string, Row>();
  const evaluated = async (configuration: Configuration): Promise<Row> => {
    const key = keyOf(configuration);
    const before = rows.get(key);
    if (before) return before;
    const { wgsl } = inspections.get(key) ?? (store ? await evaluator.inspect(configuration) : {});
    const known = store?.find({ configuration, wgsl });
    // before it runs: what hangs is worth reading
    if (wgsl) await store?.archive?.(wgsl, () => evaluator.print(configuration));
    const row = known ?? (await evaluator.evaluate(configuration));
    const seen = observed(row, known !== undefined, options.observers);
    rows.set(key, seen);
    if (!known) store?.append(seen);
    return seen;
  };
  const figure = options.objective ?? ((row: Row) => row.objective ?? Infinity);
  const objective = (row: Row) => (row.status === "ok" ? figure(row) : Infinity);
  const against: Row[] = [];
  const { seed, settings, strategy = "brute_force", budget: { seconds, ...rest } = {} } = options;
  const begun = performance.now();
  const left = (share = 1) =>
    seconds === undefined ? undefined : Math.max(0, share * seconds - (performance.now() - begun) / 1e3);
  for (const configuration of options.against ?? []) against.push(await evaluated(configuration));
  const evaluate = async (index: number): Promise<number> => objective(await evaluated(space.at(index)));
  const budget = { ...rest, seconds: left(options.objective ? 1 : SEARCHED) };
  const { stopped } = await search({ space, strategy, settings, budget, seed, evaluate });
  const results = [...rows.values()];
  const order = results
    .filter((row) => Number.isFinite(objective(row)))
    .sort((a, b) => objective(a) - objective(b));
  const finalists = order.filter((row, i) => i < (options.finalists ?? 8) || against.includes(row));
  // only times can be measured again in turns
  const ranking =
    finalists.length > 1 && !options.objective
      ? await ranked(evaluator, finalists, { seconds: left(), ...options.ranking })
      : undefined;
  const best = finalists[ranking?.places[0].contender ?? 0];
  const tied = ranking ? ranking.tied.map((i) => finalists[i]) : finalists.slice(0, 1);
  return { results, best, tied, finalists, ranking, stopped, space, refused, environment };
}

/** Text that tells configurations apart, whatever the order of their parameters. */
const keyOf = (configuration: Configuration): string =>
  JSON.stringify(Object.entries(configuration).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Share of a budget of seconds after which the search ends; the finalists are ranked in the rest. */
const SEARCHED = 0.8;

const ranked = (evaluator: Evaluator, rows: readonly Row[], options: RankingOptions): Promise<Ranking> =>
  evaluator.rank(
    rows.map(({ configuration }) => configuration),
    options,
  );

function observed(row: Row, known: boolean, observers: readonly Observer[] = []): Row {
  const metrics = Object.assign({}, row.metrics, ...observers.map((o) => o.evaluated?.(row, known)));
  return Object.keys(metrics).length > 0 ? { ...row, metrics } : row;
}

/** The space without what the adapter cannot have, and why it cannot. */
async function illegal(space: Space, evaluator: Evaluator, inspections: Map<string, Inspection>) {
  const refused = new Map<string, number>();
  for (let i = 0; i < space.size; i++) {
    const configuration = space.at(i);
    const inspection = await evaluator.inspect(configuration);
    inspections.set(keyOf(configuration), inspection);
    const { refusal } = inspection;
    if (refusal) refused.set(refusal, (refused.get(refusal) ?? 0) + 1);
  }
  const allowed: Constraint = {
    names: space.parameters.map(({ name }) => name),
    text: "what the adapter allows",
    holds: (configuration) => inspections.get(keyOf(configuration))?.refusal === undefined,
  };
  const legal = refused.size > 0 ? new Space(space.parameters, [...space.constraints, allowed]) : space;
  return { space: legal, refused };
}

function subjectOf({ kernel, op, problem }: TuneOptions) {
  if (kernel && op)
    throw new TuneError(`tune: kernel ${kernel.label} and op ${op.name}, but one is expected`);
  if (kernel) return described(kernel);
  if (!op) throw new TuneError("tune: neither kernel nor op is given");
  return routine({ op, ...sizesOf(op, problem) });
}

function sizesOf(op: Op, problem: TuneOptions["problem"]): Omit<RoutineDescription, "op"> {
  if (typeof problem === "object" && problem !== null && "shapes" in problem)
    return problem as Omit<RoutineDescription, "op">;
  throw new TuneError(
    `tune: problem of ${op.name} is ${JSON.stringify(problem)} but shapes and attrs are expected`,
  );
}

/** The space that is asked for, before the adapter is; `standard` is what a plan would take there. */
export function spaceOf(
  { op, problem, params, constraints = [] }: TuneOptions,
  standard: Configuration = {},
): Space {
  const parameters = params
    ? listed(params)
    : op
      ? tunablesOf(op, sizesOf(op, problem), standard)
      : undefined;
  if (!parameters) throw new TuneError("tune: params are missing");
  const names = parameters.map(({ name }) => name);
  return new Space(
    parameters,
    constraints.map((one) =>
      typeof one === "string"
        ? parsed(one)
        : typeof one === "function"
          ? { names, text: String(one), holds: one }
          : one,
    ),
  );
}

const listed = (params: NonNullable<TuneOptions["params"]>): readonly Parameter[] =>
  Array.isArray(params)
    ? params
    : Object.entries(params as Readonly<Record<string, readonly Value[]>>).map(([name, values]) => ({
        name,
        values,
      }));

/**
 * The tunables of the algorithm that is named, or of the standard's, or of the first, with the values that its kernels
 * name; subgroup sizes are the adapter's.
 */
function tunablesOf(
  op: Op,
  { routine: name = "forward", algorithm }: Omit<RoutineDescription, "op">,
  standard: Configuration,
): Parameter[] {
  const list: readonly Algorithm<any>[] = routines(op)[name] ?? [];
  const wanted = algorithm ?? standard.algorithm;
  const chosen = wanted ? list.find((a) => a.name === wanted) : list[0];
  if (!chosen)
    throw new TuneError(
      `tune: ${op.name}/${name} has no algorithm ${wanted} (has ${list.map((a) => a.name).join(", ")})`,
    );
  const found = new Map(chosen.kernels.flatMap((kernel) => [...tunables(kernel)]));
  found.delete("LANES");
  return [...found].map(([parameter, { choices, value }]) => {
    const settled = Number(standard[parameter] ?? value);
    const values = [...new Set([...choices, settled])].sort((a, b) => a - b);
    return { name: parameter, values, default: settled };
  });
}

function headerOf(
  { kernel, op, problem, seed, strategy, settings, origin }: TuneOptions,
  space: Space,
  environment: Environment,
): Header {
  const name = kernel?.label ?? `${op!.name}/${(problem as RoutineDescription).routine ?? "forward"}`;
  const by = typeof strategy === "object" ? strategy.name : strategy;
  const text = JSON.parse(JSON.stringify(problem ?? null)) as Json;
  const made = origin ?? (op && { routine: { ...sizesOf(op, problem), op: op.name } });
  return {
    kernel: name,
    environment,
    space: describedSpace(space),
    problem: text,
    seed,
    ...(by && { strategy: by }),
    ...(settings && { settings }),
    ...(made && { origin: made }),
  };
}
