import { TuneError } from "../../errors.ts";
import { stream } from "../../random.ts";
import type { Space } from "../space/space.ts";
import { strategies } from "../strategies/index.ts";
import { type Search, Spent, type Strategy, type StrategySetting } from "../strategies/strategy.ts";

/** What a run may take; whichever is spent first ends it. Empty: until the strategy has nothing left to try. */
export interface Budget {
  /** Configurations evaluated. */
  readonly evaluations?: number;
  /** Share of the space, above 0 and at most 1, rounded up to whole configurations. */
  readonly fraction?: number;
  /** Seconds of the run's clock; the evaluation that crosses the line still counts. */
  readonly seconds?: number;
  /** Evaluations in a row that brought nothing better. */
  readonly patience?: number;
}

/**
 * Why a run ended: a part of its budget; every configuration evaluated; the strategy returned; or it asked ten thousand
 * times in a row for what was known.
 */
export type Stop = keyof Budget | "exhausted" | "finished" | "stalled";

/** One evaluated configuration; `objective` is Infinity where it has none, `seconds` what the clock showed after it. */
export interface Evaluation {
  readonly index: number;
  readonly objective: number;
  readonly seconds: number;
}

/** What a run of a search found, and why it ended. */
export interface Run {
  /** In the order in which they were evaluated, none twice. */
  readonly history: readonly Evaluation[];
  /** The first of the smallest objectives; absent where none was finite. */
  readonly best?: Evaluation;
  readonly stopped: Stop;
}

/** What is searched, how and how far. */
export interface SearchTask {
  readonly space: Space;
  /** A strategy, or the name of one. */
  readonly strategy: Strategy | string;
  readonly settings?: Readonly<Record<string, number | string>>;
  readonly budget?: Budget;
  readonly seed?: number;
  /** Objective of a configuration, smaller is better; not finite where it has none. Asked once for each. */
  evaluate(index: number): number | Promise<number>;
  /** Seconds, real or simulated; by default the wall clock. */
  clock?(): number;
}

/** Asks in a row for known configurations after which a strategy is taken to be going round in circles. */
const STALLED = 10_000;

/**
 * Runs a strategy over a space until it or the budget ends: the same seed gives the same history wherever `evaluate`
 * (and the clock, where seconds are limited) give the same. Throws TuneError for a strategy, setting or budget that is
 * none, and what `evaluate` or the strategy throw.
 */
export async function search(task: SearchTask): Promise<Run> {
  const strategy = found(task.strategy);
  const settings = settled(strategy, task.settings);
  const driver = new Driver(task, strategy.name);
  let stopped: Stop = "finished";
  try {
    if (task.space.size > 0) await strategy.run(driver, settings);
  } catch (error) {
    if (!(error instanceof Spent)) throw error;
  }
  if (driver.history.length === task.space.size) stopped = "exhausted";
  return { history: driver.history, best: driver.best, stopped: driver.stopped ?? stopped };
}

class Driver implements Search {
  readonly space: Space;
  readonly random: () => number;
  readonly history: Evaluation[] = [];
  best?: Evaluation;
  stopped?: Stop;
  readonly #limits: readonly [Stop, () => boolean][];
  readonly #known = new Map<number, number>();
  readonly #ask: (index: number) => number | Promise<number>;
  readonly #clock: () => number;
  readonly #begun: number;
  #since = 0;
  #repeats = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(task: SearchTask, name: string) {
    this.space = task.space;
    this.random = stream(task.seed ?? 0, name);
    this.#ask = (index) => task.evaluate(index);
    this.#clock = () => (task.clock ? task.clock() : performance.now() / 1000);
    this.#begun = this.#clock();
    const { evaluations, fraction, seconds, patience } = checked(task.budget ?? {});
    const share = Math.ceil((fraction ?? 1) * task.space.size - 1e-9);
    this.#limits = [
      ["evaluations", () => this.history.length >= (evaluations ?? Infinity)],
      ["fraction", () => fraction !== undefined && this.history.length >= share],
      ["seconds", () => this.#clock() - this.#begun >= (seconds ?? Infinity)],
      ["patience", () => this.#since >= (patience ?? Infinity)],
    ];
  }

  /** One at a time, also where a strategy does not wait: two asks for the same are one evaluation. */
  evaluate(index: number): Promise<number> {
    const next = () => this.#evaluate(index);
    const result = this.#turn.then(next, next);
    this.#turn = result;
    return result;
  }

  async #evaluate(index: number): Promise<number> {
    const known = this.#known.get(index);
    if (known !== undefined) {
      if (this.history.length === this.space.size) throw new Spent();
      if (++this.#repeats >= STALLED) this.#stop("stalled");
      return known;
    }
    this.space.at(index); // throws for what is not legal
    for (const [reason, reached] of this.#limits) if (reached()) this.#stop(reason);
    const given = await this.#ask(index);
    const objective = Number.isFinite(given) ? given : Infinity;
    const evaluation = { index, objective, seconds: this.#clock() - this.#begun };
    this.#repeats = 0;
    this.#known.set(index, objective);
    this.history.push(evaluation);
    const better = objective < (this.best?.objective ?? Infinity);
    this.#since = better ? 0 : this.#since + 1;
    if (better) this.best = evaluation;
    return objective;
  }

  #stop(reason: Stop): never {
    this.stopped ??= reason;
    throw new Spent(reason);
  }
}

/** A strategy itself or by its name. */
function found(strategy: Strategy | string): Strategy {
  if (typeof strategy !== "string") return strategy;
  const known = strategies.find(({ name }) => name === strategy);
  if (known) return known;
  const names = strategies.map(({ name }) => name).join(", ");
  throw new TuneError(`search: no strategy ${strategy} (strategies: ${names})`);
}

/** A strategy's settings, those not given at their defaults. Throws TuneError for one unknown or out of its range. */
export function settled(
  { name, settings }: Strategy,
  given: Readonly<Record<string, number | string>> = {},
): Record<string, number | string> {
  const names = Object.keys(settings);
  const unknown = Object.keys(given).find((key) => !names.includes(key));
  if (unknown !== undefined)
    throw new TuneError(
      `search: ${name} has no setting ${unknown} (settings: ${names.join(", ") || "none"})`,
    );
  return Object.fromEntries(
    names.map((key) => {
      const value = given[key] ?? settings[key].value;
      const wrong = fault(settings[key], value);
      if (wrong) throw new TuneError(`search: ${name}: ${key} is ${value}, must be ${wrong}`);
      return [key, value];
    }),
  );
}

/** What a value should have been. */
function fault({ value, choices, least, most, whole }: StrategySetting, given: unknown): string | undefined {
  if (choices) return choices.includes(given as string) ? undefined : `one of ${choices.join(", ")}`;
  if (typeof given !== typeof value || Number.isNaN(given)) return `a ${typeof value}`;
  if (typeof given !== "number") return undefined;
  if (least !== undefined && given < least) return `at least ${least}`;
  if (most !== undefined && given > most) return `at most ${most}`;
  return whole && !Number.isInteger(given) ? "a whole number" : undefined;
}

function checked(budget: Budget): Budget {
  for (const [name, value] of Object.entries(budget))
    if (value !== undefined && (!(value > 0) || (name === "fraction" && value > 1)))
      throw new TuneError(
        `search: budget ${name} is ${value}, must be above 0${name === "fraction" ? " and at most 1" : ""}`,
      );
  return budget;
}
