// Where the result of a command that measures goes, and the arguments with which it can be run again.

import { type Command, Option } from "commander";
import { ValueError } from "../../engine/errors.ts";
import { checkOutputs, writeFile } from "../../engine/io/files.node.ts";
import { withJson } from "../command_line/arguments.ts";
import type { Result } from "../measure/result.ts";
import { FORMATS, type Format } from "./outputs/writers.ts";

export { FORMATS };

/** Formats for a result of which no step was run. */
export const PLANNED = FORMATS.filter(({ steps }) => !steps);

const optionOf = ({ name, description }: Format): Option =>
  new Option(`--${name} <file>`, `write ${description} (- is stdout)`);

/** Options with a file that the result, or part of it, is written to. */
export const OUTPUTS: readonly string[] = ["--out", ...FORMATS.map(({ name }) => `--${name}`)];

/** Adds `--json`, `--out` and an option for each of these formats. */
export function withResult(command: Command, formats: readonly Format[]): Command {
  withJson(command).option("--out <file>", "write the result as JSON, which `compare` and `rerun` read");
  for (const format of formats) command.addOption(optionOf(format));
  return command;
}

/** The options that were given or have defaults, without those of the result's files: for running it again. */
export const optionsGiven = (command: Command): readonly string[] =>
  command.options.flatMap((option) => {
    const value: unknown = command.getOptionValue(option.attributeName());
    const flag = option.long!;
    if (value === undefined || flag === "--json" || OUTPUTS.includes(flag)) return [];
    if (typeof value === "boolean") return value === option.negate ? [] : [flag];
    if (Array.isArray(value)) return [flag, ...value.map(String)];
    return [flag, typeof value === "object" ? JSON.stringify(value) : String(value)];
  });

/** Files asked for, by format. */
const filesOf = (command: Command): readonly (readonly [Format, string])[] =>
  FORMATS.flatMap((format) => {
    const file: string | undefined = command.getOptionValue(optionOf(format).attributeName());
    return file === undefined ? [] : [[format, file] as const];
  });

/** Throws, before anything is measured, where a file cannot be written or two outputs go to stdout. */
export async function checkResultFiles(command: Command): Promise<void> {
  const { json, out } = command.opts();
  const files = filesOf(command);
  const printed = [
    ...(json ? ["--json"] : []),
    ...files.flatMap(([{ name }, file]) => (file === "-" ? [`--${name}`] : [])),
  ];
  if (printed.length > 1) throw new ValueError(`${printed.join(" and ")} both go to stdout`);
  await checkOutputs([out, ...files.flatMap(([, file]) => (file === "-" ? [] : [file]))]);
}

/** Numbers that are not finite are left out. */
const jsonOf = (result: Result): string => JSON.stringify(result, undefined, 1);

/**
 * Writes the files that are asked for, and prints `text` unless stdout is taken. A file that fails does not keep the
 * others from being written; the first error is thrown at the end.
 */
export async function deliver(result: Result, command: Command, text: () => string): Promise<void> {
  const { json, out } = command.opts();
  const files = filesOf(command);
  const errors: unknown[] = [];
  const attempt = (work: () => Promise<unknown>) => work().catch((error) => errors.push(error));
  if (out !== undefined) await attempt(() => writeFile(out, `${jsonOf(result)}\n`));
  for (const [format, file] of files)
    await attempt(async () => {
      const content = await format.text(result, file);
      if (file === "-") process.stdout.write(content);
      else await writeFile(file, content);
    });
  if (json) console.log(jsonOf(result));
  else if (!files.some(([, file]) => file === "-")) {
    const { adapter, kind, implementation } = result.host;
    const nothing = result.networks.length === 0 && result.kernels.length === 0;
    console.log(`${adapter} (${kind}), ${implementation}\n`);
    console.log(nothing ? "Nothing was measured." : text());
  }
  if (errors.length > 0) throw errors[0];
}
