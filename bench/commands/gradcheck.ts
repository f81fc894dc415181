import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Presets, SingleBar } from "cli-progress";
import Table from "cli-table3";
import { Device } from "../../engine/device/device.ts";
import { FormatError } from "../../engine/errors.ts";
import {
  attempt,
  checkOp,
  type Finding,
  LAYERS,
  parseTrial,
  Report,
  type Row,
  type Tunables,
} from "../../engine/gradcheck/index.ts";
import { type Op, ops } from "../../kernels/index.ts";
import { interruptible } from "./interrupt.ts";

export interface GradcheckOptions {
  readonly adapter?: string;
  readonly fuzz: number;
  readonly tunables: Tunables;
  readonly seed: number;
  readonly json?: boolean;
  readonly html?: string;
}

/** Checks operations by name, or those that a module exports, and prints one table a layer. Exits 1 on a failure. */
export const gradcheck = (subjects: readonly string[], options: GradcheckOptions): Promise<void> =>
  interruptible(async (signal) => {
    const chosen = await choose(subjects);
    const device = await Device.open({ adapter: options.adapter });
    const report = new Report();
    const bar = new SingleBar(
      { format: "{bar} {value}/{total}  {findings} checks, {failures} failed  {what}", hideCursor: true },
      Presets.shades_classic,
    );
    try {
      const environment = about(device, options, subjects);
      if (!options.json) console.log(`${environment.adapter}, ${environment.implementation}`);
      let findings = 0;
      bar.start(chosen.length, 0, { findings, failures: 0, what: "" });
      const onFinding = (finding: Finding) => {
        report.add(finding);
        findings++;
        bar.update({
          findings,
          failures: report.failures.length,
          what: `${finding.subject} ${finding.check}`,
        });
      };
      for (const op of chosen) {
        await checkOp(op, { ...options, device, onFinding, signal });
        if (signal.aborted) break;
        bar.increment();
      }
      bar.stop();
      print(report, environment, options);
    } finally {
      bar.stop();
      device.close();
    }
  });

/** Runs one case again, as a failure prints it. */
export async function repro(
  text: string,
  { adapter, module }: { adapter?: string; module?: string },
): Promise<void> {
  const known = module === undefined ? ops : await exported(module);
  const { op, trial } = parseTrial(text, known);
  const device = await Device.open({ adapter });
  try {
    const finding = await attempt(device, op, trial);
    if (!finding)
      throw new FormatError(`repro: ${device.name} cannot run ${trial.algorithm} ${trial.layout}`);
    console.log(
      `${finding.subject} ${finding.check}: error / bound ${figure(finding.figure)} at ${finding.where}`,
    );
    if (finding.message) console.log(finding.message);
    process.exitCode = finding.message ? 1 : 0;
  } finally {
    device.close();
  }
}

/** Operations by name, or by the path of a module that exports some; all of ours where none is named. */
async function choose(subjects: readonly string[]): Promise<readonly Op[]> {
  if (subjects.length === 0) return ops;
  const chosen: Op[] = [];
  for (const subject of subjects) {
    const found = /\.m?js$/.test(subject)
      ? await exported(subject)
      : ops.filter(({ name }) => name === subject);
    if (found.length === 0)
      throw new FormatError(
        `gradcheck: no operation ${subject} (has ${[...new Set(ops.map(({ name }) => name))].join(", ")})`,
      );
    chosen.push(...found);
  }
  return chosen;
}

async function exported(path: string): Promise<readonly Op[]> {
  if (!existsSync(path)) throw new FormatError(`${path}: no such file`);
  const module = await import(pathToFileURL(resolve(path)).href);
  const found = Object.values(module).filter(
    (value): value is Op =>
      typeof value === "object" && value !== null && "forward" in value && "reference" in value,
  );
  if (found.length === 0) throw new FormatError(`${path}: exports no operation`);
  return found;
}

type Environment = Readonly<Record<string, string>>;

const about = (
  device: Device,
  { fuzz, seed, tunables }: GradcheckOptions,
  subjects: readonly string[],
): Environment => ({
  adapter: `${device.name} (${device.kind})`,
  implementation: device.implementation,
  subjects: subjects.join(" ") || "all",
  fuzz: String(fuzz),
  tunables,
  seed: String(seed),
});

function print(report: Report, environment: Environment, options: GradcheckOptions): void {
  const failures = report.failures.map(({ map, ...failure }) => failure);
  if (options.json) console.log(JSON.stringify({ environment, rows: report.rows, failures }, null, 2));
  else {
    for (const [layer, title] of Object.entries(LAYERS)) {
      const rows = report.rows.filter((row) => row.layer === layer);
      if (rows.length > 0) console.log(`\n${title}\n${table(rows)}`);
    }
    for (const { subject, check, where, message, repro } of failures)
      console.log(
        `\n${subject} ${check}, ${where}\n  ${message}${repro ? `\n  tessera gradcheck repro '${repro}'` : ""}`,
      );
    const checks = report.rows.reduce((sum, { cases }) => sum + cases, 0);
    console.log(`\n${checks} checks, ${failures.length} failed`);
  }
  if (!report.passed) process.exitCode = 1;
}

const figure = (value: number): string =>
  value === 0 ? "0" : Number.isFinite(value) ? value.toPrecision(2) : "NaN";

function table(rows: readonly Row[]): string {
  const extra = [...new Set(rows.flatMap(({ beside }) => Object.keys(beside)))];
  const made = new Table({
    head: ["", "check", "cases", "error / bound", ...extra, "where"],
    colAligns: ["left", "left", "right", "right", ...extra.map(() => "right" as const), "left"],
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows)
    made.push([
      row.subject,
      row.check,
      row.cases,
      figure(row.figure),
      ...extra.map((name) => (name in row.beside ? figure(row.beside[name]) : "")),
      row.where,
    ]);
  return made.toString();
}
