import type { DType, Runnable, Shape, Shapes } from "../../kernels/op.ts";
import { ShapeError } from "../errors.ts";

export type Phase = "forward" | "backward" | "update";

/** Persistent storage of a tensor that outlives a step: a parameter, its gradient, a running statistic. */
export interface Variable {
  /** Path of the parameter or state, such as `stem/1/w`. */
  readonly path: string;
  /** Which of the values kept for that path: `value`, `gradient`, or an optimiser's slot. */
  readonly slot: string;
}

/** A symbolic tensor: a shape and where its values come from. */
export class Tensor {
  constructor(
    readonly graph: Graph,
    readonly id: number,
    readonly shape: Shape,
    readonly dtype: DType,
    readonly origin:
      | { readonly kind: "input"; readonly name: string }
      | { readonly kind: "variable"; readonly variable: Variable }
      | { readonly kind: "constant"; readonly value: number }
      | { readonly kind: "output"; readonly node: Node; readonly name: string },
  ) {}

  /** Where the tensor comes from, for messages and listings. */
  get label(): string {
    const { origin } = this;
    if (origin.kind === "input") return origin.name;
    if (origin.kind === "variable") return `${origin.variable.path}.${origin.variable.slot}`;
    if (origin.kind === "constant") return String(origin.value);
    return `${origin.node.label}.${origin.name}`;
  }
}

/** One use of an operation's routine: `forward`, `recompute`, or the key of one of its gradients. */
export interface Node {
  readonly op: Runnable;
  readonly routine: string;
  readonly attrs: any;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Outputs that are added onto an earlier tensor, whose storage they take over. */
  readonly onto: Readonly<Record<string, Tensor>>;
  /** Shapes of every tensor the operation knows: inputs, outputs, and in a gradient also `d<name>` of them. */
  readonly shapes: Shapes;
  /** The node whose gradient this is. */
  readonly of?: Node;
  readonly phase: Phase;
  /** Path in the model and what is computed, such as `stem/1 conv2d`. */
  readonly label: string;
}

/** Shapes by name of a set of tensors. */
export const shapesOf = (tensors: Readonly<Record<string, Tensor>>): Shapes =>
  Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, shape]));

/** A trace of operations on symbolic tensors, in an order in which they can run. */
export class Graph {
  readonly nodes: Node[] = [];
  #tensors = 0;
  readonly #inputs = new Map<string, Tensor>();
  #variables = new Map<string, Tensor>();
  #constants = new Map<string, Tensor>();

  /** The inputs so far, by name. */
  get inputs(): ReadonlyMap<string, Tensor> {
    return this.#inputs;
  }

  /** A tensor the caller fills before each run. */
  input(name: string, shape: Shape, dtype: DType = "f32"): Tensor {
    if (this.#inputs.has(name)) throw new ShapeError(`graph: two inputs are named ${name}`);
    const tensor = this.#tensor(shape, dtype, { kind: "input", name });
    this.#inputs.set(name, tensor);
    return tensor;
  }

  /** A tensor that persists between runs; the same path and slot give the same tensor. */
  variable(path: string, shape: Shape, slot = "value"): Tensor {
    const key = `${path}.${slot}`;
    let tensor = this.#variables.get(key);
    if (!tensor) {
      tensor = this.#tensor(shape, "f32", { kind: "variable", variable: { path, slot } });
      this.#variables.set(key, tensor);
    }
    if (String(tensor.shape) !== String(shape))
      throw new ShapeError(`graph: ${key} is [${tensor.shape}] but is asked for as [${shape}]`);
    return tensor;
  }

  /** A float32 tensor of one repeated value. */
  constant(shape: Shape, value: number): Tensor {
    const key = `${shape}=${value}`;
    let tensor = this.#constants.get(key);
    if (!tensor) {
      tensor = this.#tensor(shape, "f32", { kind: "constant", value });
      this.#constants.set(key, tensor);
    }
    return tensor;
  }

  /**
   * Applies an operation and returns its outputs by name.
   * Throws ShapeError where an input is missing, unknown, or does not fit.
   */
  apply(
    op: Runnable,
    inputs: Readonly<Record<string, Tensor | undefined>>,
    attrs: any = {},
    { label = op.name, phase = "forward" as Phase, onto = {} as Readonly<Record<string, Tensor>> } = {},
  ): Readonly<Record<string, Tensor>> {
    const given = Object.fromEntries(Object.entries(inputs).filter(([, tensor]) => tensor)) as Record<
      string,
      Tensor
    >;
    const unknown = Object.keys(given).find((name) => !op.inputs.includes(name));
    if (unknown !== undefined)
      throw new ShapeError(`${op.name}: no input ${unknown} (has ${op.inputs.join(", ")})`);
    for (const [name, { shape, value }] of Object.entries(op.optional?.(shapesOf(given), attrs) ?? {}))
      given[name] ??= this.constant(shape, value);
    const missing = op.inputs.find((name) => !(name in given));
    if (missing !== undefined) throw new ShapeError(`${op.name}: input ${missing} is missing`);
    for (const [name, tensor] of Object.entries(given)) {
      const want = op.dtypes?.[name] ?? "f32";
      if (tensor.dtype !== want)
        throw new ShapeError(`${op.name}: ${name} is ${tensor.dtype} but ${want} is expected`);
    }
    const ordered = Object.fromEntries(op.inputs.map((name) => [name, given[name]]));
    const produced = op.shapes(shapesOf(ordered), attrs);
    const shapes = { ...shapesOf(ordered), ...produced };
    return this.emit(
      { op, routine: "forward", attrs, inputs: ordered, onto, shapes, phase, label },
      Object.keys(produced),
    );
  }

  /** Appends a node that produces tensors of the given names. */
  emit(node: Omit<Node, "outputs">, produced: readonly string[]): Readonly<Record<string, Tensor>> {
    const made = this.make(node, produced);
    this.nodes.push(made);
    return made.outputs;
  }

  /**
   * A node that stands in no list yet, for passes that rewrite one. It produces the tensors of `held` under their names
   * (values that are computed otherwise now), and new ones under the others.
   */
  make(
    node: Omit<Node, "outputs">,
    produced: readonly string[],
    held: Readonly<Record<string, Tensor>> = {},
  ): Node {
    const outputs: Record<string, Tensor> = {};
    const made: Node = { ...node, outputs };
    for (const name of produced) {
      const dtype = node.op.dtypes?.[name] ?? "f32";
      outputs[name] =
        held[name] ?? this.#tensor(node.shapes[name], dtype, { kind: "output", node: made, name });
    }
    return made;
  }

  #tensor(shape: Shape, dtype: DType, origin: Tensor["origin"]): Tensor {
    return new Tensor(this, this.#tensors++, shape, dtype, origin);
  }
}
