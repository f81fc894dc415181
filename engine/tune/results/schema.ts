import { FormatError } from "../../errors.ts";

/** What JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
/** An object of JSON. */
export type JsonObject = { readonly [name: string]: Json };
type TypeName = "object" | "array" | "string" | "number" | "boolean" | "null";

/** What JSON must look like: the words of JSON Schema that the tuning formats use. Other keys are free. */
export interface Schema {
  readonly type?: TypeName | readonly TypeName[];
  readonly enum?: readonly Json[];
  readonly pattern?: RegExp;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  /** Every property that has no schema of its own. */
  readonly others?: Schema;
  readonly items?: Schema;
}

const typeOf = (value: Json): TypeName => {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : (typeof value as TypeName);
};

const shown = (value: Json) => {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
};

const NONE: readonly string[] = [];
const NO_PROPERTIES: Readonly<Record<string, Schema>> = {};

/** Throws FormatError with the place (`file.results[3].times`), what is expected there and what is found. */
export function check(value: Json, schema: Schema, place: string): void {
  const refuse = (expected: string): never => {
    throw new FormatError(`${place}: expected ${expected} but found ${shown(value)}`);
  };
  const { type, enum: choices, pattern, required = NONE, properties = NO_PROPERTIES, others, items } = schema;
  if (type && !(typeof type === "string" ? type === typeOf(value) : type.includes(typeOf(value))))
    refuse([type].flat().join(" or "));
  if (choices && !choices.includes(value)) refuse(`one of ${choices.join(", ")}`);
  if (pattern && !(typeof value === "string" && pattern.test(value))) refuse(`text like ${pattern.source}`);
  if (Array.isArray(value) && items)
    for (const [i, item] of value.entries()) check(item, items, `${place}[${i}]`);
  if (typeOf(value) !== "object") return;
  const missing = required.find((name) => !Object.hasOwn(value as JsonObject, name));
  if (missing !== undefined) refuse(`${missing} in it`);
  for (const [name, property] of Object.entries(value as JsonObject)) {
    const inner = Object.hasOwn(properties, name) ? properties[name] : others;
    if (inner) check(property, inner, `${place}.${name}`);
  }
}

/** Parses JSON of a schema. Throws FormatError with the name of the file and the place in it. */
export function parseJson(text: string, schema: Schema, name: string): JsonObject {
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`${name}: not JSON: ${(error as Error).message}`, { cause: error });
  }
  check(value, schema, name);
  return value as JsonObject;
}

/** A number as JSON can hold it: what is not finite is its name. */
export const encoded = (value: number): number | string => (Number.isFinite(value) ? value : String(value));

/** The number that `encoded` made this of; undefined where it made none. */
export function decoded(value: Json | undefined): number | undefined {
  if (typeof value === "number") return value;
  return value === "NaN" || value === "Infinity" || value === "-Infinity" ? Number(value) : undefined;
}

/** The same without what is undefined. */
export const defined = <T extends object>(properties: T): T =>
  Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)) as T;
