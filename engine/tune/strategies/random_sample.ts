import { shuffled } from "./moves.ts";
import type { Strategy } from "./strategy.ts";

export const randomSample: Strategy = {
  name: "random_sample",
  about: "Configurations by chance, each at most once: what the score calls 0.",
  settings: {},
  async run(search) {
    const all = Array.from({ length: search.space.size }, (_, index) => index);
    for (const index of shuffled(all, search.random)) await search.evaluate(index);
  },
};
