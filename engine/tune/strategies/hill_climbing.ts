import { NEIGHBOURHOODS, type Neighbourhood } from "../space/space.ts";
import { gridOf, shuffled, Unseen } from "./moves.ts";
import type { Search, Strategy, StrategySetting } from "./strategy.ts";

export const neighbourhood = (value: Neighbourhood): StrategySetting => ({
  about:
    "hamming: one parameter at any value; strictly-adjacent: one a step away; adjacent: all within a step",
  value,
  choices: NEIGHBOURHOODS,
});

/** Goes to better neighbours until there is none; returns the index it ends at. */
export async function descend(
  search: Search,
  from: number,
  kind: Neighbourhood,
  step: typeof first | typeof steepest = first,
): Promise<number> {
  let here = from;
  let objective = await search.evaluate(here);
  for (;;) {
    const next = await step(
      search,
      shuffled(gridOf(search.space).neighbours(here, kind), search.random),
      objective,
    );
    if (next === undefined) return here;
    here = next;
    objective = await search.evaluate(here);
  }
}

/** The first neighbour that is better. */
async function first(
  search: Search,
  neighbours: readonly number[],
  than: number,
): Promise<number | undefined> {
  for (const index of neighbours) if ((await search.evaluate(index)) < than) return index;
  return undefined;
}

/** The best of all neighbours, if it is better. */
async function steepest(
  search: Search,
  neighbours: readonly number[],
  than: number,
): Promise<number | undefined> {
  let best: number | undefined;
  let least = than;
  for (const index of neighbours) {
    const objective = await search.evaluate(index);
    if (objective < least) [best, least] = [index, objective];
  }
  return best;
}

/** Descends from one configuration not met before after another. */
async function everywhere(
  search: Search,
  kind: Neighbourhood,
  step: typeof first | typeof steepest,
): Promise<void> {
  for (const start of new Unseen(search)) await descend(search, start, kind, step);
}

export const hillClimbing: Strategy = {
  name: "hill_climbing",
  about: "From random starts to the best neighbour, until none is better.",
  settings: { neighbourhood: neighbourhood("hamming") },
  run: (search, settings) => everywhere(search, settings.neighbourhood, steepest),
};

export const greedyHillClimbing: Strategy = {
  name: "greedy_hill_climbing",
  about: "From random starts to the first better neighbour, until none is better.",
  settings: { neighbourhood: neighbourhood("hamming") },
  run: (search, settings) => everywhere(search, settings.neighbourhood, first),
};
