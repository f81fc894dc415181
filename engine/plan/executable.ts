import { size } from "../../kernels/op.ts";
import { remember } from "../../kernels/remember.ts";
import { type FloatValues, type IntegerValues, toFloats, toIntegers } from "../device/arrays.ts";
import { type Compiled, type Device, verbosity } from "../device/device.ts";
import { GPUBufferUsage } from "../device/flags.ts";
import { Timestamps } from "../device/timestamps.ts";
import { ClosedError, LimitError, ShapeError, ValueError } from "../errors.ts";
import type { Phase, Variable } from "../graph/graph.ts";
import { Queue } from "../queue.ts";
import type { Dispatch } from "./dispatch.ts";
import type { Plan } from "./plan.ts";
import { packUniforms } from "./uniforms.ts";
import type { Storage, View } from "./views.ts";

/** Where a variable's values are. */
export interface Place {
  readonly buffer: GPUBuffer;
  readonly offset: number;
}

/** Values on the host: a shape and float32 in row-major order. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A tensor that was computed: values in row-major order of the shape. */
export interface Computed {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint32Array;
}

/** Seconds on the device of every dispatch of a run, in the plan's order. */
export type Profile = readonly { readonly dispatch: Dispatch; readonly seconds: number }[];

interface Ready {
  readonly dispatch: Dispatch;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
}

/** Dispatches that are submitted together: from one to before another. */
interface Submission {
  readonly phase: Phase;
  readonly from: number;
  end: number;
}

/** Dispatches encoded into one command buffer: enough to keep the adapter busy, few enough to be interrupted. */
const PER_SUBMIT = 64;

/**
 * A plan with its buffers, pipelines and bind groups on a device. All of it is made by `load`; running it allocates
 * nothing on the device.
 */
export class Executable {
  #staging = new Map<string, GPUBuffer>();
  #timestamps: Timestamps | undefined;
  #watch: Timestamps | undefined;
  /** What `poison` and `write` put around the tensors, where not NaN. */
  #filler = new Map<Storage, number>();
  /** Reads of one output, and profiles, take turns: each has one buffer that the host maps. */
  #queues = new Map<string, Queue>();
  #closed = false;

  private constructor(
    readonly device: Device,
    readonly plan: Plan,
    private readonly ready: readonly Ready[],
    /** What is submitted together: dispatches of one phase, PER_SUBMIT of them at most. */
    private readonly submissions: readonly Submission[],
    private readonly owned: readonly GPUBuffer[],
    private readonly place: (storage: Storage) => Place,
  ) {}

  /**
   * Compiles the plan's pipelines side by side and allocates its memory. `variables` says where each variable lives.
   * Throws ShaderError, LimitError or OutOfMemoryError naming what failed.
   */
  static async load(
    device: Device,
    plan: Plan,
    variables: (variable: Variable) => Place = noVariables,
  ): Promise<Executable> {
    const compiled = await compileAll(device, plan);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const owned: GPUBuffer[] = [];
    const own = async (label: string, bytes: number, use = usage) => {
      const buffer = await device.buffer(label, bytes, use);
      owned.push(buffer);
      return buffer;
    };
    try {
      const pages = await all(plan.pages.map((bytes, i) => own(`arena ${i}`, bytes)));
      const alone = plan.storages.filter(
        ({ kind, last }) => last >= 0 && (kind === "input" || kind === "constant"),
      );
      const buffers = await all(alone.map(({ label, bytes }) => own(label, bytes)));
      const single = new Map(alone.map((storage, i) => [storage, buffers[i]]));
      for (const [{ kind, bytes, constant }, buffer] of single)
        if (kind === "constant") device.write(buffer, 0, new Float32Array(bytes / 4).fill(constant!));
      const place = (storage: Storage): Place => {
        if (storage.kind === "variable") return variables(storage.variable!);
        if (storage.kind === "arena") return { buffer: pages[storage.page], offset: storage.offset };
        return { buffer: single.get(storage)!, offset: 0 };
      };
      const uniforms = await packUniforms(device, plan, own);
      const ready = plan.dispatches.map((dispatch, i) =>
        prepare(device, dispatch, compiled.get(dispatch.kernel.text)!, place, uniforms[i]),
      );
      device.gpu.queue.submit([]);
      return new Executable(device, plan, ready, submissionsOf(plan), owned, place);
    } catch (error) {
      for (const buffer of owned) buffer.destroy();
      throw error;
    }
  }

  /**
   * Fills an input with its values in row-major order, and what is around it in a wider buffer with `around`; the
   * values are taken before it returns. Throws ShapeError where their number is not the input's, ValueError where they
   * are not what its element type takes.
   */
  write(name: string, values: FloatValues | IntegerValues, around = NaN): void {
    const view = find(this.plan.inputs, name, "input");
    this.#checkOpen(`write ${name}`);
    const typed = typedAs(name, view, values);
    const all = view.storage.bytes / 4 === typed.length ? typed : scatter(view, typed, around);
    this.#filler.set(view.storage, around);
    this.device.write(this.place(view.storage).buffer, 0, all, name);
  }

  #checkOpen(call: string): void {
    if (this.#closed) throw new ClosedError(`${call}: the executable was closed`);
  }

  /** Whether the plan reads an input of this name. */
  reads(name: string): boolean {
    return this.plan.inputs.has(name);
  }

  /** Submits every dispatch in order. Returns at once; `read` or `wait` waits. */
  run(): void {
    this.#checkOpen("run");
    const { gpu } = this.device;
    for (const [i, { from, end }] of this.submissions.entries()) {
      const encoder = gpu.createCommandEncoder();
      const pass = encoder.beginComputePass(this.#watch?.around(i));
      for (const ready of this.ready.slice(from, end)) encode(pass, ready);
      pass.end();
      gpu.queue.submit([encoder.finish()]);
    }
    gpu.queue.submit([]); // frees what was destroyed since the last step
  }

  /** Makes every `run` from here on note when its passes begin and end. Throws LimitError where the adapter has no timestamps. */
  async watch(): Promise<void> {
    this.#watch ??= await Timestamps.create(this.device, this.submissions.length);
  }

  /** Seconds on the device by phase of the last run, which was watched. */
  async phases(): Promise<Partial<Record<Phase, number>>> {
    const took: Partial<Record<Phase, number>> = {};
    const seconds = (await this.#watch?.read(this.submissions.length)) ?? [];
    for (const [i, { phase }] of this.submissions.entries())
      if (seconds.length > 0) took[phase] = (took[phase] ?? 0) + seconds[i];
    return took;
  }

  /** Puts every dispatch into a pass, in order. */
  encode(pass: GPUComputePassEncoder): void {
    for (const ready of this.ready) encode(pass, ready);
  }

  /** Runs with a timestamp around every dispatch. Throws LimitError where the adapter has none. */
  profile(): Promise<Profile> {
    return this.#inTurn("profile", () => this.#profile());
  }

  async #profile(): Promise<Profile> {
    this.#timestamps ??= await Timestamps.create(this.device, this.ready.length);
    const seconds = await this.#timestamps.measure(this.ready.length, (pass, i) =>
      encode(pass, this.ready[i]),
    );
    const profile = this.ready.map(({ dispatch }, i) => ({ dispatch, seconds: seconds[i] }));
    if (verbosity() >= 2) for (const line of profile) console.error(timing(line));
    return profile;
  }

  /** Waits until everything submitted is done. */
  wait(): Promise<undefined> {
    return this.device.settle("run", this.device.gpu.queue.onSubmittedWorkDone());
  }

  /** Values of an output of the last run, in row-major order of its shape. */
  async read(name: string): Promise<Float32Array> {
    return new Float32Array(await this.readBytes(name));
  }

  /** An output of the last run, integers as such. Throws ValueError for float16, whose words `readBytes` gives. */
  async readTensor(name: string): Promise<Computed> {
    const { shape, dtype } = find(this.plan.outputs, name, "output");
    if (dtype === "f16")
      throw new ValueError(`read ${name}: it is f16, which readBytes gives as 16-bit words`);
    const Values = { f32: Float32Array, i32: Int32Array, u32: Uint32Array }[dtype];
    return { shape, data: new Values(await this.readBytes(name)) };
  }

  /** An output of the last run; integers are rounded to float32. Throws as `readTensor` does. */
  async readFloats(name: string): Promise<HostTensor> {
    const { shape, data } = await this.readTensor(name);
    return { shape, data: data instanceof Float32Array ? data : Float32Array.from(data) };
  }

  /** Bytes of an output of the last run, in row-major order of its shape. */
  async readBytes(name: string): Promise<ArrayBuffer> {
    const view = find(this.plan.outputs, name, "output");
    const words = new Uint32Array(await this.#download(view.storage, `read ${name}`));
    const channels = view.shape[view.shape.length - 1] ?? 1;
    const rows = size(view.shape) / Math.max(1, channels);
    if (view.stride === channels) return words.slice(view.offset, view.offset + rows * channels).buffer;
    const dense = new Uint32Array(rows * channels);
    for (let row = 0; row < rows; row++) {
      const from = view.offset + row * view.stride;
      dense.set(words.subarray(from, from + channels), row * channels);
    }
    return dense.buffer;
  }

  /** One call of a kind at a time; one that `close` interrupts throws ClosedError. */
  async #inTurn<T>(call: string, body: () => Promise<T>): Promise<T> {
    this.#checkOpen(call);
    try {
      return await remember(this.#queues, call, () => new Queue()).run(body);
    } catch (error) {
      this.#checkOpen(call);
      throw error;
    }
  }

  #download(storage: Storage, label: string): Promise<ArrayBuffer> {
    return this.#inTurn(label, () => this.#copyOut(storage, label));
  }

  async #copyOut(storage: Storage, label: string): Promise<ArrayBuffer> {
    const { buffer, offset } = this.place(storage);
    const staging = this.#staging.get(label) ?? (await this.device.staging(label, storage.bytes));
    if (this.#closed) staging.destroy(); // meanwhile
    this.#checkOpen(label);
    this.#staging.set(label, staging);
    return this.device.download(buffer, offset, staging.size, staging);
  }

  /**
   * What the last run wrote outside the tensors of a plan with a guard: one line a storage. `poison` and every
   * `write` must have come before that run.
   */
  async breaches(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const view of this.plan.guarded) {
      const { storage, shape, offset, stride } = view;
      if (storage.last < 0) continue;
      const bytes = await this.#download(storage, `guard ${storage.id}`);
      const channels = shape[shape.length - 1] ?? 1;
      const words = new Uint32Array(bytes);
      const filler = bits(this.#filler.get(storage) ?? NaN);
      const end = offset + (size(shape) / Math.max(1, channels)) * stride;
      const outside = (i: number) => i < offset || i >= end || (i - offset) % stride >= channels;
      const hit = words.findIndex((word, i) => word !== filler && outside(i));
      if (hit >= 0)
        found.push(
          `${storage.label} [${shape}]: ${new Float32Array(bytes)[hit]} was written ${hit - offset} elements after its start, outside it`,
        );
    }
    return found;
  }

  /** Fills the whole arena with a value, so that what is read before it is written shows. */
  poison(value = NaN): void {
    const arena = this.plan.storages.filter(({ kind, last }) => kind === "arena" && last >= 0);
    for (const storage of arena) this.#filler.set(storage, value);
    for (const buffer of new Set(arena.map((storage) => this.place(storage).buffer)))
      this.device.write(buffer, 0, new Float32Array(buffer.size / 4).fill(value));
  }

  /** Bytes of device memory this executable holds: arena, inputs, constants and uniforms. */
  get bytes(): number {
    return this.owned.reduce((sum, buffer) => sum + buffer.size, 0);
  }

  /** Frees its memory; calls under way and later ones throw ClosedError. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const buffer of [...this.owned, ...this.#staging.values()]) buffer.destroy();
    this.#timestamps?.close();
    this.#watch?.close();
    this.device.gpu.queue.submit([]);
  }
}

function submissionsOf({ dispatches }: Plan): Submission[] {
  const submissions: Submission[] = [];
  for (const [i, { node }] of dispatches.entries()) {
    const last = submissions.at(-1);
    if (last?.phase === node.phase && i - last.from < PER_SUBMIT) last.end = i + 1;
    else submissions.push({ phase: node.phase, from: i, end: i + 1 });
  }
  return submissions;
}

/** What all promise, once none is under way any more: a failure then leaves nothing that comes after it. */
async function all<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

const bits = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0];

/** Values as the view's element type has them; float16 as the caller packed it. */
function typedAs(name: string, { shape, dtype }: View, values: FloatValues | IntegerValues) {
  if (dtype === "f32") return toFloats(name, values, { shape });
  if (dtype === "i32") return toIntegers(name, values, { shape });
  if (dtype === "u32") return toIntegers(name, values, { shape, type: "u32" });
  return values as Uint32Array;
}

/** Values of a view where its storage holds them, with another value around. */
function scatter(
  { storage, shape, offset, stride }: View,
  values: Float32Array | Int32Array | Uint32Array,
  around: number,
): Uint32Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const wide = new Uint32Array(storage.bytes / 4).fill(bits(around));
  const channels = shape[shape.length - 1] ?? 1;
  for (let row = 0; row * channels < words.length; row++)
    wide.set(words.subarray(row * channels, (row + 1) * channels), offset + row * stride);
  return wide;
}

function noVariables({ path, slot }: Variable): never {
  throw new ShapeError(
    `plan: variable ${path}.${slot} has no place: the executable was loaded without variables`,
  );
}

function find(views: ReadonlyMap<string, View>, name: string, what: string): View {
  const view = views.get(name);
  if (!view) throw new ShapeError(`plan: no ${what} ${name} (has ${[...views.keys()].join(", ")})`);
  return view;
}

function encode(pass: GPUComputePassEncoder, { dispatch, pipeline, group }: Ready): void {
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(dispatch.grid[0], dispatch.grid[1], dispatch.grid[2]);
}

async function compileAll(device: Device, plan: Plan): Promise<Map<string, Compiled>> {
  const kernels = new Map(plan.dispatches.map(({ kernel }) => [kernel.text, kernel]));
  const compiled = await Promise.all(
    [...kernels.values()].map(async ({ kernel, text, reflected }) => {
      return [text, await device.compile(kernel.label, text, reflected)] as const;
    }),
  );
  return new Map(compiled);
}

function prepare(
  device: Device,
  dispatch: Dispatch,
  { pipeline, layout }: Compiled,
  place: (storage: Storage) => Place,
  uniform: GPUBufferBinding | undefined,
): Ready {
  const read = new Set<GPUBuffer>();
  const written = new Set<GPUBuffer>();
  const entries: GPUBindGroupEntry[] = dispatch.bindings.map(({ index, storage, writes, at, bytes }) => {
    const { buffer, offset } = place(storage);
    (writes ? written : read).add(buffer);
    return { binding: index, resource: { buffer, offset: offset + at, size: bytes } };
  });
  for (const buffer of written)
    if (read.has(buffer))
      throw new LimitError(
        `${dispatch.node.label}: ${dispatch.label} reads and writes the buffer ${buffer.label} at once`,
      );
  const shape = dispatch.kernel.reflected.bindings.get("shape");
  if (shape) entries.push({ binding: shape.index, resource: uniform! });
  const group = device.gpu.createBindGroup({ label: dispatch.node.label, layout, entries });
  return { dispatch, pipeline, group };
}

function timing({ dispatch, seconds }: Profile[number]): string {
  const { label, node, algorithm, why, flops, bytes, kernel } = dispatch;
  const rate = (amount: number) => (seconds > 0 ? (amount / seconds / 1e9).toFixed(2) : "-").padStart(8);
  const line = `${(seconds * 1e3).toFixed(3).padStart(9)} ms ${rate(flops)} GFLOP/s ${rate(bytes)} GB/s  ${label.padEnd(28)} ${node.label}`;
  return verbosity() >= 3 ? `${line}  ${algorithm} ${JSON.stringify(kernel.tune)} by ${why}` : line;
}
