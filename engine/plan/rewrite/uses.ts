import { size } from "../../../kernels/op.ts";
import { remember } from "../../../kernels/remember.ts";
import type { Node, Tensor } from "../../graph/graph.ts";

/** Bytes of a tensor's values. */
export const bytesOfTensor = ({ shape, dtype }: Tensor): number => size(shape) * (dtype === "f16" ? 2 : 4);

/** Who makes and who reads each tensor of a list of nodes. */
export class Uses {
  #makers = new Map<Tensor, Node>();
  #readers = new Map<Tensor, Set<Node>>();
  #gradients = new Map<Node, Node[]>();
  #wanted: ReadonlySet<Tensor>;

  /** `wanted` outlives the nodes. */
  constructor(nodes: readonly Node[], wanted: Iterable<Tensor>) {
    this.#wanted = new Set(wanted);
    for (const node of nodes) {
      for (const y of Object.values(node.outputs)) this.#makers.set(y, node);
      for (const x of [...Object.values(node.inputs), ...Object.values(node.onto)])
        remember(this.#readers, x, () => new Set<Node>()).add(node);
      if (node.of) remember(this.#gradients, node.of, (): Node[] => []).push(node);
    }
  }

  /** The node that makes `t`, unless it comes from outside. */
  maker(t: Tensor): Node | undefined {
    return this.#makers.get(t);
  }

  readers(t: Tensor): readonly Node[] {
    return [...(this.#readers.get(t) ?? [])];
  }

  /** The nodes that compute gradients of this one. */
  gradients(node: Node): readonly Node[] {
    return this.#gradients.get(node) ?? [];
  }

  /** Whether `t` must be there after the last node. */
  wanted(t: Tensor): boolean {
    return this.#wanted.has(t);
  }

  /** The node of operation `op` that alone reads `t`, if `t` is nothing but a step towards it. */
  only(t: Tensor, op: string): Node | undefined {
    const readers = this.readers(t);
    return readers.length === 1 && readers[0].op.name === op && !this.wanted(t) ? readers[0] : undefined;
  }
}

/** The nodes that `wanted` needs, or that only update variables, in order. */
export function live(nodes: readonly Node[], wanted: Iterable<Tensor>): Node[] {
  const needed = new Set<Tensor>(wanted);
  const kept: Node[] = [];
  for (const node of [...nodes].reverse()) {
    const outputs = Object.values(node.outputs);
    if (outputs.length > 0 && !outputs.some((y) => needed.has(y))) continue;
    for (const x of [...Object.values(node.inputs), ...Object.values(node.onto)]) needed.add(x);
    kept.push(node);
  }
  return kept.reverse();
}
