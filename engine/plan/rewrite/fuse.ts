import { PARTS } from "../../../kernels/conv2d_moments/conv2d_moments.ts";
import {
  batchNormRelu,
  conv2dBatchNormRelu,
  conv2dMoments,
  conv2dResidual,
  moments,
} from "../../../kernels/index.ts";
import type { MomentsAttrs } from "../../../kernels/moments/moments.ts";
import type { Op } from "../../../kernels/op.ts";
import type { Traits } from "../../device/traits.ts";
import { type Graph, type Node, shapesOf, type Tensor } from "../../graph/graph.ts";
import { reads, withGradients } from "../../graph/signature.ts";
import { bytesOfTensor, Uses } from "./uses.ts";

/** What takes the place of nodes; those that are not named stay. */
type Rewrite = ReadonlyMap<Node, readonly Node[]>;

interface Context {
  readonly graph: Graph;
  readonly traits: Traits;
  readonly uses: Uses;
}

/** What a rule makes of the nodes around one, if it applies there. */
type Rule = (node: Node, context: Context) => Rewrite | undefined;

const RULES: readonly Rule[] = [batchNormAndRelu, frozenUnit, residualSum];

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

/**
 * Training: batch norm and relu in one, on moments that the convolution before leaves as it goes, or that are computed
 * alone: image by image where one binding does not hold the batch.
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
  const { parts, rewrite, statistics } = momentsFor(norm, context);
  const { epsilon, decay } = norm.attrs;
  const both = forward(
    context,
    batchNormRelu,
    norm,
    { x, moments: statistics, ...parameters },
    { epsilon, decay, ...parts },
    { ...norm.outputs, y: relu.outputs.y },
  );
  rewrite.set(norm, [...(rewrite.get(norm) ?? []), both]).set(relu, []);
  if (back) rewrite.set(mask, []).set(back, [gradient(context.graph, both, mask.inputs.dy, back)]);
  return rewrite;
}

/** Pixels of a part of moments that are computed alone. */
const ROWS = 32;

/** The moments of what `norm` normalises, and what makes them. */
function momentsFor(
  norm: Node,
  context: Context,
): { parts: MomentsAttrs; statistics: Tensor; rewrite: Map<Node, readonly Node[]> } {
  const { x } = norm.inputs;
  const conv = context.uses.maker(x);
  const first = context.uses.readers(x).find((reader) => isForward(reader, "batch_norm")) === norm;
  if (isForward(conv, "conv2d") && first && fitsWhole(x, context) && fitsWhole(conv.inputs.x, context)) {
    const made = forward(context, conv2dMoments, conv, conv.inputs, conv.attrs, { y: x });
    return { parts: PARTS, statistics: made.outputs.moments, rewrite: new Map([[conv, [made]]]) };
  }
  const parts = { rows: ROWS, groups: fitsWhole(x, context) ? 1 : x.shape[0] };
  const made = forward(context, moments, norm, { x }, parts, {});
  return { parts, statistics: made.outputs.moments, rewrite: new Map([[norm, [made]]]) };
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
    bytesOfTensor(t) <= traits.maxBindingBytes &&
    pixels <= PARTS.rows * traits.maxWorkgroups &&
    wholes.every(({ outputs: { y } }) => fitsWhole(y, context))
  );
}

/** Inference: convolution, batch norm by running statistics, and relu in one. */
function frozenUnit(norm: Node, context: Context): Rewrite | undefined {
  const { uses } = context;
  if (!isForward(norm, "batch_norm") || norm.attrs.training) return;
  const { x, ...parameters } = norm.inputs;
  const [conv, relu] = [uses.maker(x), uses.only(norm.outputs.y, "relu")];
  const unread = [norm.outputs.mean, norm.outputs.rstd].every(
    (t) => !uses.wanted(t) && !uses.readers(t).length,
  );
  if (
    !isForward(conv, "conv2d") ||
    !isForward(relu, "relu") ||
    uses.only(x, "batch_norm") !== norm ||
    !unread
  )
    return;
  const attrs = { ...conv.attrs, epsilon: norm.attrs.epsilon };
  const inputs = { ...conv.inputs, ...parameters };
  const unit = forward(context, conv2dBatchNormRelu, conv, inputs, attrs, { y: relu.outputs.y });
  return new Map([
    [conv, []],
    [norm, [unit]],
    [relu, []],
  ] as [Node, Node[]][]);
}

/** A convolution and the residual sum that alone reads it. */
function residualSum(sum: Node, context: Context): Rewrite | undefined {
  const { uses } = context;
  if (!isForward(sum, "scale_add_relu")) return;
  const { x: shortcut, r } = sum.inputs;
  const conv = uses.maker(r);
  if (!isForward(conv, "conv2d") || r === shortcut || uses.only(r, "scale_add_relu") !== sum) return;
  const attrs = { ...conv.attrs, ...sum.attrs };
  const both = forward(context, conv2dResidual, sum, { ...conv.inputs, shortcut }, attrs, sum.outputs);
  return new Map([
    [conv, []],
    [sum, [both]],
  ] as [Node, Node[]][]);
}
