import { remember } from "../../kernels/remember.ts";
import { BINDING_ALIGNMENT, type Traits } from "../device/traits.ts";
import { LimitError } from "../errors.ts";
import type { Dispatch } from "./dispatch.ts";
import type { Layout, Storage } from "./views.ts";

const rounded = (bytes: number) => Math.ceil(bytes / BINDING_ALIGNMENT) * BINDING_ALIGNMENT;

/**
 * Places arena storage in buffers ("pages") by lifetime, the largest first, each at the lowest gap of the page that
 * grows least. Storage that a dispatch reads and storage that it writes never share a page: WebGPU tracks usage by
 * whole buffer. Returns the bytes of each page.
 */
export function place(dispatches: readonly Dispatch[], layout: Layout, traits: Traits): number[] {
  const rivals = readWritePairs(dispatches);
  const pages: { bytes: number; held: Storage[] }[] = [];
  const items = layout.storages.filter(({ kind, last }) => kind === "arena" && last >= 0);
  items.sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  for (const item of items) {
    const bytes = rounded(item.bytes);
    if (bytes > traits.maxBufferBytes)
      throw new LimitError(
        `${item.label} takes ${bytes} bytes where ${traits.name} allows ${traits.maxBufferBytes} a buffer`,
      );
    let best = { page: pages.length, offset: 0, growth: bytes };
    pages.forEach(({ held, bytes: used }, page) => {
      if (held.some((other) => rivals.get(item)?.has(other))) return;
      const offset = gap(held, item, bytes);
      const growth = Math.max(0, offset + bytes - used);
      if (offset + bytes <= traits.maxBufferBytes && growth < best.growth) best = { page, offset, growth };
    });
    if (best.page === pages.length) pages.push({ bytes: 0, held: [] });
    const page = pages[best.page];
    item.page = best.page;
    item.offset = best.offset;
    page.held.push(item);
    page.bytes = Math.max(page.bytes, best.offset + bytes);
  }
  return pages.map(({ bytes }) => bytes);
}

/** Lowest offset at which `bytes` fit beside what is alive at the same time. */
function gap(held: readonly Storage[], item: Storage, bytes: number): number {
  const alive = held.filter((other) => other.first <= item.last && item.first <= other.last);
  alive.sort((a, b) => a.offset - b.offset);
  let offset = 0;
  for (const other of alive) {
    if (offset + bytes <= other.offset) break;
    offset = Math.max(offset, other.offset + rounded(other.bytes));
  }
  return offset;
}

function readWritePairs(dispatches: readonly Dispatch[]): Map<Storage, Set<Storage>> {
  const pairs = new Map<Storage, Set<Storage>>();
  const note = (a: Storage, b: Storage) => {
    remember(pairs, a, () => new Set<Storage>()).add(b);
  };
  for (const { bindings } of dispatches)
    for (const w of bindings.filter(({ writes }) => writes))
      for (const r of bindings.filter(({ writes }) => !writes)) {
        note(w.storage, r.storage);
        note(r.storage, w.storage);
      }
  return pairs;
}

export interface Memory {
  /** Bytes of the arena: activations, their gradients and temporaries. */
  readonly arena: number;
  /** Most arena bytes alive at once: no placement can take less. */
  readonly lowerBound: number;
  /** Arena bytes alive at each dispatch. */
  readonly alive: readonly number[];
  /** Bytes of the variables the plan touches (parameters, gradients, statistics, optimiser slots). */
  readonly variables: number;
  /** Bytes of the inputs the caller fills. */
  readonly inputs: number;
  /** Bytes that running the plan takes beside the variables: arena, inputs, constants, uniforms. */
  readonly total: number;
  /** Dispatch at which most is alive, by its place in the model and in the plan, and what is, largest first. */
  readonly peak: {
    readonly at: string;
    readonly index: number;
    readonly alive: readonly { label: string; bytes: number }[];
  };
}

/** What of a plan its memory depends on. */
interface Placed {
  readonly traits: Traits;
  readonly dispatches: readonly Dispatch[];
  readonly storages: readonly Storage[];
  readonly pages: readonly number[];
}

/** What a plan takes: bytes of each kind, and what is alive at the peak. */
export function measure(plan: Placed): Memory {
  const sum = (list: readonly Storage[]) => list.reduce((total, { bytes }) => total + rounded(bytes), 0);
  const arena = plan.storages.filter(({ kind, last }) => kind === "arena" && last >= 0);
  const change = new Map<number, number>();
  for (const { first, last, bytes } of arena) {
    change.set(first, (change.get(first) ?? 0) + rounded(bytes));
    change.set(last + 1, (change.get(last + 1) ?? 0) - rounded(bytes));
  }
  let alive = 0;
  const aliveAt = plan.dispatches.map((_, i) => {
    alive += change.get(i) ?? 0;
    return alive;
  });
  const lowerBound = aliveAt.reduce((a, b) => Math.max(a, b), 0);
  const index = Math.max(0, aliveAt.indexOf(lowerBound));
  const seen = new Map(plan.storages.filter(({ kind }) => kind === "variable").map((s) => [s.label, s]));
  const pages = plan.pages.reduce((a, b) => a + b, 0);
  const alone = plan.storages.filter(({ kind, last }) => /input|constant/.test(kind) && last >= 0);
  const single = alone.reduce((total, { bytes }) => total + Math.ceil(bytes / 4) * 4, 0);
  const { uniformAlignment: step } = plan.traits;
  const uniforms = plan.dispatches.reduce(
    (total, { kernel }) => total + Math.ceil(kernel.reflected.uniform.size / step) * step,
    0,
  );
  return {
    arena: pages,
    total: pages + single + uniforms,
    lowerBound,
    alive: aliveAt,
    variables: sum([...seen.values()]),
    inputs: sum(plan.storages.filter(({ kind }) => kind === "input")),
    peak: {
      at: plan.dispatches[index]?.node.label ?? "",
      index,
      alive: arena
        .filter(({ first, last }) => first <= index && last >= index)
        .sort((a, b) => b.bytes - a.bytes)
        .map(({ label, bytes }) => ({ label, bytes })),
    },
  };
}
