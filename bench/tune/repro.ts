// A row again, from the record alone: the same WGSL, verified and timed here and now.

import { ValueError } from "../../engine/errors.ts";
import type { Origin } from "../../engine/tune/records/origin.ts";
import { rowLine } from "../../engine/tune/records/record.ts";
import type { Environment } from "../../engine/tune/results/environment.ts";
import type { Row } from "../../engine/tune/results/row.ts";
import { Isolated } from "../../engine/tune/runner/isolation.node.ts";
import type { Inspection } from "../../engine/tune/runner/runner.ts";
import { sideBySide } from "./compare.ts";
import { pick, type RecordingSource, readSources } from "./recordings.ts";
import { find, type Numbered } from "./show.ts";

export interface ReproOptions {
  /** Number of the run, from 1 on, where the record holds several. */
  readonly run?: number;
  /** Part of the adapter's name. */
  readonly adapter?: string;
  readonly json?: boolean;
}

/** What became of a row's WGSL: the same is made now; another is; it is not known; or the adapter cannot have it. */
type Made = "same" | "changed" | "unknown" | "refused";

/** A row that was evaluated again. */
interface Repeat {
  readonly made: Made;
  /** Whether the archived text ran in place of what is made now. */
  readonly archived: boolean;
  readonly recorded: Row;
  readonly repeated: Row;
  readonly environment: Environment;
}

/**
 * Evaluates a row's configuration again, in a process of its own, and prints what is other than it was. The exit code is
 * 0 where its status is the same, else 1. Throws ValueError for a row that is not there, or of which the record does not
 * say what it was made of.
 */
export async function reproRow(path: string, which: string, options: ReproOptions): Promise<void> {
  const source = pick(path, await readSources(path), options.run);
  const found = find(path, source, which);
  const repeat = await again(originOf(path, source, found), source, found, options.adapter);
  const { environment } = source.record!.headers.get(found.row)!;
  const changed = changes(environment, repeat.environment);
  if (options.json) console.log(JSON.stringify(plain(repeat, changed), null, 2));
  else print(path, found, source, repeat, changed);
  if (repeat.repeated.status !== repeat.recorded.status) process.exitCode = 1;
}

/** What a row was made of. Throws ValueError where its file does not say. */
export function originOf(
  path: string,
  { format, record }: RecordingSource,
  { number, row }: Numbered,
): Origin {
  const origin = record?.headers.get(row)?.origin;
  if (origin) return origin;
  const why = record
    ? "the record does not say: it was imported, or written for a kernel of a program's own"
    : `${format} does not say`;
  throw new ValueError(`${path}: what row ${number} was made of is not known: ${why}`);
}

async function again(
  origin: Origin,
  { record }: RecordingSource,
  { row: recorded }: Numbered,
  adapter?: string,
): Promise<Repeat> {
  const { configuration, wgsl } = recorded;
  const evaluator = new Isolated(origin, { adapter });
  let other: Isolated | undefined;
  try {
    const environment = await evaluator.environment();
    const made = comparison(await evaluator.inspect(configuration), wgsl);
    // an operation's kernels bind and launch as the engine has them now
    const text = made === "changed" && "t1" in origin ? record?.text(wgsl!) : undefined;
    if (text !== undefined && "t1" in origin)
      other = new Isolated({ ...origin, archived: { configuration, wgsl: text } }, { adapter });
    const repeated = await (other ?? evaluator).evaluate(configuration);
    return { made, archived: other !== undefined, recorded, repeated, environment };
  } finally {
    evaluator.close();
    other?.close();
  }
}

function comparison({ wgsl: made, refusal }: Inspection, recorded: string | undefined): Made {
  if (refusal !== undefined) return "refused";
  if (made === undefined || recorded === undefined) return "unknown";
  return made === recorded ? "same" : "changed";
}

/** What measures now and is other than it was, a line each. */
function changes(before: Environment, now: Environment): string[] {
  const text = (value: unknown): string =>
    value === undefined ? "not recorded" : typeof value === "string" ? value : JSON.stringify(value);
  const isTable = (of: unknown): of is Record<string, unknown> =>
    typeof of === "object" && of !== null && !Array.isArray(of);
  const between = (name: string, a: unknown, b: unknown): string[] => {
    if (text(a) === text(b)) return [];
    if (isTable(a) && isTable(b))
      return Object.keys({ ...a, ...b }).flatMap((key) => between(`${name}.${key}`, a[key], b[key]));
    if (!Array.isArray(a) || !Array.isArray(b)) return [`${name}: ${text(a)} then, ${text(b)} now`];
    const [gone, come] = [a.filter((one) => !b.includes(one)), b.filter((one) => !a.includes(one))];
    return [`${name}: ${[...gone.map((one) => `-${one}`), ...come.map((one) => `+${one}`)].join(" ")}`];
  };
  return Object.keys(before).flatMap((name) => between(name, before[name], now[name]));
}

function print(
  path: string,
  { number }: Numbered,
  source: RecordingSource,
  repeat: Repeat,
  changed: string[],
): void {
  const { made, archived, recorded, repeated, environment } = repeat;
  const { kernel, device, objective } = source.recording;
  console.log(
    sideBySide(
      { name: "then", row: recorded, of: { kernel, device, objective } },
      { name: "now", row: repeated, of: { kernel, device: environment.adapter, objective } },
    ),
  );
  const shader: Record<Made, string> = {
    same: "the same, byte for byte",
    changed: archived
      ? "what is made now is other than what was recorded, and what was recorded ran"
      : "what is made now, and ran, is other than what was recorded: the engine's kernels have changed",
    unknown: "the row tells of none",
    refused: "the adapter cannot have it",
  };
  console.log(`WGSL: ${shader[made]}`);
  if (made === "changed") console.log(`how it differs: tessera tune diff ${path} ${number} now`);
  console.log(`environment: ${changed.length > 0 ? changed.join("\n             ") : "the same"}`);
  if (repeated.status !== recorded.status)
    console.log(`not reproduced: ${recorded.status} then, ${repeated.status} now`);
}

const plain = ({ made, archived, recorded, repeated, environment }: Repeat, changed: string[]) => ({
  wgsl: made,
  archived,
  recorded: JSON.parse(rowLine(recorded)),
  repeated: JSON.parse(rowLine(repeated)),
  ratio: repeated.objective! / recorded.objective!, // null where one has none
  environment,
  changed,
});
