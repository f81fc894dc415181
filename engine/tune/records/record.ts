import { FormatError } from "../../errors.ts";
import type { Environment } from "../results/environment.ts";
import { type Original, type Recording, recordedSpace } from "../results/recording.ts";
import { type Row, STATUSES } from "../results/row.ts";
import {
  decoded,
  defined,
  encoded,
  type Json,
  type JsonObject,
  parseJson,
  type Schema,
} from "../results/schema.ts";
import { constraint } from "../space/expression.ts";
import { type Parameter, Space } from "../space/space.ts";
import type { Origin } from "./origin.ts";

/** What the rows under it have in common: the first line of a run. */
export interface Header {
  readonly kernel: string;
  readonly environment: Environment;
  readonly space: { readonly parameters: readonly Parameter[]; readonly constraints: readonly string[] };
  readonly problem: Json;
  readonly seed?: number;
  /** What the kernel can be made of again; absent where a program tuned one of its own. */
  readonly origin?: Origin;
  /** Name of what `objective` of a row is; `time` by default. */
  readonly objective?: string;
  /** Of rows that came from a file of another format: what that file held reserved. */
  readonly original?: Omit<Original, "rows">;
  readonly [more: string]: unknown;
}

/** A header with the rows of its run. */
export interface Section {
  readonly header: Header;
  readonly rows: readonly Row[];
}

/**
 * WGSL that rows name by its hash, once in a record: deflated, which `RunRecord` does with the first text of the record
 * as the dictionary, for the texts of a kernel differ in little.
 */
export interface Shader {
  /** SHA-256 of the text. */
  readonly shader: string;
  /** Hash of the text that is the dictionary; absent for the first. */
  readonly like?: string;
  /** Base64. */
  readonly deflated: string;
}

/** What a record holds. */
export interface Contents {
  readonly sections: readonly Section[];
  /** By their hashes. */
  readonly shaders: ReadonlyMap<string, Shader>;
  /** Bytes of whole lines. */
  readonly whole: number;
  /** Bytes of a line behind them that was never finished; no row of it counts. */
  readonly torn: number;
}

const FORMAT = "tessera tuning record";
const VERSION = 1;
/** How a record begins, byte for byte. */
const MAGIC = `{"format":${JSON.stringify(FORMAT)},"version":`;

/** Whether a file begins as records do. */
export const isRecord = (bytes: Uint8Array): boolean =>
  new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) === MAGIC;

const TEXT: Schema = { type: "string" };
const HEADER: Schema = {
  type: "object",
  required: ["format", "version", "kernel", "environment", "space", "problem"],
  properties: {
    format: { enum: [FORMAT] },
    version: { enum: [VERSION] },
    kernel: TEXT,
    environment: {
      type: "object",
      required: ["adapter", "driver", "implementation", "toggles"],
      properties: {
        adapter: TEXT,
        driver: TEXT,
        implementation: TEXT,
        toggles: { type: "array", items: TEXT },
      },
    },
    space: {
      type: "object",
      required: ["parameters", "constraints"],
      properties: {
        parameters: {
          type: "array",
          items: {
            type: "object",
            required: ["name", "values"],
            properties: { name: TEXT, values: { type: "array" } },
          },
        },
        constraints: { type: "array", items: TEXT },
      },
    },
    objective: TEXT,
    origin: {
      type: "object",
      properties: {
        routine: { type: "object", required: ["op", "shapes"] },
        t1: TEXT,
        wgsl: TEXT,
        seed: { type: "number" },
      },
    },
    original: {
      type: "object",
      required: ["format", "document"],
      properties: { format: TEXT, document: { type: "object" } },
    },
  },
};
const FIGURE: Schema = { type: ["number", "string"] };
const ROW: Schema = {
  type: "object",
  required: ["configuration", "status", "times", "spent", "timestamp"],
  properties: {
    configuration: { type: "object", others: { type: ["number", "string", "boolean"] } },
    status: { enum: STATUSES },
    message: TEXT,
    objective: FIGURE,
    times: { type: "array", items: FIGURE },
    reading: { type: "object" },
    error: FIGURE,
    metrics: { type: "object", others: FIGURE },
    spent: { type: "object", others: FIGURE },
    wgsl: TEXT,
    timestamp: TEXT,
  },
};

const SHADER: Schema = {
  type: "object",
  required: ["shader", "deflated"],
  properties: { shader: TEXT, like: TEXT, deflated: TEXT },
};

/** What a header says of a space: constraints are kept as their text. */
export const describeSpace = ({ parameters, constraints }: Space): Header["space"] => ({
  parameters,
  constraints: constraints.map(({ text }) => text),
});

/**
 * The space that a header describes. Throws FormatError for a constraint whose text is no expression: such a one was a
 * function, and is not in the record.
 */
export const headerSpace = ({ space: { parameters, constraints } }: Header): Space =>
  new Space(parameters, constraints.map(constraint));

/** The line of a header, without what ends it. */
export const headerLine = (header: Header): string => `${MAGIC}${VERSION},${JSON.stringify(header).slice(1)}`;

/** The line of a shader, without what ends it. */
export const shaderLine = ({ shader, like, deflated }: Shader): string =>
  JSON.stringify({ shader, like, deflated });

/** The line of a row, without what ends it; numbers that are not finite are their names. */
export const rowLine = (row: Row): string =>
  JSON.stringify(row, (_, value) => (typeof value === "number" ? encoded(value) : value));

function row(json: JsonObject): Row {
  const figures = (values: Json | undefined) =>
    Object.fromEntries(
      Object.entries((values ?? {}) as JsonObject).map(([name, value]) => [name, decoded(value)]),
    );
  const { objective, error, times, metrics, spent } = json;
  return {
    ...(json as unknown as Row),
    ...(objective !== undefined && { objective: decoded(objective) }),
    ...(error !== undefined && { error: decoded(error) }),
    ...(metrics !== undefined && { metrics: figures(metrics) as Row["metrics"] }),
    times: (times as readonly Json[]).map((time) => decoded(time)!),
    spent: figures(spent) as unknown as Row["spent"],
  };
}

/**
 * What tells rows apart: the WGSL of the configuration, what measures, and the problem; and the configuration itself, for
 * the grid may follow it where the text does not. Neither the space nor the search is in it, so that a parameter's new
 * value loses no time that was measured.
 */
export function rowKey(
  { environment, problem, kernel }: Header,
  { configuration, wgsl }: Pick<Row, "configuration" | "wgsl">,
): string {
  const { adapter, driver, implementation, toggles } = environment;
  const settings = Object.entries(configuration).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([
    kernel,
    wgsl ?? null,
    adapter,
    driver,
    implementation,
    [...toggles].sort(),
    problem,
    settings,
  ]);
}

/**
 * Reads a record: a line of JSON for the header, then one for each row and for each text of WGSL; further headers begin
 * further sections. A line that does not end is dropped, and counted as torn. Throws FormatError where the file is no record, or a line is no row.
 */
export function readRecord(bytes: Uint8Array, name = "record"): Contents {
  const whole = bytes.lastIndexOf(10) + 1;
  const text = new TextDecoder().decode(bytes.subarray(0, whole));
  const begin = new TextDecoder().decode(bytes.subarray(0, MAGIC.length));
  if (!(begin.startsWith(MAGIC) || (whole === 0 && MAGIC.startsWith(begin))))
    throw new FormatError(`${name}: no record of tuning: it begins with ${JSON.stringify(begin)}`);
  const sections: { header: Header; rows: Row[] }[] = [];
  const shaders = new Map<string, Shader>();
  for (const [i, line] of text.split("\n").slice(0, -1).entries()) {
    const place = `${name}:${i + 1}`;
    if (line.startsWith('{"format":')) {
      const { format: _, version: __, ...header } = parseJson(line, HEADER, place);
      sections.push({ header: header as unknown as Header, rows: [] });
    } else if (line.startsWith('{"shader":')) {
      const shader = parseJson(line, SHADER, place) as unknown as Shader;
      shaders.set(shader.shader, shader);
    } else sections.at(-1)!.rows.push(row(parseJson(line, ROW, place)));
  }
  return { sections, shaders, whole, torn: bytes.length - whole };
}

/**
 * The text of a record that holds a recording. What a file of another format held reserved is kept beside the rows, so
 * that `recordingOf` gives all of it back.
 */
export function writeRecord({ rows, objective, original }: Recording, header: Header): string {
  const lines = rows.map((row) => rowLine({ ...row, [ORIGINAL]: original?.rows.get(row) } as Row));
  const kept = original && { format: original.format, document: original.document };
  const full: Header = defined({ ...header, objective, original: kept });
  return [headerLine(full), ...lines].map((line) => `${line}\n`).join("");
}

/** Key of a row's line under which it is kept as it stood in another format. */
const ORIGINAL = "original";

/** The rows of a section, to be replayed or written in another format. */
export function recordingOf({ header, rows }: Section): Recording {
  const { kernel, environment, problem, space, objective, original } = header;
  const before = rows.map((row) => [row, (row as { [ORIGINAL]?: Json })[ORIGINAL]] as const);
  const kept = before.filter((pair): pair is [Row, Json] => pair[1] !== undefined);
  return defined({
    rows,
    space: rows.length > 0 ? recordedSpace(rows, space.parameters) : undefined,
    kernel,
    device: environment.adapter,
    problem,
    environment,
    objective,
    original: original && { ...original, rows: new Map(kept) },
  });
}
