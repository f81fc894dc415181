import type { Tune } from "../../kernels/op.ts";
import { FormatError } from "../errors.ts";
import { type AdapterClass, CLASSES } from "./adapter_class.ts";

/** An algorithm by name, and tunables to set on its kernels. */
export interface Choice {
  readonly algorithm?: string;
  readonly tune?: Tune;
}

/** What a rule may ask of a fact: its value, one of several, or a range with both ends included. */
export type Condition =
  | string
  | number
  | readonly (string | number)[]
  | { readonly least?: number; readonly most?: number };

/** A choice for the problems of which every condition holds. */
export interface Rule extends Choice {
  readonly when?: Readonly<Partial<Record<Fact, Condition>>>;
}

/**
 * Which algorithm and tunables a routine takes on an adapter: exact problems first, then rules, in order. The text of
 * the table is JSON; `engine/plan/tables/` holds those that come with the engine.
 */
export interface TuningTable {
  /** Where it was read, for messages. */
  readonly path: string;
  /** Regular expression that the adapter's name matches, upper or lower case; every adapter without this and `class`. */
  readonly adapter?: RegExp;
  readonly class?: AdapterClass;
  /** By routine `<op>/<routine>`. */
  readonly routines: Readonly<Record<string, readonly Rule[]>>;
  /** By routine, then by `problemKey`. */
  readonly problems: Readonly<Record<string, Readonly<Record<string, Choice>>>>;
}

/**
 * What rules may ask of a problem. `window` and `stride` are text such as "3x3"; `inputs` and `outputs` are channels;
 * `pixels` counts the places of the output, over all `images`; `subgroupSize` is the adapter's subgroup size.
 */
export const FACTS = ["window", "stride", "inputs", "outputs", "pixels", "images", "subgroupSize"] as const;
export type Fact = (typeof FACTS)[number];
const TEXTS: readonly string[] = ["window", "stride"];

/** Where a table's figures come from: named in the table, and free of meaning to the engine. */
const PROVENANCE = ["adapter", "driver", "implementation", "date", "command"];

/** Reads a table from text. Throws FormatError with the path and the place in the table that is wrong. */
export function readTuningTable(path: string, text: string): TuningTable {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`${path}: not JSON: ${(cause as Error).message}`, { cause });
  }
  return parseTuningTable(path, json);
}

/** The table that an object from JSON says. Throws as `readTuningTable` does. */
export function parseTuningTable(path: string, json: unknown): TuningTable {
  const table = object(`${path}: the table`, json, ["adapter", "class", "measured", "routines", "problems"]);
  object(`${path}: measured`, table.measured ?? {}, PROVENANCE);
  if (table.class !== undefined && !CLASSES.includes(table.class))
    fail(`${path}: class`, table.class, `one of ${CLASSES.join(", ")}`);
  const adapter = table.adapter === undefined ? undefined : pattern(`${path}: adapter`, table.adapter);
  const routines = each(`${path}: routines`, table.routines ?? {}, rules);
  const problems = each(`${path}: problems`, table.problems ?? {}, (at, keys) => each(at, keys, exact));
  for (const name of [...Object.keys(routines), ...Object.keys(problems)])
    if (!/^\w+\/\w+$/.test(name)) fail(`${path}: a routine`, name, "<op>/<routine>");
  return { path, adapter, class: table.class, routines, problems };
}

const fail = (at: string, is: unknown, want: string): never => {
  throw new FormatError(`${at} is ${JSON.stringify(is)} but ${want} is expected`);
};

function object(at: string, value: unknown, known?: readonly string[]): Record<string, any> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) fail(at, value, "an object");
  const strange = Object.keys(value as object).find((name) => known && !known.includes(name));
  if (strange !== undefined) fail(`${at} holds a name that`, strange, `one of ${known?.join(", ")}`);
  return value as Record<string, any>;
}

function each<T>(at: string, value: unknown, read: (at: string, value: unknown) => T): Record<string, T> {
  const entries = Object.entries(object(at, value));
  return Object.fromEntries(entries.map(([key, one]) => [key, read(`${at}["${key}"]`, one)]));
}

function pattern(at: string, source: unknown): RegExp {
  try {
    if (typeof source === "string") return new RegExp(source, "i");
  } catch {}
  return fail(at, source, "a regular expression");
}

const rules = (at: string, value: unknown): readonly Rule[] =>
  Array.isArray(value) ? value.map((one, i) => rule(`${at}[${i}]`, one)) : fail(at, value, "a list of rules");

function rule(at: string, value: unknown): Rule {
  const { when = {}, ...rest } = object(at, value, ["when", "algorithm", "tune"]);
  for (const [fact, want] of Object.entries(object(`${at}.when`, when, FACTS)))
    condition(`${at}.when.${fact}`, want, TEXTS.includes(fact) ? "string" : "number");
  return { ...exact(at, rest), when };
}

function exact(at: string, value: unknown): Choice {
  const { algorithm, tune = {} } = object(at, value, ["algorithm", "tune"]);
  if (algorithm !== undefined && typeof algorithm !== "string") fail(`${at}.algorithm`, algorithm, "a name");
  for (const [name, setting] of Object.entries(object(`${at}.tune`, tune)))
    if (!(Number.isInteger(setting) && setting >= 0)) fail(`${at}.tune.${name}`, setting, "a whole number");
  return { algorithm, tune };
}

function condition(at: string, want: unknown, type: "string" | "number"): void {
  const said = type === "string" ? 'text such as "3x3"' : "a number";
  const range = type === "number" && typeof want === "object" && !Array.isArray(want);
  const values = range ? Object.values(object(at, want, ["least", "most"])) : [want].flat();
  const odd = values.findIndex((value) => typeof value !== type);
  if (odd >= 0) fail(at, values[odd], said);
}
