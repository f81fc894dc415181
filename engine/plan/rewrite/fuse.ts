import { batchNormRelu, moments } from "../../../kernels/index.ts";
import type { Op } from "../../../kernels/op.ts";
import { reads, withGradients } from "../../graph/autodiff.ts";
import { type Graph, type Node, shapesOf, type Tensor } from "../../graph/graph.ts";
import type { Traits } from "../choose.ts";
import { bytes, Uses } from "./uses.ts";

/** What takes the place of nodes; those that are not named stay. */
type Rewrite = ReadonlyMap<Node, readonly Node[]>;

interface Context {
  readonly graph: Graph;
  readonly traits: Traits;
  readonly uses: Uses;
}

/** What a rule makes of the nodes around one, if it applies there. */
type Rule = (node: Node, context: Context) => Rewrite | undefined;

const RULES: readonly Rule[] = [batchNormAndRelu];

/**
 * Replaces neighbouring nodes by one that reads and writes less: same tensors, without those in between. Comes after
 * autodiff. `wanted` must be there after the last node.
 */
export function fuse(
  graph: Graph,
  nodes: readonly Node[],
  wanted: ReadonlySet<Tensor>,
  traits: Traits,
): readonly Node[] {
  return RULES.reduce((list, rule) => {
    const context = { graph, traits, uses: new Uses(list, wanted) };
    const found = new Map(list.flatMap((node) => [...(rule(node, context) ?? [])]));
    return list.flatMap((node) => found.get(node) ?? [node]);
  }, nodes);
}

const isForward = (node: Node | undefined, op: string): node is Node =>
  node?.op.name === op && node.routine === "forward";

/** The operation on these inputs, in the place of `node`; `held` are tensors it makes now. */
function forward(
  { graph }: Context,
  op: Op,
  node: Node,
  inputs: Readonly<Record<string, Tensor>>,
  attrs: unknown,
  held: Readonly<Record<string, Tensor>>,
): Node {
  const produced = op.shapes(shapesOf(inputs), attrs);
  const shapes = { ...shapesOf(inputs), ...produced };
  return graph.make({ ...node, op, attrs, inputs, shapes }, Object.keys(produced), held);
}

/** Pixels of a part of the moments. */
const ROWS = 32;

/**
 * Training: batch norm and relu in one, on moments; those of each image alone where a binding cannot hold the batch.
 */
function batchNormAndRelu(norm: Node, context: Context): Rewrite | undefined {
  const { uses } = context;
  if (!isForward(norm, "batch_norm") || !norm.attrs.training) return;
  const relu = uses.only(norm.outputs.y, "relu");
  const [masks, backs] = [relu ? uses.gradients(relu) : [], uses.gradients(norm)];
  if (!isForward(relu, "relu") || masks.length > 1 || masks.length !== backs.length) return;
  const [mask, back] = [masks[0], backs[0]];
  if (back && !(uses.only(mask.outputs.dx, "batch_norm") === back && mask.inputs.dy)) return;

  const { x, ...parameters } = norm.inputs;
  const { epsilon, decay } = norm.attrs;
  const groups = fitsWhole(x, context) ? 1 : x.shape[0];
  const rows = ROWS;
  const statistics = forward(context, moments, norm, { x }, { rows, groups }, {});
  const inputs = { x, moments: statistics.outputs.moments, ...parameters };
  const held = { ...norm.outputs, y: relu.outputs.y };
  const both = forward(context, batchNormRelu, norm, inputs, { epsilon, decay, rows, groups }, held);
  const rewrite = new Map([
    [relu, []],
    [norm, [statistics, both]],
  ] as [Node, Node[]][]);
  if (back) rewrite.set(mask, []).set(back, [gradient(context.graph, both, mask.inputs.dy, back)]);
  return rewrite;
}

/** The only gradient routine of `of`, in the place of `back`. */
function gradient(graph: Graph, of: Node, dy: Tensor, back: Node): Node {
  const [routine] = Object.keys(of.op.backward);
  const { op, attrs, outputs } = of;
  const inputs = { ...of.inputs, ...outputs, dy };
  const known = Object.entries(inputs).filter(([name]) => reads(op, routine).has(name));
  return graph.make(
    { ...back, op, attrs, routine, inputs: Object.fromEntries(known), shapes: withGradients(of.shapes), of },
    Object.keys(back.outputs),
    back.outputs,
  );
}

/** Whether one binding holds the tensor, or all that it is a part of, and one grid its pixels. */
function fitsWhole(t: Tensor, context: Context): boolean {
  const { uses, traits } = context;
  const wholes = uses.readers(t).filter(({ op, routine }) => op.slices && routine === "forward");
  const pixels = t.shape.slice(0, -1).reduce((a, b) => a * b, 1);
  return (
    bytes(t) <= traits.maxBindingBytes &&
    pixels <= ROWS * traits.maxWorkgroups &&
    wholes.every(({ outputs: { y } }) => fitsWhole(y, context))
  );
}
