import type { Graph, Node, Tensor } from "../../graph/graph.ts";
import { updates } from "../../graph/signature.ts";
import { type Keeping, recompute } from "./recompute.ts";
import { bytesOfTensor } from "./uses.ts";

/** A part of the forward pass that hands on one tensor, which stays where the rest is computed again. */
export interface Segment extends Required<Keeping> {
  /** Bytes that need not be kept for the backward pass, and FLOPs more for it. */
  readonly saved: number;
  readonly flops: number;
}

/** A tensor is handed on alone where all others that are read later take less than this part of its bytes. */
const REST = 1 / 8;

/**
 * Cuts the forward pass where branches have joined in one tensor. Of the parts but the last, whose activations
 * are read at once, those that save bytes, the most a FLOP first.
 */
export function segments(graph: Graph, nodes: readonly Node[], wanted: ReadonlySet<Tensor>): Segment[] {
  const forward = nodes.filter(({ phase }) => phase === "forward");
  const made = new Map(forward.flatMap(({ outputs }, i) => Object.values(outputs).map((t) => [t, i])));
  const last = new Map(forward.flatMap(({ inputs }, i) => Object.values(inputs).map((t) => [t, i])));
  const crossing = forward.map(() => 0);
  for (const [t, from] of made)
    for (let i = from; i < (last.get(t) ?? from); i++) crossing[i] += bytesOfTensor(t);
  const cost = (keeping: Keeping) => costOf(recompute(graph, nodes, keeping));
  const usual = cost({ kept: wanted });
  const found: Segment[] = [];
  let from = 0;
  forward.forEach((node, i) => {
    const { y } = node.outputs;
    if (!joins(node, made) || crossing[i] - bytesOfTensor(y) > REST * bytesOfTensor(y) || !last.has(y))
      return;
    const dropped = new Set(forward.slice(from, i + 1).filter(repeatable));
    from = i + 1;
    const kept = new Set([...wanted, y]);
    const { kept: left, flops } = cost({ dropped, kept });
    found.push({ dropped, kept, saved: usual.kept - left, flops: flops - usual.flops });
  });
  return found.filter(({ saved }) => saved > 0).sort((a, b) => b.saved / b.flops - a.saved / a.flops);
}

/** Whether the node makes one image of several that the pass has made. */
function joins({ inputs, outputs: { y } }: Node, made: ReadonlyMap<Tensor, number>): boolean {
  if (y?.shape.length !== 4) return false;
  const alike = ({ shape }: Tensor) => String(shape.slice(0, 3)) === String(y.shape.slice(0, 3));
  return Object.values(inputs).filter((x) => made.has(x) && alike(x)).length > 1;
}

/** Whether the node may run twice: it updates nothing, or has a routine of its own for that. */
const repeatable = ({ op }: Node): boolean => op.recompute !== undefined || !updates(op);

/** Bytes that the backward pass reads of the forward pass, and FLOPs of the former. */
function costOf(nodes: readonly Node[]): { kept: number; flops: number } {
  const made = new Set(
    nodes.flatMap(({ phase, outputs }) => (phase === "forward" ? Object.values(outputs) : [])),
  );
  const backward = nodes.filter(({ phase }) => phase === "backward");
  const read = new Set(backward.flatMap(({ inputs }) => Object.values(inputs)).filter((x) => made.has(x)));
  return {
    kept: [...read].reduce((sum, t) => sum + bytesOfTensor(t), 0),
    flops: backward.reduce(
      (sum, { op, shapes, attrs, routine }) => sum + (op.flops(shapes, attrs)[routine] ?? 0),
      0,
    ),
  };
}
