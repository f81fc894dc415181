import type { Strategy } from "./strategy.ts";

export const bruteForce: Strategy = {
  name: "brute_force",
  about: "Every configuration, in the order of the space.",
  settings: {},
  async run(search) {
    for (let index = 0; index < search.space.size; index++) await search.evaluate(index);
  },
};
