import { FormatError } from "../../errors.ts";
import { type Configuration, type Constraint, type Parameter, Space, type Value } from "../space/space.ts";
import { type Reading, type Row, STATUSES, type Status } from "./row.ts";
import { decoded, defined, encoded, type Json, type JsonObject } from "./schema.ts";

/** What a file of another format held, so that a writer of the same format gives back what it does not know. */
export interface Original {
  readonly format: string;
  /** The file without its rows. */
  readonly document: JsonObject;
  /** What each row was made of. A row that is not here, or was changed since, is written anew. */
  readonly rows: ReadonlyMap<Row, Json>;
}

/** Rows that were measured once, in whatever format they were kept. Times are seconds. */
export interface Recording {
  readonly rows: readonly Row[];
  /** The configurations that were recorded. */
  readonly space?: Space;
  readonly kernel?: string;
  readonly device?: string;
  readonly problem?: Json;
  /** Name of what `objective` of a row is; `time` by default. */
  readonly objective?: string;
  readonly environment?: JsonObject;
  /** What was odd about the file, such as an entry torn by a crash. */
  readonly notes?: readonly string[];
  readonly original?: Original;
}

/**
 * The space of the configurations that were recorded and no others. Parameters that are not given take the values that
 * were met, numbers in their order. Throws FormatError where a row lacks a parameter, or has a value that is none of its.
 */
export function recordedSpace(rows: readonly Row[], given?: readonly Parameter[]): Space {
  const configurations = rows.map(({ configuration }) => configuration);
  const parameters = given ?? metParameters(configurations);
  for (const configuration of configurations)
    for (const { name, values } of parameters)
      if (!values.includes(configuration[name]))
        throw new FormatError(
          `parameter ${name}: a row has ${configuration[name]}, not one of ${values.join(", ")}`,
        );
  const names = parameters.map(({ name }) => name);
  // One constraint a parameter: the space is cut as soon as no recorded configuration begins so.
  const constraints = names.map((name, i): Constraint => {
    const read = names.slice(0, i + 1);
    const begins = (configuration: Configuration) => JSON.stringify(read.map((of) => configuration[of]));
    const met = new Set(configurations.map(begins));
    return {
      names: read,
      text: `recorded up to ${name}`,
      holds: (configuration) => met.has(begins(configuration)),
    };
  });
  return new Space(parameters, constraints);
}

function metParameters(configurations: readonly Configuration[]): Parameter[] {
  const met = new Map<string, Set<Value>>();
  for (const configuration of configurations)
    for (const [name, value] of Object.entries(configuration)) {
      if (!met.has(name)) met.set(name, new Set());
      met.get(name)!.add(value);
    }
  return [...met].map(([name, found]) => {
    const values = [...found];
    const numbers = values.every((value) => typeof value === "number");
    return { name, values: numbers ? values.sort((a, b) => Number(a) - Number(b)) : values };
  });
}

/** What formats made for other systems have no place for. */
export function extension({ status, message, reading, error, wgsl }: Row): JsonObject {
  return defined({
    status,
    message,
    clock: reading && { ...reading },
    error_over_bound: error === undefined ? undefined : encoded(error),
    wgsl_sha256: wgsl,
  }) as JsonObject;
}

/** The row with what an extension says, unless that contradicts the file: `same` tells whether the file means the status. */
export function extended(row: Row, block: Json | undefined, same: (status: Status) => boolean): Row {
  if (typeof block !== "object" || block === null || Array.isArray(block)) return row;
  const { status, message, clock, error_over_bound, wgsl_sha256 } = block as JsonObject;
  if (!STATUSES.includes(status as Status) || !same(status as Status)) return row;
  return defined({
    ...row,
    status: status as Status,
    message: message as string | undefined,
    reading: clock as unknown as Reading | undefined,
    error: decoded(error_over_bound),
    wgsl: wgsl_sha256 as string | undefined,
  });
}

/** What a file calls a configuration, in the order of its parameters. Throws FormatError for a value that is none. */
export function recordedConfiguration(
  values: JsonObject,
  names: readonly string[],
  place: string,
): Configuration {
  for (const name of names)
    if (!["number", "string", "boolean"].includes(typeof values[name]))
      throw new FormatError(`${place}.${name}: expected a value but found ${JSON.stringify(values[name])}`);
  return Object.fromEntries(names.map((name) => [name, values[name] as Value]));
}

/** ISO 8601 of a time stamp that has a space before the time of day. */
export const isoTime = (stamp: string): string => stamp.replace(/^(\d{4}-\d\d-\d\d) (?=\d)/, "$1T");
