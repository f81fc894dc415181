import type { Device } from "../../device/device.ts";
import { Timestamps } from "../../device/timestamps.ts";
import { median } from "../../statistics/quantiles.ts";
import type { Measure, Quanta } from "./clock.ts";

/** Puts one launch of what is measured into a pass. */
export type Encode = (pass: GPUComputePassEncoder) => void;

/** Reads the clocks of a device: timestamps at both ends of a pass where it has them, and what the host waits. */
export class Stopwatch {
  private constructor(
    private readonly device: Device,
    private readonly timestamps: Timestamps | undefined,
    readonly quanta: Quanta,
  ) {}

  /** Finds out how finely the clocks of the device read. Throws DeviceLostError. */
  static async open(device: Device): Promise<Stopwatch> {
    const timed = device.gpu.features.has("timestamp-query");
    const timestamps = timed ? await Timestamps.create(device, 1) : undefined;
    const walls: number[] = [];
    for (let i = 0; i < 5; i++) walls.push((await submit(device, timestamps, 0, () => {})).wall);
    const quantum = await Timestamps.quantum(device);
    // a look at the queue takes as long as an empty submission: the host sees no finer
    return new Stopwatch(device, timestamps, { timestamp: quantum && quantum / 1e9, wall: median(walls) });
  }

  /** Measures what `encode` puts into a pass. Throws DeviceLostError, and ValidationError where it is refused. */
  measure(encode: Encode): Measure {
    return (dispatches) => submit(this.device, this.timestamps, dispatches, encode);
  }

  close(): void {
    this.timestamps?.close();
  }
}

async function submit(
  device: Device,
  timestamps: Timestamps | undefined,
  dispatches: number,
  encode: Encode,
) {
  const encoder = device.gpu.createCommandEncoder();
  const pass = encoder.beginComputePass(timestamps?.around(0));
  for (let i = 0; i < dispatches; i++) encode(pass);
  pass.end();
  timestamps?.resolve(encoder, 1);
  const commands = encoder.finish();
  const start = performance.now();
  device.gpu.queue.submit([commands]);
  if (timestamps) {
    const [timestamp] = await timestamps.collect(1);
    return { timestamp, wall: (performance.now() - start) / 1e3 };
  }
  // not by `settle`, whose pauses spare the host but are as long as what is measured
  await device.gpu.queue.onSubmittedWorkDone();
  const wall = (performance.now() - start) / 1e3;
  device.check("time");
  return { wall };
}
