// Recorded spaces of our own: what searches and scores are tested on.
import type { Recorded } from "../../engine/tune/results/replay.ts";
import { type Configuration, type Constraint, Space } from "../../engine/tune/space/space.ts";

const POWERS = [1, 2, 4, 8, 16, 32, 64];

function made(
  objective: (configuration: Configuration) => number,
  constraints: readonly Constraint[] = [],
): Recorded {
  const space = new Space(
    [
      { name: "tx", values: POWERS, default: 8 },
      { name: "ty", values: POWERS },
      { name: "order", values: ["row", "column", "tile"] },
      { name: "unroll", values: [false, true] },
      { name: "lanes", values: [4] },
    ],
    constraints,
  );
  const objectives = Array.from({ length: space.size }, (_, index) => objective(space.at(index)));
  return { space, objective: (index) => objectives[index], cost: (index) => 0.5 + (index % 7) / 7 };
}

/** One valley, at tx 16, ty 4, tile, unrolled. */
export function valley({ tx, ty, order, unroll }: Configuration): number {
  const away = Math.abs(Math.log2(Number(tx)) - 4) + Math.abs(Math.log2(Number(ty)) - 2);
  return 1 + away + (order === "tile" ? 0 : order === "row" ? 0.5 : 1) + (unroll ? 0 : 0.25);
}

/** The same number for the same configuration, without order. */
const noise = (configuration: Configuration) => {
  let h = 7;
  for (const letter of JSON.stringify(configuration))
    h = Math.imul(h ^ letter.charCodeAt(0), 0x5bd1e995) ^ (h >>> 15);
  return (h >>> 0) / 2 ** 32;
};

export const threads: Constraint = {
  names: ["tx", "ty"],
  text: "tx * ty <= 64",
  holds: ({ tx, ty }) => Number(tx) * Number(ty) <= 64,
};

export const smooth = made(valley);
export const rugged = made((configuration) => valley(configuration) * (0.6 + noise(configuration)));
export const constrained = made(valley, [threads]);
/** Nine in ten have no objective. */
export const failing = made((configuration) =>
  noise(configuration) < 0.9 ? Number.NaN : valley(configuration),
);
/** None has one. */
export const hopeless = made(() => Infinity);

/** A space of so many configurations of a single parameter. */
export function line(count: number): Recorded {
  const space = new Space([{ name: "x", values: Array.from({ length: count }, (_, i) => `v${i}`) }]);
  return { space, objective: (index) => count - index, cost: () => 1 };
}

export const optimum = ({ space, objective }: Recorded): number => {
  const all = Array.from({ length: space.size }, (_, index) => objective(index));
  return Math.min(...all.filter(Number.isFinite));
};
