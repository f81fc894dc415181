import { Forest } from "./forest.ts";
import { hypercube } from "./latin_hypercube.ts";
import { gridOf, Unseen } from "./moves.ts";
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

/** Configurations not evaluated yet that promise most. */
function promising(
  search: Search,
  unseen: Unseen,
  features: Float64Array,
  trees: number,
  count: number,
): number[] {
  const width = search.space.parameters.length;
  const rows = search.history.flatMap(({ index }) => [
    ...features.subarray(index * width, (index + 1) * width),
  ]);
  const learned = targets(search.history);
  const forest = new Forest({ features: Float64Array.from(rows), width }, learned, trees, search.random);
  const best = learned.reduce((least, target) => Math.min(least, target), Infinity);
  const candidates: { index: number; promise: number }[] = [];
  for (let index = 0; index < search.space.size; index++)
    if (unseen.has(index)) {
      const { mean, deviation } = forest.predict(features, index);
      candidates.push({ index, promise: expectedImprovement(mean, deviation, best) });
    }
  candidates.sort((a, b) => b.promise - a.promise || a.index - b.index);
  return candidates.slice(0, count).map(({ index }) => index);
}

export const surrogate: Strategy = {
  name: "surrogate",
  about: "Learns objectives by a forest and evaluates what it expects to improve on the best most.",
  settings: {
    samples: { about: "configurations evaluated before it learns", value: 20, least: 1, whole: true },
    trees: { about: "trees of the forest", value: 30, least: 2, whole: true },
    batch: {
      about: "evaluated between two forests, as a share of those known",
      value: 0.03,
      least: 0,
      most: 1,
    },
  },
  async run(search, settings) {
    const unseen = new Unseen(search);
    const grid = gridOf(search.space);
    const all = Array.from({ length: search.space.size }, (_, index) => grid.places(index));
    const features = Float64Array.from(all.flat());
    await hypercube(search, unseen, settings.samples);
    while (unseen.draw() !== undefined) {
      const count = Math.max(1, Math.floor(settings.batch * search.history.length));
      for (const index of promising(search, unseen, features, settings.trees, count))
        await search.evaluate(index);
    }
  },
};
