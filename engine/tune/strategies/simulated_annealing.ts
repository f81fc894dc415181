import { neighbourhood } from "./hill_climbing.ts";
import { gridOf, pickOne, Unseen } from "./moves.ts";
import type { Search, Strategy } from "./strategy.ts";

/** Moves in a row to known configurations after which a chain goes nowhere. */
const IDLE = 100;

/** Chance of a move, by how much worse it is in shares of the objective (Kirkpatrick et al., 1983, page 672). */
function chance(from: number, to: number, temperature: number): number {
  if (to <= from) return 1;
  return to === Infinity
    ? 0
    : Math.exp(-(to - from) / Math.max(Math.abs(from), Number.MIN_VALUE) / temperature);
}

async function chain(search: Search, start: number, settings: Readonly<Record<string, any>>): Promise<void> {
  let here = start;
  let objective = await search.evaluate(here);
  for (
    let temperature = settings.temperature, idle = 0;
    temperature >= settings.frozen && idle < IDLE;
    temperature *= settings.cooling
  ) {
    const neighbours = gridOf(search.space).neighbours(here, settings.neighbourhood);
    if (neighbours.length === 0) return;
    const there = pickOne(neighbours, search.random);
    const before = search.history.length;
    const reached = await search.evaluate(there);
    idle = search.history.length > before ? 0 : idle + 1;
    if (search.random() < chance(objective, reached, temperature)) [here, objective] = [there, reached];
  }
}

export const simulatedAnnealing: Strategy = {
  name: "simulated_annealing",
  about: "A walk that takes worse neighbours less and less often; when frozen it starts elsewhere.",
  settings: {
    neighbourhood: neighbourhood("hamming"),
    temperature: {
      about: "loss, as a share of the objective, taken at first with chance 1/e",
      value: 0.1,
      least: 1e-9,
    },
    cooling: { about: "factor on the temperature after a move", value: 0.98, least: 0.1, most: 0.9999 },
    frozen: { about: "temperature at which the walk ends", value: 0.01, least: 1e-9 },
  },
  async run(search, settings) {
    for (const start of new Unseen(search)) await chain(search, start, settings);
  },
};
