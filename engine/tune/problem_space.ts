// What of a routine at some sizes can vary: its algorithms that run there, and the tunables of their kernels.

import { type Algorithm, routines, type Tune } from "../../kernels/op.ts";
import { tunables } from "../device/reflect.ts";
import { LimitError } from "../errors.ts";
import { type Choice, decide, type Problem, settingsOf, type Traits } from "../plan/choose.ts";
import { type Configuration, type Constraint, type Parameter, Space } from "./space.ts";

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

/** A way at its settled tunables, as a configuration. */
export const configurationOf = ({ algorithm, tune }: Way): Configuration => ({
  algorithm: algorithm.name,
  ...tune,
});

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

/** `algorithm`, and the tunables of all ways; a search begins with the first way at its settled ones. */
export function parametersOf(ways: readonly Way[]): Parameter[] {
  const [first] = ways;
  const names = [...new Set(ways.flatMap(({ choices }) => [...choices.keys()]))];
  const tunable = names.map((name): Parameter => {
    const values = [...new Set(ways.flatMap(({ choices }) => choices.get(name) ?? []))];
    values.sort((a, b) => a - b);
    return { name, values, default: first.tune[name] ?? values[0] };
  });
  const values = ways.map(({ algorithm }) => algorithm.name);
  return [{ name: "algorithm", values, default: values[0] }, ...tunable];
}

/** The configurations of some ways to compute a problem: tunables that an algorithm does not read are not varied under it. */
export function spaceOfWays({ shapes, attrs }: Problem, ways: readonly Way[]): Space {
  const named = new Map(ways.map((way) => [way.algorithm.name, way]));
  const [algorithm, ...tunable] = parametersOf(ways);
  const read = tunable.map(
    ({ name, default: idle }): Constraint => ({
      names: ["algorithm", name],
      text: `${name} is one of the algorithm's`,
      holds: (configuration) => {
        const { choices } = named.get(String(configuration.algorithm))!;
        const value = configuration[name];
        return choices.get(name)?.includes(Number(value)) ?? value === idle;
      },
    }),
  );
  const fitting: Constraint = {
    names: ["algorithm", ...tunable.map(({ name }) => name)],
    text: "the algorithm fits the problem",
    holds(configuration) {
      const { algorithm: of } = named.get(String(configuration.algorithm))!;
      return of.fits?.(shapes, attrs, choiceOf(configuration, ways).tune) ?? true;
    },
  };
  return new Space([algorithm, ...tunable], [...read, fitting]);
}
