// Tuning for a whole training step: what dominates it is tuned by itself, and only what is faster in the step is kept.

import type { Traits } from "../../device/traits.ts";
import type { Choice, TuningTable } from "../../device/tuning_table.ts";
import { LimitError, TuneError } from "../../errors.ts";
import type { Dispatch } from "../../plan/dispatch.ts";
import type { Profile } from "../../plan/executable.ts";
import { applies } from "../../plan/tables/preferences.ts";
import { median } from "../../statistics/quantiles.ts";
import { rankSamples } from "../../statistics/ranking.ts";
import type { Observer } from "../tune.ts";
import { algorithmsOf, groupId, groupsOf, type LaunchGroup, secondsByGroup } from "./groups.ts";
import { type Alone, type GroupOptions, tuneGroup } from "./problem.ts";
import { varies, waysOf } from "./problem_space.ts";

/** A training step by one tuning table, ready to run. */
export interface Step {
  /** One step, with the seconds of every dispatch. */
  profile(): Promise<Profile>;
  /** Seconds of one step as it is used, from its call to its result. */
  run(): Promise<number>;
  close(): void;
}

/** A training step by any tuning table; without one, by the adapter's present ones. */
export interface Steps {
  readonly traits: Traits;
  /** Throws LimitError where the adapter cannot run the step by it. */
  plan(tuningTable: TuningTable): readonly Dispatch[];
  open(tuningTable?: TuningTable): Promise<Step>;
}

/** What a step took in turns by the present tables and by others. */
export interface Turns {
  /** Medians, seconds. */
  readonly present: number;
  readonly tuned: number;
  /** Time of the tuned over that of the present, and where this may lie. */
  readonly ratio: number;
  readonly interval: readonly [number, number];
}

/** What became of one problem. */
export interface StepFinding {
  readonly group: LaunchGroup;
  readonly alone: Alone;
  /** Seconds of a step that all of its launches should gain, by what they take alone. */
  readonly predicted: number;
  /** What it took in the step, by both tables; absent where there was nothing to try. */
  readonly inStep?: Turns;
  /** Whether it is faster in the step, too. */
  readonly kept: boolean;
  /** Why not. */
  readonly why?: string;
}

export interface StepTuned {
  /** Of the step by the present tables, the costliest first. */
  readonly groups: readonly LaunchGroup[];
  /** Device seconds of that step. */
  readonly seconds: number;
  readonly findings: readonly StepFinding[];
  /** The step with all that was kept against the present one; absent where nothing was. */
  readonly step?: Turns;
  /** Seconds that the kept ones should gain, and that the step gained. */
  readonly predicted: number;
  readonly achieved: number;
  /** What makes the step faster, as a tuning table has it: empty where the step is slower by its interval. */
  readonly problems: TuningTable["problems"];
}

/** Sees what a run does. */
export interface StepObserver {
  /** The groups of the step, and those that will be tuned, in this order. */
  profiled?(groups: readonly LaunchGroup[], chosen: readonly LaunchGroup[]): void;
  /** Before a group is tuned: its number from 0, and how many there are. What it returns observes the tuner's runs. */
  tuning?(group: LaunchGroup, number: number, of: number): Observer | undefined;
  tuned?(finding: StepFinding): void;
  /** Before each measurement of the step: of the groups in it, or of it as a whole. */
  turn?(what: "profile" | "groups" | "step", done: number, of: number): void;
}

export interface StepOptions extends Omit<GroupOptions, "watching" | "traits"> {
  readonly steps: Steps;
  /** Part of the step's device time that is looked at, the costliest problems first; default 0.8. */
  readonly share?: number;
  /** So many problems instead. */
  readonly top?: number;
  /** Profiles of the present step; default 5. */
  readonly profiles?: number;
  /** Steps of either kind whenever the two are compared; default 10, an even number as every second pair runs backwards. */
  readonly rounds?: number;
  readonly observer?: StepObserver;
}

/**
 * Tunes a training step: profiles it, tunes the problems that dominate it (`tuneGroup`), measures the step with all their
 * their best and without in turns, keeps those that are faster there, and accepts what is left unless the whole step is
 * slower with it: what a few problems gain is often less than all else in a step wanders by. Throws what opening a step throws, what the signal says where it is aborted, and TuneError for a share or
 * number of problems that is none.
 */
export async function tuneStep(options: StepOptions): Promise<StepTuned> {
  const { steps, observer, signal } = options;
  checked(options);
  const profiles = await profiled(options);
  const groups = groupsOf(profiles);
  const seconds = groups.reduce((sum, group) => sum + group.seconds, 0);
  const chosen = dominant(groups, seconds, options);
  observer?.profiled?.(groups, chosen);
  const alone: StepFinding[] = [];
  for (const [i, group] of chosen.entries()) {
    signal?.throwIfAborted();
    const watching = observer?.tuning?.(group, i, chosen.length);
    const finding = judged(group, await tuneGroup(group, { ...options, traits: steps.traits, watching }));
    observer?.tuned?.(finding);
    alone.push(finding);
  }
  const findings = await inStep(plannable(alone, steps), options);
  const kept = findings.filter((finding) => finding.kept);
  const predicted = kept.reduce((sum, finding) => sum + finding.predicted, 0);
  if (kept.length === 0) return { groups, seconds, findings, predicted, achieved: 0, problems: {} };
  const step = await inTurns("step", tableOf(steps.traits, kept), options, (one) => one.run(), wholly);
  const achieved = step.present * (1 - step.ratio);
  const problems = step.interval[0] <= 1 ? problemsOf(kept) : {};
  return { groups, seconds, findings, step, predicted, achieved, problems };
}

function checked({ share = 0.8, top = 1, profiles = 5, rounds = 10 }: StepOptions): void {
  if (!(share > 0 && share <= 1))
    throw new TuneError(`tune step: share is ${share}, must be above 0 and at most 1`);
  for (const [name, value] of Object.entries({ top, profiles, rounds }))
    if (!(Number.isInteger(value) && value > 0))
      throw new TuneError(`tune step: ${name} is ${value}, must be a whole number from 1 on`);
}

async function profiled({ steps, profiles = 5, observer, signal }: StepOptions): Promise<Profile[]> {
  const step = await steps.open();
  try {
    const taken: Profile[] = [];
    for (let i = 0; i < profiles; i++) {
      signal?.throwIfAborted();
      observer?.turn?.("profile", i, profiles);
      taken.push(await step.profile());
    }
    return taken;
  } finally {
    step.close(); // so that its memory is free while kernels are tuned
  }
}

/**
 * Those that make up the share of the step, or the first so many, and can be varied. The update is left as it is: its
 * kernels move memory whatever their tunables, and checking one on all weights takes as long as tuning a convolution.
 */
function dominant(
  groups: readonly LaunchGroup[],
  seconds: number,
  { steps: { traits }, share = 0.8, top }: StepOptions,
): LaunchGroup[] {
  const found: LaunchGroup[] = [];
  let before = 0;
  for (const group of groups) {
    if (top === undefined ? before >= share * seconds : found.length === top) break;
    before += group.seconds;
    if (group.node.phase !== "update" && varies(waysOf(group.node, traits))) found.push(group);
  }
  return found;
}

function judged(group: LaunchGroup, alone: Alone): StepFinding {
  const { present = 0, ratio = 1, best, why } = alone;
  if (!best) return { group, alone, predicted: 0, kept: false, why };
  return { group, alone, predicted: group.launches * present * (1 - ratio), kept: true };
}

/** The best of each finding, as entries of a tuning table. */
export function problemsOf(findings: readonly StepFinding[]): TuningTable["problems"] {
  const problems: Record<string, Record<string, Choice>> = {};
  for (const { group, alone } of findings) {
    problems[group.routine] ??= {};
    problems[group.routine][group.key] = alone.best!;
  }
  return problems;
}

/** The caller's own table with the best of each finding before its entries for the same problems. */
function tableOf(traits: Traits, findings: readonly StepFinding[]): TuningTable {
  const own = traits.tuningTable && applies(traits.tuningTable, traits) ? traits.tuningTable : undefined;
  const problems: Record<string, Record<string, Choice>> = { ...own?.problems };
  for (const [routine, of] of Object.entries(problemsOf(findings)))
    problems[routine] = { ...problems[routine], ...of };
  return { path: "tuned for the step", routines: own?.routines ?? {}, problems };
}

/**
 * Findings, those not kept that the step cannot take: a kernel that takes four channels at once, say, has no use where a
 * tensor begins between two fours.
 */
function plannable(findings: readonly StepFinding[], { traits, plan }: Steps): readonly StepFinding[] {
  const fault = (those: readonly StepFinding[]): string | undefined => {
    try {
      const taken = algorithmsOf(plan(tableOf(traits, those)));
      const other = those.find(({ group, alone }) => taken.get(groupId(group)) !== alone.best!.algorithm);
      return (
        other && `the step takes ${taken.get(groupId(other.group))} and not ${other.alone.best!.algorithm}`
      );
    } catch (error) {
      if (error instanceof LimitError) return `not in the step: ${error.message}`;
      throw error;
    }
  };
  const kept = findings.filter((finding) => finding.kept);
  if (kept.length === 0 || fault(kept) === undefined) return findings;
  return findings.map((finding) => {
    const why = finding.kept ? fault([finding]) : undefined;
    return why === undefined ? finding : { ...finding, kept: false, why };
  });
}

/** Findings with what they take in the step; those not kept that are no faster there. */
async function inStep(
  findings: readonly StepFinding[],
  options: StepOptions,
): Promise<readonly StepFinding[]> {
  const tried = findings.filter((finding) => finding.kept);
  if (tried.length === 0) return findings;
  const table = tableOf(options.steps.traits, tried);
  const take = async (step: Step) => secondsByGroup(await step.profile());
  const turns = await inTurns("groups", table, options, take, (present, tuned) =>
    tried.map(({ group }) => {
      const of = (samples: typeof present) => samples.map((sums) => sums.get(groupId(group)) ?? 0);
      return wholly(of(present), of(tuned));
    }),
  );
  return findings.map((finding) => {
    const took = turns[tried.indexOf(finding)];
    if (!took) return finding;
    const kept = took.interval[1] < 1;
    return { ...finding, inStep: took, kept, ...(!kept && { why: "no faster in the step" }) };
  });
}

/** Takes samples of the present step and of the one by a table: present, tuned, tuned, present, so that a drift cancels. */
async function inTurns<T, R>(
  what: "groups" | "step",
  table: TuningTable,
  { steps, rounds = 10, observer, signal }: StepOptions,
  take: (step: Step) => Promise<T>,
  judge: (present: readonly T[], tuned: readonly T[]) => R,
): Promise<R> {
  const opened: Step[] = [];
  try {
    opened.push(await steps.open());
    opened.push(await steps.open(table));
    const samples: [T[], T[]] = [[], []];
    const turns = 2 * Math.ceil(rounds / 2);
    for (let round = 0; round < turns; round++)
      for (const which of round % 2 === 0 ? [0, 1] : [1, 0]) {
        signal?.throwIfAborted();
        observer?.turn?.(what, 2 * round + (which === round % 2 ? 0 : 1), 2 * turns);
        samples[which].push(await take(opened[which]));
      }
    return judge(...samples);
  } finally {
    for (const step of opened) step.close();
  }
}

/** Compares samples that were taken in turns (`rankSamples`). */
function wholly(present: readonly number[], tuned: readonly number[]): Turns {
  const { places } = rankSamples([present, tuned]);
  const [{ contender: best }, { ratio, interval }] = places;
  const turned = best === 1; // the ratio is that of the present over the tuned
  return {
    present: median(present),
    tuned: median(tuned),
    ratio: turned ? 1 / ratio : ratio,
    interval: turned ? [1 / interval[1], 1 / interval[0]] : interval,
  };
}
