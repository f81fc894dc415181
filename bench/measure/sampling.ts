// Steps of a network, one after the other, until their median is known.

import { cpus } from "node:os";
import type { Device } from "../../engine/device/device.ts";
import type { Phase } from "../../engine/graph/graph.ts";
import { spreadOf } from "../../engine/statistics/quantiles.ts";
import { ObjectCount } from "./objects.ts";
import { processorTime } from "./processor.ts";
import type { StepSubject } from "./subject.ts";

export interface Sampling {
  /** Seconds after which no more steps are taken (20), and how many are taken all the same (3). */
  readonly time?: number;
  readonly least?: number;
  /** Steps to take, neither more nor fewer, whatever the time. */
  readonly samples?: number;
  /** Half the 95 % interval of the median, as a part of it, at which it is known (0.03). */
  readonly precision?: number;
  /** Times that every launch is timed (3), between steps. */
  readonly profiles?: number;
  readonly signal?: AbortSignal;
  onProgress?(doing: string, done?: number, of?: number): void;
}

/** Steps to warm up at most. */
const WARM_UPS = 4;
/** A step that takes at least this part of the one before it is steady. */
const STEADY = 0.9;

/** Share of the processors' time that others may take unmentioned. */
const OTHERS = 0.1;

/** What some steady steps took, each in seconds. */
export interface SampledSteps {
  readonly walls: readonly number[];
  /** On the device, by phase; empty where it has no timestamps. */
  readonly phases: readonly Partial<Record<Phase, number>>[];
  /** Of every launch, for each time that they were timed one by one. */
  readonly profiles: readonly (readonly number[])[];
  /** Means of the steps, where the system tells. */
  readonly cpu?: { readonly all: number; readonly main: number };
  /** GPU objects made in the last step. */
  readonly objects: Readonly<Record<string, number>>;
  readonly warmUps: number;
  readonly wanted: number;
  /** What else the machine was doing, where that was much. */
  readonly load?: string;
}

/** Thrown where there is nothing to keep. */
export class Interrupted extends Error {}

/** Throws Interrupted where that is so. */
export function goOn(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new Interrupted();
}

/** Takes steps after a first one of `first` seconds, and times every launch now and then. */
export async function sampleSteps(
  device: Device,
  subject: StepSubject,
  first: number,
  { time = 20, least = 3, samples, precision = 0.03, profiles = 3, signal, onProgress }: Sampling,
): Promise<SampledSteps> {
  const timed = device.gpu.features.has("timestamp-query");
  if (timed) for (const part of subject.parts) await part.watch();
  const objects = new ObjectCount(device.gpu);
  const steps: Step[] = [];
  const launches: number[][] = [];
  try {
    const warmUps = await warmUp(subject, first, signal);
    const start = performance.now();
    const others = watchOthers();
    const enough = () => {
      if (samples !== undefined) return steps.length >= samples;
      if (steps.length < least) return false;
      const known = spreadOf(steps.map(({ wall }) => wall)).uncertainty <= precision && steps.length >= 6;
      return known || (performance.now() - start) / 1e3 >= time;
    };
    while (!signal?.aborted && (!enough() || (timed && launches.length < profiles))) {
      onProgress?.("steps", steps.length, samples);
      if (!enough()) steps.push(await step(subject, objects));
      if (timed && launches.length < profiles && !signal?.aborted) launches.push(await profile(subject));
    }
    const mean = (of: (step: Step) => number) => steps.reduce((sum, one) => sum + of(one), 0) / steps.length;
    const cpu = { all: mean((one) => one.cpu.all), main: mean((one) => one.cpu.main) };
    return {
      walls: steps.map(({ wall }) => wall),
      phases: timed ? steps.map(({ phases }) => phases) : [],
      profiles: launches,
      ...(cpu.main >= 0 && { cpu }),
      objects: steps.at(-1)?.objects ?? {},
      warmUps,
      wanted: precision,
      load: others(),
    };
  } finally {
    objects.stop();
  }
}

/** Steps until one is no longer much faster than that before it; returns how many. */
async function warmUp(subject: StepSubject, first: number, signal?: AbortSignal): Promise<number> {
  let before = first;
  for (let taken = 1; ; taken++) {
    goOn(signal);
    const start = performance.now();
    await subject.step();
    const wall = (performance.now() - start) / 1e3;
    if (wall >= STEADY * before || taken === WARM_UPS) return taken;
    before = wall;
  }
}

interface Step {
  readonly wall: number;
  readonly cpu: { readonly all: number; readonly main: number };
  readonly phases: Partial<Record<Phase, number>>;
  readonly objects: Readonly<Record<string, number>>;
}

async function step(subject: StepSubject, objects: ObjectCount): Promise<Step> {
  objects.take();
  const before = processorTime();
  const start = performance.now();
  await subject.step();
  const wall = (performance.now() - start) / 1e3;
  const after = processorTime();
  const made = objects.take();
  const phases: Partial<Record<Phase, number>> = {};
  for (const part of subject.parts) Object.assign(phases, await part.phases());
  return {
    wall,
    cpu: { all: after.all - before.all, main: after.main - before.main },
    phases,
    objects: made,
  };
}

async function profile({ parts }: StepSubject): Promise<number[]> {
  const seconds: number[] = [];
  for (const part of parts) for (const launch of await part.profile()) seconds.push(launch.seconds);
  return seconds;
}

/** Starts to watch the machine; the function that it returns says how much others ran on it since, where that was much. */
function watchOthers(): () => string | undefined {
  const busy = () => cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys, 0) / 1e3;
  const [start, atStart, ours] = [performance.now(), busy(), processorTime().all];
  return () => {
    const seconds = ((performance.now() - start) / 1e3) * cpus().length;
    const share = (busy() - atStart - (processorTime().all - ours)) / seconds;
    return share > OTHERS
      ? `other processes took ${(100 * share).toFixed(0)} % of the processors meanwhile`
      : undefined;
  };
}
