// The runner in a process of its own: a configuration that hangs or ends the process costs its row and nothing else.

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { verbosity } from "../../device/device.ts";
import type { Ranking, RankingOptions } from "../../statistics/ranking.ts";
import type { ClockOptions } from "../clock/clock.ts";
import type { KernelDescription } from "../kernel/kernel.ts";
import type { Archived, KernelOrigin, RoutineOrigin } from "../records/origin.ts";
import type { Environment } from "../results/environment.ts";
import type { Row } from "../results/row.ts";
import type { Configuration } from "../space/space.ts";
import type { Evaluator, Inspection, Stage } from "./runner.ts";

/**
 * What a process of its own can tune: a kernel without functions in its description; a routine of one of
 * the engine's operations, by its name; a T1 problem with its WGSL, of a configuration the archived one; or what an ES
 * module exports under a name, be it a `KernelDescription` or a `RoutineDescription`.
 */
export type WorkerTask =
  | { readonly kernel: KernelDescription }
  | RoutineOrigin
  | (KernelOrigin & { readonly archived?: Archived })
  | { readonly module: string; readonly name: string };

/** How processes are used, and how long they are waited for. */
export interface IsolationOptions {
  /** Part of the adapter's name. */
  readonly adapter?: string;
  readonly clock?: ClockOptions;
  readonly verify?: boolean;
  /** Seconds of a stage after which the process is taken to hang; by default 120 each. */
  readonly patience?: Partial<Record<Stage, number>>;
  /** Configurations after which the process is replaced: it keeps every pipeline that it made. Default 300. */
  readonly life?: number;
}

export type WorkerRequest =
  | { what: "open"; task: WorkerTask; options: Pick<IsolationOptions, "adapter" | "clock" | "verify"> }
  | { what: "evaluate"; configuration: Configuration }
  | { what: "environment" }
  | { what: "standard" }
  | { what: "inspect"; configuration: Configuration }
  | { what: "print"; configuration: Configuration }
  | { what: "rank"; configurations: readonly Configuration[]; options?: RankingOptions };

export type WorkerAnswer =
  | { what: "opened" }
  | { what: "stage"; stage: Stage }
  | { what: "environment"; environment: Environment }
  | { what: "standard"; configuration: Configuration | undefined }
  | { what: "inspection"; inspection: Inspection }
  | { what: "printed"; wgsl: string }
  | { what: "row"; row: Row }
  | { what: "ranking"; ranking: Ranking }
  | { what: "failed"; message: string };

/** How a process ended without an answer. */
interface Ended {
  readonly what: "ended";
  readonly how: "timeout" | "device_lost";
  readonly message: string;
}

type Final = Exclude<WorkerAnswer, { what: "stage" }> | Ended;

const WORKER = fileURLToPath(new URL("worker.node.js", import.meta.url));
const PATIENCE = 120;
/** Seconds for a ranking, which has no stages, by contender. */
const RANKING = 60;

/** Evaluates configurations in a process that is replaced when one of them hangs or ends it. */
export class Isolated implements Evaluator {
  #child: ChildProcess | undefined;
  #age = 0;
  #skipped = new Map<string, Row>();

  constructor(
    private readonly task: WorkerTask,
    private readonly options: IsolationOptions = {},
  ) {}

  /** Rows of configurations that hung or ended their process: they are not run again. */
  get skipped(): readonly Row[] {
    return [...this.#skipped.values()];
  }

  async environment(): Promise<Environment> {
    const answer = await this.#answer({ what: "environment" });
    if (answer.what === "environment") return answer.environment;
    throw new Error(`tune: ${messageOf(answer)}`);
  }

  async standard(): Promise<Configuration | undefined> {
    const answer = await this.#answer({ what: "standard" });
    if (answer.what === "standard") return answer.configuration;
    throw new Error(`tune: ${messageOf(answer)}`);
  }

  async inspect(configuration: Configuration): Promise<Inspection> {
    const answer = await this.#answer({ what: "inspect", configuration });
    if (answer.what === "inspection") return answer.inspection;
    throw new Error(`tune: ${messageOf(answer)}`);
  }

  async print(configuration: Configuration): Promise<string> {
    const answer = await this.#answer({ what: "print", configuration });
    if (answer.what === "printed") return answer.wgsl;
    throw new Error(`tune: ${messageOf(answer)}`);
  }

  /** The answer of a process that is there; one that ended is closed. */
  async #answer(request: WorkerRequest, seconds?: number): Promise<Final> {
    await this.#ready();
    const answer = await this.#ask(request, seconds);
    if (answer.what === "ended" || answer.what === "failed") this.close();
    return answer;
  }

  /** Throws where no process can be started or the task cannot be read there. */
  async evaluate(configuration: Configuration): Promise<Row> {
    const key = JSON.stringify(Object.entries(configuration).sort(([a], [b]) => (a < b ? -1 : 1)));
    const known = this.#skipped.get(key);
    if (known) return known;
    await this.#ready();
    this.#age++;
    const start = performance.now();
    const answer = await this.#ask({ what: "evaluate", configuration });
    if (answer.what === "row") {
      // the driver of a lost device may have taken more with it
      if (answer.row.status === "device_lost") this.close();
      return answer.row;
    }
    this.close();
    if (answer.what !== "ended") throw new Error(`tune: ${messageOf(answer)}`);
    const row: Row = {
      configuration,
      status: answer.how,
      message: answer.message,
      times: [],
      spent: {
        compilation: 0,
        verification: 0,
        benchmark: 0,
        framework: (performance.now() - start) / 1e3,
        search: 0,
      },
      timestamp: new Date().toISOString(),
    };
    this.#skipped.set(key, row);
    return row;
  }

  async rank(configurations: readonly Configuration[], options?: RankingOptions): Promise<Ranking> {
    const seconds = RANKING * (1 + configurations.length);
    const answer = await this.#answer({ what: "rank", configurations, options }, seconds);
    if (answer.what === "ranking") return answer.ranking;
    throw new Error(`tune: ${messageOf(answer)}`);
  }

  close(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  async #ready(): Promise<void> {
    if (this.#child?.connected && this.#age < (this.options.life ?? 300)) return;
    this.close();
    this.#age = 0;
    this.#child = fork(WORKER, {
      stdio: ["ignore", "ignore", verbosity() > 0 ? "inherit" : "ignore", "ipc"],
      serialization: "advanced", // typed arrays, NaN and infinity
    });
    const { adapter, clock, verify } = this.options;
    const answer = await this.#ask({ what: "open", task: this.task, options: { adapter, clock, verify } });
    if (answer.what === "opened") return;
    this.close();
    throw new Error(`tune: ${messageOf(answer)}`);
  }

  /** Waits for the answer, in every stage as long as it may take. */
  #ask(request: WorkerRequest, seconds = PATIENCE): Promise<Final> {
    const child = this.#child!;
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout;
      let stage: Stage | undefined;
      const done = (answer: Final) => {
        clearTimeout(timer);
        for (const event of ["message", "exit", "error"]) child.removeAllListeners(event);
        child.on("error", () => {}); // of a process that is no more
        resolve(answer);
      };
      const ended = (how: Ended["how"], message: string) =>
        done({ what: "ended", how, message: stage ? `${message} at stage ${stage}` : message });
      const watch = () => {
        clearTimeout(timer);
        const patience = stage ? (this.options.patience?.[stage] ?? PATIENCE) : seconds;
        timer = setTimeout(() => ended("timeout", `no sign of life for ${patience} s`), 1e3 * patience);
      };
      child.on("message", (answer: WorkerAnswer) => {
        if (answer.what !== "stage") return done(answer);
        stage = answer.stage;
        watch();
      });
      child.on("exit", (code, signal) =>
        ended("device_lost", `the process ended with ${signal ?? `exit code ${code}`}`),
      );
      child.on("error", (error) => ended("device_lost", `the process failed: ${error.message}`));
      watch();
      child.send(request, (error) => {
        if (error) ended("device_lost", `the process cannot be asked: ${error.message}`);
      });
    });
  }
}

const messageOf = (answer: Final): string => ("message" in answer ? answer.message : answer.what);
