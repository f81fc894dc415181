import { add } from "../../kernels/add/add.ts";
import { ShapeError } from "../errors.ts";
import type { Graph, Node, Tensor } from "./graph.ts";
import { signature, withGradients } from "./signature.ts";

/**
 * Extends the graph by the gradient of `loss` with respect to each of `wanted`, in reverse mode.
 * Contributions to one tensor are summed, onto each other where the kernel can; what no wanted tensor needs is
 * not traced. `seed` is the gradient of the loss itself (1 / k for one of k micro-batches).
 * Throws ShapeError where the loss is not a single value or an operation on the way has no gradient.
 */
export function gradients(
  graph: Graph,
  loss: Tensor,
  wanted: readonly Tensor[],
  seed = 1,
): Map<Tensor, Tensor> {
  if (loss.shape.join() !== "1")
    throw new ShapeError(`gradients: the loss is [${loss.shape}] but [1] is expected`);
  return pullback(graph, new Map([[loss, graph.constant([1], seed)]]), wanted);
}

/**
 * Extends the graph by the vector-Jacobian product with respect to each of `wanted`, from the gradients `dy` of some of
 * its tensors, each of that tensor's shape. Throws ShapeError as `gradients` does.
 */
export function pullback(
  graph: Graph,
  dy: ReadonlyMap<Tensor, Tensor>,
  wanted: readonly Tensor[],
): Map<Tensor, Tensor> {
  for (const [{ shape, label }, d] of dy)
    if (String(shape) !== String(d.shape))
      throw new ShapeError(`pullback: ${label} is [${shape}] but its gradient is [${d.shape}]`);
  const nodes = [...graph.nodes];
  const needed = descendants(nodes, wanted);
  const found = new Map<Tensor, Tensor>(dy);

  for (const node of nodes.reverse()) {
    if (node.phase !== "forward" || !Object.values(node.outputs).some((y) => found.has(y))) continue;
    differentiate(graph, node, needed, found);
  }
  return new Map(wanted.flatMap((x) => (found.has(x) ? [[x, found.get(x)!]] : [])));
}

/** Tensors that depend on one of `wanted`, these included. */
function descendants(nodes: readonly Node[], wanted: readonly Tensor[]): Set<Tensor> {
  const reached = new Set(wanted);
  for (const { inputs, outputs } of nodes)
    if (Object.values(inputs).some((x) => reached.has(x)))
      for (const y of Object.values(outputs)) reached.add(y);
  return reached;
}

function differentiate(graph: Graph, node: Node, needed: Set<Tensor>, found: Map<Tensor, Tensor>): void {
  const { op, attrs } = node;
  const known: Record<string, Tensor> = { ...node.inputs, ...node.outputs };
  for (const [name, y] of Object.entries(node.outputs)) if (found.has(y)) known[`d${name}`] = found.get(y)!;

  const reached = new Set<string>();
  for (const routine of Object.keys(op.backward)) {
    const { reads, writes, accumulates } = signature(op, routine);
    const targets = op.inputs.filter((name) => writes.has(`d${name}`));
    for (const name of targets) reached.add(name);
    if (!targets.some((name) => needed.has(node.inputs[name]))) continue;
    const absent = [...reads].find(
      (name) => /^d/.test(name) && !(name in known) && name.slice(1) in node.outputs,
    );
    if (absent) continue; // the loss does not depend on that output
    const inputs = Object.fromEntries(Object.entries(known).filter(([name]) => reads.has(name)));
    // one launch adds onto all it writes or onto nothing
    const sums = targets.filter((name) => needed.has(node.inputs[name]));
    const distinct = new Set(sums.map((name) => node.inputs[name])).size === sums.length;
    const held = (name: string) => found.get(node.inputs[name])?.origin.kind === "output"; // ours to overwrite
    const adds = accumulates && distinct && sums.every(held);
    const onto = adds
      ? Object.fromEntries(sums.map((name) => [`d${name}`, found.get(node.inputs[name])!]))
      : {};
    const label = `${node.label} d${routine}`;
    const produced = targets.map((name) => `d${name}`);
    const shapes = withGradients(node.shapes);
    const made = graph.emit(
      { op, routine, attrs, inputs, onto, shapes, of: node, phase: "backward", label },
      produced,
    );
    for (const name of sums) {
      const [x, dx] = [node.inputs[name], made[`d${name}`]];
      const earlier = adds ? undefined : found.get(x);
      const options = { label: `${label} sum`, phase: "backward" } as const;
      found.set(x, earlier ? graph.apply(add, { a: earlier, b: dx }, {}, options).y : dx);
    }
  }
  const stuck = op.inputs.find(
    (name) => needed.has(node.inputs[name]) && !reached.has(name) && !op.derived?.[name],
  );
  if (stuck) throw new ShapeError(`${op.name}: no gradient with respect to ${stuck}`);
}
