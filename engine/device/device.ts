import { findAdapter, readText, waitWithPauses } from "#platform";
import { remember } from "../../kernels/remember.ts";
import {
  LimitError,
  NoAdapterError,
  OutOfMemoryError,
  ShaderError,
  ValidationError,
  ValueError,
} from "../errors.ts";
import { classOf } from "./adapter_class.ts";
import { toBytes } from "./arrays.ts";
import { Faults } from "./faults.ts";
import { GPUBufferUsage, GPUMapMode, GPUShaderStage } from "./flags.ts";
import { checkOpenOptions, type OpenOptions } from "./options.ts";
import type { AdapterKind, Found } from "./platform.ts";
import type { Reflected } from "./reflect.ts";
import { adapterName, describeRequest } from "./request.ts";
import { readSwitch } from "./switches.ts";
import type { Traits } from "./traits.ts";
import { parseTuningTable, readTuningTable, type TuningTable } from "./tuning_table.ts";

/** How much is printed: 1 the adapter, 2 a line per dispatch, 3 tunables, 4 WGSL. */
export const verbosity = (): number => Number(readSwitch("DEBUG") ?? 0) || 0;

export interface Compiled {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** A WebGPU device: the adapter it came from, its limits, and its pipelines. */
export class Device {
  /** Keyed by the specialised WGSL itself, and its constants: kernels share a pipeline exactly when these are the same. */
  #pipelines = new Map<string, Promise<Compiled>>();
  readonly #faults: Faults;

  private constructor(
    readonly gpu: GPUDevice,
    readonly adapter: GPUAdapter,
    private readonly found: Found,
    private readonly tuningTable: TuningTable | undefined,
    private readonly globals: boolean,
  ) {
    this.#faults = new Faults(this.name, gpu);
  }

  /**
   * Opens the adapter named, or else hardware, lavapipe, SwiftShader, in this order; in a browser its own.
   * Features and limits are asked for as high as the adapter offers, unless given.
   *
   * In Node, unless `globals` is false, the process sees this of it: WebGPU's names (`GPUBufferUsage` and the like) become
   * global where they are missing; `LP_NUM_THREADS` is set for lavapipe while Dawn looks for adapters, where it is not
   * set; and while something is waited for on a software adapter, `setImmediate` makes Dawn pause between its looks at
   * the device, which else keep a core busy. SwiftShader's driver is named in the environment, `globals` or not, for the
   * one call in which Vulkan reads it.
   *
   * Throws ValueError for options that do not exist or are of another type, NoAdapterError where nothing is found,
   * LimitError where a given feature or limit is not offered, FormatError where the tuning table is not one.
   */
  static async open(options: OpenOptions = {}): Promise<Device> {
    checkOpenOptions(options);
    const { globals = true, quiet = false } = options;
    const tuningTable = await tuningTableOf(options.tuningTable ?? readSwitch("TUNING_TABLE"));
    const wanted = options.adapter ?? readSwitch("ADAPTER");
    const found = await findAdapter({ adapter: wanted, dawn: readSwitch("DAWN"), globals, quiet });
    const { adapter } = found;
    const gpu = await adapter.requestDevice(describeRequest(adapter, options)).catch((cause: Error) => {
      throw new NoAdapterError(`${adapterName(adapter)}: gives no device: ${cause.message}`, { cause });
    });
    const device = new Device(gpu, adapter, found, tuningTable, globals);
    if (verbosity() >= 1) console.error(`${device.name} (${device.kind}), ${device.implementation}`);
    return device;
  }

  /** Adapter as its driver calls it. */
  get name(): string {
    return adapterName(this.adapter);
  }
  get kind(): AdapterKind {
    return this.found.kind;
  }
  get implementation(): string {
    return this.found.implementation;
  }
  /** Whether a CPU plays the adapter. */
  get software(): boolean {
    return classOf(this.adapter.info) === "cpu";
  }

  /** What a plan must know of this adapter. */
  get traits(): Traits {
    const { limits, features } = this.gpu;
    const info = this.adapter.info as GPUAdapterInfo & { subgroupMinSize?: number; subgroupMaxSize?: number };
    const subgroupSize = info.subgroupMinSize === info.subgroupMaxSize ? (info.subgroupMinSize ?? 0) : 0;
    return {
      name: this.name,
      class: classOf(this.adapter.info),
      features: new Set(features),
      subgroupSize,
      maxBindingBytes: limits.maxStorageBufferBindingSize,
      maxBufferBytes: limits.maxBufferSize,
      maxWorkgroups: limits.maxComputeWorkgroupsPerDimension,
      maxInvocations: limits.maxComputeInvocationsPerWorkgroup,
      maxWorkgroupBytes: limits.maxComputeWorkgroupStorageSize,
      maxBindings: limits.maxStorageBuffersPerShaderStage,
      uniformAlignment: limits.minUniformBufferOffsetAlignment,
      tuningTable: this.tuningTable,
    };
  }

  /**
   * The pipeline of specialised WGSL, its `override` declarations at `constants`; compiled once. Throws ShaderError with
   * file, line and source line.
   */
  compile(
    label: string,
    wgsl: string,
    reflected: Reflected,
    constants?: Readonly<Record<string, number>>,
  ): Promise<Compiled> {
    const key = constants ? `${wgsl}\n// ${JSON.stringify(constants)}` : wgsl;
    return remember(this.#pipelines, key, () => this.#build(label, wgsl, reflected, constants));
  }

  async #build(
    label: string,
    code: string,
    reflected: Reflected,
    constants?: Readonly<Record<string, number>>,
  ): Promise<Compiled> {
    this.check(label);
    if (verbosity() >= 4) console.error(`// ${label}\n${code}`);
    this.gpu.pushErrorScope("validation");
    const module = this.gpu.createShaderModule({ label, code });
    const entries = [...reflected.bindings.values()].map(({ index, type }) => ({
      binding: index,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type } as const,
    }));
    const layout = this.gpu.createBindGroupLayout({ label, entries });
    const scope = this.gpu.popErrorScope();
    const { messages } = await this.#answer(label, module.getCompilationInfo());
    const first = messages.find(({ type }) => type === "error");
    if (first) {
      const line = code.split("\n")[first.lineNum - 1] ?? "";
      throw new ShaderError(`${label}.wgsl:${first.lineNum}:${first.linePos}: ${first.message}\n  ${line}`);
    }
    const refused = await this.#answer(label, scope);
    if (refused) throw new ShaderError(`${label}.wgsl: ${refused.message}`);
    try {
      const pipeline = await this.#wait(
        this.gpu.createComputePipelineAsync({
          label,
          layout: this.gpu.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
          compute: { module, entryPoint: reflected.entry, ...(constants && { constants }) },
        }),
      );
      this.#faults.assertOpen(label);
      return { pipeline, layout };
    } catch (cause) {
      this.check(label, cause);
      throw new ShaderError(`${label}.wgsl: ${(cause as Error).message}`, { cause });
    }
  }

  /** A buffer of at least `bytes`. Throws OutOfMemoryError naming what it is for and its bytes. */
  async buffer(label: string, bytes: number, usage: GPUBufferUsageFlags): Promise<GPUBuffer> {
    this.check(label);
    const size = Math.max(4, Math.ceil(bytes / 4) * 4);
    if (size > this.gpu.limits.maxBufferSize)
      throw new LimitError(
        `${label}: ${size} bytes where ${this.name} allows ${this.gpu.limits.maxBufferSize} a buffer`,
      );
    this.gpu.pushErrorScope("out-of-memory");
    this.gpu.pushErrorScope("validation");
    const buffer = this.gpu.createBuffer({ label, size, usage });
    const scopes = [this.gpu.popErrorScope(), this.gpu.popErrorScope()];
    const [invalid, full] = await this.#answer(label, Promise.all(scopes));
    if (full)
      throw new OutOfMemoryError(`${label}: ${this.name} could not allocate ${bytes} bytes: ${full.message}`);
    if (invalid) throw new ValidationError(`${label}: ${invalid.message}`);
    return buffer;
  }

  /**
   * Copies an array to a buffer, from byte `offset` on: the one way from the host to the device. The array is read
   * before this returns; over shared memory it is copied first. Throws, naming `label`, ValueError for what is no typed
   * array, for a detached one, and for bytes that are not whole words within the buffer; DeviceLostError.
   */
  write(buffer: GPUBuffer, offset: number, data: ArrayBufferView, label = buffer.label): void {
    this.assertOpen(label);
    const bytes = toBytes(label, data);
    const words = Number.isInteger(offset / 4) && offset >= 0 && bytes.length % 4 === 0;
    if (!words || offset + bytes.length > buffer.size)
      throw new ValueError(
        `${label}: ${bytes.length} bytes at byte ${offset} ` +
          (words
            ? `do not fit the ${buffer.size} bytes of ${buffer.label}`
            : "are not whole words of 4 bytes"),
      );
    this.gpu.queue.writeBuffer(buffer, offset, bytes);
  }

  /** Copies bytes of a buffer to the host, through `staging` where the caller keeps one. */
  async download(buffer: GPUBuffer, offset: number, bytes: number, kept?: GPUBuffer): Promise<ArrayBuffer> {
    const what = `read ${buffer.label}`;
    this.assertOpen(what);
    const staging = kept ?? (await this.staging(what, bytes));
    try {
      const encoder = this.gpu.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, offset, staging, 0, staging.size);
      this.gpu.queue.submit([encoder.finish()]);
      await this.settle(what, staging.mapAsync(GPUMapMode.READ));
      const copy = staging.getMappedRange().slice(0);
      staging.unmap();
      return copy;
    } finally {
      if (!kept) staging.destroy();
    }
  }

  /** Copies whole buffers to the host, all as they are at one moment; `check` is called right before it. */
  async downloadAll(buffers: readonly GPUBuffer[], check = () => {}): Promise<ArrayBuffer[]> {
    this.assertOpen("read");
    const staged = await Promise.all(buffers.map(({ label, size }) => this.staging(`read ${label}`, size)));
    try {
      check();
      const encoder = this.gpu.createCommandEncoder();
      for (const [i, buffer] of buffers.entries())
        encoder.copyBufferToBuffer(buffer, 0, staged[i], 0, buffer.size);
      this.gpu.queue.submit([encoder.finish()]);
      await this.settle("read", Promise.all(staged.map((staging) => staging.mapAsync(GPUMapMode.READ))));
      return staged.map((staging) => staging.getMappedRange().slice(0));
    } finally {
      for (const staging of staged) staging.destroy();
    }
  }

  /** A buffer the host can read. */
  staging(label: string, bytes: number): Promise<GPUBuffer> {
    return this.buffer(label, bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
  }

  /**
   * Waits for a result of the device. Throws DeviceLostError if it goes away, ClosedError if it or the buffer that is
   * waited for is closed meanwhile, ValidationError if it refused a command. `what` names the call.
   */
  async settle<T>(what: string, pending: Promise<T>): Promise<T> {
    const value = await this.#answer(what, pending);
    this.check(what);
    return value;
  }

  /** What the device answers, unless it is gone by then. */
  async #answer<T>(what: string, pending: Promise<T>): Promise<T> {
    const value = await this.#wait(pending).catch((cause) => this.#faults.explain(what, cause));
    this.assertOpen(what);
    return value;
  }

  #wait<T>(pending: Promise<T>): Promise<T> {
    return this.globals && this.software ? waitWithPauses(pending) : pending;
  }

  /** Throws DeviceLostError or ClosedError where nothing can run on the device any more. `what` names the call. */
  assertOpen(what: string, cause?: unknown): void {
    this.#faults.assertOpen(what, cause);
  }

  /** Throws what has gone wrong on the device since it was last asked: as `assertOpen`, or ValidationError. */
  check(what = "device", cause?: unknown): void {
    this.#faults.assertOpen(what, cause);
    this.#faults.assertValid(what, cause);
  }

  /** Frees the device and all that is on it. Every later call on it throws ClosedError; to close it twice is no error. */
  close(): void {
    if (!this.#faults.close()) return;
    this.#pipelines.clear();
    this.gpu.destroy();
  }
}

/** The tuning table that is given, or at the path that is given. */
async function tuningTableOf(given: string | object | undefined): Promise<TuningTable | undefined> {
  if (given === undefined) return undefined;
  return typeof given === "string"
    ? readTuningTable(given, await readText(given))
    : parseTuningTable("tuningTable", given);
}
