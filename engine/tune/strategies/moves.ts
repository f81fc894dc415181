import type { Neighbourhood, Space } from "../space/space.ts";
import type { Search } from "./strategy.ts";

/** The same items in random order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

export const pickOne = <T>(items: readonly T[], random: () => number): T =>
  items[Math.floor(random() * items.length)];

/** Smallest objective first; Infinity less itself would be NaN. */
export const byObjective = (a: { readonly objective: number }, b: { readonly objective: number }): number =>
  a.objective === b.objective ? 0 : a.objective - b.objective;

/** What a run has not evaluated yet. */
export class Unseen {
  readonly #search: Search;
  readonly #seen: Uint8Array;
  readonly #order: readonly number[];
  #read = 0;
  #drawn = 0;

  constructor(search: Search) {
    this.#search = search;
    this.#seen = new Uint8Array(search.space.size);
    this.#order = shuffled([...this.#seen.keys()], search.random);
  }

  readonly has = (index: number): boolean => {
    const { history } = this.#search;
    while (this.#read < history.length) this.#seen[history[this.#read++].index] = 1;
    return this.#seen[index] === 0;
  };

  /** One at random, undefined where all were evaluated. */
  draw(): number | undefined {
    while (this.#drawn < this.#order.length && !this.has(this.#order[this.#drawn])) this.#drawn++;
    return this.#order[this.#drawn];
  }

  /** One at random after another, as long as there is one that was not evaluated meanwhile. */
  *[Symbol.iterator](): Generator<number> {
    for (let index = this.draw(); index !== undefined; index = this.draw()) yield index;
  }
}

/** Rounds of a population, until so many in a row have brought no better best. */
export async function rounds(
  patience: number,
  best: () => number,
  round: () => Promise<void>,
): Promise<void> {
  for (let idle = 0; idle < patience; idle++) {
    const before = best();
    await round();
    if (best() < before) idle = -1;
  }
}

/** The legal configuration nearest to places, evaluated. */
export async function landed(search: Search, target: readonly number[]) {
  const index = gridOf(search.space).nearest(target, search.random);
  return { index, objective: await search.evaluate(index) };
}

/** Places of every legal configuration in one array, for moves that need not end on a legal one. */
export class Grid {
  /** Values by parameter. */
  readonly counts: readonly number[];
  /** Parameters that have more than one value. */
  readonly varies: readonly number[];
  readonly #space: Space;
  readonly #places: Uint16Array;
  /** Distance of one step: the whole list of any parameter is as wide as another's. */
  readonly #steps: readonly number[];
  readonly #sorted: Uint16Array[] = [];
  readonly #neighbours = new Map<string, readonly number[]>();

  constructor(space: Space) {
    this.#space = space;
    this.counts = space.parameters.map(({ values }) => values.length);
    this.varies = [...this.counts.keys()].filter((parameter) => this.counts[parameter] > 1);
    this.#steps = this.counts.map((count) => 1 / Math.max(1, count - 1));
    this.#places = new Uint16Array(space.size * this.counts.length);
    for (let index = 0; index < space.size; index++)
      this.#places.set(space.places(index), index * this.counts.length);
  }

  places(index: number): number[] {
    return [...this.#places.subarray(index * this.counts.length, (index + 1) * this.counts.length)];
  }

  place(index: number, parameter: number): number {
    return this.#places[index * this.counts.length + parameter];
  }

  /** Place below which a share of the legal configurations has this parameter. */
  quantile(parameter: number, share: number): number {
    this.#sorted[parameter] ??= Uint16Array.from({ length: this.#space.size }, (_, index) =>
      this.place(index, parameter),
    ).sort();
    return this.#sorted[parameter][Math.floor(share * this.#space.size)];
  }

  /** Those of the space, found once: a walk comes by again. */
  neighbours(index: number, kind: Neighbourhood): readonly number[] {
    const key = `${kind} ${index}`;
    const found = this.#neighbours.get(key) ?? this.#space.neighbours(index, kind);
    this.#neighbours.set(key, found);
    return found;
  }

  /**
   * The legal configuration nearest to places, which may lie between two or beyond the last; ties by chance; -1 where
   * none is allowed.
   */
  nearest(target: readonly number[], random: () => number, allowed = (_: number) => true): number {
    const rounded = target.map((place, i) => Math.min(this.counts[i] - 1, Math.max(0, Math.round(place))));
    const hit = this.#space.atPlaces(rounded);
    if (hit >= 0 && allowed(hit)) return hit;
    const { size } = this.#space;
    const width = this.counts.length;
    const first = Math.floor(random() * size);
    let best = -1;
    let least = Infinity;
    for (let i = 0; i < size; i++) {
      const index = first + i < size ? first + i : first + i - size;
      let distance = 0;
      for (let p = 0; p < width && distance < least; p++)
        distance += Math.abs(this.#places[index * width + p] - target[p]) * this.#steps[p];
      if (distance < least && allowed(index)) {
        least = distance;
        best = index;
      }
    }
    return best;
  }
}

/** The grid of a space, made once. */
export function gridOf(space: Space): Grid {
  const grid = grids.get(space) ?? new Grid(space);
  grids.set(space, grid);
  return grid;
}
const grids = new WeakMap<Space, Grid>();
