import { hypercube } from "./latin_hypercube.ts";
import { gridOf, landed, rounds, shuffled, Unseen } from "./moves.ts";
import type { Search, Strategy } from "./strategy.ts";

/** Base and differences of a mutant, as members of the population: a + F (b - c) (Storn and Price, 1997). */
const VARIANTS: Record<string, (self: number, best: number, others: readonly number[]) => number[][]> = {
  rand1: (_, __, [a, b, c]) => [[a], [b, c]],
  best1: (_, best, [a, b]) => [[best], [a, b]],
  "current-to-best1": (self, best, [a, b]) => [[self], [best, self], [a, b]],
};

interface Swarm {
  readonly members: number[];
  readonly objectives: number[];
}

/** The trial of one member: the mutant's places where a coin says so, in one parameter at least. */
function trial(
  search: Search,
  { members, objectives }: Swarm,
  self: number,
  settings: Readonly<Record<string, any>>,
): number[] {
  const { random } = search;
  const grid = gridOf(search.space);
  const best = objectives.indexOf(Math.min(...objectives));
  const others = shuffled(
    [...members.keys()].filter((i) => i !== self),
    random,
  );
  const [[base], ...differences] = VARIANTS[settings.variant](self, best, others);
  const place = (member: number, p: number) => grid.place(members[member], p);
  const sure = Math.floor(random() * grid.counts.length);
  return grid.counts.map((_, p) =>
    p === sure || random() < settings.crossover
      ? differences.reduce(
          (sum, [a, b]) => sum + settings.factor * (place(a, p) - place(b, p)),
          place(base, p),
        )
      : place(self, p),
  );
}

export const differentialEvolution: Strategy = {
  name: "differential_evolution",
  about:
    "Adds differences of configurations to others, over the places of their values (Storn and Price, 1997).",
  settings: {
    population: { about: "configurations that evolve", value: 16, least: 4, most: 100, whole: true },
    variant: { about: "what a difference is added to", value: "best1", choices: Object.keys(VARIANTS) },
    factor: { about: "weight F of a difference", value: 1.2, least: 0, most: 2 },
    crossover: { about: "chance CR that a parameter is the mutant's", value: 0.3, least: 0, most: 1 },
    generations: {
      about: "generations without a better best before it starts anew",
      value: 10,
      least: 1,
      most: 50,
      whole: true,
    },
  },
  async run(search, settings) {
    const unseen = new Unseen(search);
    while (unseen.draw() !== undefined) {
      const members = await hypercube(search, unseen, settings.population);
      const objectives: number[] = [];
      for (const member of members) objectives.push(await search.evaluate(member));
      if (members.length < 4) return; // the space has no more
      const generation = async () => {
        for (const self of members.keys()) {
          const target = trial(search, { members, objectives }, self, settings);
          const { index, objective } = await landed(search, target);
          if (objective <= objectives[self]) [members[self], objectives[self]] = [index, objective];
        }
      };
      await rounds(settings.generations, () => Math.min(...objectives), generation);
    }
  },
};
