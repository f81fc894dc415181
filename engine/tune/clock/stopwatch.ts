import type { Device } from "../../device/device.ts";
import { GPUBufferUsage, GPUMapMode } from "../../device/flags.ts";
import { median } from "../../statistics/quantiles.ts";
import { type Measure, type Quanta, quantumOf } from "./clock.ts";

/** Puts one launch of what is measured into a pass. */
export type Encode = (pass: GPUComputePassEncoder) => void;

/** Empty passes in a submission when the step of the timestamps is looked for. */
const PASSES = 32;
/** Submissions of them: with a step of 65,536 ns most passes begin and end in the same. */
const LOOKS = 24;

/** Reads the clocks of a device: timestamps at both ends of a pass where it has them, and what the host waits. */
export class Stopwatch {
  private constructor(
    private readonly device: Device,
    private readonly timestamps: Queries | undefined,
    readonly quanta: Quanta,
  ) {}

  /** Finds out how finely the clocks of the device read. Throws DeviceLostError. */
  static async open(device: Device): Promise<Stopwatch> {
    const queries = device.gpu.features.has("timestamp-query") ? await Queries.create(device) : undefined;
    const walls: number[] = [];
    for (let i = 0; i < 5; i++) walls.push((await submit(device, queries, 0, () => {})).wall);
    const nanoseconds: number[] = [];
    for (let i = 0; queries && i < LOOKS; i++) nanoseconds.push(...(await queries.empty(PASSES)));
    const quantum = quantumOf(nanoseconds);
    const timestamp = quantum && quantum / 1e9;
    // a look at the queue takes as long as an empty submission: the host sees no finer
    return new Stopwatch(device, queries, { timestamp, wall: median(walls) });
  }

  /** Measures what `encode` puts into a pass. Throws DeviceLostError, and ValidationError where it is refused. */
  measure(encode: Encode): Measure {
    return (dispatches) => submit(this.device, this.timestamps, dispatches, encode);
  }

  close(): void {
    this.timestamps?.close();
  }
}

async function submit(device: Device, queries: Queries | undefined, dispatches: number, encode: Encode) {
  const encoder = device.gpu.createCommandEncoder();
  const pass = encoder.beginComputePass(queries?.pass(0));
  for (let i = 0; i < dispatches; i++) encode(pass);
  pass.end();
  queries?.resolve(encoder, 1);
  const commands = encoder.finish();
  const start = performance.now();
  device.gpu.queue.submit([commands]);
  if (queries) {
    const [nanoseconds] = await queries.read(1);
    return { timestamp: nanoseconds / 1e9, wall: (performance.now() - start) / 1e3 };
  }
  // not by `settle`, whose pauses spare the host but are as long as what is measured
  await device.gpu.queue.onSubmittedWorkDone();
  const wall = (performance.now() - start) / 1e3;
  device.check("time");
  return { wall };
}

/** Timestamps at both ends of some passes. */
class Queries {
  private constructor(
    private readonly device: Device,
    private readonly set: GPUQuerySet,
    private readonly resolved: GPUBuffer,
    private readonly staging: GPUBuffer,
  ) {}

  static async create(device: Device): Promise<Queries> {
    const bytes = 2 * PASSES * 8;
    const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
    const resolved = await device.buffer("timestamps", bytes, usage);
    const staging = await device.staging("read timestamps", bytes);
    const set = device.gpu.createQuerySet({ type: "timestamp", count: 2 * PASSES });
    return new Queries(device, set, resolved, staging);
  }

  pass(i: number): GPUComputePassDescriptor {
    const { set: querySet } = this;
    return {
      timestampWrites: { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 },
    };
  }

  resolve(encoder: GPUCommandEncoder, passes: number): void {
    encoder.resolveQuerySet(this.set, 0, 2 * passes, this.resolved, 0);
    encoder.copyBufferToBuffer(this.resolved, 0, this.staging, 0, 16 * passes);
  }

  /** Nanoseconds that the passes took, once the host can read them. */
  async read(passes: number): Promise<number[]> {
    const { device, staging } = this;
    await device.settle("time", staging.mapAsync(GPUMapMode.READ));
    const ticks = new BigUint64Array(staging.getMappedRange().slice(0));
    staging.unmap();
    return Array.from({ length: passes }, (_, i) => Number(ticks[2 * i + 1] - ticks[2 * i]));
  }

  /** Nanoseconds that empty passes took. */
  empty(passes: number): Promise<number[]> {
    const encoder = this.device.gpu.createCommandEncoder();
    for (let i = 0; i < passes; i++) encoder.beginComputePass(this.pass(i)).end();
    this.resolve(encoder, passes);
    this.device.gpu.queue.submit([encoder.finish()]);
    return this.read(passes);
  }

  close(): void {
    this.set.destroy();
    this.resolved.destroy();
    this.staging.destroy();
  }
}
