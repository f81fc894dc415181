// `tessera tune`: a search from the command line, each configuration in a process that may hang or die.

import { dirname, join, resolve } from "node:path";
import { Presets, SingleBar } from "cli-progress";
import { FormatError, TuneError } from "../../engine/errors.ts";
import { checkOutputs, readBytes, writeFile } from "../../engine/io/files.node.ts";
import { readSpace, readT1, type Searched } from "../../engine/tune/formats/t1.ts";
import { kernelOf } from "../../engine/tune/formats/t1_kernel.ts";
import type { Origin } from "../../engine/tune/records/origin.ts";
import { RunRecord } from "../../engine/tune/records/record.node.ts";
import { rowLine } from "../../engine/tune/records/record.ts";
import type { Row } from "../../engine/tune/results/row.ts";
import { Isolated } from "../../engine/tune/runner/isolation.node.ts";
import type { Budget } from "../../engine/tune/search/search.ts";
import { type Tuned, type TuneOptions, tune } from "../../engine/tune/tune.ts";
import { ops } from "../../kernels/index.ts";
import { interruptible } from "../command_line/interrupt.ts";
import { suggestion } from "../command_line/suggest.ts";
import { formatTable, number, text } from "../command_line/table.ts";
import { formatDuration } from "../page/scale.ts";
import { tuningPage } from "./report.ts";
import { byStatus, type TuningRun } from "./run.ts";

export interface RunOptions {
  /** T1 file: the parameters, and for a kernel of one's own its arguments and sizes. */
  readonly space?: string;
  readonly routine?: string;
  readonly algorithm?: string;
  /** JSON: shapes of an operation's inputs, and its attributes; by default those of its first case. */
  readonly shapes?: string;
  readonly attrs?: string;
  readonly strategy?: string;
  /** `name=value` of the strategy's settings. */
  readonly set?: readonly string[];
  readonly budget?: string;
  readonly seed: number;
  /** Folder for the record of the run. */
  readonly out: string;
  readonly verify: boolean;
  readonly json?: boolean;
  readonly adapter?: string;
}

/** Tunes an operation by its name, or the kernel of a T1 file or of a .wgsl file with its T1 beside it. */
export const tuneOnce = (subject: string, options: RunOptions): Promise<void> =>
  interruptible((signal) => search(subject, options, signal));

async function search(subject: string, options: RunOptions, signal: AbortSignal): Promise<void> {
  const { seed, strategy, adapter, verify } = options;
  const { origin, problem, ...wanted } = await wantedOf(subject, options);
  const budget = budgetOf(options.budget) ?? wanted.budget;
  const settings = parseSettings(options.set ?? []);
  const path = join(options.out, `${wanted.name}.jsonl`);
  const html = path.replace(/jsonl$/, "html");
  await checkOutputs([path, html], [subject, options.space]);
  const evaluator = new Isolated(origin, { adapter, verify });
  const bar = new SingleBar(
    {
      format: "{bar} {value}/{total} | best {best} | {eta_formatted} left",
      stream: process.stderr,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  );
  let record: RunRecord | undefined;
  let best = Infinity;
  try {
    const found = await tune({
      ...wanted.options,
      problem,
      origin,
      seed,
      strategy: strategy ?? wanted.strategy,
      settings: { ...wanted.settings, ...settings },
      budget,
      evaluator,
      cache(header) {
        record = new RunRecord(path, header);
        if (record.torn > 0) console.error(`${path}: ${record.torn} bytes of an unfinished row cut off`);
        return record;
      },
      observers: [
        {
          started(space, { adapter: name, implementation }) {
            console.error(
              `${name}, ${implementation}: ${wanted.name}, ${space.size} of ${space.cartesian} configurations legal`,
            );
            const most = Math.min(
              space.size,
              budget?.evaluations ?? Math.ceil((budget?.fraction ?? 1) * space.size),
            );
            bar.start(most, 0, { best: "-" });
          },
          evaluated(row) {
            if (row.status === "ok") best = Math.min(best, row.objective!);
            bar.increment(1, { best: Number.isFinite(best) ? formatDuration(best) : "-" });
            if (signal.aborted) throw new Interrupted();
            return undefined;
          },
        },
      ],
    });
    bar.stop();
    await writeFile(html, tuningPage(runOf(found, wanted.name)));
    if (options.json) console.log(JSON.stringify(summary(found, path, html), null, 2));
    else print(found, `${path}, report: ${html}`);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    console.error(`${record?.size ?? 0} rows are in ${path}: the same command goes on with them`);
  } finally {
    bar.stop();
    evaluator.close();
    record?.close();
  }
}

/** What the report shows of it. */
function runOf({ results, space, ranking, finalists, environment }: Tuned, kernel: string): TuningRun {
  return {
    rows: results,
    kernel,
    device: environment.adapter,
    environment,
    searched: space,
    ...(ranking && { ranked: { configurations: finalists.map((row) => row.configuration), ranking } }),
  };
}

class Interrupted extends Error {}

interface Wanted {
  readonly name: string;
  readonly origin: Origin;
  readonly problem: TuneOptions["problem"];
  readonly options: Pick<TuneOptions, "op" | "kernel" | "params" | "constraints">;
  readonly strategy?: string;
  readonly settings?: TuneOptions["settings"];
  readonly budget?: Budget;
}

async function wantedOf(subject: string, options: RunOptions): Promise<Wanted> {
  const own = /\.(wgsl|json)$/.test(subject);
  const path = options.space ?? (subject.endsWith(".json") ? subject : undefined);
  const noted = <T extends Searched>(t1: T): T => {
    for (const note of t1.notes) console.error(note);
    return t1;
  };
  if (own) {
    if (path === undefined)
      throw new TuneError(`${subject}: a kernel of one's own needs a T1 file, given by --space`);
    const described = await readText(path);
    const t1 = noted(readT1(described, path));
    const file = subject.endsWith(".wgsl") ? subject : resolve(dirname(subject), t1.file);
    const origin = { t1: described, wgsl: await readText(file), seed: options.seed };
    const kernel = kernelOf(t1, origin.wgsl, origin.seed);
    return {
      ...searchOf(t1),
      name: t1.name,
      origin,
      problem: t1.problemSize,
      options: { kernel, ...spaceOf(t1) },
    };
  }
  const op = ops.find(({ name }) => name === subject);
  if (!op)
    throw new TuneError(
      `tune: ${subject} is no operation, .wgsl or .json file${suggestion(
        subject,
        ops.map(({ name }) => name),
      )}`,
    );
  const t1 = path === undefined ? undefined : noted(readSpace(await readText(path), path));
  const { routine, algorithm } = options;
  const { shapes, attrs } = op.cases[0];
  const problem = {
    routine,
    algorithm,
    shapes: options.shapes ? json("--shapes", options.shapes) : shapes,
    attrs: options.attrs ? json("--attrs", options.attrs) : attrs,
  };
  const origin = { routine: { op: subject, ...problem, seed: options.seed } };
  const name = `${subject}-${routine ?? "forward"}`;
  return { ...(t1 && searchOf(t1)), name, origin, problem, options: { op, ...(t1 && spaceOf(t1)) } };
}

const spaceOf = ({ space: { parameters, constraints } }: Searched) => ({ params: parameters, constraints });

function searchOf({ search: by, budget }: Searched) {
  const of = (type: string) => budget.find((one) => one.type === type)?.value;
  const [seconds, evaluations, fraction] = [
    "TuningDuration",
    "ConfigurationCount",
    "ConfigurationFraction",
  ].map(of);
  return {
    ...(by && { strategy: by.name, settings: by.settings as TuneOptions["settings"] }),
    ...(budget.length > 0 && { budget: { seconds, evaluations, fraction } }),
  };
}

/** `100` configurations, `20%` of the space or `90s`. */
export function budgetOf(budget: string | undefined): Budget | undefined {
  if (budget === undefined) return undefined;
  const [, amount, unit] = /^([\d.]+)(s|%|)$/.exec(budget) ?? [];
  if (!(Number(amount) > 0))
    throw new TuneError(
      `--budget is ${budget} but configurations, a share such as 20% or seconds such as 90s are expected`,
    );
  return {
    [{ s: "seconds", "%": "fraction", "": "evaluations" }[unit]!]: Number(amount) / (unit === "%" ? 100 : 1),
  };
}

/** `name=value` of a strategy's settings. */
export const parseSettings = (list: readonly string[]): Record<string, number | string> =>
  Object.fromEntries(
    list.map((one) => {
      const [name, value] = one.split("=");
      if (value === undefined) throw new TuneError(`--set is ${one} but name=value is expected`);
      return [name, Number.isNaN(Number(value)) ? value : Number(value)];
    }),
  );

function json(option: string, given: string) {
  try {
    return JSON.parse(given);
  } catch (cause) {
    throw new FormatError(`${option} is ${given} but JSON is expected: ${(cause as Error).message}`, {
      cause,
    });
  }
}

const readText = async (path: string): Promise<string> => (await readBytes(path)).toString("utf8");

const summary = (
  { results, best, tied, refused, stopped, environment }: Tuned,
  record: string,
  report: string,
) => ({
  environment,
  configurations: results.length,
  statuses: Object.fromEntries(byStatus(results).map(({ status, count }) => [status, count])),
  refused: Object.fromEntries(refused),
  stopped,
  best: best && JSON.parse(rowLine(best)),
  tied: tied.map((row) => JSON.parse(rowLine(row))),
  record,
  report,
});

/** The rows tied with the best, what became of all, and what the adapter refuses. */
function print({ results, best, tied, ranking, refused, stopped }: Tuned, path: string): void {
  const statuses = byStatus(results).flatMap(({ status, count }) => (count > 0 ? `${count} ${status}` : []));
  console.log(`${results.length} configurations: ${statuses.join(", ")}; ended: ${stopped}`);
  for (const [reason, count] of refused) console.log(`${count} not for this adapter: ${reason}`);
  const [failed] = results.filter(({ status }) => status === "correctness" || status === "compile");
  if (failed) console.log(`the first that failed, ${settings(failed)}: ${failed.message}`);
  if (!best) return;
  const metrics = Object.keys(best.metrics ?? {});
  const columns = [
    text("configuration"),
    ...["time", "over the best", "error / bound", ...metrics].map(number),
  ];
  const rows = tied.map((row) => {
    const place = ranking?.places.find(({ contender }) => ranking.tied[tied.indexOf(row)] === contender);
    const spread = place
      ? `${place.ratio.toFixed(3)} [${place.interval.map((v) => v.toFixed(3)).join(", ")}]`
      : "-";
    const time = place?.median ?? row.objective!;
    // what is counted by the second is that of the time beside it, which was measured again
    const figures = metrics.map((name) => {
      const value = row.metrics?.[name];
      return value === undefined
        ? "-"
        : (value * (name.endsWith("/s") ? row.objective! / time : 1)).toPrecision(4);
    });
    return [settings(row), formatDuration(time), spread, row.error?.toPrecision(2) ?? "-", ...figures];
  });
  console.log(tied.length > 1 ? `best, and ${tied.length - 1} that nothing tells from it:` : "best:");
  console.log(formatTable(columns, rows));
  console.log(`rows: ${path}`);
}

const settings = ({ configuration }: Row): string =>
  Object.entries(configuration)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
