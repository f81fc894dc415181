import { batched as batchedOf, size } from "../../kernels/op.ts";
import { accumulates } from "../device/reflect.ts";
import { BINDING_ALIGNMENT, type Traits } from "../device/traits.ts";
import { LimitError } from "../errors.ts";
import type { Node } from "../graph/graph.ts";
import { bound } from "../graph/signature.ts";
import type { ChosenNode, Specialised } from "./choose.ts";
import { type Layout, type Storage, tensorNamed, type View } from "./views.ts";

export interface Bound {
  readonly binding: string;
  readonly index: number;
  readonly storage: Storage;
  readonly writes: boolean;
  /** Byte range within the storage. */
  readonly at: number;
  readonly bytes: number;
}

/** One launch of one pipeline. */
export interface Dispatch {
  readonly label: string;
  /** What it is a part of: an operation at a place in the model. */
  readonly node: Node;
  readonly algorithm: string;
  /** What chose it. */
  readonly why: string;
  readonly kernel: Specialised;
  readonly bindings: readonly Bound[];
  readonly uniforms: Readonly<Record<string, number>>;
  readonly grid: readonly [number, number, number];
  readonly flops: number;
  /** Bytes of the tensors it binds, of its images: each once, and twice what it updates or adds onto. */
  readonly bytes: number;
}

/** The launches as dispatches, those beyond a limit split over the batch. Sets the lifetimes of all storage. */
export function schedule(
  launches: readonly ChosenNode[],
  layout: Layout,
  traits: Traits,
  accumulate: boolean,
): Dispatch[] {
  const dispatches: Dispatch[] = [];
  for (const launch of launches) {
    const kernels = launch.kernels.filter((k) => !isSliced(launch, k, layout));
    const flops = shares(launch, kernels);
    for (const d of kernels.flatMap((k, i) => split(launch, k, layout, traits, accumulate, flops[i]))) {
      for (const { storage } of d.bindings) {
        storage.first = Math.min(storage.first, dispatches.length);
        storage.last = dispatches.length;
      }
      dispatches.push(d);
    }
  }
  for (const { storage } of layout.guarded()) [storage.first, storage.last] = [0, Infinity];
  for (const { storage, stride, shape } of layout.outputs.values()) {
    storage.last = Infinity;
    if (stride !== shape[shape.length - 1]) storage.first = 0; // what lies around a slice is the caller's
  }
  return dispatches;
}

/**
 * FLOPs of each kernel, in all the routine's: what it says of itself, or an even part of what is left by those that do.
 * Where these say more than the operation counts, they share that in proportion.
 */
function shares({ node, shapes }: ChosenNode, kernels: readonly Specialised[]): readonly number[] {
  const total = node.op.flops(shapes, node.attrs)[node.routine] ?? 0;
  const own = kernels.map(({ kernel }) => kernel.flops?.(shapes, node.attrs));
  const stated = own.reduce<number>((sum, flops = 0) => sum + flops, 0);
  const silent = own.filter((flops) => flops === undefined).length;
  const scale = stated > total || silent === 0 ? total / stated || 0 : 1;
  return own.map((flops) => (flops === undefined ? (total - scale * stated) / silent : scale * flops));
}

/** A kernel that only moves a slice into or out of its whole has nothing to do where the slice lies in it. */
const isSliced = (launch: ChosenNode, { kernel, reflected }: Specialised, layout: Layout): boolean =>
  [...reflected.bindings.keys()].some((binding) => layout.sliced(launch, bound(kernel, binding)));

function split(
  launch: ChosenNode,
  k: Specialised,
  layout: Layout,
  traits: Traits,
  accumulate: boolean,
  flops: number,
): Dispatch[] {
  const parted = batchedOf(launch.node.op, launch.node.attrs);
  const names = [...k.reflected.bindings.keys()].filter((binding) => binding !== "shape");
  const batched = new Set(names.filter((binding) => parted.includes(bound(k.kernel, binding))));
  const first = batched.values().next().value;
  const images = first === undefined ? 1 : launch.shapes[bound(k.kernel, first)][0];
  const writes = names.filter((binding) => k.reflected.bindings.get(binding)!.type === "storage");
  // an output takes the sums of all parts one after the other; a temporary beside it would keep the last part's
  const outputs = writes.filter((binding) => tensorNamed(launch, bound(k.kernel, binding)));
  const sums = (binding: string) =>
    accumulates(k.reflected) && (outputs.length === 0 || outputs.includes(binding));
  const splittable = batched.size > 0 && writes.every((binding) => batched.has(binding) || sums(binding));

  let reason: string | undefined;
  for (let chunks = 1; chunks <= (splittable ? images : 1); chunks++) {
    const step = Math.ceil(images / chunks);
    const parts: Dispatch[] = [];
    reason = undefined;
    for (let from = 0; from < images && !reason; from += step) {
      const count = Math.min(step, images - from);
      const made = {
        ...dispatch(launch, k, layout, { from, count, batched }, accumulate),
        flops: (flops * count) / images,
      };
      reason = exceeds(made, traits);
      parts.push(made);
    }
    if (!reason) return parts;
  }
  throw new LimitError(`${launch.node.label}: ${k.kernel.label}: ${reason}`);
}

function exceeds(d: Dispatch, traits: Traits): string | undefined {
  const large = d.bindings.find(({ bytes }) => bytes > traits.maxBindingBytes);
  if (large)
    return `${large.binding} binds ${large.bytes} bytes where ${traits.name} allows ${traits.maxBindingBytes}`;
  if (Math.max(...d.grid) > traits.maxWorkgroups)
    return `a grid of ${d.grid.join("x")} workgroups where ${traits.name} allows ${traits.maxWorkgroups} a dimension`;
  return undefined;
}

interface Range {
  readonly from: number;
  readonly count: number;
  readonly batched: ReadonlySet<string>;
}

function dispatch(
  launch: ChosenNode,
  k: Specialised,
  layout: Layout,
  range: Range,
  accumulate: boolean,
): Omit<Dispatch, "flops"> {
  const { node, algorithm, shapes } = launch;
  const { kernel, tune, reflected } = k;
  const local: Record<string, readonly number[]> = { ...shapes };
  for (const name of batchedOf(node.op, node.attrs))
    if (local[name] && range.batched.size > 0) local[name] = [range.count, ...local[name].slice(1)];

  const bindings: Bound[] = [];
  const places: Record<string, number> = {};
  let adds = false;
  let moved = 0;
  for (const [binding, { index, type, width }] of reflected.bindings) {
    if (binding === "shape") continue;
    const name = bound(kernel, binding);
    const tensor = tensorNamed(launch, name);
    if (!tensor && !(name in shapes))
      throw new LimitError(
        `${kernel.label}: binding ${binding} is no tensor of ${node.op.name} (${Object.keys(shapes)})`,
      );
    const view = tensor ? layout.of(tensor) : layout.temporary(launch, name);
    const span = extent(view, range.batched.has(binding) ? range : undefined);
    const writes = type === "storage";
    const { at, bytes, offset } = align(span, view);
    if (offset > 0 && !reflected.uses.has(`${binding}_offset`))
      throw new LimitError(
        `${node.label}: ${kernel.label}: ${binding} starts ${offset} elements after a multiple of ${BINDING_ALIGNMENT} bytes, but the kernel does not read shape.${binding}_offset`,
      );
    const stride = reflected.uses.has(`${binding}_stride`) ? view.stride : 0;
    if (offset % width !== 0 || stride % width !== 0)
      throw new LimitError(
        `${node.label}: ${kernel.label}: ${binding} starts ${offset} elements in, its pixels ${stride} apart, but the kernel takes ${width} at a time`,
      );
    bindings.push({ binding, index, storage: view.storage, writes, at, bytes });
    places[`${binding}_offset`] = offset;
    places[`${binding}_stride`] = view.stride;
    const again = range.from > 0 && !range.batched.has(binding);
    const onto = name in node.onto || (accumulate && view.storage.variable?.slot === "gradient");
    const added = writes && (again || onto);
    if (added) adds = true;
    const updated = added || (writes && node.op.inputs.includes(name));
    const part = range.batched.has(binding) ? range.count / view.shape[0] : 1;
    moved += (updated ? 2 : 1) * part * size(view.shape) * bytesPerElement(view);
  }
  if (adds && !accumulates(reflected))
    throw new LimitError(
      `${node.label}: ${kernel.label} would have to add onto its outputs, which it cannot`,
    );
  conflict(kernel.label, bindings);

  const uniforms: Record<string, number> = {};
  const own = { ...kernel.uniforms(local, node.attrs, tune), ...places, accumulate: adds ? 1 : 0 } as Record<
    string,
    number
  >;
  for (const field of reflected.uniform.fields.keys()) {
    if (own[field] === undefined && reflected.uses.has(field))
      throw new LimitError(
        `${kernel.label}: uniform field ${field} has no value (given ${Object.keys(own).join(", ")})`,
      );
    uniforms[field] = own[field] ?? 0;
  }
  const threads = kernel.threads(local, node.attrs, tune);
  const grid = threads.map((n, i) => Math.max(1, Math.ceil(n / reflected.workgroupSize[i])));
  return {
    label: kernel.label,
    node,
    algorithm: algorithm.name,
    why: launch.why,
    kernel: k,
    bindings,
    uniforms,
    grid: grid as unknown as [number, number, number],
    bytes: moved,
  };
}

/** Elements of the storage that a view, or its images of a range, spans, and the first of them that is its own. */
function extent(view: View, range?: Range): { start: number; end: number; first: number } {
  const rows = view.shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const channels = view.shape[view.shape.length - 1] ?? 1;
  if (view.guarded && (!range || range.count === view.shape[0]))
    return { start: 0, end: view.storage.bytes / bytesPerElement(view), first: view.offset };
  if (view.shape.length === 1 && range) {
    const first = view.offset + range.from;
    return { start: first, end: first + range.count, first };
  }
  const perImage = range ? rows / view.shape[0] : rows;
  const [from, count] = range ? [range.from * perImage, range.count * perImage] : [0, rows];
  const start = view.offset + from * view.stride;
  return { start, end: start + (count - 1) * view.stride + channels, first: start };
}

const bytesPerElement = ({ dtype }: View) => (dtype === "f16" ? 2 : 4);

/** What is left of an offset below the alignment of bindings goes into the uniform. */
function align(span: ReturnType<typeof extent>, view: View) {
  const width = bytesPerElement(view);
  const at = Math.floor((span.start * width) / BINDING_ALIGNMENT) * BINDING_ALIGNMENT;
  const offset = span.first - at / width;
  return { at, bytes: Math.max(4, Math.ceil((span.end * width - at) / 4) * 4), offset };
}

/** WebGPU refuses a buffer that one dispatch both reads and writes. */
function conflict(label: string, bindings: readonly Bound[]): void {
  for (const { storage, binding } of bindings.filter(({ writes }) => writes))
    if (bindings.some((other) => other.storage === storage && !other.writes))
      throw new LimitError(`${label}: ${binding} would be read and written in one dispatch`);
}
