// The cache file of Kernel Tuner (github.com/KernelTuner/kernel_tuner, cache schema 1.1.0), which its simulation replays.
import { FormatError } from "../../errors.ts";
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
  decoded,
  defined,
  encoded,
  type Json,
  type JsonObject,
  parseJson,
  type Schema,
} from "../results/schema.ts";
import type { Parameter, Value } from "../space/space.ts";

/** What the cache calls a status, in place of a time; undefined where it has a time. */
const FAILURE: Readonly<Record<Status, string | undefined>> = {
  ok: undefined,
  unrankable: undefined,
  constraints: "InvalidConfig",
  compile: "CompilationFailedConfig",
  validation: "CompilationFailedConfig",
  runtime: "RuntimeFailedConfig",
  timeout: "RuntimeFailedConfig",
  device_lost: "RuntimeFailedConfig",
  correctness: "RuntimeFailedConfig",
};
const STATUS: Readonly<Record<string, Status>> = {
  InvalidConfig: "constraints",
  CompilationFailedConfig: "compile",
  RuntimeFailedConfig: "runtime",
};

const SPENT = {
  compilation: "compile_time",
  verification: "verification_time",
  benchmark: "benchmark_time",
  framework: "framework_time",
  search: "strategy_time",
} as const;
/** Keys of an entry that are neither parameters nor metrics. */
const KNOWN: readonly string[] = [
  ...Object.values(SPENT),
  "time",
  "times",
  "timestamp",
  "__error__",
  "webgpu",
];

const FILE: Schema = {
  type: "object",
  required: ["tune_params_keys", "cache"],
  properties: {
    device_name: { type: "string" },
    kernel_name: { type: "string" },
    tune_params_keys: { type: "array", items: { type: "string" } },
    tune_params: { type: "object", others: { type: "array" } },
    objective: { type: "string" },
    cache: {
      type: "object",
      others: {
        type: "object",
        properties: {
          ...Object.fromEntries(Object.values(SPENT).map((name) => [name, { type: "number" } as const])),
          times: { type: "array", items: { type: ["number", "string"] } },
          timestamp: { type: "string" },
        },
      },
    },
  },
};

const PER_SECOND = 1e3; // the cache is in milliseconds throughout

/**
 * Reads a cache; what a crash left open is closed, and an entry torn by it dropped, which `notes` then says.
 * Throws FormatError with the place and what was expected there.
 */
export function readKernelTuner(text: string, name = "cache"): Recording {
  const { whole, dropped } = closed(text);
  const { cache, ...rest } = parseJson(whole, FILE, name);
  const document: JsonObject = { ...rest, cache: {} };
  const names = document.tune_params_keys as readonly string[];
  const objective = (document.objective as string | undefined) ?? "time";
  const pairs = Object.entries(cache as JsonObject).map(([key, entry]): [Row, Json] => [
    rowOf(entry as JsonObject, names, objective, `${name}.cache["${key}"]`),
    { [key]: entry },
  ]);
  const rows = pairs.map(([row]) => row);
  const given = document.tune_params as Readonly<Record<string, readonly Value[]>> | undefined;
  const parameters = given && names.map((of): Parameter => ({ name: of, values: given[of] ?? [] }));
  return defined({
    rows,
    space: rows.length > 0 ? recordedSpace(rows, parameters) : undefined,
    kernel: document.kernel_name as string | undefined,
    device: document.device_name as string | undefined,
    problem: document.problem_size,
    objective,
    notes: dropped > 0 ? [`${name}: its last entry is torn: ${dropped} characters are dropped`] : [],
    original: { format: "Kernel Tuner", document, rows: new Map(pairs) },
  });
}

/**
 * A cache grows by appending, and its last two braces come when the run ends: cut behind the last whole entry, and
 * closed, where it does not parse as it is.
 */
function closed(text: string): { whole: string; dropped: number } {
  try {
    JSON.parse(text);
    return { whole: text, dropped: 0 };
  } catch {
    const end = lastEntry(text);
    if (end === 0) return { whole: text, dropped: 0 };
    const dropped = text.slice(end).replace(/^[\s,}]+/, "").length;
    return { whole: `${text.slice(0, end)}}}`, dropped };
  }
}

/** Where the last whole entry of the cache ends, or the brace that opens the cache; 0 where there is none. */
function lastEntry(text: string): number {
  const start = /"cache"\s*:\s*\{/.exec(text);
  if (!start) return 0;
  let end = start.index + start[0].length;
  let depth = 0;
  let quoted = false;
  for (let i = end; i < text.length; i++) {
    const letter = text[i];
    if (quoted) {
      if (letter === "\\") i++;
      else if (letter === '"') quoted = false;
    } else if (letter === '"') quoted = true;
    else if (letter === "{" || letter === "[") depth++;
    else if (letter === "}" || letter === "]") {
      depth--;
      if (depth < 0) return end; // the cache is closed: what is missing comes after
      if (depth === 0) end = i + 1;
    }
  }
  return end;
}

function rowOf(entry: JsonObject, names: readonly string[], wanted: string, place: string): Row {
  const seconds = (time: Json | undefined) => (decoded(time) ?? 0) / PER_SECOND;
  const value = entry[wanted];
  const failure =
    entry.__error__ ?? (typeof value === "string" && decoded(value) === undefined ? value : undefined);
  const figure = decoded(value);
  if (failure === undefined && figure === undefined)
    throw new FormatError(
      `${place}.${wanted}: expected a number or what failed but found ${JSON.stringify(value)}`,
    );
  const metrics = Object.entries(entry).filter(
    ([key, of]) => typeof of === "number" && key !== wanted && !KNOWN.includes(key) && !names.includes(key),
  ) as [string, number][];
  const row: Row = defined({
    configuration: recordedConfiguration(entry, names, place),
    status: failure === undefined ? "ok" : (STATUS[failure as string] ?? "runtime"),
    message: failure === undefined ? undefined : String(failure),
    objective: failure === undefined ? figure! / (wanted === "time" ? PER_SECOND : 1) : undefined,
    times: ((entry.times ?? []) as readonly Json[]).map(seconds),
    metrics: metrics.length > 0 ? Object.fromEntries(metrics) : undefined,
    spent: {
      compilation: seconds(entry[SPENT.compilation]),
      verification: seconds(entry[SPENT.verification]),
      benchmark: seconds(entry[SPENT.benchmark]),
      framework: seconds(entry[SPENT.framework]),
      search: seconds(entry[SPENT.search]),
    },
    timestamp: isoTime((entry.timestamp as string | undefined) ?? ""),
  });
  return extended(row, entry.webgpu, (status) => FAILURE[status] === (failure as string | undefined));
}

/**
 * The cache of a recording, as Kernel Tuner replays it, an entry a line. Each entry has a block `webgpu` with what the
 * cache has no place for, such as our status. Rows as they were read from a cache are written as they stood there.
 * Throws FormatError for a configuration that is there twice: a cache can hold one of them.
 */
export function writeKernelTuner(recording: Recording): string {
  const { rows, original } = recording;
  const kept = original?.format === "Kernel Tuner" ? original : undefined;
  const { cache: _, ...head } = kept?.document ?? headOf(recording);
  const names = head.tune_params_keys as readonly string[];
  const entries = new Map<string, Json>();
  for (const row of rows) {
    const before = kept?.rows.get(row) as JsonObject | undefined;
    const entry = before ?? {
      [keyOf(row, names)]: entryOf(row, (head.objective as string | undefined) ?? "time"),
    };
    const [key] = Object.keys(entry);
    if (entries.has(key)) throw new FormatError(`cache: configuration ${key} is there twice`);
    entries.set(key, entry[key]);
  }
  const lines = [...entries].map(([key, entry]) => `${JSON.stringify(key)}: ${JSON.stringify(entry)}`);
  return `${JSON.stringify(head, null, 0).slice(0, -1)},\n"cache": {\n${lines.join(",\n")}}\n}\n`;
}

function headOf({ rows, space, kernel, device, problem, objective }: Recording): JsonObject {
  const { parameters } = space ?? recordedSpace(rows);
  return {
    device_name: device ?? "",
    kernel_name: kernel ?? "",
    problem_size: problem ?? "",
    tune_params_keys: parameters.map(({ name }) => name),
    tune_params: Object.fromEntries(parameters.map(({ name, values }) => [name, values])),
    objective: objective ?? "time",
  };
}

/** Values as Python writes them, with commas between. */
const keyOf = ({ configuration }: Row, names: readonly string[]): string =>
  names
    .map((name) =>
      String(configuration[name])
        .replace(/^true$/, "True")
        .replace(/^false$/, "False"),
    )
    .join(",");

function entryOf(row: Row, wanted: string): JsonObject {
  const { configuration, status, objective, times, metrics, spent, timestamp } = row;
  const figure =
    objective === undefined ? undefined : encoded(objective * (wanted === "time" ? PER_SECOND : 1));
  const failure = FAILURE[status];
  return defined({
    ...configuration,
    ...(wanted !== "time" && { time: failure ?? encoded(mean(times) * PER_SECOND) }),
    [wanted]: failure ?? figure,
    times: times.length > 0 ? times.map((time) => encoded(time * PER_SECOND)) : undefined,
    ...Object.fromEntries(
      Object.entries(SPENT).map(([of, key]) => [key, spent[of as keyof typeof SPENT] * PER_SECOND]),
    ),
    ...Object.fromEntries(Object.entries(metrics ?? {}).map(([name, value]) => [name, encoded(value)])),
    timestamp,
    webgpu: extension(row),
  }) as JsonObject;
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
