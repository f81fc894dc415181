// Operations that update a bank, which is many parameters side by side, in place: what their kernels share.

import loop from "./bank.wgsl";
import { share } from "./elementwise.ts";
import { type Kernel, size } from "./op.ts";
import { atWidth, type Width } from "./vec4.ts";

/**
 * A kernel that updates w of any size, `width` parameters at a time. Its WGSL binds `factor`, defines `prepare()` and
 * `update(i: u32)`; `shape` has count, span and `uniforms`.
 */
export const bank = <A>(
  label: string,
  wgsl: string,
  uniforms: (attrs: A) => Record<string, number>,
  width: Width = 1,
): Kernel<A> => ({
  label,
  source: atWidth(wgsl + loop, width),
  uniforms: ({ w }, attrs, tune) => ({
    count: size(w),
    span: share(size(w) / width, tune).span,
    ...uniforms(attrs),
  }),
  threads: ({ w }, _, tune) => share(size(w) / width, tune).threads,
});
