// Recordings into our record, and out of it into formats that others read.

import { statSync } from "node:fs";
import { basename } from "node:path";
import { gzipSync } from "node:zlib";
import { FormatError, ValueError } from "../../engine/errors.ts";
import { checkOutputs, readBytes, readUnpacked, writeFile } from "../../engine/io/files.node.ts";
import { writeKernelTuner } from "../../engine/tune/formats/kernel_tuner.ts";
import { readT1, type T1Problem } from "../../engine/tune/formats/t1.ts";
import { writeT4 } from "../../engine/tune/formats/t4.ts";
import { describeSpace, type Header, isRecord, writeRecord } from "../../engine/tune/records/record.ts";
import type { Environment } from "../../engine/tune/results/environment.ts";
import { type Recording, recordedSpace } from "../../engine/tune/results/recording.ts";
import { about, pick, readSources } from "./recordings.ts";

/** Formats that `exportRecording` writes. */
export const WRITERS: Readonly<Record<string, (recording: Recording) => string>> = {
  t4: writeT4,
  "kernel-tuner": writeKernelTuner,
};

/**
 * Writes T4 results or a Kernel Tuner cache as a record of tuning, with the space of a T1 problem where one is given.
 * Throws FormatError where a file is not what it should be or a row is not of the problem, ValueError where the record
 * is there already. Nothing is written then.
 */
export async function importRecording(path: string, out: string, { t1 }: { t1?: string }): Promise<void> {
  await checkOutputs([out], [path, t1]);
  if (isPlainFile(out)) throw new ValueError(`${out}: is there already, and a record is not replaced`);
  const [source] = await readSources(path);
  const { format, name, recording } = source;
  if (format === "record") throw new FormatError(`${path}: is a record of tuning already`);
  if (recording.rows.length === 0) throw new FormatError(`${path}: no results are in it`);
  const problem = t1 === undefined ? undefined : readT1((await readUnpacked(t1)).toString("utf8"), t1);
  for (const note of problem?.notes ?? []) console.error(note);
  if (problem) judge(recording, problem, path, t1!);
  const text = writeRecord(recording, headerOf(recording, name, problem));
  await writeFile(out, text);
  console.error(`${out}: ${about(source)}, from ${format}`);
}

/** Throws FormatError where a row is not of the problem; says how many break its constraints. */
function judge({ rows }: Recording, { space, name }: T1Problem, path: string, t1: string): void {
  const names = space.parameters.map((parameter) => parameter.name);
  for (const [i, { configuration }] of rows.entries()) {
    const unknown = Object.keys(configuration).find((of) => !names.includes(of));
    if (unknown !== undefined)
      throw new FormatError(
        `${path}: row ${i + 1} has ${unknown}, which ${t1} has not (has ${names.join(", ")})`,
      );
    const wrong = space.parameters.find((of) => !of.values.includes(configuration[of.name]));
    if (wrong)
      throw new FormatError(
        `${path}: row ${i + 1}: ${wrong.name} is ${configuration[wrong.name]}, not one of ${wrong.values.join(", ")} (${t1})`,
      );
  }
  const outside = rows.filter((row) => row.status !== "constraints" && space.indexOf(row.configuration) < 0);
  if (outside.length > 0)
    console.error(
      `${path}: ${outside.length} of ${rows.length} rows break the constraints of ${name} (${t1})`,
    );
}

/** What the file does not say is empty: the record does not guess. */
function headerOf(recording: Recording, name: string, problem: T1Problem | undefined): Header {
  const { rows, space = recordedSpace(rows), environment = {} } = recording;
  const { adapter, driver, implementation, toggles, ...more } = environment as Partial<Environment>;
  return {
    kernel: recording.kernel ?? problem?.kernel ?? name,
    environment: {
      adapter: adapter ?? recording.device ?? "",
      driver: driver ?? "",
      implementation: implementation ?? "",
      toggles: toggles ?? [],
      ...(more as Partial<Environment>),
    },
    // the constraints of a recorded space name what was recorded, and are no rule
    space: problem ? describeSpace(problem.space) : { parameters: space.parameters, constraints: [] },
    problem: recording.problem ?? problem?.problemSize ?? "",
  };
}

const isPlainFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

export interface ExportOptions {
  readonly format: string;
  readonly out?: string;
  readonly run?: number;
}

/**
 * Writes a recording in a format that others read, to a file, packed where its name ends in .gz, or to stdout. Throws
 * ValueError where the file holds several runs and none is chosen, or a record of tuning would be replaced.
 */
export async function exportRecording(path: string, { format, out, run }: ExportOptions): Promise<void> {
  await checkOutputs([out], [path]);
  const { recording } = pick(path, await readSources(path), run);
  if (recording.rows.length === 0) throw new FormatError(`${path}: no rows are in it`);
  const text = WRITERS[format](recording);
  if (out === undefined) {
    console.log(text.replace(/\n$/, "")); // which, unlike the stream, bears a reader that leaves
    return;
  }
  if (isPlainFile(out) && isRecord(await readBytes(out)))
    throw new ValueError(`${out}: is a record of tuning, and a record is not replaced`);
  await writeFile(out, out.endsWith(".gz") ? gzipSync(text) : text);
  console.error(`${out}: ${recording.rows.length} rows of ${basename(path)}`);
}
