import { Forest } from "./forest.ts";
import { hypercube } from "./latin_hypercube.ts";
import { byObjective, gridOf, Unseen } from "./moves.ts";
import type { Search, Strategy } from "./strategy.ts";

/** Expected improvement on `best` of a normal variable, smaller being better (Jones et al., 1998, equation 15). */
export function expectedImprovement(mean: number, deviation: number, best: number): number {
  const gain = best - mean;
  if (!(deviation > 0)) return Math.max(0, gain);
  const z = gain / deviation;
  return gain * cumulative(z) + deviation * Math.exp((-z * z) / 2) * Math.sqrt(0.5 / Math.PI);
}

/** Standard normal distribution function, within 7.5e-8 (Abramowitz and Stegun, 26.2.17). */
function cumulative(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = Math.exp((-z * z) / 2) * Math.sqrt(0.5 / Math.PI) * series;
  return z > 0 ? 1 - tail : tail;
}

/** What the model learns: logarithms where all are positive; configurations that failed count as the worst. */
function targets(history: Search["history"]): Float64Array {
  const finite = history.map(({ objective }) => objective).filter(Number.isFinite);
  const level = finite.every((objective) => objective > 0) ? Math.log : (objective: number) => objective;
  const worst = finite.reduce(
    (most, objective) => Math.max(most, level(objective)),
    finite.length ? -Infinity : 0,
  );
  return Float64Array.from(history, ({ objective }) => (objective === Infinity ? worst : level(objective)));
}

/** What is worth a prediction: neighbours of the best few, and as many drawn by chance; none met before. */
function candidates(search: Search, unseen: Unseen, elite: number): number[] {
  const { space, random, history } = search;
  const best = [...history].sort(byObjective).slice(0, elite);
  const near = best.flatMap(({ index }) => gridOf(space).neighbours(index, "hamming"));
  const far = near.map(() => Math.floor(random() * space.size));
  return [...new Set([...near, ...far])].filter(unseen.has);
}

/** The candidates that promise most. */
function promising(
  search: Search,
  unseen: Unseen,
  settings: Readonly<Record<string, any>>,
  count: number,
): number[] {
  const grid = gridOf(search.space);
  const table = (indices: readonly number[]) => ({
    features: Float64Array.from(indices.flatMap((index) => grid.varies.map((p) => grid.place(index, p)))),
    width: grid.varies.length,
  });
  const learned = targets(search.history);
  const known = table(search.history.map(({ index }) => index));
  const forest = new Forest(known, learned, settings.trees, search.random);
  const best = learned.reduce((least, target) => Math.min(least, target), Infinity);
  const open = candidates(search, unseen, settings.elite);
  const { features } = table(open);
  const promises = open.map((index, row) => {
    const { mean, deviation } = forest.predict(features, row);
    return { index, promise: expectedImprovement(mean, deviation, best) };
  });
  promises.sort((a, b) => b.promise - a.promise || a.index - b.index);
  return promises.slice(0, count).map(({ index }) => index);
}

export const surrogate: Strategy = {
  name: "surrogate",
  about: "Learns objectives by a forest and evaluates what it expects to improve on the best most.",
  settings: {
    samples: { about: "configurations evaluated before it learns", value: 20, least: 1, whole: true },
    trees: { about: "trees of the forest", value: 20, least: 2, whole: true },
    elite: { about: "best configurations whose neighbours it weighs", value: 10, least: 1, whole: true },
    chance: { about: "share of evaluations drawn by chance", value: 0.1, least: 0, most: 1 },
    batch: {
      about: "evaluated between two forests, as a share of those known",
      value: 0.03,
      least: 0,
      most: 1,
    },
  },
  async run(search, settings) {
    const unseen = new Unseen(search);
    await hypercube(search, unseen, settings.samples);
    for (const drawn of unseen) {
      if (search.random() < settings.chance) await search.evaluate(drawn);
      const count = Math.max(1, Math.floor(settings.batch * search.history.length));
      const next = promising(search, unseen, settings, count);
      for (const index of next.length > 0 ? next : [drawn]) await search.evaluate(index);
    }
  },
};
