import { hypercube } from "./latin_hypercube.ts";
import { byObjective, type Grid, gridOf, pickOne, rounds, Unseen } from "./moves.ts";
import type { Search, Strategy } from "./strategy.ts";

interface Individual {
  readonly index: number;
  readonly objective: number;
}

/** The best of some drawn by chance. */
function fittest(population: readonly Individual[], among: number, random: () => number): number {
  let winner = pickOne(population, random);
  for (let i = 1; i < among; i++) {
    const rival = pickOne(population, random);
    if (rival.objective < winner.objective) winner = rival;
  }
  return winner.index;
}

/** Whose place each parameter takes: true for the first parent. */
const CROSSOVERS: Record<string, (length: number, random: () => number) => boolean[]> = {
  uniform: (length, random) => Array.from({ length }, () => random() < 0.5),
  "one-point": (length, random) => {
    const cut = Math.floor(random() * (length + 1));
    return Array.from({ length }, (_, i) => i < cut);
  },
  "two-point": (length, random) => {
    const [a, b] = [random(), random()].map((u) => Math.floor(u * (length + 1)));
    return Array.from({ length }, (_, i) => i < Math.min(a, b) || i >= Math.max(a, b));
  },
};

function mutated(grid: Grid, places: readonly number[], rate: number, random: () => number): number[] {
  return places.map((place, p) => (random() < rate ? Math.floor(random() * grid.counts[p]) : place));
}

/** A child that was not met before, legal by the nearest; where ten mutations are known, any other; -1 without one. */
function child(
  search: Search,
  unseen: Unseen,
  parents: readonly Individual[],
  settings: Readonly<Record<string, any>>,
): number {
  const { random } = search;
  const grid = gridOf(search.space);
  const [a, b] = [0, 1].map(() => grid.places(fittest(parents, settings.tournament, random)));
  const first = CROSSOVERS[settings.crossover](a.length, random);
  let places = a.map((place, p) => (first[p] ? place : b[p]));
  const rate = settings.mutation / Math.max(1, grid.varies.length);
  for (let tries = 0; tries < 10; tries++) {
    places = mutated(grid, places, rate, random);
    const index = grid.nearest(places, random);
    if (unseen.has(index)) return index;
  }
  return unseen.draw() ?? -1;
}

export const geneticAlgorithm: Strategy = {
  name: "genetic_algorithm",
  about:
    "Crosses the better configurations and mutates their children (Holland, 1975); keeps the best of both.",
  settings: {
    population: { about: "configurations of a generation", value: 10, least: 2, whole: true },
    tournament: { about: "drawn for a parent, of which the best is taken", value: 4, least: 1, whole: true },
    crossover: {
      about: "which parent gives a parameter",
      value: "uniform",
      choices: Object.keys(CROSSOVERS),
    },
    mutation: { about: "parameters of a child set anew, on average", value: 1, least: 0 },
    generations: {
      about: "generations without a better best before it starts anew",
      value: 10,
      least: 1,
      whole: true,
    },
  },
  async run(search, settings) {
    const unseen = new Unseen(search);
    const measured = async (indices: readonly number[]): Promise<Individual[]> => {
      const all: Individual[] = [];
      for (const index of indices) all.push({ index, objective: await search.evaluate(index) });
      return all;
    };
    while (unseen.draw() !== undefined) {
      let population = await measured(await hypercube(search, unseen, settings.population));
      const best = () => Math.min(...population.map(({ objective }) => objective));
      await rounds(settings.generations, best, async () => {
        const children: Individual[] = [];
        while (children.length < settings.population) {
          const index = child(search, unseen, population, settings);
          if (index < 0) return;
          children.push(...(await measured([index])));
        }
        population = [...population, ...children].sort(byObjective).slice(0, settings.population);
      });
    }
  },
};
