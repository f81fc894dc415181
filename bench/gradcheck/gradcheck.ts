import { Presets, SingleBar } from "cli-progress";
import type { Device } from "../../engine/device/device.ts";
import { FormatError } from "../../engine/errors.ts";
import { attempt, type Finding, parseTrial, Report, type Tunables } from "../../engine/gradcheck/index.ts";
import { type KernelScore, killedShare } from "../../engine/gradcheck/mutants/score.ts";
import { operationsOf } from "../../engine/gradcheck/operations/module.node.ts";
import { checkOutputs, writeFile } from "../../engine/io/files.node.ts";
import { ops } from "../../kernels/index.ts";
import { interruptible } from "../command_line/interrupt.ts";
import { openDevice } from "../command_line/open_device.ts";
import { forPage, GOAL, printScores, scoreMutants } from "./mutants.ts";
import { gradcheckPage } from "./page.ts";
import { figure, printReport } from "./print.ts";
import { type CheckSubject, choose } from "./subjects.ts";

export interface GradcheckCommand {
  readonly adapter?: string;
  readonly fuzz: number;
  readonly tunables: Tunables;
  readonly seed: number;
  /** Seed faults in the kernels too: all, or at most so many a kernel. */
  readonly mutants?: true | number;
  readonly json?: boolean;
  readonly out?: string;
  readonly html?: string;
  /** Folder of the values that PyTorch computed. */
  readonly goldens: string;
}

/** Checks subjects by name and prints a table a layer. Exits 1 where a figure is above 1, 130 where interrupted. */
export const runGradcheck = (names: readonly string[], options: GradcheckCommand): Promise<void> =>
  interruptible(async (signal) => {
    await checkOutputs([options.out, options.html]);
    const subjects = await choose(names, options.goldens);
    const device = await openDevice({ adapter: options.adapter });
    const report = new Report();
    const bar = new SingleBar(
      { format: "{bar} {value}/{total}  {checks} checks, {failures} failed  {what}", hideCursor: true },
      Presets.shades_classic,
    );
    try {
      const environment = about(device, options, names);
      if (!options.json) console.log(`${environment.adapter}, ${environment.implementation}`);
      let checks = 0;
      bar.start(subjects.length, 0, { checks, failures: 0, what: "" });
      const add = (finding: Finding) => {
        report.add(finding);
        const what = `${finding.subject} ${finding.check}`;
        bar.update({ checks: ++checks, failures: report.failures.length, what });
      };
      for (const subject of subjects) {
        await subject.check({ device, options, signal, add });
        if (signal.aborted) break;
        bar.increment();
      }
      bar.stop();
      const scores = options.mutants && !signal.aborted ? await judgeMutants(subjects, options, signal) : [];
      await write(report, scores, environment, options);
    } finally {
      bar.stop();
      device.close();
    }
  });

async function judgeMutants(
  subjects: readonly CheckSubject[],
  { adapter, mutants, seed }: GradcheckCommand,
  signal: AbortSignal,
): Promise<KernelScore[]> {
  const modules = new Set(subjects.flatMap(({ module }) => module ?? []));
  const ours = subjects.filter(({ kind, module }) => kind === "operation" && !module);
  const operations = new Set(ours.map(({ name }) => name));
  const limit = mutants === true ? undefined : mutants;
  const bar = new SingleBar(
    { format: "{bar} {value}/{total}  mutants of {kernel}", hideCursor: true },
    Presets.shades_classic,
  );
  bar.start(1, 0, { kernel: "" });
  const onProgress = (kernel: string, done: number, total: number) => {
    bar.setTotal(total);
    bar.update(done, { kernel });
  };
  try {
    return await scoreMutants({
      adapter,
      modules: [...modules],
      operations: [...operations],
      limit,
      seed,
      signal,
      onProgress,
    });
  } finally {
    bar.stop();
  }
}

type Environment = Readonly<Record<string, string>>;

const about = (
  device: Device,
  { fuzz, seed, tunables }: GradcheckCommand,
  names: readonly string[],
): Environment => ({
  adapter: `${device.name} (${device.kind})`,
  implementation: device.implementation,
  command: `tessera gradcheck ${[...names, "--fuzz", fuzz, "--tunables", tunables, "--seed", seed].join(" ")}`,
  date: new Date().toISOString().slice(0, 10),
});

async function write(
  report: Report,
  scores: readonly KernelScore[],
  environment: Environment,
  { json, out, html }: GradcheckCommand,
): Promise<void> {
  const failures = report.failures.map(({ map, ...failure }) => failure);
  const text = JSON.stringify({ environment, rows: report.rows, failures, mutants: scores }, null, 2);
  if (json) console.log(text);
  else {
    printReport(report);
    if (scores.length > 0) printScores(scores);
  }
  if (out !== undefined) await writeFile(out, `${text}\n`);
  if (html !== undefined) {
    await writeFile(html, gradcheckPage(report, environment, forPage(scores)));
    console.error(`written to ${html}`);
  }
  if (!report.passed || killedShare(scores) < GOAL) process.exitCode = 1;
}

/** Runs one case again, as a failure prints it. Exits 1 where it still fails. */
export async function reproCase(
  text: string,
  { adapter, json }: { adapter?: string; json?: boolean },
): Promise<void> {
  const [, module] = /"module":"([^"]+)"/.exec(text) ?? [];
  const { op, trial } = parseTrial(text, module === undefined ? ops : await operationsOf(module));
  const device = await openDevice({ adapter });
  try {
    const finding = await attempt(device, op, trial);
    if (!finding)
      throw new FormatError(`repro: ${device.name} cannot run ${trial.algorithm} ${trial.layout}`);
    const { subject, check, where, message } = finding;
    if (json)
      console.log(JSON.stringify({ subject, check, figure: finding.figure, where, message }, null, 2));
    else {
      console.log(`${subject} ${check}: error / bound ${figure(finding.figure)}, ${where}`);
      if (message) console.log(message);
    }
    process.exitCode = message ? 1 : 0;
  } finally {
    device.close();
  }
}
