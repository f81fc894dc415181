import { LimitError } from "../errors.ts";
import type { Device } from "./device.ts";
import { GPUBufferUsage, GPUMapMode } from "./flags.ts";

/** WebGPU allows a query set of 4096 at most. */
const MOST = 4096;

/** Empty passes in a submission when the quantum is looked for. */
const PASSES = 32;
/** Submissions of them: with a quantum of 65,536 ns most passes begin and end in the same. */
const LOOKS = 24;

/**
 * Quantum of a clock, its smallest step, in the unit of the readings: the least positive difference of two of them, where
 * the readings are durations or times since a common start. Undefined where they are all alike.
 */
export function quantumOf(readings: readonly number[]): number | undefined {
  const sorted = [0, ...readings].sort((a, b) => a - b);
  const steps = sorted.map((value, i) => value - (sorted[i - 1] ?? value)).filter((step) => step > 0);
  return steps.length > 0 ? Math.min(...steps) : undefined;
}

/** Timestamps at both ends of passes. */
export class Timestamps {
  private constructor(
    private readonly device: Device,
    private readonly sets: readonly GPUQuerySet[],
    private readonly resolved: GPUBuffer,
    private readonly staging: GPUBuffer,
  ) {}

  /** For `count` passes. Throws LimitError where the adapter has no timestamps. */
  static async create(device: Device, count: number): Promise<Timestamps> {
    if (!device.gpu.features.has("timestamp-query"))
      throw new LimitError(`${device.name}: no timestamp-query`);
    const sets: GPUQuerySet[] = [];
    for (let left = count * 2; left > 0; left -= MOST)
      sets.push(device.gpu.createQuerySet({ type: "timestamp", count: Math.min(left, MOST) }));
    const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
    const resolved = await device.buffer("timestamps", 16 * count, usage);
    const staging = await device.staging("read timestamps", 16 * count);
    return new Timestamps(device, sets, resolved, staging);
  }

  /** Nanoseconds of the smallest step of a device's timestamps; undefined where it has none or they do not move. */
  static async quantum(device: Device): Promise<number | undefined> {
    if (!device.gpu.features.has("timestamp-query")) return undefined;
    const timestamps = await Timestamps.create(device, PASSES);
    try {
      const readings: number[] = [];
      for (let i = 0; i < LOOKS; i++)
        readings.push(
          ...(await timestamps.measure(PASSES, () => {})).map((seconds) => Math.round(seconds * 1e9)),
        );
      return quantumOf(readings);
    } finally {
      timestamps.close();
    }
  }

  /** What pass `i` is begun with. */
  around(i: number): GPUComputePassDescriptor {
    const perSet = MOST / 2;
    const [querySet, query] = [this.sets[Math.floor(i / perSet)], (i % perSet) * 2];
    return {
      timestampWrites: { querySet, beginningOfPassWriteIndex: query, endOfPassWriteIndex: query + 1 },
    };
  }

  /** Seconds that each of `count` passes took, with one of `encode` in each. */
  async measure(count: number, encode: (pass: GPUComputePassEncoder, i: number) => void): Promise<number[]> {
    const { gpu } = this.device;
    for (let from = 0; from < count; from += 64) {
      const encoder = gpu.createCommandEncoder();
      for (let i = from; i < Math.min(from + 64, count); i++) {
        const pass = encoder.beginComputePass(this.around(i));
        encode(pass, i);
        pass.end();
      }
      gpu.queue.submit([encoder.finish()]);
    }
    return this.read(count);
  }

  /** Seconds that each of the first `count` passes took when it ran last. */
  async read(count: number): Promise<number[]> {
    this.device.assertOpen("read timestamps");
    const encoder = this.device.gpu.createCommandEncoder();
    this.resolve(encoder, count);
    this.device.gpu.queue.submit([encoder.finish()]);
    return this.collect(count);
  }

  /** Ends the commands of the first `count` passes with what `collect` needs. */
  resolve(encoder: GPUCommandEncoder, count: number): void {
    for (const [i, set] of this.sets.entries()) {
      const queries = Math.min(2 * count - i * MOST, set.count);
      if (queries > 0) encoder.resolveQuerySet(set, 0, queries, this.resolved, i * MOST * 8);
    }
    encoder.copyBufferToBuffer(this.resolved, 0, this.staging, 0, 16 * count);
  }

  /** Seconds of the first `count` passes, of commands that `resolve` ended and that were submitted. */
  async collect(count: number): Promise<number[]> {
    const { device, staging } = this;
    await device.settle("read timestamps", staging.mapAsync(GPUMapMode.READ));
    const ticks = new BigUint64Array(staging.getMappedRange().slice(0, 16 * count));
    staging.unmap();
    return Array.from({ length: count }, (_, i) => Number(ticks[2 * i + 1] - ticks[2 * i]) * 1e-9);
  }

  close(): void {
    for (const set of this.sets) set.destroy();
    this.resolved.destroy();
    this.staging.destroy();
  }
}
