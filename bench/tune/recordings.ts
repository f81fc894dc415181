// Recordings of tuning in whatever format a file has, which its content tells and not its name.

import { basename } from "node:path";
import { FormatError, TesseraError, ValueError } from "../../engine/errors.ts";
import { readUnpacked } from "../../engine/io/files.node.ts";
import { readKernelTuner } from "../../engine/tune/formats/kernel_tuner.ts";
import { readT4 } from "../../engine/tune/formats/t4.ts";
import { shaderOf } from "../../engine/tune/records/record.node.ts";
import {
  type Header,
  headerSpace,
  isRecord,
  readRecord,
  recordingOf,
  type Section,
} from "../../engine/tune/records/record.ts";

import type { Recording } from "../../engine/tune/results/recording.ts";
import type { Row } from "../../engine/tune/results/row.ts";
import type { Value } from "../../engine/tune/space/space.ts";

/** Rows that were measured together: a file of ours may hold several such runs, of other formats it holds one. */
export interface RecordingSource {
  /** Short and, within a command, its own. */
  readonly name: string;
  readonly format: "T4" | "Kernel Tuner" | "record";
  readonly recording: Recording;
  /** Of a record of tuning: the header of each row's section, and the WGSL that it keeps. */
  readonly record?: Kept;
  /** Configurations that the space described with the rows has, where that is known. */
  readonly legal?: number;
}

interface Kept {
  readonly headers: ReadonlyMap<Row, Header>;
  keeps(wgsl: string): boolean;
  /** The text of a hash. Throws FormatError where it is not what was kept. */
  text(wgsl: string): string | undefined;
}

/**
 * The runs of a recording: T4 results, a Kernel Tuner cache or a record of tuning, packed or not; what is odd about it
 * goes to stderr. Throws FormatError where it is missing or none of these.
 */
export async function readSources(path: string): Promise<RecordingSource[]> {
  const bytes = await readUnpacked(path);
  const name = basename(path).replace(/(\.(json|jsonl|gz))+$/, "");
  if (isRecord(bytes)) return recordSources(path, name, bytes);
  const text = bytes.toString("utf8");
  const format = formatOf(text, path);
  const recording = format === "T4" ? readT4(text, path) : readKernelTuner(text, path);
  for (const note of recording.notes ?? []) console.error(note);
  return [{ name, format, recording }];
}

/** Throws FormatError where a text is no recording, saying what it is instead. */
function formatOf(text: string, path: string): "T4" | "Kernel Tuner" {
  const has = (key: string) => text.includes(`"${key}"`);
  let keys: readonly string[];
  try {
    const whole = JSON.parse(text);
    keys = typeof whole === "object" && whole !== null ? Object.keys(whole) : [];
  } catch {
    // what a crash has torn is read as far as it goes, or refused with the place
    keys = /^\s*\{/.test(text) ? ["tune_params_keys", "cache", "results"].filter(has) : [];
  }
  if (keys.includes("tune_params_keys") && keys.includes("cache")) return "Kernel Tuner";
  if (keys.includes("results")) return "T4";
  const instead = keys.includes("ConfigurationSpace")
    ? "a tuning problem (T1), not a recording"
    : `no recording: neither T4 results nor a Kernel Tuner cache nor a record of tuning; it begins with ${JSON.stringify(text.slice(0, 40))}`;
  throw new FormatError(`${path}: ${instead}`);
}

function recordSources(path: string, name: string, bytes: Uint8Array): RecordingSource[] {
  const contents = readRecord(bytes, path);
  const { sections, torn } = contents;
  if (torn > 0) console.error(`${path}: its last line is torn: ${torn} bytes are left out`);
  const headers = new Map(sections.flatMap(({ header, rows }) => rows.map((row) => [row, header] as const)));
  const record: Kept = {
    headers,
    keeps: (wgsl) => contents.shaders.has(wgsl),
    text: (wgsl) => shaderOf(contents, wgsl, path),
  };
  const runs = joined(sections);
  return runs.map((section, i) => {
    try {
      const recording = recordingOf(section);
      const own = runs.length > 1 ? `${name}#${i + 1}` : name;
      return { name: own, format: "record", recording, record, legal: legalOf(section.header) };
    } catch (error) {
      if (!(error instanceof TesseraError)) throw error;
      throw new FormatError(`${path}: ${error.message}`, { cause: error });
    }
  });
}

/** Sections whose rows compare are one run: same kernel, problem, parameters, and same that measures. */
function joined(sections: readonly Section[]): Section[] {
  const runs = new Map<string, Section>();
  for (const section of sections) {
    const { kernel, problem, environment, space, objective } = section.header;
    const { adapter, driver, implementation, toggles } = environment;
    const names = space.parameters.map(({ name }) => name);
    const same = [kernel, problem, objective, adapter, driver, implementation, [...toggles].sort(), names];
    const key = JSON.stringify(same);
    const before = runs.get(key);
    runs.set(key, before ? union(before, section) : section);
  }
  const all = [...runs.values()];
  return all.some(({ rows }) => rows.length > 0)
    ? all.filter(({ rows }) => rows.length > 0)
    : all.slice(0, 1);
}

/** Rows of both over the values of both. */
function union(a: Section, b: Section): Section {
  const parameters = a.header.space.parameters.map((parameter, i) => {
    const values = [...new Set([...parameter.values, ...b.header.space.parameters[i].values])];
    const numbers = values.every((value: Value) => typeof value === "number");
    return { ...parameter, values: numbers ? values.sort((x, y) => Number(x) - Number(y)) : values };
  });
  const { original: _, ...header } = b.header; // two files' cannot be given back as one
  return {
    header: { ...header, space: { ...header.space, parameters } } as Header,
    rows: [...a.rows, ...b.rows],
  };
}

/** Beyond so many configurations before constraints, nobody counts those that are legal. */
const COUNTABLE = 1e6;

function legalOf(header: Header): number | undefined {
  const all = header.space.parameters.reduce((product, { values }) => product * values.length, 1);
  if (all > COUNTABLE) return undefined;
  try {
    return headerSpace(header).size;
  } catch {
    return undefined; // a constraint was a function
  }
}

/** The only run of a file, or the one of a number from 1 on. Throws ValueError that lists them. */
export function pick(
  path: string,
  sources: readonly RecordingSource[],
  run: number | undefined,
): RecordingSource {
  const found = run === undefined && sources.length === 1 ? sources[0] : sources[(run ?? 0) - 1];
  if (found) return found;
  const list = sources.map((source, i) => `\n  ${i + 1}: ${about(source)}`).join("");
  const wrong = run === undefined ? `holds ${sources.length} runs; choose one by --run` : `no run ${run}`;
  throw new ValueError(`${path}: ${wrong}:${list}`);
}

/** What a run is of, in a line. */
export function about({ recording: { kernel, device, problem, rows } }: RecordingSource): string {
  const sizes = problem === undefined || problem === "" ? [] : [`problem ${JSON.stringify(problem)}`];
  return [
    `${kernel || "unnamed kernel"} on ${device || "unnamed device"}`,
    ...sizes,
    `${rows.length} rows`,
  ].join(", ");
}
