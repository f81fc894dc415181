// Mutation testing: faults are seeded in every kernel, and the cases of its operation must notice each of them.

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { stream } from "../../random.ts";
import type { Mutant } from "./mutate.ts";
import type { Kill } from "./mutation.ts";
import type { MutantResult, MutantVerdict } from "./score.ts";

export interface MutationOptions {
  /** Part of the adapter's name. */
  readonly adapter?: string;
  /** Names of operations; default all. */
  readonly operations?: readonly string[];
  /** Path of an ES module whose exports are operations, in place of those of this package. */
  readonly module?: string;
  /** At most so many mutants of a kernel, drawn by `seed`. */
  readonly limit?: number;
  readonly seed?: number;
  /** Called before each mutant. */
  readonly onProgress?: (kernel: string, done: number, total: number) => void;
}

export type MutantRequest =
  | { what: "list"; adapter?: string; module?: string; operations?: readonly string[] }
  | { what: "judge"; kernel: number; mutant?: string };

export type MutantAnswer =
  | { what: "kernels"; operations: readonly string[]; kernels: readonly Listed[] }
  | { what: "alive"; stage: "compile" | "run" }
  | { what: "verdict"; verdict: MutantVerdict; by?: Kill }
  | { what: "failed"; message: string; lost: boolean };

interface Listed {
  readonly op: string;
  readonly label: string;
  readonly mutants: readonly Omit<Mutant, "wgsl">[];
}

const WORKER = fileURLToPath(new URL("mutant_worker.node.js", import.meta.url));
/** Milliseconds without a word after which a process is taken to hang. */
const PATIENCE = { compile: 120_000, run: 5000 };
/** A run may also take so many times as long as the longest of the kernel without a fault. */
const SLOWER = 10;
/** Mutants after which the process is replaced: it keeps every pipeline it made. */
const LIFE = 300;

/**
 * Judges mutants kernel by kernel. Every kernel is first run as it is. Throws where that fails, for then a mutant's
 * failure would mean nothing, and where an operation is unknown.
 */
export async function* mutationTest(options: MutationOptions = {}): AsyncGenerator<MutantResult> {
  const { adapter, operations, module, limit = Infinity, seed = 1, onProgress } = options;
  const judge = new Judge({ what: "list", adapter, operations, module });
  try {
    const { kernels, operations: known } = await judge.start();
    for (const name of operations ?? [])
      if (!known.includes(name))
        throw new Error(`mutants: no operation ${name} (has ${[...new Set(known)].join(", ")})`);
    for (const [i, { op, label, mutants }] of kernels.entries()) {
      if (mutants.length === 0) continue;
      const sound = await judge.judge(i);
      if (sound.verdict !== "survived")
        throw new Error(
          `${label} fails without a fault: ${sound.by?.where ?? sound.verdict}: ${sound.by?.message}`,
        );
      const drawn = draw(mutants, limit, seed);
      for (const [done, mutant] of drawn.entries()) {
        onProgress?.(label, done, drawn.length);
        yield { op, kernel: label, mutant, ...(await judge.judge(i, mutant.id)) };
      }
    }
  } finally {
    judge.stop();
  }
}

/** `limit` of the list, in its order. */
function draw<T>(list: readonly T[], limit: number, seed: number): readonly T[] {
  if (list.length <= limit) return list;
  const next = stream(seed);
  const keys = list.map(() => next());
  const most = [...keys].sort((a, b) => a - b)[limit];
  return list.filter((_, i) => keys[i] < most);
}

type Outcome = Pick<MutantResult, "verdict" | "by">;

/** A process that judges mutants, and the one that takes its place when it hangs, ends or grows old. */
class Judge {
  #child: ChildProcess | undefined;
  #judged = 0;
  /** The longest a run took in the kernel without a fault. */
  #longest = 0;

  constructor(private readonly listing: MutantRequest) {}

  async start(): Promise<Extract<MutantAnswer, { what: "kernels" }>> {
    this.stop();
    this.#judged = 0;
    this.#child = fork(WORKER, {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      // a sound kernel that Mesa had kept would be quick, and mutants, compiled at their first run, seem to hang
      env: { ...process.env, MESA_SHADER_CACHE_DISABLE: "true" },
    });
    const answer = await this.#ask(this.listing);
    if (answer.what !== "kernels") throw new Error(`mutants: ${messageOf(answer)}`);
    return answer;
  }

  /**
   * Without a mutant: judges the kernel as it is. What hangs or ends the process is asked again in a fresh one, for
   * a busy machine or the mutant before may have been at fault.
   */
  async judge(kernel: number, mutant?: string): Promise<Outcome> {
    const first = await this.#judge(kernel, mutant);
    if ("verdict" in first) return first;
    const again = await this.#judge(kernel, mutant);
    return "verdict" in again ? again : { verdict: "killed", by: again };
  }

  async #judge(kernel: number, mutant?: string): Promise<Outcome | Kill> {
    if (!this.#child?.connected || this.#judged >= LIFE) await this.start();
    this.#judged++;
    const answer = await this.#ask({ what: "judge", kernel, mutant });
    if (answer.what === "verdict") return { verdict: answer.verdict, by: answer.by };
    this.stop();
    const lost = answer.what === "failed" && answer.lost;
    if (answer.what !== "ended" && !lost) throw new Error(`mutants: ${messageOf(answer)}`);
    return { where: answer.what === "ended" ? answer.how : "lost", message: messageOf(answer) };
  }

  stop(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  /** Waits for the answer, as long as signs of life come; how long a sound kernel's take sets the pace. */
  #ask(request: MutantRequest): Promise<Exclude<MutantAnswer, { what: "alive" }> | Ended> {
    const child = this.#child!;
    const sound = request.what === "judge" && request.mutant === undefined;
    if (sound) this.#longest = 0;
    return new Promise((resolve) => {
      let heard = Date.now();
      let stage: "compile" | "run" = "compile";
      let timer: NodeJS.Timeout;
      const done = (answer: Exclude<MutantAnswer, { what: "alive" }> | Ended) => {
        clearTimeout(timer);
        for (const event of ["message", "exit", "error"]) child.removeAllListeners(event);
        child.on("error", () => {}); // of a process that is no more
        resolve(answer);
      };
      const watch = () => {
        clearTimeout(timer);
        const patience =
          stage === "compile" || sound ? PATIENCE.compile : Math.max(PATIENCE.run, SLOWER * this.#longest);
        timer = setTimeout(() => done({ what: "ended", how: "timeout" }), patience);
      };
      child.on("message", (answer: MutantAnswer) => {
        if (answer.what !== "alive") return done(answer);
        const now = Date.now();
        if (sound && stage === "run") this.#longest = Math.max(this.#longest, now - heard);
        [heard, stage] = [now, answer.stage];
        watch();
      });
      for (const event of ["exit", "error"]) child.on(event, () => done({ what: "ended", how: "crash" }));
      watch();
      child.send(request);
    });
  }
}

interface Ended {
  readonly what: "ended";
  readonly how: "timeout" | "crash";
}

const messageOf = (answer: { what: string; message?: string; how?: string }): string =>
  answer.message ?? answer.how ?? answer.what;
