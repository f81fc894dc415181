// What to tune first: the routines of a step that lose most time to the roofs, as `tessera tune` takes them.

import { ValueError } from "../../../engine/errors.ts";
import { problemKey } from "../../../engine/plan/tables/preferences.ts";
import { ops } from "../../../kernels/index.ts";
import type { Shapes, Tune } from "../../../kernels/op.ts";
import { grouped, sum } from "../../measure/grouped.ts";
import { inputsOf } from "../../measure/kernels.ts";
import type { LaunchRow, Result, Roofs } from "../../measure/result.ts";
import { gapOf } from "../../measure/roofline.ts";
import { formatDuration } from "../../page/scale.ts";
import { shellWord } from "./summary.ts";

/** A routine at a problem, with the algorithm that a step takes for it. */
export interface TuneTask {
  readonly op: string;
  readonly routine: string;
  /** Of the inputs. */
  readonly shapes: Shapes;
  readonly attrs: unknown;
  readonly algorithm: string;
  /** Of all of its kernels. */
  readonly tune: Tune;
  /** How often a step computes it. */
  readonly times: number;
  /** Of a step: seconds on the device, and of these what is above the roofs. */
  readonly seconds: number;
  readonly gap: number;
  /** Searches its settings. */
  readonly command: string;
}

/** Routines of a step, the greatest gap first. What `tessera tune` has no name for, concatenations of many, is left out. */
export function tuneList(launches: readonly LaunchRow[], roofs: Roofs, most = 20): readonly TuneTask[] {
  const groups = grouped(launches, ({ routine, algorithm, shapes, attrs }) =>
    JSON.stringify([routine, algorithm, problemKey(shapes, attrs)]),
  );
  return [...groups.values()]
    .flatMap((rows) => taskOf(rows, roofs))
    .sort((a, b) => b.gap - a.gap)
    .slice(0, most);
}

function taskOf(rows: readonly LaunchRow[], roofs: Roofs): readonly TuneTask[] {
  const [{ label, attrs, algorithm, shapes: all, routine: name }] = rows;
  const [opName, routine] = name.split("/");
  const op = ops.find((one) => one.name === opName);
  if (!op) return [];
  const shapes = inputsOf(op, all);
  const known = [...op.inputs, ...Object.keys(op.shapes(shapes, attrs))];
  if (Object.keys(all).some((tensor) => !known.includes(tensor) && !known.includes(tensor.slice(1))))
    return [];
  const seconds = sum(rows.map((row) => row.seconds));
  const gap = gapOf(rows, roofs);
  const tune: Tune = Object.assign({}, ...rows.map((row) => row.tune));
  const times = rows.filter((row) => row.label === label).length;
  const task = { op: opName, routine, shapes, attrs, algorithm, tune, times, seconds, gap };
  return [{ ...task, command: commandOf(task) }];
}

function commandOf({ op, routine, shapes, attrs, algorithm }: Omit<TuneTask, "command">): string {
  const options = {
    routine,
    algorithm,
    shapes: JSON.stringify(shapes),
    attrs: JSON.stringify(attrs ?? {}),
  };
  return [
    "tessera tune",
    op,
    ...Object.entries(options).map(([name, value]) => `--${name} ${shellWord(value)}`),
  ].join(" ");
}

/** As a shell script: a command to a line, above it what it is about. */
export const asScript = (tasks: readonly TuneTask[]): string =>
  tasks
    .map(
      ({ op, routine, times, seconds, gap, algorithm, command }) =>
        `# ${op}/${routine}, ${algorithm}, ${times} times a step: ${formatDuration(gap)} of ${formatDuration(seconds)} above the roofs\n${command}\n`,
    )
    .join("\n");

/** As JSON, one object a task. */
export const asJson = (tasks: readonly TuneTask[]): string => `${JSON.stringify(tasks, null, 2)}\n`;

/**
 * What the steps of a result want tuned: a script, or JSON where the file is called so. Throws ValueError where it has no
 * roofs, or no time of a launch.
 */
export function tuneListText({ networks, roofs }: Result, file: string): string {
  const launches = networks.flatMap((network) => network.launches);
  if (!roofs || launches.length === 0)
    throw new ValueError(
      `tune list: the result has ${roofs ? "roofs" : "no roofs"} and times of ${launches.length} launches, but both are needed`,
    );
  const tasks = tuneList(launches, roofs);
  return file.endsWith(".json") ? asJson(tasks) : asScript(tasks);
}
