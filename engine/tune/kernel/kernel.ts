import type { Compiled, Device } from "../../device/device.ts";
import { GPUBufferUsage } from "../../device/flags.ts";
import { type Reflected, reflect } from "../../device/reflect.ts";
import { LimitError, ShaderError, ShapeError, TuneError, ValidationError } from "../../errors.ts";
import { difference } from "../../gradcheck/operations/launch.ts";
import { worstError } from "../../gradcheck/report/judge.ts";
import { formula } from "../space/expression.ts";
import type { Configuration } from "../space/space.ts";
import type { Candidate, TuningSubject, Verification } from "./candidate.ts";
import { type FilledTemplate, fillTemplate } from "./template.ts";

/** What a buffer of a kernel holds. */
export type Data = Float32Array | Int32Array | Uint32Array;
/** Type of a buffer's elements. */
export type ElementType = "f32" | "i32" | "u32";

/** A buffer that a kernel writes and finds nothing in. */
export interface Output {
  readonly type: ElementType;
  /** Elements. */
  readonly length: number;
}

type Answer = Readonly<Record<string, ArrayLike<number>>>;

/** Either the same for all configurations or made for each. */
/** A value, or what gives it for a configuration. */
export type PerConfiguration<T> = T | ((configuration: Configuration) => T);

/** A kernel of one's own, to be tuned as it is. */
export interface KernelDescription {
  readonly label: string;
  /** With one entry point. Parameters are its `const` and `override` declarations of their names; a function prints it. */
  readonly wgsl: string | ((configuration: Configuration) => string);
  /** By the name of the binding. What is written is as given before every run that is verified. */
  readonly buffers: PerConfiguration<Readonly<Record<string, Data | Output>>>;
  /** Workgroups along x, y, z; text is a T1 expression of the parameters. */
  readonly grid: PerConfiguration<readonly [number | string, number | string, number | string]>;
  /** What it must write, by binding; without an answer only guards and repeats tell what is wrong. */
  readonly answer?: PerConfiguration<Readonly<Record<string, ArrayLike<number>>>>;
  /** A configuration whose results are the answer, where none is given. */
  readonly like?: Configuration;
  /** Largest error of an element, by binding; else `tolerance` times its size or the root mean square of all. */
  readonly bound?: PerConfiguration<Readonly<Record<string, ArrayLike<number>>>>;
  /** Default 1e-4; integers must be exact. */
  readonly tolerance?: number;
  /** Runs whose bits must agree; default 3. */
  readonly runs?: number;
  /** Of a launch, for GFLOP/s and GB/s; text is a T1 expression of the parameters. */
  readonly flops?: PerConfiguration<number | string>;
  readonly bytes?: PerConfiguration<number | string>;
}

/** Elements after each buffer that a kernel must not touch: more than a tile is wide. */
const GUARD = 1024;
const TOLERANCE = 1e-4;

const of = <T>(value: PerConfiguration<T>, configuration: Configuration): T =>
  typeof value === "function" ? (value as (configuration: Configuration) => T)(configuration) : value;

/** A kernel of one's own as what is tuned. */
export function kernel(given: KernelDescription): TuningSubject {
  let answer: Promise<Answer> | undefined;
  const { like, ...description } = given;
  const prepare = async (device: Device, configuration: Configuration): Promise<Bound> => {
    const printed = legal(device, description, configuration);
    const { text, reflected } = printed;
    const constants = Object.keys(text.constants).length > 0 ? text.constants : undefined;
    const compiled = await device.compile(description.label, text.wgsl, reflected, constants);
    return Bound.make(device, description, configuration, { ...printed, compiled });
  };
  return {
    label: description.label,
    print: (device, configuration) => legal(device, description, configuration).text.wgsl,
    async prepare(device, configuration) {
      if (like && !description.answer) {
        answer ??= prepare(device, like).then((bound) => bound.results().finally(() => bound.close()));
        const agreed = await answer.catch((error: Error) => {
          answer = undefined;
          throw error;
        });
        return Bound.answered(await prepare(device, configuration), agreed);
      }
      return prepare(device, configuration);
    },
  };
}

function workgroups(label: string, side: number | string, configuration: Configuration): number {
  const count = typeof side === "number" ? side : Number(formula(side).value(configuration));
  if (Number.isInteger(count) && count >= 0) return count;
  throw new TuneError(`${label}: ${side} is ${count} workgroups, must be a whole number from 0 on`);
}

/** What a configuration is before anything is compiled. Throws LimitError for what the adapter does not allow. */
function legal(device: Device, description: KernelDescription, configuration: Configuration) {
  const { label } = description;
  const text = fillTemplate(label, description.wgsl, configuration);
  const reflected = read(label, text);
  const buffers = of(description.buffers, configuration);
  const [x, y, z] = of(description.grid, configuration).map((side) => workgroups(label, side, configuration));
  const grid = [x, y, z] as const;
  const refusal = beyond(device, reflected, grid, buffers);
  if (refusal) throw new LimitError(`${label}: ${refusal}`);
  return { text, reflected, buffers, grid };
}

/** What cannot be read here may still compile, or say better why it does not: the device is asked first. */
function read(label: string, { resolved, wgsl }: FilledTemplate): Reflected {
  try {
    return reflect(label, resolved);
  } catch (cause) {
    const names = /@group\(\d+\)\s*@binding\((\d+)\)\s*var<(\w+)(?:\s*,\s*(\w+))?>\s*(\w+)/g;
    const bindings = [...wgsl.matchAll(names)].map(([, index, space, access, name]) => {
      const storage = access === "read_write" ? ("storage" as const) : ("read-only-storage" as const);
      return [
        name,
        { index: Number(index), type: space === "uniform" ? "uniform" : storage, width: 1 },
      ] as const;
    });
    const entry = /@compute[^{]*?\bfn\s+(\w+)/.exec(wgsl)?.[1];
    if (!entry) throw new ShaderError(`${label}: no @compute entry`, { cause });
    return {
      entry,
      workgroupSize: [1, 1, 1],
      workgroupBytes: 0,
      bindings: new Map(bindings),
      uniform: { size: 0, fields: new Map() },
      uses: new Set(),
      features: [],
    };
  }
}

/** The limit or feature that the adapter does not have, if there is one, with what is wanted and what it allows. */
function beyond(
  { gpu: { limits, features } }: Device,
  { workgroupSize, workgroupBytes, bindings, features: needed }: Reflected,
  grid: readonly number[],
  buffers: Readonly<Record<string, Data | Output>>,
): string | undefined {
  const feature = needed.find((name) => !features.has(name));
  if (feature) return `needs ${feature}, which the adapter lacks`;
  const storage = [...bindings].filter(([, { type }]) => type !== "uniform");
  const largest = Math.max(0, ...storage.map(([name]) => 4 * (buffers[name]?.length ?? 0)));
  const invocations = workgroupSize.reduce((a, b) => a * b, 1);
  const wanted: readonly [limit: keyof GPUSupportedLimits, value: number][] = [
    ["maxComputeWorkgroupSizeX", workgroupSize[0]],
    ["maxComputeWorkgroupSizeY", workgroupSize[1]],
    ["maxComputeWorkgroupSizeZ", workgroupSize[2]],
    ["maxComputeInvocationsPerWorkgroup", invocations],
    ["maxComputeWorkgroupStorageSize", workgroupBytes],
    ["maxComputeWorkgroupsPerDimension", Math.max(...grid)],
    ["maxStorageBuffersPerShaderStage", storage.length],
    ["maxStorageBufferBindingSize", largest],
  ];
  const over = wanted.find(([limit, value]) => value > (limits[limit] as number));
  return over && `${over[0]} is ${limits[over[0]]} but ${over[1]} is needed`;
}

interface Prepared {
  readonly text: FilledTemplate;
  readonly reflected: Reflected;
  readonly compiled: Compiled;
  readonly buffers: Readonly<Record<string, Data | Output>>;
  readonly grid: readonly [number, number, number];
}

/** One buffer of a kernel on the device. */
interface Slot {
  readonly name: string;
  readonly given: Data | Output;
  readonly writes: boolean;
  readonly buffer: GPUBuffer;
  /** Elements after those that are the kernel's. */
  readonly guard: number;
}

class Bound implements Candidate {
  private constructor(
    private readonly device: Device,
    private readonly description: KernelDescription,
    private readonly configuration: Configuration,
    private readonly prepared: Prepared,
    private readonly slots: readonly Slot[],
    private readonly group: GPUBindGroup,
  ) {}

  static async make(
    device: Device,
    description: KernelDescription,
    configuration: Configuration,
    prepared: Prepared,
  ): Promise<Bound> {
    const { label } = description;
    const { reflected, buffers, compiled, text } = prepared;
    const slots: Slot[] = [];
    try {
      for (const [name, { type }] of reflected.bindings) {
        const given = buffers[name];
        if (!given)
          throw new ShapeError(`${label}: no buffer for binding ${name} (given ${Object.keys(buffers)})`);
        // a kernel that asks how long its array is takes a guard for a part of it
        const guard = type === "uniform" || /\barrayLength\b/.test(text.wgsl) ? 0 : GUARD;
        const usage = type === "uniform" ? GPUBufferUsage.UNIFORM : GPUBufferUsage.STORAGE;
        const buffer = await device.buffer(
          `${label} ${name}`,
          4 * (given.length + guard),
          usage | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
        );
        slots.push({ name, given, writes: type === "storage", buffer, guard });
      }
      const entries = slots.map(({ name, buffer }) => ({
        binding: reflected.bindings.get(name)!.index,
        resource: { buffer },
      }));
      const group = device.gpu.createBindGroup({ label, layout: compiled.layout, entries });
      return new Bound(device, description, configuration, prepared, slots, group);
    } catch (error) {
      for (const { buffer } of slots) buffer.destroy();
      throw error;
    }
  }

  /** The candidate with what it must write. */
  static answered(bound: Bound, answer: Answer): Bound {
    const { device, description, configuration, prepared, slots, group } = bound;
    return new Bound(device, { ...description, answer }, configuration, prepared, slots, group);
  }

  /** What it writes, by binding. Throws ValidationError for what it writes outside. */
  async results(): Promise<Answer> {
    const wrote = await this.#run(NaN);
    if (typeof wrote === "string") throw new ValidationError(`${this.description.label}: ${wrote}`);
    const given = new Map(this.slots.map((slot) => [slot.name, slot.given]));
    return Object.fromEntries([...wrote].map(([name, bytes]) => [name, values(bytes, given.get(name)!)]));
  }

  get wgsl(): string {
    return this.prepared.text.wgsl;
  }
  get flops(): number | undefined {
    return this.#figure(this.description.flops);
  }
  get bytes(): number | undefined {
    return this.#figure(this.description.bytes);
  }

  #figure(given: KernelDescription["flops"]): number | undefined {
    const figure = of(given, this.configuration);
    return typeof figure === "string" ? Number(formula(figure).value(this.configuration)) : figure;
  }

  readonly encode = (pass: GPUComputePassEncoder): void => {
    const { compiled, grid } = this.prepared;
    pass.setPipeline(compiled.pipeline);
    pass.setBindGroup(0, this.group);
    pass.dispatchWorkgroups(...grid);
  };

  /** Fills outputs with garbage, and what lies after every buffer; the others with what they hold. */
  #fill(garbage: number): void {
    for (const { given, buffer, guard } of this.slots) {
      const words = new Uint32Array(given.length + guard).fill(bits(garbage));
      if (ArrayBuffer.isView(given)) words.set(new Uint32Array(given.buffer, given.byteOffset, given.length));
      this.device.write(buffer, 0, words);
    }
  }

  /** Bytes of what it writes, or what it wrote outside. */
  async #run(garbage: number): Promise<ReadonlyMap<string, ArrayBuffer> | string> {
    this.#fill(garbage);
    const encoder = this.device.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    this.encode(pass);
    pass.end();
    this.device.gpu.queue.submit([encoder.finish()]);
    const wrote = new Map<string, ArrayBuffer>();
    for (const { name, given, writes, buffer, guard } of this.slots) {
      if (!writes) continue;
      const bytes = await this.device.download(buffer, 0, 4 * (given.length + guard));
      const hit = new Uint32Array(bytes, 4 * given.length).findIndex((word) => word !== bits(garbage));
      if (hit >= 0)
        return `${name}: ${values(bytes, given)[given.length + hit]} was written to element ${given.length + hit} of ${given.length}`;
      wrote.set(name, bytes.slice(0, 4 * given.length));
    }
    return wrote;
  }

  /** NaN shows what is read that should not be, garbage that differs what is not written, repeats what races. */
  async verify(): Promise<Verification> {
    const { runs = 3, answer } = this.description;
    const first = await this.#run(NaN);
    if (typeof first === "string") return { error: Infinity, message: first };
    const verdict = this.#judge(first, of(answer, this.configuration) ?? {});
    if (verdict.message) return verdict;
    for (let run = 1; run < runs; run++) {
      const again = await this.#run(3 * run);
      if (typeof again === "string") return { error: Infinity, message: again };
      for (const [name, bytes] of again) {
        const changed = difference(first.get(name)!, bytes);
        if (changed) return { error: Infinity, message: `${name}: ${changed}` };
      }
    }
    return verdict;
  }

  #judge(
    wrote: ReadonlyMap<string, ArrayBuffer>,
    answer: Readonly<Record<string, ArrayLike<number>>>,
  ): Verification {
    const { label, tolerance = TOLERANCE, bound } = this.description;
    const bounds = of(bound, this.configuration);
    let worst: number | undefined;
    for (const [name, want] of Object.entries(answer)) {
      const bytes = wrote.get(name);
      const slot = this.slots.find((one) => one.name === name);
      if (!bytes || !slot)
        throw new ShapeError(`${label}: an answer for ${name} (writes ${[...wrote.keys()].join(", ")})`);
      const got = Float64Array.from(values(bytes, slot.given));
      if (got.length !== want.length)
        throw new ShapeError(`${label}: ${name} has ${got.length} elements but its answer ${want.length}`);
      const truth = Float64Array.from(want);
      const own = bounds?.[name];
      const allowed = own ? Float64Array.from(own) : allowedError(truth, typeOf(slot.given), tolerance);
      const { figure, message } = worstError(name, [truth.length], got, truth, allowed);
      if (message) return { error: figure, message };
      worst = Math.max(worst ?? 0, figure);
    }
    return worst === undefined ? {} : { error: worst };
  }

  close(): void {
    for (const { buffer } of this.slots) buffer.destroy();
    this.device.gpu.queue.submit([]);
  }
}

/** What elements may be off by: a part of their size, or of what is usual where they are smaller. */
export function allowedError(truth: Float64Array, type: ElementType, tolerance: number): Float64Array {
  if (type !== "f32") return new Float64Array(truth.length);
  const usual = Math.sqrt(truth.reduce((sum, value) => sum + value * value, 0) / Math.max(1, truth.length));
  return truth.map((value) => tolerance * Math.max(Math.abs(value), usual));
}

const typeOf = (given: Data | Output): ElementType =>
  given instanceof Float32Array
    ? "f32"
    : given instanceof Int32Array
      ? "i32"
      : given instanceof Uint32Array
        ? "u32"
        : given.type;

function values(bytes: ArrayBuffer, given: Data | Output): Data {
  const type = typeOf(given);
  return type === "f32"
    ? new Float32Array(bytes)
    : type === "i32"
      ? new Int32Array(bytes)
      : new Uint32Array(bytes);
}

const bits = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0];
