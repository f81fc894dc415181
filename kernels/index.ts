/**
 * The operations, and what one of your own is made of.
 * @module tessera-gpu/kernels
 */

import type { Op } from "./op.ts";
import * as operations from "./operations.ts";

export { bank } from "./bank.ts";
export { elementwise, flat, share } from "./elementwise.ts";
export * from "./errors.ts";
export * from "./op.ts";
export * from "./operations.ts";
export { reduction, reductionBound } from "./reduction.ts";
export * from "./rounding.ts";
export type { Width } from "./vec4.ts";

/** Every operation there is; a concatenation of two and of three stands for those of any number. */
export const ops: readonly Op[] = /* @__PURE__ */ Object.values(operations).flatMap((op): Op[] =>
  typeof op === "function" ? [op(2), op(3)] : [op],
); // so that bundlers may leave the list out
