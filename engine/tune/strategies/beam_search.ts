import { byObjective, type Grid, gridOf, shuffled, Unseen } from "./moves.ts";
import type { Search, Strategy } from "./strategy.ts";

/** The configuration of the parameters' defaults, or the legal one nearest to it. */
function origin({ space, random }: Search, grid: Grid): number {
  const places = space.parameters.map((parameter) =>
    Math.max(0, parameter.values.indexOf(parameter.default ?? parameter.values[0])),
  );
  return grid.nearest(places, random);
}

/** A configuration with one parameter at each of its values, the rest as near as the constraints allow. */
function spread({ random }: Search, grid: Grid, index: number, parameter: number): number[] {
  return Array.from({ length: grid.counts[parameter] }, (_, place) => {
    const target = grid.places(index).with(parameter, place);
    return grid.nearest(target, random, (other) => grid.place(other, parameter) === place);
  }).filter((found) => found >= 0);
}

/** The best few of some configurations. */
async function kept(search: Search, indices: readonly number[], width: number): Promise<number[]> {
  const beam: { index: number; objective: number }[] = [];
  for (const index of new Set(indices)) beam.push({ index, objective: await search.evaluate(index) });
  beam.sort(byObjective);
  return beam.slice(0, width).map(({ index }) => index);
}

/** Sets every parameter, and all of them again as long as the best gains. */
async function descend(search: Search, grid: Grid, start: number, width: number): Promise<void> {
  let beam = [start];
  for (let best = Infinity, gained = true; gained; ) {
    for (const parameter of shuffled(grid.varies, search.random))
      beam = await kept(
        search,
        [...beam, ...beam.flatMap((index) => spread(search, grid, index, parameter))],
        width,
      );
    const reached = await search.evaluate(beam[0]);
    gained = reached < best;
    best = reached;
  }
}

export const beamSearch: Strategy = {
  name: "beam_search",
  about: "Sets one parameter after another, keeping the best few; from the defaults, then from elsewhere.",
  settings: {
    width: { about: "configurations kept", value: 2, least: 1, whole: true },
  },
  async run(search, { width }) {
    const unseen = new Unseen(search);
    const grid = gridOf(search.space);
    await descend(search, grid, origin(search, grid), width);
    for (const start of unseen) await descend(search, grid, start, width);
  },
};
