import { gridOf, shuffled, Unseen } from "./moves.ts";
import type { Search, Strategy } from "./strategy.ts";

/**
 * Evaluates so many configurations that every parameter's values are met as often as among all legal ones (McKay,
 * Beckman and Conover, 1979): these, in the order of a parameter, are cut into `count` equal parts and a value is drawn
 * from each. Combinations known or illegal give way to the nearest. Returns their indices, fewer where the space has no
 * more.
 */
export async function hypercube(search: Search, unseen: Unseen, count: number): Promise<number[]> {
  const grid = gridOf(search.space);
  const strata = grid.counts.map(() => shuffled([...Array(count).keys()], search.random));
  const found: number[] = [];
  for (let i = 0; i < count; i++) {
    const target = strata.map((order, p) => grid.quantile(p, (order[i] + search.random()) / count));
    const index = grid.nearest(target, search.random, unseen.has);
    if (index < 0) break;
    await search.evaluate(index);
    found.push(index);
  }
  return found;
}

export const latinHypercube: Strategy = {
  name: "latin_hypercube",
  about: "Samples that meet every parameter's values evenly, one hypercube after another.",
  settings: {
    samples: { about: "configurations of a hypercube", value: 32, least: 1, whole: true },
  },
  async run(search, { samples }) {
    const unseen = new Unseen(search);
    while (unseen.draw() !== undefined) await hypercube(search, unseen, samples);
  },
};
