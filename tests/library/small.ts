// A small network and its data, for the tests of the library.

import * as assert from "uvu/assert";
import type { Net, Tensor, TrainerOptions } from "../../engine/index.ts";

export const N = 4;
export const INPUT = [N, 8, 8, 3] as const;
export const CLASSES = 4;

/** Two units, dropout, logits [n,classes]. */
export const classifier =
  (classes = CLASSES, keep = 0.8) =>
  (net: Net, images: Tensor): Tensor => {
    const x = net.unit("b", net.unit("a", images, 8, 3), 8, 3);
    return net.linear("logits", net.dropout(net.globalAvgPool(x), keep), classes);
  };

/** Images in [-1, 1], another batch for another number. */
export const imagesOf = (seed = 1, n = N): Float32Array =>
  Float32Array.from({ length: n * 8 * 8 * 3 }, (_, i) => Math.sin(seed * (i * i + 1)));
export const LABELS = Int32Array.of(0, 1, 2, 3);
export const OPTIONS: TrainerOptions = { input: INPUT };

/** The error of a call, which must be of a class and say something. */
export async function fails(
  what: () => unknown,
  type: new (...args: any[]) => Error,
  says: RegExp,
): Promise<void> {
  let error: unknown;
  try {
    await what();
  } catch (thrown) {
    error = thrown;
  }
  if (!(error instanceof type)) throw new Error(`${type.name} is expected but ${String(error)} came`);
  assert.match(error.message, says);
}

/** Whether two arrays have the same bits. */
export const same = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
  a.length === b.length && Array.prototype.every.call(a, (v, i) => Object.is(v, b[i]));
