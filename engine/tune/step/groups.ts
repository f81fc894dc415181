import type { Node } from "../../graph/graph.ts";
import { routineName } from "../../plan/choose.ts";
import type { Dispatch } from "../../plan/dispatch.ts";
import type { Profile } from "../../plan/executable.ts";
import { problemKey } from "../../plan/tables/preferences.ts";
import { median } from "../../statistics/quantiles.ts";

/** What of a step computes one problem: the same routine at the same sizes, wherever in the model. */
export interface LaunchGroup {
  /** `<op>/<routine>` and `problemKey`, under which tuning tables name it. */
  readonly routine: string;
  readonly key: string;
  /** One of them. */
  readonly node: Node;
  /** How many there are. */
  readonly launches: number;
  /** Seconds on the device of all of them in a step: the median over profiles of each dispatch. */
  readonly seconds: number;
}

const idOf = ({ node }: Dispatch): string => `${routineName(node)} ${problemKey(node.shapes, node.attrs)}`;

/** Names a group among those of a step. */
export const groupId = ({ routine, key }: Pick<LaunchGroup, "routine" | "key">): string =>
  `${routine} ${key}`;

/** The algorithm of each group, by `groupId`. */
export const algorithmsOf = (dispatches: readonly Dispatch[]): ReadonlyMap<string, string> =>
  new Map(dispatches.map((dispatch) => [idOf(dispatch), dispatch.algorithm]));

/** The groups of a step, the costliest first, by profiles of the same dispatches. */
export function groupsOf(profiles: readonly Profile[]): LaunchGroup[] {
  const groups = new Map<string, { nodes: Set<Node>; seconds: number }>();
  for (const [i, { dispatch }] of (profiles[0] ?? []).entries()) {
    const id = idOf(dispatch);
    const group = groups.get(id) ?? { nodes: new Set(), seconds: 0 };
    groups.set(id, group);
    group.nodes.add(dispatch.node);
    group.seconds += median(profiles.map((profile) => profile[i].seconds));
  }
  const made = [...groups.values()].map(({ nodes, seconds }): LaunchGroup => {
    const [node] = nodes;
    const key = problemKey(node.shapes, node.attrs);
    return { routine: routineName(node), key, node, launches: nodes.size, seconds };
  });
  return made.sort((a, b) => b.seconds - a.seconds);
}

/** Seconds of each group in one profile, by `groupId`. */
export function secondsByGroup(profile: Profile): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  const ids = new Map<Node, string>();
  for (const { dispatch, seconds } of profile) {
    const id = ids.get(dispatch.node) ?? idOf(dispatch);
    ids.set(dispatch.node, id);
    sums.set(id, (sums.get(id) ?? 0) + seconds);
  }
  return sums;
}
