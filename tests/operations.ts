// The operations as the tests compute them.

import { type Op, ops } from "../kernels/index.ts";

/** Operations that do a little more to the sums of conv2d's algorithms, which conv2d's own cases judge. */
const FUSED = ["conv2d_moments", "conv2d_residual", "conv2d_batch_norm_relu"];
/** Convolution with the rest in its epilogue, and the plainest with the rest in a kernel of its own. */
const FORMS = ["broadcast", "plain"];

/**
 * All operations; of the fused ones one fused form and one apart. With every algorithm of conv2d they would take most
 * of the tests' time: `tessera gradcheck` computes them all.
 */
export const checkedOps: readonly Op[] = ops.map((op) => (FUSED.includes(op.name) ? inForms(op) : op));

function inForms(op: Op): Op {
  const routine = (list: Op["forward"]) => list.filter(({ name }) => FORMS.includes(name));
  const backward = Object.fromEntries(Object.entries(op.backward).map(([key, list]) => [key, routine(list)]));
  return { ...op, forward: routine(op.forward), backward };
}
