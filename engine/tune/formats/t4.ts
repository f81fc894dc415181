// T4: results of tuning, as the auto-tuning community exchanges them (github.com/odgaard/TuningSchema, schema 1.0.0).

import { FormatError } from "../../errors.ts";
import { median } from "../../statistics/quantiles.ts";
import {
  extended,
  extension,
  isoTime,
  type Recording,
  recordedConfiguration,
  recordedSpace,
} from "../results/recording.ts";
import type { Row, Status } from "../results/row.ts";
import {
  check,
  decoded,
  defined,
  encoded,
  type Json,
  type JsonObject,
  parseJson,
  type Schema,
} from "../results/schema.ts";

const VERSION = "1.0.0";

/** What T4 calls a status: it knows fewer. */
export const INVALIDITY: Readonly<Record<Status, string>> = {
  ok: "correct",
  unrankable: "correct",
  constraints: "constraints",
  compile: "compile",
  validation: "compile",
  runtime: "runtime",
  device_lost: "runtime",
  timeout: "timeout",
  correctness: "correctness",
};
const STATUS: Readonly<Record<string, Status>> = {
  correct: "ok",
  constraints: "constraints",
  compile: "compile",
  runtime: "runtime",
  timeout: "timeout",
  correctness: "correctness",
};

const NUMBER: Schema = { type: "number" };
const TEXT: Schema = { type: "string" };
const OWN_TIMES = ["compilation_time", "benchmark", "framework", "search_algorithm", "validation"];
const TIMES: Schema = {
  type: "object",
  properties: {
    ...Object.fromEntries([...OWN_TIMES, "compilation"].map((name) => [name, NUMBER])),
    runtimes: { type: "array" },
  },
};
const MEASUREMENT: Schema = {
  type: "object",
  properties: { name: TEXT, value: { type: ["number", "string", "array"] }, unit: TEXT },
};
const RESULT: Schema = {
  type: "object",
  required: ["configuration", "times", "invalidity", "correctness"],
  properties: {
    timestamp: TEXT,
    configuration: { type: "object" },
    objectives: { type: "array" },
    times: TIMES,
    invalidity: { enum: [...new Set(Object.values(INVALIDITY))] },
    correctness: NUMBER,
    measurements: { type: "array", items: MEASUREMENT },
  },
};
const FILE: Schema = {
  type: "object",
  required: ["results"],
  properties: {
    schema_version: { pattern: /^\d+\.\d+\.\d+$/ },
    metadata: { type: "object" },
    results: { type: "array", items: RESULT },
  },
};
/** A result of our own: with all that the schema leaves open. */
const OWN_RESULT: Schema = {
  ...RESULT,
  required: [...RESULT.required!, "timestamp", "objectives", "measurements"],
  properties: {
    ...RESULT.properties,
    times: { ...TIMES, required: [...OWN_TIMES, "runtimes"] },
    objectives: { type: "array", items: TEXT },
    measurements: { type: "array", items: { ...MEASUREMENT, required: ["name", "value", "unit"] } },
  },
};

const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^s(ec(ond)?s?)?$/i, 1],
  [/^m(ill?i-?)?s(ec(ond)?s?)?$/i, 1e3],
  [/^([uµμ]s|micro-?s(ec(ond)?s?)?)$/i, 1e6],
  [/^(ns|nano-?s(ec(ond)?s?)?)$/i, 1e9],
];
/** How many of a unit make a second, in any spelling that is met; undefined where it is none of time. */
const perSecond = (unit: string): number | undefined =>
  UNITS.find(([spelling]) => spelling.test(unit.trim()))?.[1];

/** Of a file: milliseconds unless it says otherwise. */
function timeUnit(document: JsonObject, name: string): number {
  const unit = (document.metadata as JsonObject | undefined)?.timeunit;
  if (unit === undefined) return 1e3;
  const found = typeof unit === "string" ? perSecond(unit) : undefined;
  if (!found)
    throw new FormatError(
      `${name}.metadata.timeunit: expected a unit of time but found ${JSON.stringify(unit)}`,
    );
  return found;
}

/**
 * Reads T4 results, strict ones and those published: `compilation` as well as `compilation_time`, units misspelt or
 * missing, no version. Throws FormatError with the place and what was expected there.
 */
export function readT4(text: string, name = "T4"): Recording {
  const file = parseJson(text, FILE, name);
  const document: JsonObject = { ...file, results: [] }; // the key keeps its place
  const unit = timeUnit(document, name);
  const found = file.results as readonly JsonObject[];
  const pairs = found.map((result, i): [Row, Json] => [rowOf(result, unit, `${name}.results[${i}]`), result]);
  const rows = pairs.map(([row]) => row);
  const about = (file.metadata as JsonObject | undefined)?.webgpu as Partial<Recording> | undefined;
  const same = found.every((result) => objectiveOf(result) === objectiveOf(found[0]));
  return defined({
    rows,
    kernel: about?.kernel,
    device: about?.device,
    problem: about?.problem,
    environment: about?.environment,
    space: rows.length > 0 ? recordedSpace(rows) : undefined,
    objective: found.length > 0 ? objectiveOf(found[0]) : undefined,
    notes: same ? [] : [`${name}: results have different objectives`],
    original: { format: "T4", document, rows: new Map(pairs) },
  });
}

const objectiveOf = ({ objectives }: JsonObject): string => {
  const [first] = (objectives ?? []) as readonly Json[];
  return typeof first === "string" ? first : "time";
};

function rowOf(result: JsonObject, unit: number, place: string): Row {
  const times = result.times as JsonObject;
  const seconds = (time: Json | undefined) => (typeof time === "number" ? time / unit : 0);
  const samples = ((times.runtimes ?? []) as readonly Json[]).map((time, i) => {
    const sample = decoded(time);
    if (sample === undefined)
      throw new FormatError(
        `${place}.times.runtimes[${i}]: expected a number but found ${JSON.stringify(time)}`,
      );
    return sample / unit;
  });
  const configuration = result.configuration as JsonObject;
  const status = STATUS[result.invalidity as string];
  const { objective, message, metrics } = measured(result, status, unit, samples);
  const row: Row = defined({
    configuration: recordedConfiguration(configuration, Object.keys(configuration), `${place}.configuration`),
    status,
    message,
    objective,
    times: samples,
    metrics,
    spent: {
      compilation: seconds(times.compilation_time ?? times.compilation),
      verification: seconds(times.validation),
      benchmark:
        times.benchmark === undefined ? samples.reduce((a, b) => a + b, 0) : seconds(times.benchmark),
      framework: seconds(times.framework),
      search: seconds(times.search_algorithm),
    },
    timestamp: isoTime((result.timestamp as string | undefined) ?? ""),
  });
  return extended(row, result.webgpu, (of) => INVALIDITY[of] === result.invalidity);
}

/** What the measurements of a result say: its objective, the name of what went wrong, the other figures. */
function measured(
  result: JsonObject,
  status: Status,
  unit: number,
  samples: readonly number[],
): Pick<Row, "objective" | "message" | "metrics"> {
  const wanted = objectiveOf(result);
  const measurements = (result.measurements ?? []) as readonly JsonObject[];
  const figures = measurements.map(
    ({ name, value, unit: of = "" }) => [name as string, decoded(value), of as string] as const,
  );
  const [, value, of = ""] = figures.find(([name]) => name === wanted) ?? [];
  // A time without a unit is in that of the file; what is no time stays as it is.
  const scale = perSecond(of) ?? (wanted.startsWith("time") ? unit : 1);
  const given = value === undefined ? undefined : value / scale;
  const reason = measurements.find(
    ({ name, value: text }) => name === wanted && decoded(text) === undefined,
  )?.value;
  const others = figures.filter(
    ([name, figure]) => name !== wanted && name !== ERROR && figure !== undefined,
  );
  return {
    objective: status === "ok" ? (given ?? (samples.length > 0 ? median(samples) : undefined)) : undefined,
    message: typeof reason === "string" ? reason : undefined,
    metrics: others.length > 0 ? (Object.fromEntries(others) as Record<string, number>) : undefined,
  };
}

const ERROR = "error_over_bound";

/**
 * T4 results of a recording, by schema 1.0.0, with units; times are milliseconds unless the file that was read says
 * otherwise. Each result has a block `webgpu` with what T4 has no place for, such as our status. Rows as they were read
 * from T4 are written as they stood there, unknown keys too; leave `original` out to have them strict.
 */
export function writeT4({
  rows,
  kernel,
  device,
  problem,
  environment,
  objective,
  original,
}: Recording): string {
  const about = defined({ kernel, device, problem, environment });
  const kept = original?.format === "T4" ? original : undefined;
  const document = kept?.document ?? {
    schema_version: VERSION,
    metadata: {
      timeunit: "milliseconds",
      ...(Object.keys(about).length > 0 && { webgpu: about as JsonObject }),
    },
  };
  const unit = timeUnit(document, "T4");
  const results = rows.map((row, i) => {
    const before = kept?.rows.get(row);
    if (before) return before;
    const result = resultOf(row, unit, objective ?? "time");
    check(result, OWN_RESULT, `T4.results[${i}]`);
    return result;
  });
  return `${JSON.stringify({ ...document, results }, null, 1)}\n`;
}

function resultOf(row: Row, unit: number, name: string): JsonObject {
  const { configuration, status, objective, times, error, metrics = {}, spent, timestamp } = row;
  const timed = name.startsWith("time");
  const ofTime = { 1: "s", 1e3: "ms", 1e6: "us", 1e9: "ns" }[unit]!;
  const measurement = (of: string, value: number, its: string) => ({
    name: of,
    value: encoded(value),
    unit: its,
  });
  const valid = INVALIDITY[status] === "correct";
  return {
    timestamp,
    configuration,
    times: {
      compilation_time: spent.compilation * unit,
      benchmark: spent.benchmark * unit,
      framework: spent.framework * unit,
      search_algorithm: spent.search * unit,
      validation: spent.verification * unit,
      runtimes: times.map((time) => encoded(time * unit)),
    },
    invalidity: INVALIDITY[status],
    correctness: valid ? 1 : 0,
    measurements: [
      ...(objective === undefined
        ? []
        : [measurement(name, timed ? objective * unit : objective, timed ? ofTime : "")]),
      ...(error === undefined ? [] : [measurement(ERROR, error, "1")]),
      ...Object.entries(metrics).map(([of, value]) => measurement(of, value, of.includes("/") ? of : "")),
    ],
    objectives: [name],
    webgpu: extension(row),
  };
}
