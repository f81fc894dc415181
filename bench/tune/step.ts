// `tessera tune step`: tunes what dominates a network's training step, and keeps what makes the step faster.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Presets, SingleBar } from "cli-progress";
import type { Device } from "../../engine/device/device.ts";
import type { Choice } from "../../engine/device/tuning_table.ts";
import { readTuningTable } from "../../engine/device/tuning_table.ts";
import { checkOutputs, readBytes, writeFile } from "../../engine/io/files.node.ts";
import { RunRecord } from "../../engine/tune/records/record.node.ts";
import { type Environment, environmentOf } from "../../engine/tune/results/environment.ts";
import { Isolated } from "../../engine/tune/runner/isolation.node.ts";
import type { LaunchGroup } from "../../engine/tune/step/groups.ts";
import {
  type StepFinding,
  type StepObserver,
  type StepOptions,
  type StepTuned,
  type Turns,
  tuneStep,
} from "../../engine/tune/step/step.ts";
import { trainingSteps } from "../../engine/tune/step/training_steps.ts";
import { getModel, netOptions } from "../../models/index.ts";
import { interruptible } from "../command_line/interrupt.ts";
import { openDevice } from "../command_line/open_device.ts";
import { formatTable, number, text } from "../command_line/table.ts";
import { formatDuration } from "../page/scale.ts";
import { budgetOf, parseSettings } from "./tune.ts";

export interface StepCommand {
  readonly model: string;
  readonly variant: string;
  readonly image: number;
  readonly batch: number;
  readonly share?: number;
  readonly top?: number;
  readonly strategy?: string;
  readonly set?: readonly string[];
  readonly budget?: string;
  readonly rounds: number;
  readonly seed: number;
  readonly out: string;
  /** Tuning table that the new ones are put into. */
  readonly merge?: string;
  readonly adapter?: string;
  readonly json?: boolean;
}

/** Tunes the training step of a network and prints what it gained; writes a tuning table where the step is faster. */
export const step = (command: StepCommand): Promise<void> =>
  interruptible(async (signal) => {
    const table = command.merge === undefined ? undefined : await tableIn(command.merge);
    await checkOutputs([command.merge, join(command.out, FINDINGS), join(command.out, TABLE)]);
    const device = await openDevice({ adapter: command.adapter });
    const records = new Map<string, RunRecord>();
    const progress = new Progress();
    try {
      await mkdir(command.out, { recursive: true });
      const environment = await environmentOf(device);
      console.error(`${environment.adapter}, ${environment.implementation}: a step of ${said(command)}`);
      const found = await tuneStep({
        ...optionsOf(command, device),
        signal,
        observer: progress,
        cache(group, header) {
          const path = join(command.out, `${fileOf(group)}.jsonl`);
          records.get(path)?.close();
          const record = new RunRecord(path, header);
          records.set(path, record);
          return record;
        },
      });
      progress.stop();
      await write(found, environment, command, table);
    } catch (error) {
      if (!signal.aborted) throw error;
      progress.stop();
      console.error(`rows are in ${command.out}: the same command goes on with them`);
    } finally {
      progress.stop();
      for (const record of records.values()) record.close();
      device.close();
    }
  });

/** Files in the folder of a run. */
const FINDINGS = "findings.json";
const TABLE = "tuning_table.json";

/** Seconds for verification: an optimiser's tensors are all of a network's weights, of which every value is compared. */
const PATIENCE = 600;

function optionsOf(command: StepCommand, device: Device): StepOptions {
  const { variant, image, batch, adapter, share, top, strategy, set = [], seed, rounds } = command;
  const network = getModel(command.model, { variant });
  return {
    steps: trainingSteps(device, network, {
      input: [batch, image, image, 3],
      net: netOptions(command.model, { variant }),
    }),
    evaluator: ({ op, ...of }) =>
      new Isolated({ routine: { op: op.name, ...of } }, { adapter, patience: { verify: PATIENCE } }),
    budget: budgetOf(command.budget),
    settings: parseSettings(set),
    ...{ share, top, strategy, seed, rounds },
  };
}

const said = ({ model: network, variant, image, batch }: StepCommand): string =>
  `${network} (${variant}), ${batch} ${batch === 1 ? "image" : "images"} of ${image}x${image}`;

/** A file for the rows of a group: those of the same routine and sizes share it, in sections. */
const fileOf = ({ routine, node: { op, shapes } }: LaunchGroup): string => {
  const sides = op.inputs.slice(0, 2).map((name) => shapes[name].join("x"));
  return [routine.replace("/", "-"), ...sides].join("-");
};

const named = ({ routine, node: { op, shapes, attrs } }: LaunchGroup): string => {
  const tensors = op.inputs.slice(0, 2).map((name) => `${name} ${shapes[name].join("x")}`);
  const strides: readonly number[] = (attrs as { stride?: readonly number[] })?.stride ?? [];
  const stride = strides.some((by) => by !== 1) ? [`stride ${strides.join("x")}`] : [];
  return `${routine} ${[...tensors, ...stride].join(", ")}`;
};

/** One bar: which problem of how many, its best so far, and what is left of all. */
class Progress implements StepObserver {
  readonly #bar = new SingleBar(
    { format: "{what} {bar} {value}/{total} {note}", stream: process.stderr, clearOnComplete: true },
    Presets.shades_classic,
  );
  #running = "";
  #began = performance.now();

  profiled(groups: readonly LaunchGroup[], chosen: readonly LaunchGroup[]): void {
    this.stop();
    const sum = (of: readonly LaunchGroup[]) => of.reduce((total, { seconds }) => total + seconds, 0);
    const share = `${Math.round((100 * sum(chosen)) / sum(groups))} %`;
    console.error(`${groups.length} problems; ${chosen.length} of them, ${share} of the step, are tuned`);
    this.#began = performance.now();
  }

  tuning(group: LaunchGroup, number: number, of: number) {
    let best = Infinity;
    let [done, most] = [0, 1];
    return {
      started: (space: { readonly size: number }) => {
        [done, most] = [0, space.size];
        this.#show(`${number + 1}/${of} ${named(group)}`, 0, most, "");
      },
      evaluated: (row: { readonly status: string; readonly objective?: number }) => {
        if (row.status === "ok") best = Math.min(best, row.objective!);
        const whole = number + Math.min(1, ++done / most);
        const left = ((performance.now() - this.#began) / 1e3) * (of / whole - 1);
        const note = `| best ${Number.isFinite(best) ? formatDuration(best) : "-"} | ${formatDuration(left)} left`;
        this.#show(`${number + 1}/${of} ${named(group)}`, done, most, note);
        return undefined;
      },
    };
  }

  tuned({ group, alone: { best, ratio, why } }: StepFinding): void {
    this.stop();
    const outcome = best ? `${choice(best)}, ${percent(ratio!)} of the present time` : why;
    console.error(`${named(group)}: ${outcome}`);
  }

  turn(what: "profile" | "groups" | "step", done: number, of: number): void {
    const text = { profile: "profiling", groups: "in the step", step: "the whole step" }[what];
    this.#show(text, done, of, "");
  }

  #show(what: string, done: number, of: number, note: string): void {
    if (this.#running !== what) {
      this.stop();
      this.#bar.start(of, done, { what, note });
      this.#running = what;
    } else {
      this.#bar.setTotal(of);
      this.#bar.update(done, { what, note });
    }
  }

  stop(): void {
    if (this.#running) this.#bar.stop();
    this.#running = "";
  }
}

const ms = (seconds: number): string => (1e3 * seconds).toFixed(2);
const percent = (ratio: number): string => `${(100 * ratio).toFixed(1)} %`;
const choice = ({ algorithm, tune }: Choice): string =>
  [algorithm, ...Object.entries(tune ?? {}).map(([name, value]) => `${name}=${value}`)].join(" ");
const spread = ({ ratio, interval }: Turns): string =>
  `${ratio.toFixed(3)} [${interval.map((end) => end.toFixed(3)).join(", ")}]`;

/** What the whole step came to. */
export function formatOutcome({ step: took, predicted, achieved, problems, seconds }: StepTuned): string {
  if (!took) return `Nothing is faster in the step, which takes ${formatDuration(seconds)} on the device.`;
  const times = `The step takes ${formatDuration(took.tuned)} where it took ${formatDuration(took.present)}: ${spread(took)} of the time`;
  const gains = `${ms(predicted)} ms predicted, ${ms(achieved)} ms achieved`;
  const said = Object.keys(problems).length > 0 ? "Accepted." : "Slower by its interval: not accepted.";
  return `${times}; ${gains}. ${said}`;
}

function print(found: StepTuned): void {
  const columns = [
    text("problem"),
    number("launches"),
    text("present"),
    text("best"),
    number("predicted ms"),
    number("achieved ms"),
    text("in the step"),
    text("kept"),
  ];
  const rows = found.findings.map(({ group, alone, predicted, inStep, kept, why }) => [
    named(group),
    group.launches,
    choice(alone.now),
    alone.best ? choice(alone.best) : "-",
    alone.best ? ms(predicted) : "-",
    inStep ? ms(inStep.present * (1 - inStep.ratio)) : "-",
    inStep ? spread(inStep) : "-",
    kept ? "yes" : (why ?? "no"),
  ]);
  console.log(formatTable(columns, rows));
  console.log(formatOutcome(found));
}

/** Prints what was found and writes it as JSON; and the tuning table, if the step is faster, and into `--merge`. */
async function write(
  found: StepTuned,
  environment: Environment,
  command: StepCommand,
  table: Record<string, any> | undefined,
): Promise<void> {
  const findings = found.findings.map(({ group: { node: _, ...group }, ...rest }) => ({ ...group, ...rest }));
  const { seconds, step: took, predicted, achieved, problems } = found;
  const measured = {
    adapter: environment.adapter,
    driver: environment.driver,
    implementation: environment.implementation,
    date: new Date().toISOString().slice(0, 10),
    command: commandOf(command),
  };
  const text = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  const report = text({ measured, seconds, step: took, predicted, achieved, findings });
  if (command.json) process.stdout.write(report);
  else print(found);
  const say = command.json ? console.error : console.log;
  const file = join(command.out, FINDINGS);
  await writeFile(file, report);
  say(`findings: ${file}`);
  if (Object.keys(problems).length === 0) return;
  const tuningTable = join(command.out, TABLE);
  await writeFile(tuningTable, text({ adapter: pattern(environment.adapter), measured, problems }));
  say(`tuning table: ${tuningTable}, for TUNING_TABLE or --tuning-table`);
  if (!table) return;
  await writeFile(command.merge!, text(merged(table, problems)));
  say(`merged into ${command.merge}`);
}

/** The adapter's name as a table asks for it, without its version: a driver that is a little newer is much the same. */
const pattern = (adapter: string): string =>
  adapter
    .replace(/[:(].*$/, "")
    .trim()
    .replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The JSON of a tuning table. Throws FormatError where it is none. */
async function tableIn(path: string): Promise<Record<string, any>> {
  const text = (await readBytes(path)).toString("utf8");
  readTuningTable(path, text);
  return JSON.parse(text);
}

/** A table, as its JSON, with new entries before its own for the same problems. */
export function merged(
  table: Readonly<Record<string, any>>,
  problems: StepTuned["problems"],
): Record<string, any> {
  const all: Record<string, object> = { ...table.problems };
  for (const [routine, of] of Object.entries(problems)) all[routine] = { ...all[routine], ...of };
  return { ...table, problems: all };
}

function commandOf(command: StepCommand): string {
  const { share, top, strategy, budget, set = [], seed, rounds, variant, image, batch } = command;
  const options = { model: command.model, variant, image, batch, share, top, strategy, budget, rounds, seed };
  const given = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : `--${name} ${value}`,
  );
  return ["tessera tune step", ...given, ...(set.length > 0 ? [`--set ${set.join(" ")}`] : [])].join(" ");
}
