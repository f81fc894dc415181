// What a result can be written as: each an option of the commands that measure, `--name FILE`.

import type { Result } from "../measure/result.ts";

export interface Writer {
  /** Name of the option. */
  readonly name: string;
  readonly description: string;
  text(result: Result): string;
}

/** Numbers that are none are left out. */
const json = (result: Result): string => `${JSON.stringify(result, undefined, 1)}\n`;

export const WRITERS: readonly Writer[] = [
  { name: "json", description: "everything that was measured, as other commands read it", text: json },
];
