// Searches compared without a device: every strategy replayed on recorded spaces, as often as an interval needs.

import { setImmediate } from "node:timers/promises";
import { Presets, SingleBar } from "cli-progress";
import { FormatError, TesseraError, TuneError } from "../../engine/errors.ts";
import { type Recorded, recorded } from "../../engine/tune/results/replay.ts";
import { type Axis, Baseline, overall, rehearse, type Score, score } from "../../engine/tune/search/score.ts";
import { strategies } from "../../engine/tune/strategies/index.ts";
import { randomSample } from "../../engine/tune/strategies/random_sample.ts";
import type { Strategy } from "../../engine/tune/strategies/strategy.ts";
import { interruptible } from "../command_line/interrupt.ts";
import { formatTable, number, text } from "../command_line/table.ts";
import { about, type RecordingSource, readSources } from "./recordings.ts";

/** A recorded space to search, with what random search does there. */
interface Ground {
  readonly source: RecordingSource;
  readonly recorded: Recorded;
  readonly baseline: Baseline;
}

/** Scores of a strategy by the number of the space; a space that was not finished has none. */
export interface Standing {
  readonly strategy: string;
  readonly scores: readonly (Score | undefined)[];
  /** Over all spaces, once all are finished. */
  readonly all?: Score;
}

export interface TuneScoreOptions {
  /** Names; all unless given. Random search is there in any case. */
  readonly strategy?: readonly string[];
  readonly repeats: number;
  readonly axis: Axis;
  readonly cutoff: number;
  /** Of the first run, and of the intervals; further runs count on. */
  readonly seed: number;
  readonly json?: boolean;
}

/** Scores strategies on recordings and prints a table. Ctrl-C ends it with what is finished, and exit code 130. */
export const scoreStrategies = (paths: readonly string[], options: TuneScoreOptions): Promise<void> =>
  interruptible(async (signal) => {
    const chosen = choose(options.strategy);
    const grounds: Ground[] = [];
    for (const path of paths)
      for (const source of await readSources(path)) grounds.push(ground(source, path, options));
    if (!options.json) announce(grounds, options);
    const standings = await compete(chosen, grounds, options, signal);
    if (options.json) console.log(JSON.stringify(plain(standings, grounds, options), null, 2));
    else print(standings, grounds, options);
  });

/** Random search first, then those named, or all. Throws TuneError for a name that is none. */
function choose(names: readonly string[] = strategies.map(({ name }) => name)): Strategy[] {
  const found = names.map((wanted) => {
    const known = strategies.find(({ name }) => name === wanted);
    if (known) return known;
    throw new TuneError(`no strategy ${wanted} (has ${strategies.map(({ name }) => name).join(", ")})`);
  });
  return [...new Set([randomSample, ...found])];
}

/** Throws FormatError where a space cannot be scored: without rows or seconds, or too small for the cut-off. */
function ground(source: RecordingSource, path: string, { axis, cutoff }: TuneScoreOptions): Ground {
  const { recording, legal } = source;
  const { rows, space, objective = "time" } = recording;
  if (!space) throw new FormatError(`${path}: no rows are in it`);
  if (legal !== undefined && space.size < legal)
    console.error(
      `${path}: ${space.size} of ${legal} legal configurations are recorded; only these are searched`,
    );
  if (!objective.startsWith("time")) console.error(`${path}: ${objective} is taken as what must be small`);
  try {
    const found = recorded(space, rows);
    const baseline = new Baseline(found);
    if (axis === "seconds" && !(baseline.seconds(1) > 0))
      throw new TuneError("its rows say nothing of seconds");
    score(baseline, [{ history: [], stopped: "finished" }], { axis, cutoff, resamples: 1 }); // throws before the work
    return { source, recorded: found, baseline };
  } catch (error) {
    if (!(error instanceof TesseraError)) throw error;
    throw new FormatError(`${path}: ${error.message}`, { cause: error });
  }
}

async function compete(
  chosen: readonly Strategy[],
  grounds: readonly Ground[],
  options: TuneScoreOptions,
  signal: AbortSignal,
): Promise<Standing[]> {
  const bar = new SingleBar(
    { format: "{bar} {value}/{total} runs, {eta_formatted} left  {what}", hideCursor: true, etaBuffer: 200 },
    Presets.shades_classic,
  );
  const standings: Standing[] = [];
  bar.start(chosen.length * grounds.length * options.repeats, 0, { what: "" });
  try {
    for (const strategy of chosen) {
      const scores: (Score | undefined)[] = [];
      for (const each of grounds) {
        const what = `${strategy.name} on ${each.source.name}`;
        scores.push(await scoreOn(each, strategy, options, signal, () => bar.increment({ what })));
      }
      const finished = scores.filter((one) => one !== undefined);
      const all = finished.length === grounds.length ? overall(finished) : undefined;
      if (finished.length > 0) standings.push({ strategy: strategy.name, scores, all });
      if (signal.aborted) break;
    }
  } finally {
    bar.stop();
  }
  return standings;
}

/** Undefined where it was interrupted. */
async function scoreOn(
  { recorded: found, baseline }: Ground,
  strategy: Strategy,
  { repeats, axis, cutoff, seed }: TuneScoreOptions,
  signal: AbortSignal,
  onRun: () => void,
): Promise<Score | undefined> {
  const runs = [];
  for (let first = seed; first < seed + repeats; first++) {
    await setImmediate(); // a replay waits for nothing, and Ctrl-C would
    if (signal.aborted) return undefined;
    runs.push(...(await rehearse(found, baseline, { strategy }, { repeats: 1, first, axis, cutoff })));
    onRun();
  }
  return score(baseline, runs, { axis, cutoff, seed });
}

/** The best over all spaces first, below random search, which is what 0 means. */
function ordered([random, ...others]: readonly Standing[]): Standing[] {
  const value = ({ all }: Standing) => all?.score ?? Number.NEGATIVE_INFINITY;
  return random ? [random, ...others.sort((a, b) => value(b) - value(a))] : [];
}

const START = 0.5;

function announce(grounds: readonly Ground[], options: TuneScoreOptions): void {
  for (const { source, recorded: found, baseline } of grounds) {
    const { axis, cutoff } = options;
    const [from, to] = [baseline.reaches(START), baseline.reaches(cutoff)];
    const seconds =
      axis === "seconds" ? `, ${figure(baseline.seconds(from))} to ${figure(baseline.seconds(to))} s` : "";
    console.log(
      `${source.name}: ${about(source)}; ${baseline.objectives.length} of ${found.space.size} configurations have an objective; scored from ${from} to ${to} evaluations${seconds}`,
    );
  }
}

function print(standings: readonly Standing[], grounds: readonly Ground[], options: TuneScoreOptions): void {
  const spaces = grounds.map(({ source }) => source.name);
  const columns = [text("strategy"), ...[...spaces, ...(spaces.length > 1 ? ["all"] : [])].map(number)];
  const rows = ordered(standings).map(({ strategy, scores, all }) => [
    strategy,
    ...[...scores, ...(spaces.length > 1 ? [all] : [])].map(cell),
  ]);
  console.log(formatTable(columns, rows));
  console.log(
    `Mean over the ${options.axis} of how much better than random search (0; the optimum is 1) the best is that ${options.repeats} runs found, and its 95 % interval over runs.`,
  );
}

const cell = (one: Score | undefined): string =>
  one ? `${one.score.toFixed(3)} [${one.low.toFixed(3)}, ${one.high.toFixed(3)}]` : "";
const figure = (value: number): string => String(Number(value.toPrecision(3)));

const plain = (standings: readonly Standing[], grounds: readonly Ground[], options: TuneScoreOptions) => ({
  axis: options.axis,
  repeats: options.repeats,
  seed: options.seed,
  start: START,
  cutoff: options.cutoff,
  spaces: grounds.map(({ source, recorded: found, baseline }) => ({
    name: source.name,
    kernel: source.recording.kernel,
    device: source.recording.device,
    configurations: found.space.size,
    withObjective: baseline.objectives.length,
    optimum: baseline.optimum,
    evaluations: [START, options.cutoff].map((share) => baseline.reaches(share)),
  })),
  strategies: ordered(standings).map(({ strategy, scores, all }) => ({
    strategy,
    spaces: scores.map((one) => summary(one)),
    all: summary(all),
  })),
});

/** Null where it was not finished. */
function summary(one: Score | undefined) {
  if (!one) return null;
  const { resampled: _, ...rest } = one;
  return rest;
}
