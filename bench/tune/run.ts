// What a run of the tuner found: the rows that count, the best of them, those tied with it, what was refused.

import { median, spreadOf } from "../../engine/statistics/quantiles.ts";
import type { RankedContender, Ranking } from "../../engine/statistics/ranking.ts";
import { type Recording, recordedSpace } from "../../engine/tune/results/recording.ts";
import { took } from "../../engine/tune/results/replay.ts";
import { type Row, STATUSES, type Status } from "../../engine/tune/results/row.ts";
import type { Configuration, Parameter, Space, Value } from "../../engine/tune/space/space.ts";
import { durationUnit, type Unit } from "../page/scale.ts";

/** A recording, its rows in the order of their evaluation, with what else is known of the run. */
export interface TuningRun extends Recording {
  /** The space that was searched, with its constraints; `space` may be no more than what was recorded of it. */
  readonly searched?: Space;
  /** The configurations that were measured again in turns, and how they ranked. */
  readonly ranked?: { readonly configurations: readonly Configuration[]; readonly ranking: Ranking };
}

/** A row with a time that counts. */
export interface Timed {
  readonly row: Row;
  readonly objective: number;
  /** Number of its evaluation, from 1, and the seconds that had passed after it. */
  readonly evaluation: number;
  readonly seconds: number;
  /** Where it came when the best were measured again. */
  readonly place?: RankedContender;
}

export interface Digest {
  /** In the order of their evaluation. */
  readonly timed: readonly Timed[];
  /** Best first. */
  readonly ordered: readonly Timed[];
  readonly best?: Timed;
  readonly tied: ReadonlySet<Timed>;
  /** The configuration that the parameters' defaults make, where they tell of any and it has a time. */
  readonly standard?: Timed;
  /** With the values that rows have. Those of which they have more than one are what the run was about. */
  readonly varied: readonly Parameter[];
  readonly fixed: readonly Parameter[];
  /** Of all evaluations. */
  readonly seconds: number;
  /** What is minimised, and its unit. */
  readonly objective: string;
  readonly unit: Unit;
}

export function digest(run: TuningRun): Digest {
  const { rows, objective = "time" } = run;
  const space = run.searched ?? run.space;
  const parameters = space?.parameters ?? (rows.length > 0 ? recordedSpace(rows).parameters : []);
  const key = (configuration: Configuration) =>
    JSON.stringify(parameters.map(({ name }) => configuration[name]));
  const places = placesOf(run, key);
  const timed: Timed[] = [];
  let seconds = 0;
  for (const [i, row] of rows.entries()) {
    seconds += took(row);
    if (row.status !== "ok" || !Number.isFinite(row.objective)) continue;
    const place = places.get(key(row.configuration));
    timed.push({ row, objective: row.objective!, evaluation: i + 1, seconds, place });
  }
  const rank = ({ place }: Timed) => (place ? run.ranked!.ranking.places.indexOf(place) : Infinity);
  const ordered = timed.toSorted(
    (a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)) || a.objective - b.objective,
  );
  const [best] = ordered;
  const standard = standardOf(parameters);
  const met = parameters.map((parameter) => {
    const values = new Set(rows.map(({ configuration }) => configuration[parameter.name]));
    return { ...parameter, values: parameter.values.filter((value) => values.has(value)) };
  });
  return {
    timed,
    ordered,
    best,
    tied: new Set(ordered.filter((one) => (places.size > 0 ? one.place?.tied : alike(one, best)))),
    standard: standard && timed.findLast(({ row }) => key(row.configuration) === key(standard)),
    varied: met.filter(({ values }) => values.length > 1),
    fixed: met.filter(({ values }) => values.length === 1),
    seconds,
    objective,
    unit: objective === "time" ? durationUnit(best?.objective ?? 1) : { name: "", size: 1 },
  };
}

function placesOf(
  { ranked }: TuningRun,
  key: (configuration: Configuration) => string,
): ReadonlyMap<string, RankedContender> {
  const places = ranked?.ranking.places ?? [];
  return new Map(places.map((place) => [key(ranked!.configurations[place.contender]), place]));
}

/** Where a parameter tells no default, its first value is one. */
function standardOf(parameters: readonly Parameter[]): Configuration | undefined {
  if (parameters.every((parameter) => parameter.default === undefined)) return undefined;
  return Object.fromEntries(parameters.map(({ name, values, default: value = values[0] }) => [name, value]));
}

/** Whether the middle halves of two rows' samples meet: all that can be said where they were not measured in turns. */
function alike({ row, objective }: Timed, best: Timed): boolean {
  if (objective <= best.objective) return true;
  if (row.times.length < 2 || best.row.times.length < 2) return false;
  return spreadOf(row.times).low <= spreadOf(best.row.times).high;
}

/**
 * Rows by their status, in the order of statuses; of each the messages, the most frequent first. Those whose first lines
 * differ in numbers alone count as the first of them.
 */
export function byStatus(rows: readonly Row[]): readonly {
  readonly status: Status;
  readonly count: number;
  readonly messages: readonly { readonly text: string; readonly count: number }[];
}[] {
  return STATUSES.map((status) => {
    const found = rows.filter((row) => row.status === status);
    const kinds = new Map<string, { text: string; count: number }>();
    for (const { message } of found) {
      if (message === undefined) continue;
      const [line] = message.split("\n");
      const kind = line.replace(/\d+(\.\d+)?(e[+-]?\d+)?/g, "0");
      const known = kinds.get(kind);
      if (known) known.count++;
      else kinds.set(kind, { text: message, count: 1 });
    }
    return { status, count: found.length, messages: [...kinds.values()].sort((a, b) => b.count - a.count) };
  });
}

/** A limit or a feature of the adapter, and the rows that it refused. */
export interface Refusal {
  readonly limit: string;
  /** What the adapter has of it; absent for a feature. */
  readonly allows?: number;
  /** What was asked for, the least and the most. */
  readonly asked?: readonly [number, number];
  readonly count: number;
}

/** How messages name what was beyond a limit: what the adapter has and what was asked for, by name. */
const LIMITS: readonly { readonly pattern: RegExp; readonly limit?: string }[] = [
  { pattern: /\b(?<limit>max[A-Z]\w+) is (?<has>\d+) but (?<wants>\d+) is needed/ },
  { pattern: /binds (?<wants>\d+) bytes where .*? allows (?<has>\d+)/, limit: "maxStorageBufferBindingSize" },
  {
    pattern: /a grid of (?<wants>[\dx]+) workgroups where .*? allows (?<has>\d+)/,
    limit: "maxComputeWorkgroupsPerDimension",
  },
  {
    pattern: /workgroup invocations \((?<wants>\d+)\) exceeds the maximum allowed \((?<has>\d+)\)/,
    limit: "maxComputeInvocationsPerWorkgroup",
  },
  {
    pattern:
      /workgroup storage \((?<wants>\d+) bytes\) is larger than the maximum allowed \((?<has>\d+) bytes\)/,
    limit: "maxComputeWorkgroupStorageSize",
  },
  { pattern: /needs (?<limit>[\w-]+), which the adapter lacks/ },
];

/** What the adapter refuses, the limit that refuses most first. */
export function refusals(rows: readonly Row[]): readonly Refusal[] {
  const found = new Map<string, { limit: string; allows?: number; wants: number[]; count: number }>();
  for (const { status, message } of rows) {
    if (message === undefined || !(status === "constraints" || status === "validation")) continue;
    for (const { pattern, limit: named } of LIMITS) {
      const groups = pattern.exec(message)?.groups;
      if (!groups) continue;
      const limit = named ?? groups.limit;
      const one = found.get(limit) ?? {
        limit,
        allows: groups.has ? Number(groups.has) : undefined,
        wants: [],
        count: 0,
      };
      found.set(limit, one);
      one.count++;
      if (groups.wants) one.wants.push(Math.max(...groups.wants.split("x").map(Number)));
      break;
    }
  }
  return [...found.values()]
    .sort((a, b) => b.count - a.count)
    .map(({ limit, allows, wants, count }) => {
      const sorted = wants.sort((a, b) => a - b);
      return {
        limit,
        allows,
        count,
        ...(sorted.length > 0 && { asked: [sorted[0], sorted.at(-1)!] as const }),
      };
    });
}

/** Those that no other beats in both time and error. */
export function pareto(timed: readonly Timed[]): readonly Timed[] {
  let least = Infinity;
  return timed
    .filter(({ row }) => row.error !== undefined && Number.isFinite(row.error))
    .sort((a, b) => a.objective - b.objective || a.row.error! - b.row.error!)
    .filter(({ row }) => {
      if (row.error! >= least) return false;
      least = row.error!;
      return true;
    });
}

/**
 * Share of the variance of a value's logarithm that a parameter alone explains, from 0 to 1, less what as many groups
 * would explain by chance (epsilon squared; Kelley 1935). Undefined where no value has two rows.
 */
export function explained(timed: readonly Timed[], name: string): number | undefined {
  const along = timed.every(({ objective }) => objective > 0) ? Math.log : (value: number) => value;
  const squares = (list: readonly Timed[]): number => {
    const values = list.map(({ objective }) => along(objective));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  };
  const groups = [...byValue(timed, name).values()];
  const free = timed.length - groups.length;
  const total = squares(timed);
  if (free === 0 || total === 0) return undefined;
  const within = groups.reduce((sum, group) => sum + squares(group), 0);
  return Math.max(0, 1 - within / free / (total / (timed.length - 1)));
}

/** Rows by the value that they give a parameter. */
export function byValue(timed: readonly Timed[], name: string): ReadonlyMap<Value, readonly Timed[]> {
  const groups = new Map<Value, Timed[]>();
  for (const one of timed) {
    const value = one.row.configuration[name];
    const group = groups.get(value);
    if (group) group.push(one);
    else groups.set(value, [one]);
  }
  return groups;
}

export const middle = (timed: readonly Timed[]): number => median(timed.map(({ objective }) => objective));
