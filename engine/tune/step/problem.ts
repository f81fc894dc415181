import { checkable } from "../../../kernels/op.ts";
import type { Traits } from "../../device/traits.ts";
import type { Choice } from "../../device/tuning_table.ts";
import type { RankingOptions } from "../../statistics/ranking.ts";
import type { RoutineDescription } from "../kernel/routine.ts";
import type { Header } from "../records/record.ts";
import type { Evaluator } from "../runner/runner.ts";
import type { Configuration } from "../space/space.ts";
import { type Observer, type RowStore, type Tuned, type TuneOptions, tune } from "../tune.ts";
import type { LaunchGroup } from "./groups.ts";
import { choiceOf, configurationOf, searchedSpace, settledSpace, type Way, waysOf } from "./problem_space.ts";

/** How each problem of a step is tuned. */
export interface GroupOptions extends Pick<TuneOptions, "strategy" | "settings" | "budget" | "seed"> {
  /** What measures the configurations of a routine. */
  readonly evaluator: (of: RoutineDescription) => Evaluator;
  readonly traits: Traits;
  readonly finalists?: number;
  readonly ranking?: RankingOptions;
  /** Where rows are kept, by group and the header of its run. */
  readonly cache?: (group: LaunchGroup, header: Header) => RowStore;
  /** Sees the runs of the tuner. */
  readonly watching?: Observer;
  readonly signal?: AbortSignal;
}

/** What a problem's search found, by itself. */
export interface Alone {
  readonly now: Required<Choice>;
  /** Seconds of a launch as it is now, in turns with the best; absent where it has no time. */
  readonly present?: number;
  /** What is tied with the best and differs from the present choice; absent where there is no such. */
  readonly best?: Required<Choice>;
  /** Time of the best over that of the present, and where this may lie. */
  readonly ratio?: number;
  readonly interval?: readonly [number, number];
  /** Configurations evaluated. */
  readonly evaluated: number;
  /** Why there is no best. */
  readonly why?: string;
}

/** Times the fastest algorithm up to which others are searched too: tunables make so much of a difference. */
const NEAR = 1.5;

/**
 * Tunes one problem: every algorithm first at the tunables that the tables settle, then the tunables of the fastest, and
 * of those near it, in the budget. The present choice is measured against the finalists. What goes wrong is reported, not
 * thrown, but for an aborted signal.
 */
export async function tuneGroup(group: LaunchGroup, options: GroupOptions): Promise<Alone> {
  const { routine, attrs } = group.node;
  const op = checkable(group.node.op);
  const { present, others } = waysOf(group.node, options.traits);
  const ways = [present, ...others];
  const shapes = Object.fromEntries(op.inputs.map((name) => [name, group.node.shapes[name]]));
  const problem = { routine, shapes, attrs };
  const evaluator = options.evaluator({ op, ...problem, seed: options.seed });
  const ending: Observer = {
    evaluated() {
      options.signal?.throwIfAborted();
      return undefined;
    },
  };
  let store: RowStore | undefined;
  const settled = settledSpace(ways);
  // one run of the problem, whichever of its searches a row is of
  const cache = ({ strategy: _, settings: __, ...header }: Header) => {
    const space = { parameters: settled.parameters, constraints: [] };
    store ??= options.cache!(group, { ...header, space });
    return store;
  };
  const { seed, watching } = options;
  const observers = watching ? [watching, ending] : [ending];
  const every = { op, problem, evaluator, seed, lazy: true, observers };
  const shared: TuneOptions = { ...every, ...(options.cache && { cache }) };
  const against = configurationOf(present, ways);
  const now = choiceOf(against, ways);
  let evaluated = 0;
  try {
    const { parameters: params, constraints } = settled;
    const first = await tune({ ...shared, params, constraints, finalists: 1 });
    evaluated = first.results.length;
    const near = nearest(ways, first);
    if (near.length === 0) return { now, evaluated, why: `no time: ${whyNot(first)}` };
    const { strategy = "iterated_local_search", settings, budget, finalists, ranking } = options;
    const space = searchedSpace(group.node, ways, near);
    const found = await tune({
      ...shared,
      ...{ params: space.parameters, constraints: space.constraints, against: [against] },
      ...{ strategy, settings, budget, finalists, ranking },
    });
    evaluated += found.results.length;
    return { now, evaluated, ...compared(found, against, ways) };
  } catch (error) {
    if (options.signal?.aborted) throw error;
    return { now, evaluated, why: (error as Error).message };
  } finally {
    evaluator.close();
  }
}

/** The fastest algorithm and those near it, in the order of their times. */
function nearest(ways: readonly Way[], { results }: Tuned): Way[] {
  const timed = results.filter(({ status }) => status === "ok");
  timed.sort((a, b) => a.objective! - b.objective!);
  const near = timed.filter(({ objective }) => objective! <= NEAR * timed[0].objective!);
  return near.map(({ configuration }) =>
    ways.find(({ algorithm }) => algorithm.name === configuration.algorithm),
  ) as Way[];
}

const whyNot = ({ results: [row] }: Tuned): string => row?.message ?? row?.status ?? "nothing was tried";

/** The best against the present, where the ranking tells them apart. */
function compared(
  { finalists, ranking, best, results }: Tuned,
  present: Configuration,
  ways: readonly Way[],
): Omit<Alone, "now" | "evaluated"> {
  const same = (of: Configuration) => Object.entries(present).every(([name, value]) => of[name] === value);
  const contender = finalists.findIndex(({ configuration }) => same(configuration));
  if (contender < 0) {
    const row = results.find(({ configuration }) => same(configuration));
    return { why: `no time of the present: ${row?.message ?? row?.status}` };
  }
  const place = ranking?.places.find((of) => of.contender === contender);
  if (!place || !best) return { present: finalists[contender].objective, why: "nothing else has a time" };
  const { median: seconds, tied, ratio, interval } = place;
  if (tied) return { present: seconds, why: "nothing differs from the present choice" };
  return {
    present: seconds,
    best: choiceOf(best.configuration, ways),
    ratio: 1 / ratio,
    interval: [1 / interval[1], 1 / interval[0]],
  };
}
