import { LimitError } from "../../errors.ts";
import type { Graph, Node, Tensor } from "../../graph/graph.ts";
import { recompute } from "./recompute.ts";
import { segments } from "./segments.ts";

/** Bytes that may be taken, those `reserved` the plan among them. */
export interface MemoryBudget {
  readonly most: number;
  readonly reserved: number;
}

/**
 * The plan of `nodes` that keeps to the budget and computes least of the forward pass again, by whole segments
 * (arXiv 1604.06174), those first that save most bytes a FLOP.
 * Throws LimitError with the least bytes possible where these are more.
 */
export function withinMemory<P extends { memory(): { readonly total: number } }>(
  { most, reserved }: MemoryBudget,
  graph: Graph,
  nodes: readonly Node[],
  wanted: ReadonlySet<Tensor>,
  build: (nodes: readonly Node[]) => P,
): P {
  const cuts = segments(graph, nodes, wanted);
  const plans = (count: number) => {
    const chosen = cuts.slice(0, count);
    const dropped = new Set(chosen.flatMap((segment) => [...segment.dropped]));
    const kept = new Set([...wanted, ...chosen.flatMap((segment) => [...segment.kept])]);
    return build(recompute(graph, nodes, { dropped, kept }));
  };
  const taken = (plan: P) => reserved + plan.memory().total;
  const fits = (plan: P) => taken(plan) <= most;
  const usual = plans(0);
  if (fits(usual)) return usual;
  let [few, best] = [0, plans(cuts.length)];
  if (!fits(best)) {
    const least = Math.min(taken(usual), taken(best));
    throw new LimitError(`memory: ${most} bytes are allowed but a step takes ${least} at least`);
  }
  for (let enough = cuts.length; enough - few > 1; ) {
    const middle = (few + enough) >> 1;
    const plan = plans(middle);
    if (fits(plan)) [enough, best] = [middle, plan];
    else few = middle;
  }
  return best;
}
