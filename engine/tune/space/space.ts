import { TuneError } from "../../errors.ts";

/** A setting of one parameter. */
export type Value = number | string | boolean;
/** A setting of every parameter, in the order of the space. */
export type Configuration = Readonly<Record<string, Value>>;

/** What a configuration sets, and what it may set it to. */
export interface Parameter {
  readonly name: string;
  /** What it may be, in order: neighbours in the list are neighbours in the search. */
  readonly values: readonly Value[];
  /** Where a search may begin; by default the first value. */
  readonly default?: Value;
}

/** What configurations must fulfil. */
export interface Constraint {
  /** Parameters that it reads: it is asked as soon as these are set. */
  readonly names: readonly string[];
  /** The rule as people read it. */
  readonly text: string;
  holds(configuration: Configuration): boolean;
}

/** Neighbours of a configuration: one parameter at any value; one a step away; every one the same or a step away. */
export const NEIGHBOURHOODS = ["hamming", "strictly-adjacent", "adjacent"] as const;
/** One of `NEIGHBOURHOODS`. */
export type Neighbourhood = (typeof NEIGHBOURHOODS)[number];

/**
 * The legal configurations of some parameters, in the order of their values, the last parameter fastest. Constraints
 * prune while the space is built: a branch is cut where the first of them fails.
 * Throws TuneError for a parameter without values or with one twice, or a constraint on a name that is none.
 */
export class Space {
  /** Configurations before constraints. */
  readonly cartesian: number;
  /** By constraint, the branches that it cut, counted in configurations. */
  readonly refused: ReadonlyMap<Constraint, number>;
  readonly #configurations: readonly Configuration[];
  readonly #places: ReadonlyMap<string, number>;

  constructor(
    readonly parameters: readonly Parameter[],
    readonly constraints: readonly Constraint[] = [],
  ) {
    for (const { name, values } of parameters) {
      if (values.length === 0) throw new TuneError(`space: parameter ${name} has no values`);
      const twice = values.find((value, i) => values.indexOf(value) !== i);
      if (twice !== undefined) throw new TuneError(`space: parameter ${name} has ${twice} twice`);
    }
    const names = parameters.map(({ name }) => name);
    for (const { text, names: asked } of constraints) {
      const unknown = asked.find((name) => !names.includes(name));
      if (unknown !== undefined)
        throw new TuneError(
          `space: constraint ${text} asks for ${unknown} (parameters: ${names.join(", ")})`,
        );
    }
    this.cartesian = parameters.reduce((product, { values }) => product * values.length, 1);
    const refused = new Map(constraints.map((constraint) => [constraint, 0]));
    this.#configurations = build(parameters, constraints, refused);
    this.#places = new Map(this.#configurations.map((configuration, i) => [this.key(configuration), i]));
    this.refused = refused;
  }

  /** Legal configurations. */
  get size(): number {
    return this.#configurations.length;
  }

  at(index: number): Configuration {
    const found = this.#configurations[index];
    if (!found) throw new TuneError(`space: no configuration ${index} of ${this.size}`);
    return found;
  }

  /** Index of a configuration, -1 where it is not legal or not of this space. */
  indexOf(configuration: Configuration): number {
    return this.#places.get(this.key(configuration)) ?? -1;
  }

  /** Text that tells configurations apart: the values in the order of the parameters. */
  key(configuration: Configuration): string {
    return JSON.stringify(this.parameters.map(({ name }) => configuration[name]));
  }

  /** Places of a configuration's values in their parameters' lists. */
  places(index: number): readonly number[] {
    const configuration = this.at(index);
    return this.parameters.map(({ name, values }) => values.indexOf(configuration[name]));
  }

  /** The configuration of values at these places, -1 where there is none. */
  atPlaces(places: readonly number[]): number {
    const entries = this.parameters.map(({ name, values }, i) => [name, values[places[i]]]);
    return this.indexOf(Object.fromEntries(entries));
  }

  /** Legal neighbours, in the order of the parameters. */
  neighbours(index: number, kind: Neighbourhood): readonly number[] {
    const places = this.places(index);
    const legal = (changed: readonly number[]) => this.atPlaces(changed);
    if (kind === "adjacent") {
      let all: number[][] = [[]];
      for (const [i, place] of places.entries())
        all = all.flatMap((head) =>
          [place - 1, place, place + 1]
            .filter((p) => p >= 0 && p < this.parameters[i].values.length)
            .map((p) => [...head, p]),
        );
      return all.map(legal).filter((found) => found >= 0 && found !== index);
    }
    return this.parameters.flatMap(({ values }, i) =>
      [...values.keys()]
        .filter((p) => p !== places[i] && (kind === "hamming" || Math.abs(p - places[i]) === 1))
        .map((p) => legal(places.with(i, p)))
        .filter((found) => found >= 0),
    );
  }
}

function build(
  parameters: readonly Parameter[],
  constraints: readonly Constraint[],
  refused: Map<Constraint, number>,
): Configuration[] {
  const names = parameters.map(({ name }) => name);
  /** Constraints by the parameter that completes what they read. */
  const due = parameters.map((_, depth) =>
    constraints.filter(
      (constraint) => Math.max(0, ...constraint.names.map((name) => names.indexOf(name))) === depth,
    ),
  );
  const below = parameters.map((_, depth) =>
    parameters.slice(depth + 1).reduce((product, { values }) => product * values.length, 1),
  );
  const found: Configuration[] = [];
  // One object for every branch, copied where it is legal: most branches are cut, and copies would take the time.
  const chosen: Record<string, Value> = {};
  const descend = (depth: number): void => {
    if (depth === parameters.length) {
      found.push({ ...chosen });
      return;
    }
    for (const value of parameters[depth].values) {
      chosen[names[depth]] = value;
      const failed = due[depth].find((constraint) => !constraint.holds(chosen));
      if (failed) refused.set(failed, refused.get(failed)! + below[depth]);
      else descend(depth + 1);
    }
  };
  descend(0);
  return found;
}
