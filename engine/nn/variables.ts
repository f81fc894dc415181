import { size } from "../../kernels/op.ts";
import { checkSeed, refuse } from "../arguments.ts";
import { type FloatValues, toFloats } from "../device/arrays.ts";
import type { Device } from "../device/device.ts";
import { GPUBufferUsage } from "../device/flags.ts";
import { BINDING_ALIGNMENT, type Traits } from "../device/traits.ts";
import { ClosedError, LimitError, WeightsError } from "../errors.ts";
import type { Variable } from "../graph/graph.ts";
import type { HostTensor, Place } from "../plan/executable.ts";
import { stream } from "../random.ts";
import type { VariableSpec } from "./net.ts";
import type { NetOptions } from "./net_options.ts";

/** Values by path. */
export type StateDict = ReadonlyMap<string, HostTensor>;

/** What became of weights that need not fit: paths that were set, that the weights lack, that the model lacks, and that differ in shape. */
export interface LoadReport {
  readonly loaded: readonly string[];
  readonly missing: readonly string[];
  readonly unknown: readonly string[];
  readonly mismatched: readonly { path: string; model: readonly number[]; weights: readonly number[] }[];
}

/** Kinds of variables that are updated alike; `frozen` ones and `state` not by the optimiser. */
export type VariableGroup = "decayed" | "plain" | "state" | "frozen";

/** The groups that an optimiser updates. */
export const TRAINED: readonly VariableGroup[] = ["decayed", "plain"];

/** Variables that are updated alike, end to end in one buffer per slot. */
export interface Bank {
  /** Path of the whole bank as one flat variable. */
  readonly path: string;
  readonly group: VariableGroup;
  /** Elements, padding included. */
  count: number;
}

/** Elements to which every variable is aligned: bindings must start on 256 bytes. */
const ALIGNMENT = BINDING_ALIGNMENT / 4;

/** Which bank holds each variable, and from which element on. */
export interface BankLayout {
  readonly banks: readonly Bank[];
  readonly at: ReadonlyMap<string, { readonly bank: Bank; readonly offset: number }>;
}

/** Lays variables out in banks, each small enough to be bound whole. Throws LimitError where a variable is too large. */
export function layOutBanks(specs: ReadonlyMap<string, VariableSpec>, traits: Traits): BankLayout {
  const capacity = Math.min(traits.maxBindingBytes, traits.maxBufferBytes) / 4;
  const banks: Bank[] = [];
  const at = new Map<string, { bank: Bank; offset: number }>();
  const open = new Map<string, Bank>();
  for (const { path, shape, trainable, decayed, frozen } of specs.values()) {
    const group = frozen ? "frozen" : !trainable ? "state" : decayed ? "decayed" : "plain";
    const count = Math.ceil(size(shape) / ALIGNMENT) * ALIGNMENT;
    if (count > capacity)
      throw new LimitError(`${path}: ${count * 4} bytes where ${traits.name} allows ${capacity * 4}`);
    let bank = open.get(group);
    if (!bank || bank.count + count > capacity) {
      bank = { path: `bank ${banks.length}`, group, count: 0 };
      banks.push(bank);
      open.set(group, bank);
      at.set(bank.path, { bank, offset: 0 });
    }
    at.set(path, { bank, offset: bank.count });
    bank.count += count;
  }
  return { banks, at };
}

/**
 * The persistent values of a model on a device. Trainable ones lie in banks, so that an optimiser updates many in one
 * dispatch; every bank has a buffer per slot: `value`, `gradient`, and what the optimiser keeps.
 */
export class Variables {
  readonly #buffers = new Map<string, GPUBuffer>();
  #closed = false;

  private constructor(
    readonly device: Device,
    readonly specs: ReadonlyMap<string, VariableSpec>,
    private readonly layout: BankLayout,
    /** Options of the net that declared them, where known: a predictor compares its own. */
    readonly net: NetOptions | undefined,
  ) {}

  get banks(): readonly Bank[] {
    return this.layout.banks;
  }

  /** Allocates the variables and gives them their first values, drawn for `seed`. */
  static async create(
    device: Device,
    specs: ReadonlyMap<string, VariableSpec>,
    { seed = 0, net }: { seed?: number; net?: NetOptions } = {},
  ): Promise<Variables> {
    checkSeed("variables", seed);
    const variables = new Variables(device, specs, layOutBanks(specs, device.traits), net);
    try {
      await variables.allocate("value");
      for (const { path, shape, initial } of specs.values())
        variables.write(path, initial(shape, stream(seed, path)));
    } catch (error) {
      variables.close();
      throw error;
    }
    return variables;
  }

  /** Makes sure every bank has a buffer for the slot, filled with `value` where it is new. */
  async allocate(
    slot: string,
    { value = 0, groups = ["decayed", "plain", "state", "frozen"] as readonly VariableGroup[] } = {},
  ) {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    for (const { path, count, group } of this.banks) {
      const key = `${path}.${slot}`;
      if (!groups.includes(group) || this.#buffers.has(key)) continue;
      const buffer = await this.device.buffer(key, count * 4, usage);
      this.#buffers.set(key, buffer);
      if (value !== 0) await this.#fill(buffer, value);
    }
  }

  /** Fills a buffer from a small one: the host neither holds nor sends as much as the slot takes. */
  async #fill(buffer: GPUBuffer, value: number): Promise<void> {
    const { gpu } = this.device;
    const bytes = Math.min(buffer.size, 2 ** 20);
    const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const source = await this.device.buffer(`${buffer.label} filler`, bytes, usage);
    this.device.write(source, 0, new Float32Array(bytes / 4).fill(value));
    const encoder = gpu.createCommandEncoder();
    for (let at = 0; at < buffer.size; at += bytes)
      encoder.copyBufferToBuffer(source, 0, buffer, at, Math.min(bytes, buffer.size - at));
    gpu.queue.submit([encoder.finish()]);
    source.destroy();
  }

  /** Where a variable is. `average` in place of `value` gives the running average of the weights. */
  place({ path, slot }: Variable, value = "value"): Place {
    const at = this.layout.at.get(path);
    const key = slot === "value" ? value : slot;
    const buffer = at && this.#buffers.get(`${at.bank.path}.${key}`);
    if (!buffer)
      throw new WeightsError(
        at ? `${path} has no ${key}` : `there is no variable ${path} (the model has ${this.specs.size})`,
      );
    return { buffer, offset: at.offset * 4 };
  }

  #spec(path: string): VariableSpec {
    const spec = this.specs.get(path);
    if (!spec) throw new WeightsError(`there is no variable ${path} (the model has ${this.specs.size})`);
    return spec;
  }

  /**
   * Sets a variable; the values are taken before it returns. Throws WeightsError where it does not exist or the number
   * of values differs, ValueError where they are no numbers.
   */
  write(path: string, data: FloatValues, slot = "value"): void {
    this.#checkOpen(`write ${path}`);
    const want = size(this.#spec(path).shape);
    const { buffer, offset } = this.place({ path, slot });
    const values = toFloats(path, data);
    if (values.length !== want)
      throw new WeightsError(`${path}: takes ${want} values but ${values.length} are given`);
    this.device.write(buffer, offset, values, path);
  }

  /**
   * Values of one variable: the weights, or another slot, such as `gradient` after a training step. Throws WeightsError
   * where it does not exist or has no such slot.
   */
  async get(path: string, slot = "value"): Promise<HostTensor> {
    const { shape } = this.#spec(path);
    this.#checkOpen(`get ${path}`);
    const { buffer, offset } = this.place({ path, slot });
    const staging = await this.device.staging(`read ${path}`, size(shape) * 4);
    try {
      this.#checkOpen(`get ${path}`);
      const bytes = await this.device.download(buffer, offset, staging.size, staging);
      return { shape, data: new Float32Array(bytes) };
    } finally {
      staging.destroy();
    }
  }

  /** Slots that some variable has: `value`, `gradient`, `average`, and what the optimiser keeps. */
  get slots(): readonly string[] {
    const ends = [...this.#buffers.keys()].map((key) => key.slice(key.indexOf(".") + 1));
    return [...new Set(ends)];
  }

  /** Throws WeightsError unless `dict` has exactly the variables that have the slot, in their shapes. */
  check(dict: StateDict, slot = "value"): void {
    const held = [...this.specs].filter(([path]) => this.#has(path, slot));
    checkState(new Map(held), dict);
  }

  #has(path: string, slot: string): boolean {
    const at = this.layout.at.get(path);
    return at !== undefined && this.#buffers.has(`${at.bank.path}.${slot}`);
  }

  /** Copies one slot to another on the device, in every bank that has both. */
  copy(from: string, to: string): void {
    const encoder = this.device.gpu.createCommandEncoder();
    for (const { path, count } of this.banks) {
      const [source, target] = [from, to].map((slot) => this.#buffers.get(`${path}.${slot}`));
      if (source && target) encoder.copyBufferToBuffer(source, 0, target, 0, count * 4);
    }
    this.device.gpu.queue.submit([encoder.finish()]);
  }

  /** Zeroes a slot on the device. */
  clear(slot: string): void {
    const encoder = this.device.gpu.createCommandEncoder();
    for (const { path } of this.banks) {
      const buffer = this.#buffers.get(`${path}.${slot}`);
      if (buffer) encoder.clearBuffer(buffer);
    }
    this.device.gpu.queue.submit([encoder.finish()]);
  }

  /** Reads a slot of every variable that has it, all as they are at one moment. */
  async read(slot = "value"): Promise<StateDict> {
    this.#checkOpen("read");
    const banks = this.banks.filter(({ path }) => this.#buffers.has(`${path}.${slot}`));
    const sources = banks.map(({ path }) => this.#buffers.get(`${path}.${slot}`)!);
    const copies = await this.device.downloadAll(sources, () => this.#checkOpen("read"));
    const values = new Map(banks.map((bank, i) => [bank, new Float32Array(copies[i])]));
    const dict = new Map<string, HostTensor>();
    for (const { path, shape } of this.specs.values()) {
      const { bank, offset } = this.layout.at.get(path)!;
      const all = values.get(bank);
      if (all) dict.set(path, { shape, data: all.slice(offset, offset + size(shape)) });
    }
    return dict;
  }

  /**
   * Sets the variables, and their running averages where there are some. Throws WeightsError naming what is missing,
   * unknown, or of another shape, and then changes nothing; with `strict: false` sets what fits and says what did not.
   */
  load(dict: StateDict, { strict = true } = {}): LoadReport {
    this.#checkOpen("load");
    if (!(dict instanceof Map)) refuse("load", "the weights", dict, "a Map from paths to { shape, data }");
    const report = compareState(this.specs, dict);
    if (strict) checkState(this.specs, dict, report);
    const values = report.loaded.map(
      (path) => [path, floatsOf(path, dict.get(path)!, this.#spec(path))] as const,
    );
    for (const [path, data] of values) {
      this.write(path, data);
      if (this.slots.includes("average")) this.write(path, data, "average");
    }
    return report;
  }

  /** Bytes on the device, of all slots. */
  get bytes(): number {
    return [...this.#buffers.values()].reduce((sum, { size }) => sum + size, 0);
  }

  #checkOpen(call: string): void {
    if (this.#closed) throw new ClosedError(`${call}: the variables were closed`);
  }

  /** Frees their memory; later calls throw ClosedError. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const buffer of this.#buffers.values()) buffer.destroy();
    this.device.gpu.queue.submit([]);
  }
}

/** The values of an entry; throws before anything is written where there are too few or they are no numbers. */
function floatsOf(path: string, { data }: HostTensor, { shape }: VariableSpec): Float32Array {
  const values = toFloats(path, data);
  if (values.length !== size(shape))
    throw new WeightsError(`${path}: [${shape}] takes ${size(shape)} values but ${values.length} are given`);
  return values;
}

/** How weights fit the variables of a model, by name and shape; the names are those of the maps. */
export function compareState(specs: ReadonlyMap<string, VariableSpec>, dict: StateDict): LoadReport {
  const both = [...specs].filter(([name]) => dict.has(name));
  const same = ([name, { shape }]: (typeof both)[number]) => String(dict.get(name)!.shape) === String(shape);
  return {
    loaded: both.filter(same).map(([name]) => name),
    missing: [...specs.keys()].filter((name) => !dict.has(name)),
    unknown: [...dict.keys()].filter((name) => !specs.has(name)),
    mismatched: both
      .filter((entry) => !same(entry))
      .map(([name, { shape }]) => ({ path: name, model: shape, weights: dict.get(name)!.shape })),
  };
}

/** Throws WeightsError unless `dict` has exactly the variables of `specs`, of their shapes. */
export function checkState(
  specs: ReadonlyMap<string, VariableSpec>,
  dict: StateDict,
  { missing, unknown, mismatched } = compareState(specs, dict),
): void {
  const list = (names: readonly string[]) =>
    names.slice(0, 3).join(", ") + (names.length > 3 ? ` and ${names.length - 3} more` : "");
  if (missing.length || unknown.length)
    throw new WeightsError(
      `the weights belong to another model: it has ${specs.size} variables, they are ${dict.size}` +
        (missing.length ? `; missing ${list(missing)}` : "") +
        (unknown.length ? `; unknown ${list(unknown)}` : ""),
    );
  for (const { path, model, weights } of mismatched)
    throw new WeightsError(`${path}: the model has [${model}] but the weights have [${weights}]`);
}
