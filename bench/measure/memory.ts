// What a step takes in device memory, and the largest batch that fits: from the plans alone, without running anything.

import type { Traits } from "../../engine/device/traits.ts";
import { LimitError } from "../../engine/errors.ts";
import { memoryOfHost } from "./host.ts";
import type { MemoryRow } from "./result.ts";
import { type Planning, planStep, type Setting, type StepPlan, stepDispatches } from "./setting.ts";

/** Of the memory of a host that plays the adapter: the rest is the process's own, and the driver's. */
const OF_HOST = 0.9;
/** Larger batches are not looked for. */
const MOST = 2 ** 16;

/** Device memory of a step, launch by launch. */
export function memoryOf(planned: StepPlan): MemoryRow {
  const plans = planned.update ? [planned.pass, planned.update] : [planned.pass];
  const memories = plans.map((plan) => plan.memory());
  const sum = (of: (i: number) => number) => plans.reduce((total, _, i) => total + of(i), 0);
  const alive = memories.flatMap((memory) => memory.alive);
  const arena = sum((i) => memories[i].arena);
  const results = plans.flatMap(({ outputs }) => [...outputs.values()]);
  const staging = results.reduce((total, { storage }) => total + storage.bytes, 0);
  const other = sum((i) => memories[i].total - memories[i].arena) + staging;
  const launch = alive.reduce((most, bytes, i) => (bytes > alive[most] ? i : most), 0);
  const { peak } = memories[launch < planned.pass.dispatches.length ? 0 : 1];
  return {
    variables: planned.variableBytes,
    arena,
    other,
    total: planned.variableBytes + arena + other,
    alive,
    peak: { launch, where: stepDispatches(planned)[launch].node.label, tensors: peak.alive },
  };
}

/** Bytes that fit on an adapter, as far as it tells: a software adapter has the host's. */
export const capacityOf = ({ class: kind }: Traits): number =>
  kind === "cpu" ? Math.floor(OF_HOST * memoryOfHost()) : Infinity;

/** What a step takes, or why the adapter cannot run it. */
type Need = { readonly bytes: number } | { readonly refusal: string };

/** What a step needs at a batch. */
function needAt(setting: Setting, traits: Traits, batch: number): Need {
  try {
    return { bytes: memoryOf(planStep({ ...setting, batch }, traits)).total };
  } catch (error) {
    if (!(error instanceof LimitError)) throw error;
    return { refusal: error.message };
  }
}

/**
 * Largest batch at which a step fits into `capacity` bytes and the limits of the adapter; 0 where not even one image
 * does. Bytes grow almost evenly with the batch, so that few plans find it.
 */
export function largestBatch(setting: Setting, traits: Traits, capacity: number): number {
  let [low, high] = [0, MOST + 1];
  let points: readonly { batch: number; bytes: number }[] = [];
  for (let batch = 1; high - low > 1; batch = next(points, low, high, capacity)) {
    const need = needAt(setting, traits, batch);
    if ("bytes" in need) points = [...points.slice(-1), { batch, bytes: need.bytes }];
    if ("bytes" in need && need.bytes <= capacity) low = batch;
    else high = batch;
  }
  return low;
}

/** The batch to try next between one that fits and one that does not: along the line through the last two. */
function next(
  points: readonly { batch: number; bytes: number }[],
  low: number,
  high: number,
  capacity: number,
): number {
  const middle = high > MOST ? Math.max(8, 2 * low) : (low + high) >> 1;
  const inside = (batch: number) => Math.max(low + 1, Math.min(high - 1, batch));
  if (points.length < 2) return inside(middle);
  const [a, b] = points;
  const reached = b.batch + Math.floor((capacity - b.bytes) / ((b.bytes - a.bytes) / (b.batch - a.batch)));
  // what a limit of the adapter refuses is on no line
  return inside(reached >= high || !Number.isFinite(reached) ? middle : reached);
}

/**
 * Plans a step that fits. Throws LimitError naming the largest batch that does where this one does not, ValueError or
 * ShapeError where there is no such network.
 */
export function planFitting(
  setting: Setting,
  traits: Traits,
  capacity: number,
  planning: Planning = {},
): StepPlan {
  let refusal: string;
  try {
    const planned = planStep(setting, traits, planning);
    const { total } = memoryOf(planned);
    if (total <= capacity) return planned;
    refusal = `takes ${total} bytes where there are ${capacity}`;
  } catch (error) {
    if (!(error instanceof LimitError)) throw error;
    refusal = `does not fit: ${error.message}`;
  }
  const largest = largestBatch(setting, traits, capacity);
  const most = largest > 0 ? `the largest batch that fits is ${largest}` : "not even one image fits";
  throw new LimitError(
    `${setting.network}: a batch of ${setting.batch} at ${setting.image}x${setting.image} ${refusal}; ${most}`,
  );
}
