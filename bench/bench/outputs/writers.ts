// What a result can be written as: each an option of the commands that measure, `--name FILE`.

import type { Result } from "../../measure/result.ts";
import { baselines } from "./baselines.ts";
import { csv } from "./csv.ts";
import { page } from "./html.ts";
import { markdown } from "./markdown.ts";
import { trace } from "./trace.ts";
import { tuneListText } from "./tune_list.ts";

export interface Writer {
  /** Name of the option. */
  readonly name: string;
  readonly description: string;
  /** Whether it is of steps that were run, and says nothing of plans or of kernels by themselves. */
  readonly steps?: boolean;
  /** The file is only named. */
  text(result: Result, file: string): string;
}

/** Numbers that are none are left out. */
const json = (result: Result): string => `${JSON.stringify(result, undefined, 1)}\n`;

export const WRITERS: readonly Writer[] = [
  { name: "json", description: "everything that was measured, as other commands read it", text: json },
  { name: "csv", description: "a row for each network or kernel, in timm's columns", text: csv },
  { name: "md", description: "its tables as Markdown", text: markdown },
  { name: "html", description: "a page with charts", text: page },
  {
    name: "trace",
    description: "a step's launches and memory over time, for Perfetto",
    steps: true,
    text: trace,
  },
  {
    name: "baselines",
    description: "what others published of the same networks, beside it",
    steps: true,
    text: baselines,
  },
  {
    name: "emit-tune-list",
    description: "what to tune first: commands, or JSON where the file is called so",
    steps: true,
    text: tuneListText,
  },
];
