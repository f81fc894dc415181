// An engine in a process of its own: the side that asks, and, started as a program, the side that answers.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

const SELF = fileURLToPath(import.meta.url);
const LAST_LINES = 400;

/** An engine's process. What goes wrong with it is kept in `error`, and all that is asked afterwards does nothing. */
export class Engine {
  version;
  times = {};
  /** Why a piece of work cannot be done, by its name. */
  refusals = {};
  error;
  peakBytes;
  #process;
  #answer = () => {};
  #said = "";

  constructor(name, job, env) {
    this.name = name;
    this.job = job;
    this.env = env;
  }

  /** Starts the process and waits until the engine has its device and its variables. */
  async ask(request, what) {
    if (this.error) return {};
    if (!this.#process) this.#start();
    const answer = await new Promise((resolve) => {
      this.#answer = resolve;
      this.#process.send({ request, what, job: this.job }, (error) => error && this.fail(error.message));
    });
    if (answer.version) this.version = answer.version;
    if (answer.peakBytes) this.peakBytes = answer.peakBytes;
    return answer;
  }

  #start() {
    this.#process = fork(SELF, [this.name], { env: this.env, stdio: ["ignore", "pipe", "pipe", "ipc"] });
    const listen = (text) => {
      this.#said = (this.#said + text).slice(-LAST_LINES);
    };
    this.#process.stdout.on("data", listen);
    this.#process.stderr.on("data", listen);
    this.#process.on("message", (answer) => {
      if (answer.error) this.fail(answer.error);
      else this.#answer(answer);
    });
    this.#process.on("exit", (code, signal) => {
      this.fail(`its process ended with ${signal ?? code}: ${this.#said.trim().split("\n").at(-1) ?? ""}`);
    });
  }

  /** Runs one piece of work and keeps its time, unless the engine cannot do it. */
  async time(what) {
    if (this.error || this.refusals[what]) return;
    const { ms, refusal } = await this.ask("run", what);
    if (refusal) this.refusals[what] = refusal;
    if (ms === undefined) return;
    this.times[what] ??= [];
    this.times[what].push(ms);
    console.error(
      `${this.name.padEnd(12)} ${what.padEnd(10)} ${this.times[what].length === 1 ? "first" : "warm "} ${ms.toFixed(1)} ms`,
    );
  }

  fail(message) {
    this.error ??= message;
    this.kill();
    this.#answer({});
  }

  /** Ends the process and waits until its memory is free. */
  async close() {
    if (!this.#process || this.error) return;
    this.#process.removeAllListeners("exit");
    const gone = new Promise((resolve) => this.#process.once("exit", resolve));
    this.kill();
    await gone;
  }

  kill() {
    this.#process?.kill("SIGKILL");
  }
}

async function answer(engine, { request, what, job }) {
  if (request === "open") {
    engine.opened = await engine.module.open(job);
    return { version: engine.opened.version };
  }
  const run = engine.opened.work[what];
  if (!run) return { refusal: engine.opened.cannot ?? "cannot" };
  const from = performance.now();
  const value = await run();
  const ms = (performance.now() - from) / (job.layers ? job.repeat : 1);
  if (value !== undefined && !Number.isFinite(value)) throw new Error(`${what}: the result is ${value}`);
  return { ms, peakBytes: process.resourceUsage().maxRSS * 1024 };
}

if (process.argv[1] === SELF && process.send) {
  const engine = { module: await import(`./engines/${process.argv[2]}.mjs`) };
  process.on("disconnect", () => process.exit(1));
  process.on("message", async (message) => {
    try {
      process.send(await answer(engine, message));
    } catch (error) {
      process.send({ error: String(error?.message ?? error) });
    }
  });
}
