import { Device } from "../../device/device.ts";
import {
  DeviceLostError,
  LimitError,
  OutOfMemoryError,
  ShaderError,
  ShapeError,
  TuneError,
  ValidationError,
} from "../../errors.ts";
import { median } from "../../statistics/quantiles.ts";
import { type Ranking, type RankingOptions, rankContenders } from "../../statistics/ranking.ts";
import { Clock, type ClockOptions, common, type Gauge, mean, sampler } from "../clock/clock.ts";
import { Stopwatch } from "../clock/stopwatch.ts";
import type { Candidate, TuningSubject, Verification } from "../kernel/candidate.ts";
import { type Environment, environmentOf } from "../results/environment.ts";
import type { Row, Status } from "../results/row.ts";
import type { Configuration } from "../space/space.ts";

/** What is known of a configuration before it is compiled. */
export interface Inspection {
  /** SHA-256 of its WGSL; absent where the adapter cannot have it. */
  readonly wgsl?: string;
  /** Why the adapter cannot have it: the limit or feature, and both values. */
  readonly refusal?: string;
}

/** What makes rows of configurations. */
export interface Evaluator {
  /** What measures. */
  environment(): Promise<Environment>;
  inspect(configuration: Configuration): Promise<Inspection>;
  /** What would be taken if nothing were tuned, where that is known. */
  standard?(): Promise<Configuration | undefined>;
  /** WGSL of a configuration that `inspect` does not refuse. */
  print(configuration: Configuration): Promise<string>;
  /** Never throws for what a configuration does: its row says so. */
  evaluate(configuration: Configuration): Promise<Row>;
  /** Measures configurations that were verified again, in turns. Throws where one of them fails now. */
  rank(configurations: readonly Configuration[], options?: RankingOptions): Promise<Ranking>;
  close(): void;
}

/** What is done with a configuration, in this order. */
export const STAGES = ["compile", "verify", "time"] as const;
/** One of `STAGES`. */
export type Stage = (typeof STAGES)[number];

/** How a runner evaluates. */
export interface RunnerOptions {
  /** An open device to begin with; it is not closed. */
  readonly device?: Device;
  /** Opens a device where none is given, and again after one was lost; default the one that is found. */
  readonly open?: () => Promise<Device>;
  readonly clock?: ClockOptions;
  /** Leaves out verification. */
  readonly verify?: boolean;
  /** Seconds for a configuration. What hangs beyond stays on its device, which is given up; a child process can be ended. */
  readonly timeout?: number;
  /** Times the best objective so far from which on the fewest samples are taken; default 3. */
  readonly hopeless?: number;
  /** Called as a stage begins. */
  readonly onStage?: (stage: Stage, configuration: Configuration, device: Device) => void;
}

/** Seconds and rounds of a ranking where no seconds are given; the fewest rounds that seconds leave. */
const RANKED = { seconds: 10, rounds: 20, fewest: 6, most: 200 };

/** The configuration took longer than it may. */
class TimeoutError extends Error {}

/** The device that configurations run on, with its clocks. */
export interface Bench {
  readonly device: Device;
  readonly stopwatch: Stopwatch;
  readonly clock: Clock;
}

/** Evaluates configurations in this process, one after the other. */
export class Runner implements Evaluator {
  #bench: Promise<Bench> | undefined;
  #best = Infinity;
  #givenUp = false;

  constructor(
    private readonly subject: TuningSubject,
    private readonly options: RunnerOptions = {},
  ) {}

  /** The device with its clocks, opened again where it was lost. Throws NoAdapterError. */
  async bench(): Promise<Bench> {
    this.#bench ??= (async () => {
      const device = this.#given() ?? (await (this.options.open?.() ?? Device.open()));
      const stopwatch = await Stopwatch.open(device);
      return { device, stopwatch, clock: new Clock(stopwatch.quanta, this.options.clock) };
    })();
    try {
      return await this.#bench;
    } catch (error) {
      this.#bench = undefined;
      throw error;
    }
  }

  /** The caller's device, as long as nothing hangs on it. */
  #given(): Device | undefined {
    const { device } = this.options;
    return device && !this.#givenUp && !lost(device) ? device : undefined;
  }

  async environment(): Promise<Environment> {
    return environmentOf((await this.bench()).device);
  }

  async inspect(configuration: Configuration): Promise<Inspection> {
    const { device } = await this.bench();
    try {
      return { wgsl: await sha256(this.subject.print(device, configuration)) };
    } catch (error) {
      if (statusOf(error) === "constraints") return { refusal: (error as Error).message };
      return {}; // evaluating it will say what is wrong
    }
  }

  async standard(): Promise<Configuration | undefined> {
    const { device } = await this.bench();
    try {
      return this.subject.standard?.(device);
    } catch (error) {
      if (statusOf(error) === "constraints") return undefined;
      throw error;
    }
  }

  async print(configuration: Configuration): Promise<string> {
    return this.subject.print((await this.bench()).device, configuration);
  }

  /** Throws NoAdapterError where no device is left to evaluate on. */
  async evaluate(configuration: Configuration): Promise<Row> {
    const bench = await this.bench();
    const draft = new Draft(configuration);
    try {
      await within(this.options.timeout, this.#evaluate(bench, draft));
    } catch (error) {
      draft.failed(error, lost(bench.device));
      if (draft.status === "device_lost" || draft.status === "timeout") {
        this.#bench = undefined;
        this.#givenUp = true;
      }
    }
    const row = draft.row();
    if (row.status === "ok") this.#best = Math.min(this.#best, row.objective!);
    return row;
  }

  async #evaluate({ device, stopwatch, clock }: Bench, draft: Draft): Promise<void> {
    const { configuration } = draft;
    const { onStage, verify = true, hopeless = 3 } = this.options;
    const release = guard(device, this.subject.label);
    let candidate: Candidate | undefined;
    try {
      onStage?.("compile", configuration, device);
      candidate = await draft.stage("compilation", () => this.subject.prepare(device, configuration));
      await draft.hash(candidate.wgsl);
      if (verify) {
        onStage?.("verify", configuration, device);
        draft.verified(await draft.stage("verification", () => candidate!.verify()));
        if (draft.status === "correctness") return;
      }
      onStage?.("time", configuration, device);
      const measure = stopwatch.measure(candidate.encode);
      draft.timed(
        await draft.stage("benchmark", () => clock.time(measure, hopeless * this.#best)),
        candidate,
      );
    } finally {
      try {
        candidate?.close();
      } finally {
        await release();
      }
    }
  }

  async rank(configurations: readonly Configuration[], options: RankingOptions = {}): Promise<Ranking> {
    const { device, stopwatch, clock } = await this.bench();
    const candidates: Candidate[] = [];
    try {
      for (const configuration of configurations)
        candidates.push(await this.subject.prepare(device, configuration));
      const measures = candidates.map(({ encode }) => stopwatch.measure(encode));
      const gauges: Gauge[] = [];
      for (const measure of measures) gauges.push(await clock.gauge(measure));
      const shared = common(gauges);
      const contenders = measures.map((measure) => {
        const sample = sampler(measure, shared);
        return async () => mean(await sample());
      });
      const dispatches = shared.repeats * (shared.alone ? 1 : 3);
      const round = dispatches * gauges.reduce((sum, { estimate }) => sum + estimate, 0);
      const { seconds } = options;
      const fewest = seconds === undefined ? RANKED.rounds : RANKED.fewest;
      const rounds = Math.min(RANKED.most, Math.max(fewest, Math.ceil((seconds ?? RANKED.seconds) / round)));
      return await rankContenders(contenders, { rounds, ...options });
    } finally {
      for (const candidate of candidates) candidate.close();
    }
  }

  close(): void {
    this.#bench?.then(
      ({ device, stopwatch }) => {
        stopwatch.close();
        if (device !== this.options.device) device.close();
      },
      () => {},
    );
    this.#bench = undefined;
  }
}

/** A row as it comes about. */
class Draft {
  status: Status = "ok";
  #message: string | undefined;
  #times: readonly number[] = [];
  #reading: Row["reading"];
  #error: number | undefined;
  #metrics: Record<string, number> = {};
  #wgsl: string | undefined;
  readonly #spent = { compilation: 0, verification: 0, benchmark: 0 };
  readonly #began = performance.now();

  constructor(readonly configuration: Configuration) {}

  async stage<T>(name: "compilation" | "verification" | "benchmark", work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await work();
    } finally {
      this.#spent[name] = (performance.now() - start) / 1e3;
    }
  }

  async hash(wgsl: string): Promise<void> {
    this.#wgsl = await sha256(wgsl);
  }

  verified({ error, message }: Verification): void {
    this.#error = error;
    if (message) [this.status, this.#message] = ["correctness", message];
  }

  timed(
    { times, reading, unrankable }: Awaited<ReturnType<Clock["time"]>>,
    { flops, bytes }: Candidate,
  ): void {
    [this.#times, this.#reading] = [times, reading];
    if (unrankable) [this.status, this.#message] = ["unrankable", unrankable];
    const seconds = median(times);
    if (flops) this.#metrics["GFLOP/s"] = flops / seconds / 1e9;
    if (bytes) this.#metrics["GB/s"] = bytes / seconds / 1e9;
  }

  failed(error: unknown, lost: boolean): void {
    this.status = lost ? "device_lost" : statusOf(error);
    this.#message = error instanceof Error ? error.message : String(error);
    this.#times = [];
  }

  row(): Row {
    const { compilation, verification, benchmark } = this.#spent;
    const elapsed = (performance.now() - this.#began) / 1e3;
    const framework = Math.max(0, elapsed - compilation - verification - benchmark);
    return {
      configuration: this.configuration,
      status: this.status,
      ...(this.#message !== undefined && { message: this.#message }),
      ...(this.#times.length > 0 && { objective: median(this.#times) }),
      times: this.#times,
      ...(this.#reading && { reading: this.#reading }),
      ...(this.#error !== undefined && { error: this.#error }),
      ...(Object.keys(this.#metrics).length > 0 && { metrics: this.#metrics }),
      spent: { compilation, verification, benchmark, framework, search: 0 },
      ...(this.#wgsl && { wgsl: this.#wgsl }),
      timestamp: new Date().toISOString(),
    };
  }
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const lost = (device: Device): boolean => {
  try {
    device.check();
  } catch (error) {
    return error instanceof DeviceLostError;
  }
  return false;
};

/** What an error says of the configuration that raised it. */
export function statusOf(error: unknown): Status {
  if (error instanceof TimeoutError) return "timeout";
  if (error instanceof DeviceLostError) return "device_lost";
  if (error instanceof LimitError || error instanceof TuneError || error instanceof ShapeError)
    return "constraints";
  // what fits no pipeline is refused when that is made, after the compiler has let it pass
  if (error instanceof ShaderError) return error.cause ? "validation" : "compile";
  if (error instanceof ValidationError) return "validation";
  if (error instanceof OutOfMemoryError) return "runtime";
  return "runtime";
}

/** Catches what WebGPU refuses until the returned function is called, which throws the first of it. */
function guard({ gpu }: Device, label: string): () => Promise<void> {
  for (const filter of ["internal", "out-of-memory", "validation"] as const) gpu.pushErrorScope(filter);
  return async () => {
    const scopes = [gpu.popErrorScope(), gpu.popErrorScope(), gpu.popErrorScope()];
    const [invalid, full, internal] = await Promise.all(scopes.map((scope) => scope.catch(() => null)));
    if (full) throw new OutOfMemoryError(`${label}: ${full.message}`);
    if (invalid) throw new ValidationError(`${label}: ${invalid.message}`);
    if (internal) throw new Error(`${label}: ${internal.message}`);
  };
}

async function within<T>(seconds: number | undefined, work: Promise<T>): Promise<T> {
  if (seconds === undefined) return work;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeoutError(`not done after ${seconds} s`)), 1e3 * seconds);
  });
  work.catch(() => {}); // of one that nobody waits for any more
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
