// What an adapter can do at most, by kernels that do one thing only.

import type { Device } from "../../engine/device/device.ts";
import { GPUBufferUsage } from "../../engine/device/flags.ts";
import { reflect } from "../../engine/device/reflect.ts";
import { median, quantile } from "../../engine/statistics/quantiles.ts";
import { Clock, type ClockOptions, type Timing } from "../../engine/tune/clock/clock.ts";
import { type Encode, Stopwatch } from "../../engine/tune/clock/stopwatch.ts";
import { atWidth, type Width } from "../../kernels/vec4.ts";
import copy from "./copy.wgsl";
import dispatch from "./dispatch.wgsl";
import multiplyAdd from "./multiply_add.wgsl";
import type { RoofReading, Roofs } from "./result.ts";
import workgroup from "./workgroup.wgsl";

/** A kernel that is bound by one roof. */
interface Probe {
  readonly roof: keyof Roofs;
  readonly what: string;
  readonly wgsl: string;
  readonly groups: number;
  /** Bytes of the buffers `x` and `y`. */
  readonly x: number;
  readonly y: number;
  /** FLOPs or bytes of a launch. */
  readonly amount: number;
}

/** Enough for a roof: the best of some kernels counts. */
const CLOCK: ClockOptions = { samples: 7, limit: 3 };
/** Elements that an invocation takes at once. */
const WIDTHS: readonly Width[] = [1, 4];
/** Few long workgroups for CPUs, where one costs as much as a hundred elements, many short ones for GPUs. */
const GROUPS = [64, 8192];

/** Bytes of each buffer that is copied: more than caches hold. */
const copied = (device: Device): number =>
  Math.min(
    2 ** (device.traits.class === "cpu" ? 26 : 27),
    2 ** Math.floor(Math.log2(device.traits.maxBindingBytes)),
  );

function probes(device: Device): readonly Probe[] {
  const threads = device.traits.class === "cpu" ? 2 ** 14 : 2 ** 18; // enough to fill it, few enough to be quick
  const bytes = copied(device);
  const wide = (width: Width) => (width === 1 ? "one at a time" : `${width} at a time`);
  return [
    ...WIDTHS.map(
      (width): Probe => ({
        roof: "multiplyAdd",
        what: wide(width),
        wgsl: atWidth(multiplyAdd, width),
        groups: threads / 64,
        x: 8,
        y: 4 * width * threads,
        amount: 2 * width * 8 * 8 * 256 * threads,
      }),
    ),
    ...WIDTHS.flatMap((width) =>
      GROUPS.map(
        (groups): Probe => ({
          roof: "copy",
          what: `${wide(width)}, ${groups} workgroups`,
          wgsl: atWidth(copy, width),
          groups,
          x: bytes,
          y: bytes,
          amount: 2 * bytes,
        }),
      ),
    ),
    ...WIDTHS.map(
      (width): Probe => ({
        roof: "workgroup",
        what: wide(width),
        wgsl: atWidth(workgroup, width),
        groups: threads / 128,
        x: 4,
        y: 4 * width * threads,
        amount: 4 * width * 8 * 128 * threads,
      }),
    ),
    { roof: "dispatch", what: "one invocation", wgsl: dispatch, groups: 1, x: 4, y: 4, amount: 1 },
  ];
}

/** What every probe reads, as it is read. Throws DeviceLostError, OutOfMemoryError, ShaderError. */
export async function* readRoofs(device: Device, options: ClockOptions = {}): AsyncGenerator<RoofReading> {
  const stopwatch = await Stopwatch.open(device);
  try {
    const clock = new Clock(stopwatch.quanta, { ...CLOCK, ...options });
    for (const probe of probes(device)) {
      const bound = await bind(device, probe);
      try {
        yield reading(probe, await clock.time(stopwatch.measure(bound.encode)));
      } finally {
        bound.close();
      }
    }
  } finally {
    stopwatch.close();
  }
}

/** The roofs by the best kernel of each; undefined where interrupted. Throws as `readRoofs` does. */
export async function measureRoofs(
  device: Device,
  { signal, ...clock }: ClockOptions & { readonly signal?: AbortSignal } = {},
): Promise<{ roofs: Roofs; readings: readonly RoofReading[] } | undefined> {
  const readings: RoofReading[] = [];
  for await (const one of readRoofs(device, clock)) {
    if (signal?.aborted) return undefined;
    readings.push(one);
  }
  return { roofs: roofsOf(readings), readings };
}

/** The highest of the rates, and the shortest of the dispatches. */
export function roofsOf(readings: readonly RoofReading[]): Roofs {
  const of = (wanted: keyof Roofs) => readings.filter(({ roof }) => roof === wanted).map(({ best }) => best);
  return {
    multiplyAdd: Math.max(...of("multiplyAdd")),
    copy: Math.max(...of("copy")),
    workgroup: Math.max(...of("workgroup")),
    dispatch: Math.min(...of("dispatch")),
  };
}

/** A difference of two readings may be small by chance: of these the best is their lower quartile. */
function reading({ roof, what, amount }: Probe, { times, reading: { r2 }, unrankable }: Timing): RoofReading {
  const sorted = times.filter((seconds) => seconds > 0).sort((a, b) => a - b);
  const best = r2 === undefined ? sorted[0] : quantile(sorted, 0.25);
  const say = (seconds: number) => (roof === "dispatch" ? seconds : amount / seconds);
  return {
    roof,
    what,
    best: say(best),
    median: say(median(sorted)),
    ...(unrankable && { doubt: unrankable }),
  };
}

async function bind(
  device: Device,
  { roof, wgsl, groups, x, y }: Probe,
): Promise<{ encode: Encode; close(): void }> {
  const label = `roofs/${roof}`;
  const { pipeline, layout } = await device.compile(label, wgsl, reflect(label, wgsl));
  const made: GPUBuffer[] = [];
  const close = () => {
    for (const buffer of made) buffer.destroy();
  };
  try {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    for (const bytes of [x, y]) made.push(await device.buffer(label, bytes, usage));
    fill(device, made[0]);
    const entries = made.map((buffer, binding) => ({ binding, resource: { buffer } }));
    const group = device.gpu.createBindGroup({ label, layout, entries });
    const encode = (pass: GPUComputePassEncoder) => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(groups);
    };
    return { encode, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Values between 0 and 1 that differ: zeros may be stored or added up faster. The chains of z * a + b stay small. */
function fill(device: Device, buffer: GPUBuffer): void {
  const block = new Float32Array(Math.min(buffer.size / 4, 2 ** 18)).map((_, i) => (i * 0.618034 + 0.3) % 1);
  for (let at = 0; at < buffer.size; at += block.byteLength) device.write(buffer, at, block);
}
