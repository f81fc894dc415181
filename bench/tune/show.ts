// What a recording holds: its best rows, what became of the others, one row in full.

import { ValueError } from "../../engine/errors.ts";
import { spreadOf } from "../../engine/statistics/quantiles.ts";
import { rowLine } from "../../engine/tune/records/record.ts";
import type { Row, Status } from "../../engine/tune/results/row.ts";
import { formatTable, number, text } from "../command_line/table.ts";
import { about, pick, type RecordingSource, readSources } from "./recordings.ts";
import { byStatus } from "./run.ts";

export interface ShowOptions {
  readonly top: number;
  /** Only rows of this status. */
  readonly status?: Status;
  /** Number of the run, from 1 on, where the file holds several. */
  readonly run?: number;
  readonly json?: boolean;
  /** Only the WGSL of the row. */
  readonly wgsl?: boolean;
}

/** A row with its number in the run, from 1 on. */
export interface Numbered {
  readonly number: number;
  readonly row: Row;
}

/**
 * Prints the best rows of a recording and counts of all, or one row in full: `best`, or the one of a number; or the WGSL
 * of that row. Throws ValueError for a row that is not there, or whose WGSL is not kept.
 */
export async function showRecording(
  path: string,
  which: string | undefined,
  options: ShowOptions,
): Promise<void> {
  const sources = await readSources(path);
  if (which !== undefined) {
    const source = pick(path, sources, options.run);
    const found = find(path, source, which);
    if (options.wgsl) process.stdout.write(wgslOf(path, source, found));
    else if (options.json) console.log(JSON.stringify(plain(found), null, 2));
    else printRow(path, source, found);
    return;
  }
  if (options.wgsl) throw new ValueError("--wgsl needs the row whose WGSL is printed");
  const shown = options.run === undefined ? sources : [pick(path, sources, options.run)];
  if (options.json)
    console.log(
      JSON.stringify(
        shown.map((source) => summary(source, options)),
        null,
        2,
      ),
    );
  else for (const source of shown) printRun(source, options);
}

const numbered = ({ recording }: RecordingSource): Numbered[] =>
  recording.rows.map((row, i) => ({ number: i + 1, row }));

const objectiveOf = ({ row }: Numbered): number =>
  row.status === "ok" ? (row.objective ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;

/** Those that count, best first; then those that do not, in their order. */
const sorted = (source: RecordingSource, { status }: ShowOptions): Numbered[] =>
  numbered(source)
    .filter(({ row }) => status === undefined || row.status === status)
    .sort((a, b) => {
      const [x, y] = [objectiveOf(a), objectiveOf(b)];
      return x === y ? a.number - b.number : x - y;
    });

/** The best row of a run, or the one of a number. Throws ValueError that says which there are. */
export function find(path: string, source: RecordingSource, which: string): Numbered {
  const rows = numbered(source);
  if (which === "best") {
    const best = rows.reduce<Numbered | undefined>(
      (least, one) =>
        objectiveOf(one) < (least ? objectiveOf(least) : Number.POSITIVE_INFINITY) ? one : least,
      undefined,
    );
    if (best) return best;
    const became = counts(source).map(({ status, rows: number }) => `${number} ${status}`);
    throw new ValueError(`${path}: no row is ok with an objective (${became.join(", ") || "has none"})`);
  }
  const found = /^\d+$/.test(which) ? rows[Number(which) - 1] : undefined;
  if (found) return found;
  const has = rows.length > 0 ? `has best and 1 to ${rows.length}` : "has none";
  throw new ValueError(`${path}: no row ${which} (${has})`);
}

/** The WGSL of a row. Throws ValueError where it is not kept. */
export function wgslOf(
  path: string,
  { format, record }: RecordingSource,
  { number, row: { wgsl } }: Numbered,
): string {
  const text = wgsl === undefined ? undefined : record?.text(wgsl);
  if (text !== undefined) return text;
  const why = record
    ? wgsl === undefined
      ? "there was none"
      : `the record does not keep the text of ${wgsl}: it was imported, or written before texts were kept`
    : `${format} keeps no text`;
  throw new ValueError(`${path}: no WGSL of row ${number}: ${why}`);
}

/** Rows by status and message, most first. */
const counts = ({ recording }: RecordingSource): { status: Status; message: string; rows: number }[] =>
  byStatus(recording.rows)
    .flatMap(({ status, count, messages }) => {
      const silent = messages.reduce((rest, one) => rest - one.count, count);
      return [...(silent > 0 ? [{ text: "", count: silent }] : []), ...messages].map(
        ({ text, count: rows }) => ({ status, message: text.split("\n")[0], rows }),
      );
    })
    .sort((a, b) => b.rows - a.rows);

/** Figures that are not finite are their names; what the row was in another format is left out. */
const plain = ({ number, row }: Numbered) => {
  const { original: _, ...rest } = JSON.parse(rowLine(row));
  return { row: number, ...rest };
};

const summary = (source: RecordingSource, options: ShowOptions) => {
  const { kernel, device, problem, objective = "time", environment } = source.recording;
  const rows = sorted(source, options).slice(0, options.top);
  return { kernel, device, problem, objective, environment, counts: counts(source), rows: rows.map(plain) };
};

const short = (text: string, most = 100) => (text.length > most ? `${text.slice(0, most - 3)}...` : text);
const figure = (value: number | undefined, digits = 4): string =>
  value === undefined ? "" : String(Number(value.toPrecision(digits)));

/** How an objective is shown: times in ms. */
function unitOf({ recording: { objective = "time" } }: RecordingSource) {
  const timed = objective.startsWith("time");
  return { head: timed ? `${objective}, ms` : objective, scale: timed ? 1e3 : 1 };
}

function printRun(source: RecordingSource, options: ShowOptions): void {
  console.log(`${source.name}: ${about(source)}`);
  const rows = sorted(source, options);
  const shown = rows.slice(0, options.top);
  if (shown.length > 0) printRows(source, shown);
  if (rows.length > shown.length) console.log(`and ${rows.length - shown.length} more`);
  const statuses = counts(source).map(({ status, message, rows }) => [rows, status, short(message)]);
  if (source.recording.rows.length > 0)
    console.log(formatTable([number("rows"), text("status"), text("message")], statuses));
}

function printRows(source: RecordingSource, rows: readonly Numbered[]): void {
  const names = [
    ...new Set(source.recording.rows.flatMap(({ configuration }) => Object.keys(configuration))),
  ];
  const values = (name: string) =>
    new Set(source.recording.rows.map(({ configuration }) => configuration[name]));
  const varies = names.filter((name) => values(name).size > 1);
  const same = names
    .filter((name) => !varies.includes(name))
    .map((name) => `${name} ${[...values(name)][0]}`);
  if (same.length > 0) console.log(`in all rows: ${same.join(", ")}`);
  const { head, scale } = unitOf(source);
  const columns = [
    ...["row", ...varies, head, "spread"].map(number),
    text("status"),
    number("error / bound"),
  ];
  const cells = rows.map(({ number: index, row }) => {
    const { configuration, objective, times, status, error } = row;
    const time = figure(objective === undefined ? undefined : objective * scale);
    const settings = varies.map((name) => String(configuration[name] ?? ""));
    return [index, ...settings, time, spread(times), status, figure(error, 2)];
  });
  console.log(formatTable(columns, cells));
}

/** Interquartile range over the median, in percent. */
function spread(times: readonly number[]): string {
  if (times.length < 2) return "";
  const { low, high, median } = spreadOf(times);
  return `${figure((100 * (high - low)) / median, 2)} %`;
}

function printRow(path: string, source: RecordingSource, { number, row }: Numbered): void {
  const { head, scale } = unitOf(source);
  const {
    configuration,
    status,
    message,
    objective,
    times,
    reading,
    error,
    metrics,
    spent,
    wgsl,
    timestamp,
  } = row;
  const line = (name: string, value: string | undefined) => {
    if (value !== undefined && value !== "") console.log(`${name.padEnd(16)} ${value}`);
  };
  const pairs = (of: object) =>
    Object.entries(of)
      .map(([name, value]) => `${name} ${typeof value === "number" ? figure(value, 6) : value}`)
      .join(", ");
  line("row", `${number} of ${source.recording.rows.length}`);
  line("kernel", source.recording.kernel);
  line("device", source.recording.device);
  line("configuration", pairs(configuration));
  line("status", status);
  line("message", message?.replaceAll("\n", `\n${" ".repeat(17)}`));
  line(head, objective === undefined ? undefined : figure(objective * scale, 6));
  line("spread", spread(times));
  line("samples, ms", times.map((time) => figure(time * 1e3)).join(" "));
  line("read", reading && pairs(reading));
  line("error / bound", figure(error));
  line("figures", metrics && pairs(metrics));
  line("spent, s", pairs(spent));
  const kept = wgsl !== undefined && source.record?.keeps(wgsl);
  line("wgsl", kept ? `${wgsl}, printed by tessera tune show ${path} ${number} --wgsl` : wgsl);
  line("measured", timestamp);
}
