import type { Conv2dAttrs } from "../../../kernels/conv2d/conv2d.ts";
import { size } from "../../../kernels/op.ts";
import type { Graph, Node, Tensor } from "../../graph/graph.ts";
import { Uses } from "./uses.ts";

/**
 * Puts the 1x1 convolution before the average pool that it follows, where it has fewer output than input channels and
 * the pool makes no image smaller: the pool, a mean of what lies inside the image, leaves constants as they are and
 * treats channels alike, so that the order does not matter, and there are fewer channels to pool and none of the pooled
 * input to keep. Comes before autodiff. `kept` are tensors that a caller may still ask for.
 */
export function commute(graph: Graph, kept: Iterable<Tensor> = []): void {
  const uses = new Uses(graph.nodes, kept);
  const rewritten = graph.nodes.flatMap((node) => {
    if (node.op.name === "avg_pool2d" && narrowing(node, uses)) return [];
    const pool = node.op.name === "conv2d" ? uses.maker(node.inputs.x) : undefined;
    return pool?.op.name === "avg_pool2d" && narrowing(pool, uses) ? swapped(graph, pool, node) : [node];
  });
  graph.nodes.splice(0, graph.nodes.length, ...rewritten);
}

/** Whether all that reads the pool is one convolution to which it can give way. */
function narrowing(pool: Node, uses: Uses): boolean {
  const conv = uses.only(pool.outputs.y, "conv2d");
  if (pool.routine !== "forward" || conv?.routine !== "forward" || conv.inputs.x !== pool.outputs.y)
    return false;
  const { stride, padding }: Conv2dAttrs = conv.attrs;
  const [r, s, c, o] = conv.shapes.w;
  const pointwise = [r, s, ...stride].every((v) => v === 1) && padding.flat().every((v) => v === 0);
  return pointwise && o < c && size(pool.shapes.y) >= size(pool.shapes.x);
}

function swapped(graph: Graph, pool: Node, conv: Node): Node[] {
  const { x } = pool.inputs;
  const o = conv.shapes.w[3];
  const shapes = { ...conv.shapes, x: x.shape, y: [...x.shape.slice(0, 3), o] };
  const first = graph.make({ ...conv, inputs: { ...conv.inputs, x }, shapes }, ["y"]);
  const inputs = { x: first.outputs.y };
  const last = graph.make(
    { ...pool, inputs, shapes: { x: shapes.y, y: conv.outputs.y.shape } },
    ["y"],
    conv.outputs,
  );
  return [first, last];
}
