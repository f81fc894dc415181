// Rows taken together.

import { remember } from "../../kernels/remember.ts";

export const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** What has the same key together, in the order in which keys appear. */
export function grouped<T>(list: readonly T[], key: (one: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const one of list) remember(groups, key(one), () => []).push(one);
  return groups;
}
