import { remember } from "../../../kernels/remember.ts";
import type { Graph, Node, Tensor } from "../../graph/graph.ts";
import { reads } from "../../graph/signature.ts";
import { Uses } from "./uses.ts";

/** What is not kept from the forward to the backward pass beside what is cheap to compute again, and what is. */
export interface Keeping {
  /** Nodes to run again although that is not cheap. */
  readonly dropped?: ReadonlySet<Node>;
  /** Tensors that stay, whatever makes them. */
  readonly kept: ReadonlySet<Tensor>;
}

/**
 * Lets the backward pass compute again, just before it reads it, what is cheap to compute (`Op.cheap`) from what it
 * reads anyway: convolution outputs, statistics, variables, inputs. Only these are then kept from the forward pass.
 */
export function recompute(graph: Graph, nodes: readonly Node[], keeping: Keeping): Node[] {
  const repeats = repeated(nodes, keeping);
  const made = new Map<Tensor, Tensor>();
  const rewritten: Node[] = [];
  const recomputed = (t: Tensor): Tensor => {
    const maker = made.has(t) ? undefined : repeats(t);
    if (maker) {
      const inputs = Object.fromEntries(
        Object.entries(sources(maker)).map(([name, x]) => [name, recomputed(x)]),
      );
      const { op, label } = maker;
      const routine = op.recompute ? "recompute" : "forward";
      const names = op.recompute?.writes ?? Object.keys(maker.outputs);
      const copy = graph.make(
        { ...maker, routine, inputs, onto: {}, of: maker, phase: "backward", label: `${label} recompute` },
        names,
      );
      for (const name of names) made.set(maker.outputs[name], copy.outputs[name]);
      rewritten.push(copy);
    }
    return made.get(t) ?? t;
  };
  for (const node of nodes) {
    const backward = node.phase === "backward";
    const inputs = Object.entries(node.inputs).map(
      ([name, x]) => [name, backward ? recomputed(x) : x] as const,
    );
    rewritten.push(backward ? { ...node, inputs: Object.fromEntries(inputs) } : node);
  }
  return rewritten;
}

/** What a node reads when it runs again: its inputs, and of its own outputs those that it is not to compute. */
function sources({ op, inputs, outputs }: Node): Readonly<Record<string, Tensor>> {
  if (!op.recompute) return inputs;
  const read = reads(op, "recompute");
  return Object.fromEntries(Object.entries({ ...inputs, ...outputs }).filter(([name]) => read.has(name)));
}

/** The node that makes a tensor of the forward pass, where the backward pass is to run it recompute. */
function repeated(nodes: readonly Node[], { dropped, kept }: Keeping): (t: Tensor) => Node | undefined {
  const uses = new Uses(nodes, kept);
  const demanded = new Set(
    nodes.filter(({ phase }) => phase === "backward").flatMap(({ inputs }) => Object.values(inputs)),
  );
  const found = new Map<Tensor, boolean>();
  const repeats = (t: Tensor): boolean => remember(found, t, () => decide(t));
  const there = (x: Tensor) => !uses.maker(x) || demanded.has(x) || uses.wanted(x) || repeats(x);
  function decide(t: Tensor): boolean {
    const node = uses.maker(t);
    if (node?.phase !== "forward" || node.routine !== "forward" || uses.wanted(t)) return false;
    if (node.op.recompute && !node.op.recompute.writes.some((name) => node.outputs[name] === t)) return false;
    if (dropped?.has(node)) return true;
    // a part that stays keeps all that it lies in
    if (node.op.slices) return Object.values(node.inputs).every(repeats);
    return node.op.cheap === true && Object.values(sources(node)).every(there);
  }
  return (t) => (repeats(t) ? uses.maker(t) : undefined);
}
