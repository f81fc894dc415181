// What an operation is, apart from any device. Nothing under kernels/ imports engine/.
import { ShapeError } from "./errors.ts";

export type Shape = readonly number[];
/** Shapes by tensor name: the operation's inputs and outputs, and for gradients `d<name>`. */
export type Shapes = Readonly<Record<string, Shape>>;
export type DType = "f32" | "f16" | "u32" | "i32";
export type Tune = Readonly<Record<string, number>>;
/** Values by tensor name, on the float64 side. Integers are exact in them. */
export type Values = Record<string, Float64Array>;

export const size = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

/** A kernel whose structure follows its tunables: prints readable WGSL for one setting of them. */
export interface Generator {
  readonly tunables: Readonly<
    Record<string, { readonly value: number; readonly choices: readonly number[] }>
  >;
  print(tune: Tune): string;
}

/**
 * One WGSL entry and how to launch it. Buffers are bound by the names the WGSL gives them: an input, an
 * output, a temporary, or `d<name>` for a gradient. Of the uniform struct `shape` the engine itself fills
 * `<binding>_offset` and `<binding>_stride` (elements; where the tensor is a slice of a wider one) and `accumulate`
 * (1: add to what the output holds).
 */
export interface Kernel<A> {
  /** `<op>/<file>`: the label on the pipeline, in timings and in every error message. */
  readonly label: string;
  readonly source: string | Generator;
  /** Tensors that bindings of another name stand for, by binding. */
  readonly bind?: Readonly<Record<string, string>>;
  /** The remaining fields of the uniform struct bound as `shape`, by name. */
  uniforms(t: Shapes, attrs: A, tune: Tune): Record<string, number>;
  /** Invocations wanted along x, y, z; the engine divides by the reflected workgroup size. */
  threads(t: Shapes, attrs: A, tune: Tune): readonly [number, number, number];
  /**
   * Its part of the routine's floating-point operations; temporaries have their shapes in `t`. Absent: what the other
   * kernels of the algorithm leave, shared evenly.
   */
  flops?(t: Shapes, attrs: A): number;
}

/** One way to compute a routine: kernels in order, with the temporaries they hand on. */
export interface Algorithm<A> {
  readonly name: string;
  readonly kernels: readonly Kernel<A>[];
  /**
   * Whether it can compute this problem, at these settings of its tunables if they are given; absent means always.
   * Needed features are read from the WGSL.
   */
  fits?(t: Shapes, attrs: A, tune?: Tune): boolean;
  /** Settings that suit this problem where no measurement says better; `subgroupSize` is the adapter's subgroup size. */
  tune?(t: Shapes, attrs: A, subgroupSize: number): Tune;
  temporaries?(t: Shapes, attrs: A, tune: Tune): Shapes;
  /** Whether it takes all images at once: then a binding must hold them. */
  readonly whole?: boolean;
  /**
   * Largest error of what it writes, where that is not the operation's own bound; `x` is as in `reference`. Infinite
   * also where a value of `x` that is not finite may reach.
   */
  bound?(t: Shapes, x: Values, attrs: A): Values;
}

/** Ways to compute the same thing, preferred first; the last fits every problem and needs no feature. */
export type Routine<A> = readonly Algorithm<A>[];

export interface Case<A> {
  readonly what: string;
  readonly shapes: Shapes;
  readonly attrs: A;
  /** Values of an input in place of the operation's own sample. */
  readonly values?: Readonly<Record<string, readonly number[]>>;
}

/** Makes the choices of a random problem. Failing problems shrink towards smaller numbers and earlier choices. */
export interface Draw {
  /** Whole number from `least` to `most`, both included. */
  integer(least: number, most: number): number;
  pick<T>(choices: readonly T[]): T;
}

/** Part `part` is channels `[offset, offset + its channels)` of `whole`. */
export interface Slice {
  readonly part: string;
  readonly whole: string;
  readonly offset: number;
}

/** All routines by the name that a node gives them: `forward`, `recompute` and the keys of `backward`. */
export const routines = ({
  forward,
  recompute,
  backward,
}: Runnable): Readonly<Record<string, Routine<any>>> => ({
  forward,
  ...(recompute && { recompute: recompute.routine }),
  ...backward,
});

/** Tensors of an operation that have a batch, at these attributes. */
export const batched = ({ batched: names }: Runnable, attrs: unknown): readonly string[] =>
  typeof names === "function" ? names(attrs) : names;

/** What an operation needs to run and to be differentiated. */
export interface Runnable<A = any> {
  readonly name: string;
  readonly inputs: readonly string[];
  /** Inputs that may be left out, and the constant that is read in their place. */
  optional?(t: Shapes, attrs: A): Readonly<Record<string, { shape: Shape; value: number }>>;
  /** Element types that are not f32, by tensor name. */
  readonly dtypes?: Readonly<Record<string, DType>>;
  /** Tensors whose leading axis is the batch: these may be computed a few images at a time. */
  readonly batched: readonly string[] | ((attrs: A) => readonly string[]);
  /**
   * Inputs that are functions of others, such as their moments. They have no gradients of their own: the gradients of
   * those others are whole derivatives, through them too. Checks take from here what they hold.
   */
  readonly derived?: Readonly<Record<string, (t: Shapes, x: Values, attrs: A) => Float64Array>>;
  /** Shapes of the outputs; throws ShapeError naming the operation, the argument and both sizes. */
  shapes(t: Shapes, attrs: A): Shapes;
  /**
   * What `flops` counts, as a formula for the docs: a tensor's name stands for its number of elements, r, s for the
   * window, c for channels in, k for inputs of a row; alternatives after semicolons.
   */
  readonly cost?: Readonly<Record<string, string>>;
  /** Multiply and add counted apart, by routine: `forward` and the keys of `backward`. */
  flops(t: Shapes, attrs: A): Readonly<Record<string, number>>;
  readonly forward: Routine<A>;
  /** Computes the outputs of `writes` again, to the bit, from inputs and the other outputs, and changes nothing else. */
  readonly recompute?: { readonly writes: readonly string[]; readonly routine: Routine<A> };
  /**
   * Vector-Jacobian products. Each reads inputs, outputs and `d<output>` and writes `d<input>`; the key names
   * the routine after what it writes.
   */
  readonly backward: Readonly<Record<string, Routine<A>>>;
  /**
   * Whether the backward pass had better compute its outputs again than keep them, by `recompute` or else by `forward`,
   * which then updates no input.
   */
  readonly cheap?: boolean;
  /** Outputs (forward) or gradients (backward) that are mere slices of another tensor, if it can be so laid out. */
  slices?(t: Shapes, attrs: A): { forward: readonly Slice[]; backward: readonly Slice[] };
}

/** An operation: what it needs to run, and what it needs to be checked. */
export interface Op<A = any> extends Runnable<A> {
  /** Groups of inputs in which the first output is linear while the others stay; gradients are then its adjoint. */
  readonly linear?: readonly (readonly string[])[];
  /** Plain-loop oracle in float64. `t` holds the shapes of inputs and outputs. */
  readonly reference: {
    /** Outputs, and inputs the operation updates in place under their own names. */
    forward(t: Shapes, x: Values, attrs: A): Values;
    /** Gradients of the differentiable inputs; `x` holds inputs, outputs and `d<output>`. */
    backward(t: Shapes, x: Values, attrs: A): Values;
  };
  /** Largest error float32 may show, element by element, for what `reference` returns on the same `x`. */
  readonly bound: {
    forward(t: Shapes, x: Values, attrs: A): Values;
    backward(t: Shapes, x: Values, attrs: A): Values;
  };
  /**
   * Values of one input for a check; `random` is uniform in [0, 1), `given` are the shapes of the case. The default is
   * uniform in [-1, 1).
   */
  sample?(input: string, shape: Shape, random: () => number, attrs: A, given: Shapes): ArrayLike<number>;
  /** Inputs between 0 and 1 whatever the problem, such as a decay: checks at the edges of float32 keep them so. */
  readonly confined?: readonly string[];
  readonly cases: readonly Case<A>[];
  /** A random valid problem, small enough for the reference, with sizes off every tile; absent: the cases, with other values. */
  arbitrary?(draw: Draw): Pick<Case<A>, "shapes" | "attrs">;
}

/** The operation with what it needs to be checked. Throws ShapeError where it was made only to run. */
export function checkable<A>(op: Runnable<A>): Op<A> {
  const missing = (["reference", "bound", "cases"] as const).filter((name) => !(name in op));
  if (missing.length > 0) throw new ShapeError(`${op.name}: to be checked it needs ${missing.join(", ")}`);
  return op as Op<A>;
}

/** Subgroups so small are vectors of a CPU. */
const VECTOR = 8;
/** Whether the adapter is a CPU, judged by its subgroup size: there a workgroup costs as much as a hundred elements. */
export const onCpu = (subgroupSize: number): boolean => subgroupSize > 0 && subgroupSize <= VECTOR;
