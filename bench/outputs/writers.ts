// What a result can be written as: each an option of the commands that measure, `--name FILE`.

import type { Result } from "../measure/result.ts";
import { baselines } from "./baselines.ts";
import { csv } from "./csv.ts";
import { page } from "./html.ts";
import { markdown } from "./markdown.ts";
import { trace } from "./trace.ts";

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
  { name: "csv", description: "a row for each network or kernel, in timm's columns", text: csv },
  { name: "md", description: "its tables as Markdown", text: markdown },
  { name: "html", description: "a page with charts", text: page },
  { name: "trace", description: "a step's launches and memory over time, for Perfetto", text: trace },
  {
    name: "baselines",
    description: "what others published of the same networks, beside it",
    text: baselines,
  },
];
