import type { Use } from "../../engine/gradcheck/operations/identities.ts";
import { trace } from "../../engine/nn/model.ts";
import { checkable } from "../../kernels/op.ts";
import { getModel, netOptions } from "../registry.ts";

/** Every distinct use of an operation in a network's training forward, on images [batch,image,image,3]. */
export function uses(name: string, { image = 299, batch = 1 } = {}): readonly Use[] {
  const { net } = trace(getModel(name), [batch, image, image, 3], { ...netOptions(name), training: true });
  const found = new Map<string, Use>();
  for (const { op, attrs, inputs, phase, label } of net.graph.nodes) {
    if (phase !== "forward") continue;
    const shapes = Object.fromEntries(Object.entries(inputs).map(([key, { shape }]) => [key, shape]));
    const key = JSON.stringify([op.name, attrs, shapes]);
    if (!found.has(key)) found.set(key, { op: checkable(op), attrs, shapes, where: `${name} ${label}` });
  }
  return [...found.values()];
}
