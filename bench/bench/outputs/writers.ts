// Formats of a result other than our JSON. Each is an option of the commands that measure, `--name FILE`.

import type { Result } from "../../measure/result.ts";

export interface Format {
  /** Name of the option. */
  readonly name: string;
  readonly description: string;
  /** Whether it needs steps that were run: a plan, or kernels alone, have nothing for it. */
  readonly steps?: boolean;
  /** The text of a result; `file` is where it will be written. */
  text(result: Result, file: string): Promise<string>;
}

export const FORMATS: readonly Format[] = [
  {
    name: "csv",
    description: "a row for each network or kernel, in timm's columns",
    text: async (result) => (await import("./csv.ts")).csv(result),
  },
  {
    name: "md",
    description: "the tables as Markdown",
    text: async (result) => (await import("./markdown.ts")).markdown(result),
  },
  {
    name: "html",
    description: "a page with charts",
    text: async (result) => (await import("./html.ts")).benchPage(result),
  },
  {
    name: "trace",
    description: "launches and memory of a step over time, for Perfetto",
    steps: true,
    text: async (result) => (await import("./trace.ts")).perfettoTrace(result),
  },
  {
    name: "baselines",
    description: "published results of the same networks, compared with this one",
    steps: true,
    text: async (result) => (await import("./baselines.ts")).baselines(result),
  },
  {
    name: "emit-tune-list",
    description: "what to tune first: commands, or JSON if the file's name ends in .json",
    steps: true,
    text: async (result, file) => (await import("./tune_list.ts")).tuneListText(result, file),
  },
];
