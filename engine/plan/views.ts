import { type DType, type Shape, type Slice, size } from "../../kernels/op.ts";
import { remember } from "../../kernels/remember.ts";
import { takesSlice } from "../device/reflect.ts";
import type { Tensor, Variable } from "../graph/graph.ts";
import { bound } from "../graph/signature.ts";
import type { ChosenNode } from "./choose.ts";

/** Bytes that live together. Arena storage is placed by lifetime; the rest belongs to the caller. */
export interface Storage {
  readonly id: number;
  readonly label: string;
  readonly kind: "arena" | "input" | "constant" | "variable";
  bytes: number;
  readonly variable?: Variable;
  readonly constant?: number;
  /** First and last dispatch that touch it. */
  first: number;
  last: number;
  /** Buffer and byte offset, once placed. */
  page: number;
  offset: number;
}

/** A tensor's place: element `c` of pixel `i` is element `offset + i * stride + c` of the storage. */
export interface View {
  readonly storage: Storage;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly offset: number;
  readonly stride: number;
  /** Whether it is bound with all of its storage, the guard around it included. */
  readonly guarded: boolean;
}

export interface Layout {
  readonly storages: Storage[];
  readonly inputs: Map<string, View>;
  readonly outputs: Map<string, View>;
  /** View of a tensor that a node names. */
  of(tensor: Tensor): View;
  /** View of a temporary of a launch. */
  temporary(launch: ChosenNode, name: string): View;
  /** Views with a guard, in no order. */
  guarded(): View[];
  /** Whether `part` of this launch lies in its whole, so that nothing has to be copied. */
  sliced(launch: ChosenNode, part: string): boolean;
}

/** Decides where every tensor lies: slices of wider tensors, accumulations in place, variables, own storage. */
export function layOut(
  launches: readonly ChosenNode[],
  options: {
    outputs: Readonly<Record<string, Tensor>>;
    into: ReadonlyMap<Tensor, Variable>;
    external: Readonly<Record<string, { channels: number; offset: number }>>;
    slices: boolean;
    guard: number;
    /** Keep the pixels of an image from the same few sets of a cache. */
    apart: boolean;
  },
): Layout {
  const root = roots(launches);
  const uses = collectUses(launches, root);
  const into = new Map([...options.into].map(([tensor, variable]) => [root(tensor), variable]));
  const external = new Map(
    Object.entries(options.outputs).map(([name, t]) => [root(t), options.external[name]]),
  );
  const slices = chooseSlices(
    options.slices ? launches : [],
    root,
    (t) => !into.has(t) && !external.get(t) && viewable(t),
    (t) => external.has(t),
    (t) => uses.get(t)?.width ?? 1,
  );

  function viewable(t: Tensor): boolean {
    return t.origin.kind === "output" && (uses.get(t)?.sliced ?? true);
  }

  const storages: Storage[] = [];
  const views = new Map<Tensor, View>();
  const store = (fields: Pick<Storage, "label" | "kind" | "bytes"> & Partial<Storage>): Storage => {
    const storage = { id: storages.length, first: Infinity, last: -1, page: -1, offset: 0, ...fields };
    storages.push(storage);
    return storage;
  };

  function make(tensor: Tensor): View {
    const { shape, dtype, origin } = tensor;
    const channels = shape[shape.length - 1] ?? 1;
    const slice = slices.get(tensor);
    if (slice) {
      const whole = of(slice.whole);
      return { ...whole, shape, offset: whole.offset + slice.offset };
    }
    const wide = origin.kind === "input" ? options.external[origin.name] : external.get(tensor);
    const guarded = options.guard > 0 && !into.has(tensor) && !/variable|constant/.test(origin.kind);
    const free = viewable(tensor) && !external.has(tensor) && !into.has(tensor) && !guarded;
    const stride = wide?.channels ?? (options.apart && free ? apart(shape) : channels);
    const [before, after] = guarded
      ? [(uses.get(tensor)?.sliced ?? true) ? options.guard : 0, options.guard]
      : [0, 0];
    const elements = before + (size(shape) / Math.max(1, channels)) * stride + after;
    const bytes = Math.max(4, elements * (dtype === "f16" ? 2 : 4));
    const variable = origin.kind === "variable" ? origin.variable : into.get(tensor);
    const storage = variable
      ? store({ label: `${variable.path}.${variable.slot}`, kind: "variable", bytes, variable })
      : origin.kind === "constant"
        ? store({ label: tensor.label, kind: "constant", bytes, constant: origin.value })
        : store({ label: tensor.label, kind: origin.kind === "input" ? "input" : "arena", bytes });
    return { storage, shape, dtype, offset: before + (wide?.offset ?? 0), stride, guarded };
  }

  function of(tensor: Tensor): View {
    const key = root(tensor);
    return remember(views, key, () => make(key));
  }

  const temporaries = new Map<ChosenNode, Map<string, View>>();
  function temporary(launch: ChosenNode, name: string): View {
    const known = remember(temporaries, launch, () => new Map<string, View>());
    return remember(known, name, () => {
      const shape = launch.shapes[name];
      const label = `${launch.node.label}.${name}`;
      const bytes = Math.max(4, (size(shape) + options.guard) * 4);
      const storage = store({ label, kind: "arena", bytes });
      const dtype = launch.node.op.dtypes?.[name] ?? "f32";
      const [stride, guarded] = [shape[shape.length - 1] ?? 1, options.guard > 0];
      return { storage, shape, dtype, offset: 0, stride, guarded };
    });
  }

  const inputs = new Map<string, View>();
  for (const { node } of launches)
    for (const x of [...Object.values(node.inputs), ...Object.values(node.onto)])
      if (x.origin.kind === "input") inputs.set(x.origin.name, of(x));
  for (const t of Object.values(options.outputs))
    if (t.origin.kind === "input") inputs.set(t.origin.name, of(t));
  const outputs = new Map(Object.entries(options.outputs).map(([name, t]) => [name, of(t)]));
  const sliced = (launch: ChosenNode, part: string) => {
    const tensor = tensorNamed(launch, part);
    return tensor !== undefined && slices.get(root(tensor))?.by === launch;
  };
  const guarded = () =>
    [...views.values(), ...[...temporaries.values()].flatMap((made) => [...made.values()])].filter(
      (view) => view.guarded,
    );
  return { storages, inputs, outputs, of, temporary, guarded, sliced };
}

/** Tensor a launch knows by this name, unless it is one of its temporaries. */
export const tensorNamed = ({ node }: ChosenNode, name: string): Tensor | undefined =>
  node.outputs[name] ?? node.inputs[name];

/** Elements by which the pixels of a CPU's first-level cache come back to the same set, and in a line of it. */
const [PAGE, LINE] = [1024, 16];

/**
 * Stride of an image's pixels. A tile of a convolution reads one channel of many pixels: where these are a quarter of a
 * page apart or a multiple of that, they drive each other out of the cache, and one more line between them prevents it.
 */
function apart(shape: Shape): number {
  const channels = shape[shape.length - 1];
  return shape.length === 4 && channels % (PAGE / 4) === 0 ? channels + LINE : channels;
}

/** A tensor that is added onto an earlier one shares its storage: `root` is the earliest of the chain. */
function roots(launches: readonly ChosenNode[]): (tensor: Tensor) => Tensor {
  const earlier = new Map<Tensor, Tensor>();
  for (const { node } of launches)
    for (const [name, tensor] of Object.entries(node.onto)) earlier.set(node.outputs[name], tensor);
  return (tensor) => {
    let t = tensor;
    for (let next = earlier.get(t); next; next = earlier.get(t)) t = next;
    return t;
  };
}

interface Use {
  /** Whether every kernel that binds it takes an offset and a stride. */
  readonly sliced: boolean;
  /** Elements that the widest binding takes at once: offset and stride are multiples of it. */
  readonly width: number;
}

/** How each storage is bound. */
function collectUses(launches: readonly ChosenNode[], root: (t: Tensor) => Tensor): Map<Tensor, Use> {
  const uses = new Map<Tensor, Use>();
  for (const launch of launches)
    for (const { kernel, reflected } of launch.kernels)
      for (const [binding, { width }] of reflected.bindings) {
        const tensor = tensorNamed(launch, bound(kernel, binding));
        if (!tensor) continue;
        const key = root(tensor);
        const known = uses.get(key) ?? { sliced: true, width: 1 };
        const sliced = known.sliced && takesSlice(reflected, binding);
        uses.set(key, { sliced, width: Math.max(known.width, width) });
      }
  return uses;
}

interface Placed {
  readonly whole: Tensor;
  readonly offset: number;
  readonly by: ChosenNode;
}

/**
 * Tensors that lie inside a wider one: parts of concatenations, and of their gradients. A part stays outside where
 * some kernel would then read and write the same buffer, or load several channels across a multiple of as many.
 */
function chooseSlices(
  launches: readonly ChosenNode[],
  root: (t: Tensor) => Tensor,
  allowed: (t: Tensor) => boolean,
  isOutput: (t: Tensor) => boolean,
  width: (t: Tensor) => number,
): Map<Tensor, Placed> {
  const chosen = new Map<Tensor, Placed>();
  const users = new Map<Tensor, Set<ChosenNode>>();
  for (const launch of launches)
    for (const t of [...Object.values(launch.node.inputs), ...Object.values(launch.node.outputs)])
      remember(users, root(t), () => new Set<ChosenNode>()).add(launch);
  const held = new Map<Tensor, Tensor[]>();
  const grown = new Set(launches.flatMap(({ node }) => Object.values(node.onto).map(root)));
  const wholes = (t: Tensor): Tensor[] => [t, ...(chosen.has(t) ? wholes(chosen.get(t)!.whole) : [])];
  const inside = (t: Tensor): Tensor[] => [t, ...(held.get(t) ?? []).flatMap(inside)];
  const buffer = (t: Tensor): Tensor => (chosen.has(t) ? buffer(chosen.get(t)!.whole) : t);
  const start = (t: Tensor): number =>
    chosen.has(t) ? chosen.get(t)!.offset + start(chosen.get(t)!.whole) : 0;
  const aligned = (t: Tensor): boolean =>
    start(t) % width(t) === 0 && (buffer(t).shape.at(-1) ?? 1) % width(t) === 0;
  /** Whether no kernel of the launch that will run reads and writes one buffer. */
  const sound = (launch: ChosenNode): boolean =>
    launch.kernels.every(({ kernel, reflected }) => {
      const reads = new Set<Tensor>();
      const writes = new Set<Tensor>();
      for (const [binding, { type }] of reflected.bindings) {
        const tensor = tensorNamed(launch, bound(kernel, binding));
        if (!tensor) continue;
        if (chosen.get(root(tensor))?.by === launch) return true; // nothing is copied
        (type === "storage" ? writes : reads).add(buffer(root(tensor)));
      }
      return ![...writes].some((t) => reads.has(t));
    });
  const take = (launch: ChosenNode, slices: readonly Slice[]) => {
    for (const { part, whole, offset } of slices) {
      const [inner, outer] = [tensorNamed(launch, part), tensorNamed(launch, whole)];
      if (!inner || !outer || part in launch.node.onto) continue; // what is added onto another must be launched
      const [a, b] = [root(inner), root(outer)];
      if (grown.has(a) && wholes(b).some(isOutput)) continue; // adding onto it would change what was asked for
      const again = slices.filter((other) => root(tensorNamed(launch, other.part)!) === a).length > 1;
      if (again || a === b || chosen.has(a) || !allowed(a)) continue;
      chosen.set(a, { whole: b, offset, by: launch });
      if (inside(a).every((t) => aligned(t) && [...(users.get(t) ?? [])].every(sound)))
        remember(held, b, (): Tensor[] => []).push(a);
      else chosen.delete(a);
    }
  };
  for (const launch of launches) {
    const { op, attrs, routine } = launch.node;
    const slices = op.slices?.(launch.shapes, attrs);
    if (slices) take(launch, routine in op.backward ? slices.backward : slices.forward);
  }
  return chosen;
}
