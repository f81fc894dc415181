import { descend, neighbourhood } from "./hill_climbing.ts";
import { gridOf, pickOne, shuffled, Unseen } from "./moves.ts";
import type { Search, Strategy } from "./strategy.ts";

/** A configuration not met before with some parameters set anew by chance; undefined where ten tries find none. */
function kicked(search: Search, unseen: Unseen, from: number, parameters: number): number | undefined {
  const grid = gridOf(search.space);
  for (let tries = 0; tries < 10; tries++) {
    const places = grid.places(from);
    for (const p of shuffled(grid.varies, search.random).slice(0, parameters))
      places[p] = pickOne([...Array(grid.counts[p]).keys()], search.random);
    const index = grid.nearest(places, search.random);
    if (unseen.has(index)) return index;
  }
  return undefined;
}

export const iteratedLocalSearch: Strategy = {
  name: "iterated_local_search",
  about: "Greedy hill climbing that kicks its best configuration and climbs again (Lourenço et al., 2003).",
  settings: {
    neighbourhood: neighbourhood("hamming"),
    kick: { about: "parameters set anew by a kick", value: 2, least: 1, whole: true },
    patience: { about: "kicks without gain before it starts elsewhere", value: 20, least: 1, whole: true },
  },
  async run(search, settings) {
    const unseen = new Unseen(search);
    for (const start of unseen) {
      let home = await descend(search, start, settings.neighbourhood);
      for (let failures = 0; failures < settings.patience; failures++) {
        const away = kicked(search, unseen, home, settings.kick);
        if (away === undefined) break;
        const there = await descend(search, away, settings.neighbourhood);
        if ((await search.evaluate(there)) < (await search.evaluate(home))) [home, failures] = [there, -1];
      }
    }
  },
};
