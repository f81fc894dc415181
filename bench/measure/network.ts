// A network on an adapter: its first step, its steady ones by phase, every launch, what it takes, whether it is right.

import type { Device } from "../../engine/device/device.ts";
import type { Phase } from "../../engine/graph/graph.ts";
import type { Dispatch } from "../../engine/plan/dispatch.ts";
import { outliers, quantile, spreadOf } from "../../engine/statistics/quantiles.ts";
import { census } from "../../models/index.ts";
import { capacityOf, memoryOf, planFitting } from "./memory.ts";
import type { LaunchRow, NetworkRow, PhaseRow, Validity } from "./result.ts";
import { goOn, Interrupted, type SampledSteps, type Sampling, sampleSteps } from "./sampling.ts";
import { modelOf, netOf, type Planning, type Setting, type StepPlan, stepDispatches } from "./setting.ts";
import { normOf, type StepSubject, stepSubjectOf } from "./subject.ts";
import { compareWithPlain } from "./validity.ts";

export interface MeasureOptions extends Sampling {
  /** Bytes of device memory there are, where the adapter does not tell. */
  readonly capacity?: number;
  readonly choose?: Planning["choose"];
  /** Whether to compare the step with one by plain kernels (the default): a row that is not compared is not valid. */
  readonly validate?: boolean;
}

/** A step's device time of this part of its wall time is idle. */
const IDLE = 0.1;

/**
 * Measures a network. Throws LimitError naming the largest batch that fits where this one does not, ValueError or
 * ShapeError where there is no such network or image; undefined where interrupted before a steady step was taken.
 */
export async function measureNetwork(
  device: Device,
  setting: Setting,
  options: MeasureOptions = {},
): Promise<NetworkRow | undefined> {
  const { choose, capacity = capacityOf(device.traits), onProgress, signal } = options;
  onProgress?.("planning");
  const planned = planFitting(setting, device.traits, capacity, { choose });
  onProgress?.("compiling");
  let subject: StepSubject | undefined;
  try {
    const compile = await seconds(() => compileAll(device, planned));
    goOn(signal);
    const create = await seconds(async () => {
      subject = await stepSubjectOf(device, setting, { choose });
    });
    goOn(signal);
    onProgress?.("first step");
    const first = await firstStep(subject!);
    const measured = await sampleSteps(device, subject!, first.step, options);
    subject!.close();
    subject = undefined;
    if (measured.walls.length === 0) return undefined;
    const validity = await judge(device, setting, planned, first, options);
    return rowOf(device, setting, planned, { create, compile, ...first, measured, validity });
  } catch (error) {
    if (error instanceof Interrupted) return undefined;
    throw error;
  } finally {
    subject?.close();
  }
}

async function seconds(body: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await body();
  return (performance.now() - start) / 1e3;
}

const textsOf = (planned: StepPlan) =>
  new Map(stepDispatches(planned).map(({ kernel }) => [kernel.text, kernel]));

const compileAll = (device: Device, planned: StepPlan) =>
  Promise.all(
    [...textsOf(planned).values()].map(({ kernel, text, reflected }) =>
      device.compile(kernel.label, text, reflected),
    ),
  );

interface First {
  readonly step: number;
  readonly loss?: number;
  /** Of the gradient, or of the logits. */
  readonly norm: number;
}

async function firstStep(subject: StepSubject): Promise<First> {
  const start = performance.now();
  const { loss, logits } = await subject.step();
  const step = (performance.now() - start) / 1e3;
  const gradients = logits ? [{ data: logits }] : (await subject.variables.read("gradient")).values();
  return { step, loss, norm: normOf(gradients) };
}

/** A step whose loss is no number is wrong whatever else it does; one that was not compared is not known to be right. */
async function judge(
  device: Device,
  setting: Setting,
  planned: StepPlan,
  { loss, norm }: First,
  { validate = true, choose, signal, onProgress }: MeasureOptions,
): Promise<Validity> {
  const outcome = { ...(loss !== undefined && { loss }), norm };
  const invalid = (why: string) => ({ valid: false, why, ...outcome });
  if (!Number.isFinite(loss ?? 0) || !Number.isFinite(norm))
    return invalid(`loss ${loss}, norm ${norm} after the first step`);
  if (!validate) return invalid("not compared with anything");
  if (signal?.aborted) return invalid("interrupted before it was compared with anything");
  onProgress?.("comparing with plain kernels");
  const compared = await compareWithPlain(device, setting, planned, { choose }, signal);
  return compared ? { ...compared, ...outcome } : invalid("interrupted before it was compared with anything");
}

interface Found extends First {
  readonly create: number;
  readonly compile: number;
  readonly measured: SampledSteps;
  readonly validity: Validity;
}

function rowOf(device: Device, setting: Setting, planned: StepPlan, found: Found): NetworkRow {
  const { create, compile, step, measured, validity } = found;
  const wall = spreadOf(measured.walls);
  const phases = phaseRows(planned, measured);
  const launches = launchRows(planned, measured);
  return {
    ...plannedRow(setting, planned),
    first: { create, compile, step },
    wall,
    ...(measured.cpu && { cpu: measured.cpu }),
    phases,
    objects: measured.objects,
    validity,
    launches,
    warnings: warningsOf(device, measured, wall, phases, launches),
  };
}

/** What can be said of a network before anything is run: a row without any times. */
export function plannedRow(setting: Setting, planned: StepPlan): NetworkRow {
  const { network, variant, mode, image, batch, seed, net } = setting;
  const { parameters, macs, timmMacs, activations } = census(modelOf(setting), image, netOf(setting));
  const width = net?.width === undefined ? "" : ` x${net.width}`;
  const none = { samples: [], median: 0, low: 0, high: 0, least: 0, uncertainty: 0 };
  return {
    network,
    variant: `${variant}${width}`,
    mode,
    image,
    batch,
    precision: "float32",
    seed,
    parameters,
    macs,
    timmMacs,
    activations,
    first: { create: 0, compile: 0, step: 0 },
    wall: none,
    phases: {},
    pipelines: textsOf(planned).size,
    objects: {},
    memory: memoryOf(planned),
    validity: { valid: true, why: "planned, not run" },
    launches: [],
    warnings: [],
  };
}

function phaseRows(planned: StepPlan, { phases }: SampledSteps): NetworkRow["phases"] {
  const rows: Partial<Record<Phase, PhaseRow>> = {};
  const dispatches = stepDispatches(planned);
  for (const phase of Object.keys(phases[0] ?? {}) as Phase[]) {
    const of = dispatches.filter(({ node }) => node.phase === phase);
    rows[phase] = {
      flops: of.reduce((sum, { flops }) => sum + flops, 0),
      bytes: of.reduce((sum, { bytes }) => sum + bytes, 0),
      dispatches: of.length,
      device: spreadOf(phases.map((took) => took[phase]!)),
    };
  }
  return rows;
}

function launchRows(planned: StepPlan, { profiles }: SampledSteps): LaunchRow[] {
  if (profiles.length === 0) return [];
  return stepDispatches(planned).map((dispatch, i) => {
    const sorted = profiles.map((profile) => profile[i]).sort((a, b) => a - b);
    return launchRow(dispatch, quantile(sorted, 0.5));
  });
}

function launchRow(dispatch: Dispatch, seconds: number): LaunchRow {
  const { label, node, algorithm, kernel, grid, flops, bytes } = dispatch;
  return {
    label,
    routine: `${node.op.name}/${node.routine}`,
    phase: node.phase,
    where: node.label.split(" ")[0],
    algorithm,
    tune: kernel.tune,
    grid,
    shapes: node.shapes,
    attrs: node.attrs,
    flops,
    bytes,
    seconds,
  };
}

const percent = (share: number) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

function warningsOf(
  device: Device,
  { walls, warmUps, wanted, load }: SampledSteps,
  wall: NetworkRow["wall"],
  phases: NetworkRow["phases"],
  launches: readonly LaunchRow[],
): string[] {
  const warnings: string[] = [];
  const far = outliers(wall);
  if (far.length > 0)
    warnings.push(
      `${far.length} of ${walls.length} steps are outliers, the farthest of ${Math.max(...far).toFixed(3)} s: something else was running`,
    );
  if (walls[0] > 1.2 * wall.high)
    warnings.push(
      `the first step that counts took ${(walls[0] / wall.median).toFixed(2)} times the median, after ${warmUps} to warm up`,
    );
  if (wall.uncertainty > wanted)
    warnings.push(
      `the median of ${walls.length} steps is known to ${percent(wall.uncertainty)} where ${percent(wanted)} was wanted: --time gives it longer`,
    );
  if (load !== undefined) warnings.push(load);
  const busy = Object.values(phases).reduce((sum, { device: { median } }) => sum + median, 0);
  if (busy === 0) warnings.push(`${device.name} has no timestamps: no times by phase or launch`);
  else if (busy < (1 - IDLE) * wall.median)
    warnings.push(`the device is idle for ${percent(1 - busy / wall.median)} of a step`);
  const alone = launches.reduce((sum, { seconds }) => sum + seconds, 0);
  if (alone > 0 && Math.abs(alone / busy - 1) > 0.1)
    warnings.push(
      `launches timed one by one take ${percent(alone / busy)} of the time that they take together`,
    );
  return warnings;
}
