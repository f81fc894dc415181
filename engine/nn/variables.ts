import { size } from "../../kernels/op.ts";
import type { Device } from "../device/device.ts";
import { LimitError, WeightsError } from "../errors.ts";
import type { Variable } from "../graph/graph.ts";
import { BINDING_ALIGNMENT, type Traits } from "../plan/choose.ts";
import type { Place } from "../plan/executable.ts";
import { stream } from "./initialisers.ts";
import type { VariableSpec } from "./net.ts";

/** Values by path, as float32 in row-major order. */
export type StateDict = ReadonlyMap<
  string,
  { readonly shape: readonly number[]; readonly data: Float32Array }
>;

/** Variables that are updated alike, end to end in one buffer per slot. */
export interface Bank {
  /** Path of the whole bank as one flat variable. */
  readonly path: string;
  readonly group: "decayed" | "plain" | "state";
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
  for (const { path, shape, trainable, decayed } of specs.values()) {
    const group = !trainable ? "state" : decayed ? "decayed" : "plain";
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
  #buffers = new Map<string, GPUBuffer>();

  private constructor(
    readonly device: Device,
    readonly specs: ReadonlyMap<string, VariableSpec>,
    private readonly layout: BankLayout,
  ) {}

  get banks(): readonly Bank[] {
    return this.layout.banks;
  }

  /** Allocates the variables and gives them their first values, drawn for `seed`. */
  static async create(
    device: Device,
    specs: ReadonlyMap<string, VariableSpec>,
    { seed = 0 } = {},
  ): Promise<Variables> {
    const variables = new Variables(device, specs, layOutBanks(specs, device.traits));
    try {
      await variables.allocate("value");
    } catch (error) {
      variables.close();
      throw error;
    }
    for (const { path, shape, initial } of specs.values())
      variables.write(path, initial(shape, stream(seed, path)));
    return variables;
  }

  /** Makes sure every bank has a buffer for the slot, filled with `value` where it is new. */
  async allocate(
    slot: string,
    { value = 0, groups = ["decayed", "plain", "state"] as readonly Bank["group"][] } = {},
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
    gpu.queue.writeBuffer(source, 0, new Float32Array(bytes / 4).fill(value));
    const encoder = gpu.createCommandEncoder();
    for (let at = 0; at < buffer.size; at += bytes)
      encoder.copyBufferToBuffer(source, 0, buffer, at, Math.min(bytes, buffer.size - at));
    gpu.queue.submit([encoder.finish()]);
    source.destroy();
  }

  /** Where a variable lies. `average` in place of `value` gives the running average of the weights. */
  place({ path, slot }: Variable, value = "value"): Place {
    const at = this.layout.at.get(path);
    const key = slot === "value" ? value : slot;
    const buffer = at && this.#buffers.get(`${at.bank.path}.${key}`);
    if (!buffer)
      throw new WeightsError(`no variable ${path} with a ${key} (has ${this.specs.size} variables)`);
    return { buffer, offset: at.offset * 4 };
  }

  /** Sets a variable. Throws WeightsError where it does not exist or the number of values differs. */
  write(path: string, data: Float32Array, slot = "value"): void {
    const { buffer, offset } = this.place({ path, slot });
    const want = size(this.specs.get(path)!.shape);
    if (data.length !== want)
      throw new WeightsError(`${path}: takes ${want} values but ${data.length} are given`);
    this.device.gpu.queue.writeBuffer(buffer, offset, data as Float32Array<ArrayBuffer>);
  }

  /** Copies all of one slot to another on the device. */
  copy(from: string, to: string): void {
    const encoder = this.device.gpu.createCommandEncoder();
    for (const { path, count } of this.banks)
      encoder.copyBufferToBuffer(
        this.#buffers.get(`${path}.${from}`)!,
        0,
        this.#buffers.get(`${path}.${to}`)!,
        0,
        count * 4,
      );
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

  /** Reads a slot of every variable that has it. */
  async read(slot = "value"): Promise<StateDict> {
    const dict = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    for (const bank of this.banks) {
      const buffer = this.#buffers.get(`${bank.path}.${slot}`);
      if (!buffer) continue;
      const all = new Float32Array(await this.device.download(buffer, 0, buffer.size));
      for (const { path, shape } of this.specs.values()) {
        const at = this.layout.at.get(path)!;
        if (at.bank === bank) dict.set(path, { shape, data: all.slice(at.offset, at.offset + size(shape)) });
      }
    }
    return new Map(
      [...this.specs.keys()].flatMap((path) => (dict.has(path) ? [[path, dict.get(path)!]] : [])),
    );
  }

  /**
   * Sets every variable of the model, and their running average where there is one. Throws WeightsError naming what is missing, unknown, or of another shape, and
   * then changes nothing.
   */
  load(dict: StateDict): void {
    checkState(this.specs, dict);
    for (const path of this.specs.keys()) this.write(path, dict.get(path)!.data);
    if (this.#buffers.has(`${this.banks[0]?.path}.average`)) this.copy("value", "average");
  }

  /** Bytes on the device, of all slots. */
  get bytes(): number {
    return [...this.#buffers.values()].reduce((sum, { size }) => sum + size, 0);
  }

  close(): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
    this.device.gpu.queue.submit([]);
  }
}

/** Throws WeightsError unless `dict` has exactly the variables of `specs`, of their shapes. */
export function checkState(specs: ReadonlyMap<string, VariableSpec>, dict: StateDict): void {
  const missing = [...specs.keys()].filter((path) => !dict.has(path));
  const unknown = [...dict.keys()].filter((path) => !specs.has(path));
  const list = (names: string[]) =>
    names.slice(0, 3).join(", ") + (names.length > 3 ? ` and ${names.length - 3} more` : "");
  if (missing.length || unknown.length)
    throw new WeightsError(
      `the weights belong to another model: it has ${specs.size} variables, they are ${dict.size}` +
        (missing.length ? `; missing ${list(missing)}` : "") +
        (unknown.length ? `; unknown ${list(unknown)}` : ""),
    );
  for (const [path, { shape }] of specs)
    if (String(dict.get(path)!.shape) !== String(shape))
      throw new WeightsError(
        `${path}: the model has [${shape}] but the weights have [${dict.get(path)!.shape}]`,
      );
}
