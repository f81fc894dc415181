// What of a routine at some sizes can vary: its algorithms that run there, and the tunables of their kernels.

import { type Algorithm, routines, type Tune } from "../../../kernels/op.ts";
import { tunables } from "../../device/reflect.ts";
import type { Traits } from "../../device/traits.ts";
import type { Choice } from "../../device/tuning_table.ts";
import { LimitError } from "../../errors.ts";
import { decide, type Problem, settingsOf } from "../../plan/choose.ts";
import { type Configuration, type Constraint, type Parameter, Space } from "../space/space.ts";

/** One way to compute a problem. */
export interface Way {
  readonly algorithm: Algorithm<any>;
  /** The tunables that it reads, as the tables settle them for the problem. */
  readonly tune: Tune;
  /** What each of them may be, in order. */
  readonly choices: ReadonlyMap<string, readonly number[]>;
}

/** What a plan takes for a problem now, first, and the other ways that it could take. */
export interface Ways {
  readonly present: Way;
  readonly others: readonly Way[];
}

/**
 * The ways to compute a problem on an adapter. One whose results have a wider bound than the operation's own is not
 * among the others: a network that takes it everywhere it wins loses accuracy (docs/performance.md), so that its place
 * is a rule that somebody wrote, and the tables' to give. Throws LimitError where nothing computes the problem.
 */
export function waysOf(problem: Problem, traits: Traits): Ways {
  const now = decide(problem, traits).algorithm;
  const others = routines(problem.op)[problem.routine].filter((a) => a !== now && !a.bound);
  return {
    present: wayOf(problem, traits),
    others: others.flatMap((algorithm) => {
      try {
        return wayOf(problem, traits, { algorithm: algorithm.name });
      } catch (error) {
        if (error instanceof LimitError) return [];
        throw error;
      }
    }),
  };
}

function wayOf(problem: Problem, traits: Traits, wanted?: Choice): Way {
  const { algorithm, kernels } = decide(problem, traits, wanted);
  const tune = settingsOf(kernels);
  const declared = new Map(algorithm.kernels.flatMap((kernel) => [...tunables(kernel)]));
  const choices = Object.entries(tune).map(([name, value]) => {
    const all = new Set([...declared.get(name)!.choices, value]);
    return [name, [...all].sort((a, b) => a - b)] as const;
  });
  return { algorithm, tune, choices: new Map(choices) };
}

/** A way at its settled tunables, as a configuration of these ways: what it does not read is at its first value. */
export function configurationOf({ algorithm, tune }: Way, ways: readonly Way[]): Configuration {
  const [, ...tunable] = parametersOf(ways);
  const settled = tunable.map(({ name, values: [idle] }) => [name, tune[name] ?? idle]);
  return { algorithm: algorithm.name, ...Object.fromEntries(settled) };
}

/** The choice that a configuration says to a table: its algorithm, and the tunables that this reads. */
export function choiceOf(configuration: Configuration, ways: readonly Way[]): Required<Choice> {
  const { algorithm, choices } = ways.find((way) => way.algorithm.name === configuration.algorithm)!;
  const tune = [...choices.keys()]
    .filter((name) => configuration[name] !== undefined)
    .map((name) => [name, Number(configuration[name])]);
  return { algorithm: algorithm.name, tune: Object.fromEntries(tune) };
}

/** Whether there is anything to vary. */
export const varies = ({ present, others }: Ways): boolean =>
  others.length > 0 || [...present.choices.values()].some((values) => values.length > 1);

/** `algorithm`, and the tunables of all ways; a search begins with one of them at its settled ones. */
export function parametersOf(ways: readonly Way[], first = ways[0]): Parameter[] {
  const names = [...new Set(ways.flatMap(({ choices }) => [...choices.keys()]))];
  const tunable = names.map((name): Parameter => {
    const values = [...new Set(ways.flatMap(({ choices }) => choices.get(name) ?? []))];
    values.sort((a, b) => a - b);
    return { name, values, default: first.tune[name] ?? values[0] };
  });
  const values = ways.map(({ algorithm }) => algorithm.name);
  return [{ name: "algorithm", values, default: first.algorithm.name }, ...tunable];
}

/** Every way at its settled tunables. */
export const settledSpace = (ways: readonly Way[]): Space =>
  new Space(
    parametersOf(ways),
    constrained(ways, ways, "as it is settled", ({ tune }, name, value) => tune[name] === value),
  );

/**
 * The configurations of those ways that are searched, the first of them at its settled tunables the default. All ways'
 * parameters are there, so that rows of any search of the problem compare; those that an algorithm does not read are not
 * varied under it.
 */
export function searchedSpace(
  { shapes, attrs }: Problem,
  ways: readonly Way[],
  searched: readonly Way[],
): Space {
  const parameters = parametersOf(ways, searched[0]);
  const fitting: Constraint = {
    names: parameters.map(({ name }) => name),
    text: "the algorithm fits the problem",
    holds(configuration) {
      const { algorithm, tune } = choiceOf(configuration, ways);
      const way = searched.find((of) => of.algorithm.name === algorithm)!;
      return way.algorithm.fits?.(shapes, attrs, tune) ?? true;
    },
  };
  const read = constrained(ways, searched, "one of the algorithm's", ({ choices }, name, value) =>
    choices.get(name)!.includes(value),
  );
  return new Space(parameters, [...read, fitting]);
}

/** That the algorithm is one of those searched, and each tunable as it may be under it, or at its first value where it is not read. */
function constrained(
  ways: readonly Way[],
  searched: readonly Way[],
  text: string,
  may: (way: Way, name: string, value: number) => boolean,
): Constraint[] {
  const named = new Map(searched.map((way) => [way.algorithm.name, way]));
  const [, ...tunable] = parametersOf(ways);
  const is: Constraint = {
    names: ["algorithm"],
    text: `algorithm is ${[...named.keys()].join(" or ")}`,
    holds: ({ algorithm }) => named.has(String(algorithm)),
  };
  const each = tunable.map(
    ({ name, values: [idle] }): Constraint => ({
      names: ["algorithm", name],
      text: `${name} is ${text}`,
      holds: (configuration) => {
        const way = named.get(String(configuration.algorithm))!;
        const value = configuration[name];
        return way.choices.has(name) ? may(way, name, Number(value)) : value === idle;
      },
    }),
  );
  return [is, ...each];
}
