// Two rows side by side: what they set, what came of them, and how their shaders differ.

import { createTwoFilesPatch } from "diff";
import { ValueError } from "../../engine/errors.ts";
import { rowLine } from "../../engine/tune/records/record.ts";
import { Isolated } from "../../engine/tune/runner/isolation.node.ts";
import { sideBySide } from "./compare.ts";
import { pick, type RecordingSource, readSources } from "./recordings.ts";
import { originOf } from "./repro.ts";
import { find, type Numbered, wgslOf } from "./show.ts";

export interface DiffOptions {
  /** The recording of the second row; default that of the first. */
  readonly against?: string;
  /** Number of the run, from 1 on, where a file holds several. */
  readonly run?: number;
  readonly againstRun?: number;
  /** Part of the adapter's name, for what is made now. */
  readonly adapter?: string;
  readonly json?: boolean;
}

/** A row in its file. */
interface Side {
  readonly path: string;
  readonly source: RecordingSource;
  readonly found: Numbered;
}

/** What takes the place of the second row: the WGSL that is made of the first now. */
const NOW = "now";

/**
 * Prints what two rows differ in: configurations, figures, and WGSL as a unified diff; with `now` in place of the second
 * the WGSL that is kept against what is made of it today. Throws ValueError for a row that is not there, or, as `now`,
 * cannot be made. Where a text is not kept it says so, and why, in place of the diff.
 */
export async function diff(path: string, which: string, other: string, options: DiffOptions): Promise<void> {
  const { against = path, run, againstRun = against === path ? run : undefined } = options;
  const source = pick(path, await readSources(path), run);
  const one: Side = { path, source, found: find(path, source, which) };
  if (other === NOW) {
    const difference = patch(name(one), "made now", kept(one), await madeNow(one, options.adapter));
    if (options.json) console.log(JSON.stringify({ rows: [described(one)], wgsl: difference }, null, 2));
    else console.log(difference);
    return;
  }
  const second =
    against === path && againstRun === run ? source : pick(against, await readSources(against), againstRun);
  const two: Side = { path: against, source: second, found: find(against, second, other) };
  const facts = [one, two].map((side) => ({
    name: name(side),
    row: side.found.row,
    of: side.source.recording,
  }));
  const wgsl = difference(one, two);
  if (options.json) console.log(JSON.stringify({ rows: [one, two].map(described), wgsl }, null, 2));
  else console.log(`${sideBySide(facts[0], facts[1])}\n${wgsl}`);
}

/** A row for JSON. */
const described = ({ path, found: { number, row } }: Side) => ({
  recording: path,
  number,
  ...JSON.parse(rowLine(row)),
});

/** How the WGSL of two rows differs, or why that is not known. */
function difference(one: Side, two: Side): string {
  const [a, b] = [one, two].map(({ found: { row } }) => row.wgsl);
  if (a !== undefined && a === b) return `the same WGSL, ${a}`;
  try {
    return patch(name(one), name(two), kept(one), kept(two));
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    return error.message;
  }
}

const name = ({ path, found: { number } }: Side): string => `${path} row ${number}`;
const kept = ({ path, source, found }: Side): string => wgslOf(path, source, found);

/** A unified diff, or that there is none. */
function patch(a: string, b: string, before: string, after: string): string {
  if (before === after) return `${a} and ${b}: the same WGSL`;
  return createTwoFilesPatch(a, b, before, after, undefined, undefined, { context: 3 })
    .replace(/^=+\n/, "")
    .trimEnd();
}

async function madeNow({ path, source, found: { number, row } }: Side, adapter?: string): Promise<string> {
  const evaluator = new Isolated(originOf(path, source, { number, row }), { adapter });
  try {
    const { refusal } = await evaluator.inspect(row.configuration);
    if (refusal) throw new ValueError(`${path}: row ${number} cannot be made here: ${refusal}`);
    return await evaluator.print(row.configuration);
  } finally {
    evaluator.close();
  }
}
