// A build of Tessera, a `dist` folder, in a process of its own that measures on request.

import { type ChildProcess, fork } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { FormatError } from "../../engine/errors.ts";
import type { Sampler } from "../../engine/statistics/rounds.ts";
import type { DType, Shape, Shapes } from "../../kernels/op.ts";

/** One use of an operation's routine, as it can be sent to another process. */
export interface KernelTask {
  readonly op: string;
  readonly routine: string;
  /** Of all its tensors. */
  readonly shapes: Shapes;
  readonly attrs: unknown;
  readonly inputs: Readonly<Record<string, { readonly shape: Shape; readonly dtype: DType }>>;
  readonly outputs: readonly string[];
}

/** A training step of a network. */
export interface StepTask {
  readonly network: string;
  readonly variant: string;
  readonly image: number;
  readonly batch: number;
}

/** What can be measured. */
export type BuildSubject = { readonly task: KernelTask } | { readonly step: StepTask };

/** How a turn is read: both builds alike. */
export interface Pace {
  readonly source: "timestamp" | "wall" | "cpu";
  /** Dispatches in one submission. */
  readonly repeats: number;
}

/** What a build found. */
export interface Opened {
  readonly adapter: string;
  readonly kind: string;
  readonly driver: string;
  readonly implementation: string;
}

export type BuildRequest =
  | { what: "open"; dist: string; adapter?: string }
  | { what: "list"; step: StepTask; names: readonly string[]; most: number }
  | { what: "kernel"; task: KernelTask }
  | { what: "step"; step: StepTask }
  | { what: "pace"; task: number }
  | { what: "time"; task: number; pace: Pace };

export type BuildAnswer = { readonly value: unknown } | { readonly failed: string };

const WORKER = fileURLToPath(new URL("build_worker.js", import.meta.url));

/** A build's process. Everything throws FormatError naming the folder where the build cannot do what it is asked for. */
export class Build {
  #last = "";

  private constructor(
    readonly dist: string,
    private readonly child: ChildProcess,
  ) {
    child.on("error", () => {}); // of a process that is no more
    child.stderr!.on("data", (text) => {
      this.#last = `${this.#last}${text}`.slice(-400);
    });
  }

  /** Starts a process and opens its device. */
  static async open(dist: string, adapter?: string): Promise<{ build: Build; opened: Opened }> {
    const folder = resolve(dist);
    const child = fork(WORKER, {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      serialization: "advanced", // NaN and infinity
    });
    const build = new Build(dist, child);
    try {
      return { build, opened: (await build.#ask({ what: "open", dist: folder, adapter })) as Opened };
    } catch (error) {
      build.close();
      throw error;
    }
  }

  /** The problems of a network's step that cost most; of some operations or routines alone, where any are named. */
  async list(step: StepTask, names: readonly string[], most: number): Promise<readonly KernelTask[]> {
    return (await this.#ask({ what: "list", step, names, most })) as KernelTask[];
  }

  /** Makes something ready to be measured, and says how it is best read. */
  async prepare(subject: BuildSubject): Promise<{ task: number; pace: Pace }> {
    const request: BuildRequest =
      "task" in subject ? { what: "kernel", ...subject } : { what: "step", ...subject };
    const task = (await this.#ask(request)) as number;
    return { task, pace: (await this.#ask({ what: "pace", task })) as Pace };
  }

  turn(task: number, pace: Pace): Sampler {
    return async () => (await this.#ask({ what: "time", task, pace })) as number;
  }

  close(): void {
    this.child.kill("SIGKILL");
  }

  #ask(request: BuildRequest): Promise<unknown> {
    const { child, dist } = this;
    return new Promise((resolve, reject) => {
      const done = () => {
        child.off("message", answered);
        child.off("exit", ended);
      };
      const answered = (answer: BuildAnswer) => {
        done();
        if ("failed" in answer) reject(new FormatError(`${dist}: ${answer.failed}`));
        else resolve(answer.value);
      };
      const ended = (code: number | null, signal: string | null) => {
        done();
        const said = this.#last.trim().split("\n").at(-1);
        const how = signal ?? `exit code ${code}`;
        reject(new FormatError(`${dist}: its process ended with ${how}${said ? `: ${said}` : ""}`));
      };
      child.on("message", answered);
      child.on("exit", ended);
      child.send(request, (error) => {
        if (error) ended(child.exitCode, child.signalCode);
      });
    });
  }
}
