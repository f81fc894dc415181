import { TuneError } from "../../errors.ts";
import type { Configuration, Value } from "../space/space.ts";

/** WGSL at a configuration. */
export interface FilledTemplate {
  readonly wgsl: string;
  /** Pipeline constants: settings of `override` declarations. */
  readonly constants: Readonly<Record<string, number>>;
  /** The text with constants in place of overrides, from which bindings and sizes are read. */
  readonly resolved: string;
}

const OVERRIDE = /(?:@id\s*\(\s*\d+\s*\)\s*)?\boverride\s+(\w+)\s*(:\s*\w+)?\s*(=\s*[^;]+)?;/g;

/**
 * Sets parameters in WGSL: those declared by `override` as constants of the pipeline, those declared by `const` in the
 * text, where a literal of the same kind replaces the one that is there. Text that a function printed has them already.
 * Throws TuneError for a parameter that the text does not declare, and for a setting that is no number or boolean.
 */
export function fillTemplate(
  label: string,
  source: string | ((configuration: Configuration) => string),
  configuration: Configuration,
): FilledTemplate {
  let wgsl = typeof source === "string" ? source : source(configuration);
  const overrides = new Set([...wgsl.matchAll(OVERRIDE)].map(([, name]) => name));
  const constants: Record<string, number> = {};
  for (const [name, value] of Object.entries(configuration)) {
    if (overrides.has(name)) constants[name] = Number(value);
    else if (typeof source === "string") wgsl = replace(label, wgsl, name, value);
  }
  const resolved = wgsl.replace(OVERRIDE, (_, name, type = "", initial = "= 0") =>
    name in constants
      ? `const ${name}${type} = ${literal(configuration[name], "")};`
      : `const ${name}${type} ${initial};`,
  );
  return { wgsl, constants, resolved };
}

function replace(label: string, wgsl: string, name: string, value: Value): string {
  const declaration = new RegExp(`^(\\s*const\\s+${name}\\s*(?::\\s*\\w+\\s*)?=\\s*)([^;]+);`, "m");
  const found = declaration.exec(wgsl);
  if (!found) {
    const declared = [...wgsl.matchAll(/^\s*(?:const|override)\s+(\w+)/gm)].map(([, other]) => other);
    throw new TuneError(
      `${label}: parameter ${name} is no const or override of the WGSL (has ${declared.join(", ") || "none"})`,
    );
  }
  if (typeof value === "string")
    throw new TuneError(`${label}: parameter ${name} is "${value}" but WGSL takes numbers and booleans`);
  const suffix = /^[-\d.]+([uifh])$/.exec(found[2].trim())?.[1] ?? "";
  return wgsl.replace(declaration, (_, head) => `${head}${literal(value, suffix)};`);
}

const literal = (value: Value, suffix: string): string =>
  typeof value === "boolean" ? String(value) : `${value}${suffix}`;
