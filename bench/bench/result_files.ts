// Where the result of a command that measures goes, and how the command is given again.

import { type Command, Option } from "commander";
import { writeOut } from "../command_line/files.ts";
import type { Result } from "../measure/result.ts";
import { WRITERS, type Writer } from "./outputs/writers.ts";

const optionOf = ({ name, description }: Writer): Option =>
  new Option(`--${name} <file>`, `write ${description} (- is stdout)`);

/** Options that say where a result goes, each with a file. */
export const OUTPUTS: readonly string[] = WRITERS.map(({ name }) => `--${name}`);

/** Adds an option for each of these writers. */
export function writing(command: Command, writers: readonly Writer[] = WRITERS): Command {
  for (const writer of writers) command.addOption(optionOf(writer));
  return command;
}

/** The options of a command that count, as they can be given again: all but where its result goes. */
export const given = (command: Command): readonly string[] =>
  command.options.flatMap((option) => {
    const value: unknown = command.getOptionValue(option.attributeName());
    const flag = option.long!;
    if (value === undefined || OUTPUTS.includes(flag)) return [];
    if (typeof value === "boolean") return value === option.negate ? [] : [flag];
    if (Array.isArray(value)) return [flag, ...value.map(String)];
    return [flag, typeof value === "object" ? JSON.stringify(value) : String(value)];
  });

/**
 * Writes the files that are asked for, and prints the rest unless stdout is taken. Throws what the first of them that
 * cannot be written throws, when all others are and the rest is printed.
 */
export async function tell(result: Result, command: Command, text: () => string): Promise<void> {
  const faults: unknown[] = [];
  let taken = false;
  for (const writer of WRITERS) {
    const file: string | undefined = command.getOptionValue(optionOf(writer).attributeName());
    if (file === undefined) continue;
    try {
      await writeOut(file, () => writer.text(result, file));
      taken ||= file === "-";
    } catch (error) {
      faults.push(error);
    }
  }
  if (!taken) {
    const { adapter, kind, implementation } = result.host;
    const nothing = result.networks.length === 0 && result.kernels.length === 0;
    console.log(`${adapter} (${kind}), ${implementation}\n`);
    console.log(nothing ? "Nothing was measured." : text());
  }
  if (faults.length > 0) throw faults[0];
}
