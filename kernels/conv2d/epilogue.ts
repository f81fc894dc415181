// What operations that convolve and then do a little more to every sum are made of: conv2d's own algorithms, the
// broadcasting one with the rest in its epilogue, the others with a kernel after them.

import { shareColumns } from "../columns.ts";
import {
  type Algorithm,
  type Kernel,
  onCpu,
  type Routine,
  type Shapes,
  size,
  type Tune,
  type Values,
} from "../op.ts";
import * as broadcast from "./broadcast.ts";
import { conv2d } from "./conv2d.ts";
import { type Conv2dAttrs, uniforms as convolution } from "./kernel.ts";
import shape from "./shape.wgsl";

/** Kernels around a convolution's, and the temporaries that join them to it. */
export interface Joined<A> {
  /** They say their FLOPs: the rest are the convolution's. */
  readonly kernels: readonly Kernel<A>[];
  /** What the convolution's tensors are called here. */
  readonly names?: Readonly<Record<string, string>>;
  readonly temporaries?: (t: Shapes, attrs: A) => Shapes;
  /** Settings that suit the kernels; the convolution has its own. */
  readonly tune?: (t: Shapes, attrs: A, subgroupSize: number) => Tune;
  /** Bound of what all kernels together write, by that of the convolution's own. */
  bound(t: Shapes, v: Values, attrs: A, convolution: Bound<A>): Values;
}

type Bound<A> = (t: Shapes, v: Values, attrs: A) => Values;

/**
 * Forward passes of a convolution with an epilogue, one for each of conv2d's algorithms and in their order: `fused` in
 * the registers of the broadcasting one, for all others by the kernels that come after.
 */
export const forward = <A extends Conv2dAttrs>(fused: Algorithm<A>, apart: Joined<A>): Routine<A> =>
  conv2d.forward.map((algorithm) =>
    algorithm.name === fused.name ? fused : joined(algorithm, apart, "after"),
  );

/** Gradients of such an operation: those of conv2d by the key, on the dy that the kernels before make. */
export const backward = <A extends Conv2dAttrs>(key: string, before: Joined<A>): Routine<A> =>
  conv2d.backward[key].map((algorithm) => joined(algorithm, before, "before"));

function joined<A extends Conv2dAttrs>(
  algorithm: Algorithm<Conv2dAttrs>,
  { kernels: others, names = {}, temporaries, tune, bound }: Joined<A>,
  place: "before" | "after",
): Algorithm<A> {
  const own = algorithm.kernels.map((kernel) => renamed<A>(kernel, names));
  const stated = algorithm.bound;
  return {
    ...algorithm,
    ...(stated && { bound: (t: Shapes, v: Values, attrs: A) => open(bound(t, v, attrs, stated)) }),
    kernels: place === "before" ? [...others, ...own] : [...own, ...others],
    tune: (t, attrs, subgroupSize) => ({
      ...tune?.(t, attrs, subgroupSize),
      ...algorithm.tune?.(t, attrs, subgroupSize),
    }),
    temporaries: (t, attrs, tune) => ({
      ...algorithm.temporaries?.(t, attrs, tune),
      ...temporaries?.(t, attrs),
    }),
  };
}

/** Bounds, infinite where what is not finite enters and leaves no number. */
const open = (bounds: Values): Values =>
  Object.fromEntries(
    Object.entries(bounds).map(([name, of]) => [name, of.map((e) => (Number.isNaN(e) ? Infinity : e))]),
  );

/** conv2d's broadcasting algorithm with an epilogue. */
export function broadcasting<A extends Conv2dAttrs>(
  label: string,
  epilogue: broadcast.Epilogue,
  uniforms: (attrs: A) => Record<string, number> = () => ({}),
  at: (tune: Tune) => Tune = (tune) => tune,
): Algorithm<A> {
  const algorithm = conv2d.forward.find(({ name }) => name === "broadcast")!;
  const [kernel] = algorithm.kernels;
  const { tunables, print } = broadcast.forward(epilogue);
  const { append = (wgsl) => wgsl } = epilogue;
  const fused: Kernel<A> = {
    label,
    source: { tunables, print: (tune) => append(print(at(tune))) + shape },
    uniforms: (t, attrs, tune) => ({ ...kernel.uniforms(t, attrs, tune), ...uniforms(attrs) }),
    threads: (t, attrs, tune) => kernel.threads(t, attrs, at(tune)),
  };
  return { ...algorithm, kernels: [fused] };
}

const columns = ({ y: [n, p, q, o] }: Shapes, tune: Tune) => shareColumns(n * p * q, o, tune);

/** What suits kernels `byColumns`, as it does other elementwise ones. */
export const suited = (_: Shapes, __: unknown, subgroupSize: number): Tune =>
  onCpu(subgroupSize) ? { WG: 16, GROUPS: 64 } : {};

/** A kernel that treats all elements of y alike but for their channel, each by so many FLOPs. */
export const byColumns = <A extends Conv2dAttrs>(
  label: string,
  wgsl: string,
  bind: Kernel<A>["bind"],
  uniforms: (attrs: A) => Record<string, number>,
  flops: (attrs: A) => number,
): Kernel<A> => ({
  label,
  source: wgsl + shape,
  bind,
  uniforms: (t, attrs, tune) => ({
    ...convolution(t, attrs, tune),
    ...uniforms(attrs),
    ...columns(t, tune).uniforms,
  }),
  threads: (t, _, tune) => columns(t, tune).threads,
  flops: ({ y }, attrs) => flops(attrs) * size(y),
});

/** The kernel on tensors of other names, `names` from its own; it finds their shapes under its own too. */
export function renamed<A extends B, B = A>(
  kernel: Kernel<B>,
  names: Readonly<Record<string, string>>,
): Kernel<A> {
  const own = (t: Shapes): Shapes => ({
    ...t,
    ...Object.fromEntries(Object.entries(names).map(([from, to]) => [from, t[to]])),
  });
  const bind = Object.entries(kernel.bind ?? {}).map(([binding, name]) => [binding, names[name] ?? name]);
  return {
    ...kernel,
    bind: { ...names, ...Object.fromEntries(bind) },
    uniforms: (t, attrs, tune) => kernel.uniforms(own(t), attrs, tune),
    threads: (t, attrs, tune) => kernel.threads(own(t), attrs, tune),
    ...(kernel.flops && { flops: (t: Shapes, attrs: A) => kernel.flops!(own(t), attrs) }),
  };
}
