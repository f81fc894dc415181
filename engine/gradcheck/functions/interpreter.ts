// Runs a graph in float64 by the operations' references: what a plan must compute, whatever it does with memory.

import { checkable, size, type Values } from "../../../kernels/op.ts";
import type { Graph, Tensor } from "../../graph/graph.ts";

/** Values of every tensor of the graph, given those of its inputs (by name) and variables (by path). */
export function interpret(
  graph: Graph,
  given: Readonly<Record<string, ArrayLike<number>>>,
): (tensor: Tensor) => Float64Array {
  const known = new Map<Tensor, Float64Array>();
  const state = new Map<string, Float64Array>();
  const value = (tensor: Tensor): Float64Array => {
    const { origin, shape } = tensor;
    const found = known.get(tensor);
    if (found) return found;
    if (origin.kind === "constant") return new Float64Array(size(shape)).fill(origin.value);
    const name =
      origin.kind === "input" ? origin.name : origin.kind === "variable" ? origin.variable.path : "";
    const values = state.get(name) ?? given[name];
    if (!values) throw new Error(`no value for ${tensor.label}`);
    return Float64Array.from(values);
  };
  for (const { op, routine, attrs, inputs, outputs, onto, shapes, of } of graph.nodes) {
    // a reference may look at what the kernel does not read
    const all = { ...of?.inputs, ...of?.outputs, ...inputs };
    const x: Values = Object.fromEntries(Object.entries(all).map(([name, tensor]) => [name, value(tensor)]));
    for (const [name, shape] of Object.entries(shapes)) x[name] ??= new Float64Array(size(shape)).fill(NaN);
    const y = checkable(op).reference[routine in op.backward ? "backward" : "forward"](shapes, x, attrs);
    for (const [name, tensor] of Object.entries(outputs)) {
      const before = onto[name] ? value(onto[name]) : undefined;
      known.set(tensor, before ? y[name].map((v, i) => v + before[i]) : y[name]);
    }
    if (routine === "forward")
      for (const [name, tensor] of Object.entries(inputs))
        if (tensor.origin.kind === "variable" && y[name]) state.set(tensor.origin.variable.path, y[name]);
  }
  return value;
}
