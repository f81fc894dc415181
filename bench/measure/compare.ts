// Two measurements beside each other, row by row: results that were written, or builds that take turns.

import { ValueError } from "../../engine/errors.ts";
import { median } from "../../engine/statistics/quantiles.ts";
import {
  FEWEST_SAMPLES,
  type Ratio,
  ratioOfMedians,
  VERDICT_DEFAULTS,
  type Verdict,
  type VerdictOptions,
  verdictOf,
} from "../../engine/statistics/ratio.ts";
import { compareInTurns, type SamplerPair, type TurnOptions } from "../../engine/statistics/turns.ts";
import { Build, type BuildSubject, type KernelTask, type Opened, type StepTask } from "./build.ts";
import type { Host, KernelRow, NetworkRow, Result } from "./result.ts";

/** One thing that both measured. */
export interface ComparedRow {
  readonly what: string;
  /** Seconds, medians. */
  readonly a?: number;
  readonly b?: number;
  /** Of each. */
  readonly samples: readonly [a: number, b: number];
  /** Of B over A, and where it may lie. */
  readonly ratio?: number;
  readonly interval?: readonly [low: number, high: number];
  readonly verdict: Verdict;
  /** What else is to be known, such as why nothing can be said. */
  readonly note?: string;
}

/** A against B. */
export interface Comparison {
  readonly format: "tessera bench comparison";
  readonly version: 1;
  readonly a: string;
  readonly b: string;
  readonly tolerance: number;
  /** Of all intervals together. */
  readonly confidence: number;
  /** Whether they took turns: else the drift of the machine between two runs is in every ratio. */
  readonly inTurns: boolean;
  /** What measured, where it was not the same. */
  readonly differences: readonly { readonly what: string; readonly a: string; readonly b: string }[];
  readonly rows: readonly ComparedRow[];
  /** What only one of them measured. */
  readonly alone: readonly { readonly what: string; readonly in: "a" | "b" }[];
  readonly interrupted?: boolean;
}

/** 0 where nothing is slower, 1 where something is, 3 where something is unclear and that is not allowed. */
export function exitCodeOf({ rows }: Pick<Comparison, "rows">, strict = false): 0 | 1 | 3 {
  if (rows.some(({ verdict }) => verdict === "SLOWER")) return 1;
  return strict && rows.some(({ verdict }) => verdict === "UNCLEAR") ? 3 : 0;
}

interface Readings {
  readonly what: string;
  readonly samples: readonly number[];
  /** Why its time says nothing. */
  readonly flaw?: string;
}

type Names = readonly [a: string, b: string];

/**
 * Compares what two results hold of the same networks and kernels, by the ratio of the medians of their samples.
 * Throws ValueError with both values where a network was measured otherwise, or nothing is in both.
 */
export function compareResults(a: Result, b: Result, names: Names, options: VerdictOptions = {}): Comparison {
  refuseOthers(a.networks, b.networks, names);
  const [of, against] = [readingsOf(a, b), readingsOf(b, a)];
  const both = [...of].filter(([key]) => against.has(key));
  if (both.length === 0)
    throw new ValueError(
      `nothing is in both: ${names[0]} has ${listed(of)}, but ${names[1]} has ${listed(against)}`,
    );
  const { tolerance, confidence } = { ...VERDICT_DEFAULTS, ...options };
  const share = { ...options, confidence: 1 - (1 - confidence) / both.length };
  const rows = both.map(([key, first]): ComparedRow => {
    const second = against.get(key)!;
    const [x, y] = [first.samples, second.samples];
    const ratio = ratioOfMedians(x, y, share);
    return rowOf(first.what, x, y, ratio, tolerance, first.flaw ?? second.flaw);
  });
  const alone = [
    ...[...of].filter(([key]) => !against.has(key)).map(([, { what }]) => ({ what, in: "a" as const })),
    ...[...against].filter(([key]) => !of.has(key)).map(([, { what }]) => ({ what, in: "b" as const })),
  ];
  const differences = [...hostDifferences(a.host, b.host), ...differing("command", a.command, b.command)];
  return comparison(names, { tolerance, confidence, inTurns: false, differences, rows, alone });
}

/** What two builds are measured at. */
export interface BuildOptions extends TurnOptions {
  readonly adapter?: string;
  /**
   * `device`: seconds on the device, of a step those that the host waits. `cpu`: processor seconds of all threads but the
   * one that waits, for a software adapter on a machine that others use: what they take is not in it, nor is what
   * an adapter idles.
   */
  readonly clock?: "device" | "cpu";
  /** The network whose step or kernels are measured. */
  readonly step: StepTask;
  /** The kernels of the step, and not all of it: those of these operations or routines, or all of them. */
  readonly kernels?: { readonly names: readonly string[]; readonly most: number };
  /** Called where processes are ready to take turns: twice where they confirm what others found. */
  readonly onReady?: (opened: Opened, subjects: number) => void;
}

/**
 * Measures two builds, folders with an `index.js`, each in a process of its own, in turns. Where a process lies in memory
 * and on which cores it runs is a part of its time as long as it lives (Kalibera and Jones 2013): what is found faster or
 * slower is measured again by fresh processes, and is so where these find it too, else what they find.
 * Throws FormatError naming the folder that is none, ValueError where no kernel of the step has such a name or both do not
 * find the same adapter.
 */
export async function compareBuilds(a: string, b: string, options: BuildOptions): Promise<Comparison> {
  const first = await measureBuilds([a, b], options);
  const { signal, kernels } = options;
  const { confidence, tolerance } = { ...VERDICT_DEFAULTS, ...options };
  const rows = first.measured.map(({ row }) => row);
  const differ = first.measured.filter(
    ({ row: { verdict } }) => verdict === "FASTER" || verdict === "SLOWER",
  );
  if (differ.length > 0 && !signal?.aborted) {
    const subjects = kernels && differ.map(({ subject }) => subject);
    const again = await measureBuilds([a, b], { ...options, subjects });
    for (const [i, one] of differ.entries())
      rows[first.measured.indexOf(one)] = confirm(one.row, again.measured[i].row);
  }
  const differences = differing("implementation", ...first.implementations);
  const parts = {
    tolerance,
    confidence,
    inTurns: true,
    differences,
    rows,
    alone: [],
  };
  return comparison([a, b], { ...parts, ...(signal?.aborted && { interrupted: true }) });
}

/** What fresh processes make of a difference. */
function confirm(first: ComparedRow, second: ComparedRow): ComparedRow {
  if (first.verdict === second.verdict) return second;
  const { ratio, interval, samples } = first;
  const ends = interval!.map((end) => end.toFixed(3)).join(", ");
  const note = `other processes had ${ratio!.toFixed(3)} [${ends}] in ${samples[0]} rounds before`;
  return { ...second, verdict: second.verdict === "SAME" ? "SAME" : "UNCLEAR", note: second.note ?? note };
}

interface MeasuredSubject {
  readonly subject: BuildSubject;
  readonly row: ComparedRow;
}

/** One pair of processes at all subjects, those given or what the options name. */
async function measureBuilds(
  dists: Names,
  options: BuildOptions & { subjects?: readonly BuildSubject[] },
): Promise<{ measured: readonly MeasuredSubject[]; implementations: Names }> {
  const builds: Build[] = [];
  try {
    const opened: Opened[] = [];
    for (const dist of dists) {
      const one = await Build.open(dist, options.adapter);
      builds.push(one.build);
      opened.push(one.opened);
    }
    const [a, b] = opened;
    if (a.adapter !== b.adapter)
      throw new ValueError(`${dists[0]} measures on ${a.adapter} but ${dists[1]} on ${b.adapter}`);
    const subjects = options.subjects ?? (await subjectsOf(builds[0], options));
    const pairs = new Map<BuildSubject, SamplerPair>();
    const refused = new Map<BuildSubject, string>();
    for (const subject of subjects)
      await pairOf(builds, subject, options.clock).then(
        (pair) => pairs.set(subject, pair),
        (error: Error) => refused.set(subject, error.message),
      );
    options.onReady?.(a, pairs.size);
    const taken = await compareInTurns([...pairs.values()], options);
    const { tolerance } = { ...VERDICT_DEFAULTS, ...options };
    const measured = subjects.map((subject) => {
      const turns = taken[[...pairs.keys()].indexOf(subject)] ?? { a: [], b: [] };
      const row = rowOf(labelOf(subject), turns.a, turns.b, turns.ratio, tolerance, refused.get(subject));
      return { subject, row };
    });
    return { measured, implementations: [a.implementation, b.implementation] };
  } finally {
    for (const build of builds) build.close();
  }
}

async function subjectsOf(build: Build, { kernels, step }: BuildOptions): Promise<readonly BuildSubject[]> {
  if (!kernels) return [{ step }];
  const tasks = await build.list(step, kernels.names, kernels.most);
  if (tasks.length === 0)
    throw new ValueError(`no kernel of ${stepLabel(step)} is of ${kernels.names.join(", ")}`);
  return tasks.map((task) => ({ task }));
}

/** Both builds ready to take turns at the same, read alike: by timestamps only where both have them. */
async function pairOf(
  [a, b]: readonly Build[],
  subject: BuildSubject,
  clock = "device",
): Promise<SamplerPair> {
  const [first, second] = [await a.prepare(subject), await b.prepare(subject)];
  const paces = [first.pace, second.pace];
  const device = paces.every(({ source }) => source === "timestamp") ? "timestamp" : "wall";
  const source = clock === "cpu" ? "cpu" : device;
  const pace = { source, repeats: Math.max(...paces.map(({ repeats }) => repeats)) } as const;
  return { a: a.turn(first.task, pace), b: b.turn(second.task, pace) };
}

const comparison = (
  [a, b]: Names,
  parts: Omit<Comparison, "format" | "version" | "a" | "b">,
): Comparison => ({
  format: "tessera bench comparison",
  version: 1,
  a,
  b,
  ...parts,
});

function rowOf(
  what: string,
  a: readonly number[],
  b: readonly number[],
  ratio: Ratio | undefined,
  tolerance: number,
  flaw?: string,
): ComparedRow {
  const few = Math.min(a.length, b.length);
  const note = flaw ?? (ratio ? undefined : `${few} samples where ${FEWEST_SAMPLES} are needed`);
  return {
    what,
    ...(a.length > 0 && { a: median(a) }),
    ...(b.length > 0 && { b: median(b) }),
    samples: [a.length, b.length],
    ...ratio,
    verdict: flaw || !ratio ? "UNCLEAR" : verdictOf(ratio, tolerance),
    ...(note && { note }),
  };
}

const labelOf = (subject: BuildSubject): string =>
  "task" in subject ? kernelLabel(subject.task) : `${stepLabel(subject.step)} training step`;

const stepLabel = ({ network, variant, image, batch }: StepTask): string =>
  `${network}${variant === "paper" ? "" : ` ${variant}`} ${image}x${image} batch ${batch}`;

/** An operation's routine with the sizes of its inputs: `conv2d/forward x [1,8,8,64] w [3,3,64,96]`. */
function kernelLabel({ op, routine, shapes, attrs, inputs }: KernelTask): string {
  const sizes = Object.keys(inputs).map((name) => `${name} [${shapes[name]}]`);
  const { stride } = (attrs ?? {}) as { stride?: readonly number[] };
  const strided = stride?.some((s) => s !== 1) ? [`stride ${stride.join("x")}`] : [];
  return [`${op}/${routine}`, ...sizes, ...strided].join(" ");
}

const SETTINGS = ["mode", "image", "batch", "precision"] as const;

/** Throws ValueError where both measured a network, but never in the same way. */
function refuseOthers(a: readonly NetworkRow[], b: readonly NetworkRow[], names: Names): void {
  const alike = (x: NetworkRow, y: NetworkRow) => x.network === y.network && x.variant === y.variant;
  for (const row of a) {
    const others = b.filter((other) => alike(row, other));
    if (others.length === 0 || others.some((other) => networkKey(other) === networkKey(row))) continue;
    if (others.some((other) => a.some((one) => networkKey(one) === networkKey(other)))) continue;
    const setting = SETTINGS.find((name) => row[name] !== others[0][name])!;
    throw new ValueError(
      `${row.network}: ${setting} is ${row[setting]} in ${names[0]} but ${others[0][setting]} in ${names[1]}`,
    );
  }
}

const networkKey = (row: NetworkRow): string =>
  JSON.stringify([row.network, row.variant, ...SETTINGS.map((name) => row[name])]);

/** Everything of a result that has samples, by what it is. Algorithms tell rows apart where a problem has several. */
function readingsOf(result: Result, other: Result): Map<string, Readings> {
  const found = new Map<string, Readings>();
  for (const row of result.networks) {
    const label = `${stepLabel(row)} ${row.mode}`;
    const flaw = row.validity.valid ? undefined : `not valid: ${row.validity.why}`;
    const add = (part: string, samples: readonly number[]) =>
      found.set(`${networkKey(row)} ${part}`, { what: `${label}: ${part}`, samples, flaw });
    add("step", row.wall.samples);
    for (const [phase, { device }] of Object.entries(row.phases)) add(phase, device.samples);
  }
  const several = new Set([...repeated(result.kernels), ...repeated(other.kernels)]);
  for (const row of result.kernels) {
    const key = problemKey(row);
    const algorithm = several.has(key) ? ` ${row.algorithm} ${JSON.stringify(row.tune)}` : "";
    const sizes = Object.entries(row.shapes).map(([name, shape]) => `${name} [${shape}]`);
    const what = `${row.routine} ${sizes.join(" ")}${algorithm}`;
    found.set(key + algorithm, { what, samples: row.device?.samples ?? [], flaw: row.refusal });
  }
  return found;
}

const problemKey = ({ routine, shapes, attrs }: KernelRow): string =>
  JSON.stringify([routine, shapes, attrs ?? null]);

function repeated(rows: readonly KernelRow[]): string[] {
  const keys = rows.map(problemKey);
  return keys.filter((key, i) => keys.indexOf(key) !== i);
}

const HOST = [
  "adapter",
  "driver",
  "implementation",
  "kind",
  "toggles",
  "timestampQuantum",
  "os",
  "cpu",
  "cores",
  "memory",
  "node",
  "version",
  "commit",
  "features",
  "limits",
] as const;

const hostDifferences = (a: Host, b: Host) => HOST.flatMap((what) => differing(what, a[what], b[what]));

/** A difference, if it is one; of lists and tables what is not in both. */
function differing(what: string, a: unknown, b: unknown): { what: string; a: string; b: string }[] {
  if (JSON.stringify(a) === JSON.stringify(b)) return [];
  const parts = (value: unknown): string[] => {
    if (value === undefined) return ["unknown"];
    if (typeof value !== "object" || value === null) return [String(value)];
    return Array.isArray(value) ? value.map(String) : Object.entries(value).map(([k, v]) => `${k} ${v}`);
  };
  const [of, against] = [parts(a), parts(b)];
  if (what === "command") return [{ what, a: of.join(" "), b: against.join(" ") }];
  const rest = (list: string[], other: string[]) =>
    list.filter((one) => !other.includes(one)).join(", ") || "none";
  return [{ what, a: rest(of, against), b: rest(against, of) }];
}

function listed(readings: ReadonlyMap<string, Readings>): string {
  const all = [...readings.values()].map(({ what }) => what);
  return all.length > 4
    ? `${all.slice(0, 4).join("; ")} and ${all.length - 4} more`
    : all.join("; ") || "nothing";
}
