import type { Traits } from "../device/traits.ts";
import type { Graph, Node, Tensor, Variable } from "../graph/graph.ts";
import { type Choose, type ChosenNode, select } from "./choose.ts";
import { describe } from "./describe.ts";
import { type Dispatch, schedule } from "./dispatch.ts";
import { type Memory, measure, place } from "./memory.ts";
import { type MemoryBudget, withinMemory } from "./rewrite/budget.ts";
import { fuse } from "./rewrite/fuse.ts";
import { recompute } from "./rewrite/recompute.ts";
import { live } from "./rewrite/uses.ts";
import { layOut, type Storage, type View } from "./views.ts";

export interface PlanOptions {
  /** Tensors to compute and keep until the next run. */
  readonly outputs?: Readonly<Record<string, Tensor>>;
  /** Tensors that are written straight into persistent variables. */
  readonly into?: ReadonlyMap<Tensor, Variable>;
  /** Add onto the variables of `into` instead of overwriting them. */
  readonly accumulate?: boolean;
  /** Overrides the adapter's tables. Throws TuneError or LimitError where the choice does not exist or fit. */
  readonly choose?: Choose;
  /** Lay the parts of a concatenation out inside it (the default), or copy them. */
  readonly slices?: boolean;
  /** Replace neighbouring operations by one that does the work of both (the default), or run each as it was traced. */
  readonly fuse?: boolean;
  /** Compute cheap activations again in the backward pass (the default), or keep them. */
  readonly recompute?: boolean;
  /**
   * Bytes of device memory to keep to, what lies `reserved` the plan included; more of the forward pass is then computed
   * again.
   */
  readonly memory?: MemoryBudget;
  /** Where a tensor lies inside a wider buffer that the caller owns; by graph input or output name. */
  readonly external?: Readonly<Record<string, { readonly channels: number; readonly offset: number }>>;
  /**
   * Elements to leave around every tensor and to bind with it, so that `Executable.breaches` sees what a kernel
   * writes outside. Arena storage is then not shared.
   */
  readonly guard?: number;
}

/** A graph turned into an ordered list of dispatches with placed memory. Plain data: no device is needed to make it. */
export class Plan {
  constructor(
    readonly traits: Traits,
    readonly dispatches: readonly Dispatch[],
    readonly storages: readonly Storage[],
    /** Bytes of every arena buffer. */
    readonly pages: readonly number[],
    readonly inputs: ReadonlyMap<string, View>,
    readonly outputs: ReadonlyMap<string, View>,
    /** Tensors that have a guard around them. */
    readonly guarded: readonly View[],
  ) {}

  /** One line per dispatch: label, algorithm, grid, tunables, FLOPs and bytes. */
  describe(): string {
    return describe(this.dispatches);
  }

  /** Bytes of the arena, its lower bound (most bytes alive at once), and what is alive at the peak. */
  memory(): Memory {
    return measure(this);
  }
}

/**
 * Plans a graph for an adapter: drops what no output needs, fuses neighbouring operations, computes again what is cheaper so than to keep, chooses
 * algorithms, lays out views, splits over the batch what exceeds a limit, and places storage by lifetime.
 * Throws LimitError naming the operation where the adapter cannot run it, or the bytes it takes where they are too many.
 */
export function plan(graph: Graph, traits: Traits, options: PlanOptions = {}): Plan {
  const { outputs = {}, into = new Map() } = options;
  const wanted = new Set([...Object.values(outputs), ...into.keys()]);
  const needed = live(graph.nodes, wanted);
  const nodes = options.fuse === false ? needed : fuse(graph, needed, wanted, traits);
  const made = (nodes: readonly Node[]) => build(nodes, traits, options);
  if (options.memory !== undefined) return withinMemory(options.memory, graph, nodes, wanted, made);
  return made(options.recompute === false ? nodes : recompute(graph, nodes, { kept: wanted }));
}

function build(nodes: readonly Node[], traits: Traits, options: PlanOptions): Plan {
  const launches: ChosenNode[] = select(nodes, traits, options.choose);
  const layout = layOut(launches, {
    outputs: options.outputs ?? {},
    into: options.into ?? new Map(),
    external: options.external ?? {},
    slices: options.slices ?? true,
    guard: options.guard ?? 0,
    apart: traits.class === "cpu",
  });
  const dispatches = schedule(launches, layout, traits, options.accumulate ?? false);
  const pages = place(dispatches, layout, traits);
  const guarded = layout.guarded();
  return new Plan(traits, dispatches, layout.storages, pages, layout.inputs, layout.outputs, guarded);
}
