import { LimitError } from "../errors.ts";
import type { Device } from "./device.ts";
import { GPUBufferUsage } from "./flags.ts";

/** WebGPU allows a query set of 4096 at most. */
const MOST = 4096;

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
    const bytes = sets.length * MOST * 8;
    const resolved = await device.buffer(
      "timestamps",
      bytes,
      GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    );
    const staging = await device.staging("read timestamps", bytes);
    return new Timestamps(device, sets, resolved, staging);
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
    const { gpu } = this.device;
    const encoder = gpu.createCommandEncoder();
    for (const [i, set] of this.sets.entries())
      encoder.resolveQuerySet(set, 0, set.count, this.resolved, i * MOST * 8);
    gpu.queue.submit([encoder.finish()]);
    const { resolved, staging } = this;
    const ticks = new BigUint64Array(await this.device.download(resolved, 0, resolved.size, staging));
    return Array.from({ length: count }, (_, i) => Number(ticks[2 * i + 1] - ticks[2 * i]) * 1e-9);
  }

  close(): void {
    for (const set of this.sets) set.destroy();
    this.resolved.destroy();
    this.staging.destroy();
  }
}
