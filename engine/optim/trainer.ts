import { clipFactor, size, sum, weightAverage } from "../../kernels/index.ts";
import type { Device } from "../device/device.ts";
import type { Traits } from "../device/traits.ts";
import type { TuningTable } from "../device/tuning_table.ts";
import { ShapeError, ValueError } from "../errors.ts";
import { Graph, type Phase, type Tensor, type Variable } from "../graph/graph.ts";
import { checkLabels, type Model, parameterGradients, trace } from "../nn/model.ts";
import type { NetOptions, VariableSpec } from "../nn/net.ts";
import { type Bank, layOutBanks, Variables } from "../nn/variables.ts";
import { Executable, type Profile } from "../plan/executable.ts";
import { type Plan, type PlanOptions, plan } from "../plan/plan.ts";
import { type Optimizer, rmsprop } from "./optimizers.ts";
import { averageDecay, type Schedule } from "./schedules.ts";

export interface TrainerOptions {
  /** Images of a batch and their size: [n,h,w,c]. */
  readonly input: readonly [n: number, h: number, w: number, c: number];
  readonly optimizer?: Optimizer;
  /** Learning rate, or its schedule over steps. */
  readonly rate?: number | Schedule;
  readonly seed?: number;
  readonly smoothing?: number;
  /** Weight of the auxiliary head's loss. */
  readonly auxiliaryWeight?: number;
  /** Largest global norm of the gradient; beyond it all of it is scaled down. */
  readonly clip?: number;
  /** Decay of the running average of weights and statistics; none without. */
  readonly average?: number;
  /** Parts a batch is computed in, their gradients summed. */
  readonly microBatches?: number;
  /** Bytes of device memory a step may take: below what it takes by itself, more is computed twice. */
  readonly memory?: number;
  readonly net?: NetOptions;
  /** Of forward, backward and update. */
  readonly choose?: PlanOptions["choose"];
  /** Table that is asked in place of the device's own, before those of the engine. */
  readonly tuningTable?: TuningTable;
  /** Replace neighbouring operations by one that does the work of both (the default), or run each as it was traced. */
  readonly fuse?: PlanOptions["fuse"];
}

/** What a step tells. */
export interface StepResult {
  readonly step: number;
  /** Mean cross-entropy over the batch, label smoothing included; of the auxiliary head too, if there is one. */
  readonly loss: number;
  /** Share of images whose label has the highest logit, and one of the five highest. */
  readonly top1: number;
  readonly top5: number;
  readonly rate: number;
  /** Global norm of the gradient, where clipping asks for it. */
  readonly norm?: number;
}

/** A training step as plans, before any device has seen it. */
export interface TrainingPlan {
  readonly variables: ReadonlyMap<string, VariableSpec>;
  readonly classes: number;
  /** Forward and backward over a micro-batch. */
  readonly pass: Plan;
  /** Clipping, the optimiser, running averages. */
  readonly update: Plan;
  /** Bytes of all that is kept between steps: parameters, their gradients, what the optimiser keeps, statistics. */
  readonly variableBytes: number;
}

/** Traces a model and plans its training step for an adapter. Throws as `Trainer.create` does. */
export function planTraining(model: Model, adapter: Traits, options: TrainerOptions): TrainingPlan {
  const traits = { ...adapter, tuningTable: options.tuningTable ?? adapter.tuningTable };
  const { input, optimizer = rmsprop(), microBatches = 1 } = options;
  if (!(Number.isInteger(microBatches) && microBatches > 0) || input[0] % microBatches)
    throw new ShapeError(`trainer: a batch of ${input[0]} does not divide into ${microBatches} parts`);
  const [n, ...image] = input;
  const { net, loss, rank, classes } = trace(
    model,
    [n / microBatches, ...image],
    { ...options.net, training: true },
    options,
  );
  const into = parameterGradients(net, loss, 1 / microBatches);
  const { banks } = layOutBanks(net.variables, traits);
  const { graph, outputs } = traceUpdate(banks, optimizer, options);
  const update = plan(graph, traits, { outputs, choose: options.choose });
  const kept = bytesOf(banks, optimizer, options);
  const reserved = update.memory().total + kept;
  const pass = plan(net.graph, traits, {
    outputs: { loss, rank },
    into,
    accumulate: microBatches > 1,
    choose: options.choose,
    fuse: options.fuse,
    memory: options.memory === undefined ? undefined : { most: options.memory, reserved },
  });
  return { variables: net.variables, classes, pass, update, variableBytes: kept };
}

function bytesOf(banks: readonly Bank[], optimizer: Optimizer, { average }: TrainerOptions): number {
  const slots = average === undefined ? 1 : 2;
  const trained = slots + 1 + Object.keys(optimizer.slots).length; // its gradient too
  return banks.reduce((sum, { count, group }) => sum + 4 * count * (group === "state" ? slots : trained), 0);
}

/** Trains a model: its variables, the plan of a step, and the plan of an update, on one device. */
export class Trainer {
  #step = 0;
  #scalars: Record<string, Float32Array> = {};
  #counter: Uint32Array;

  private constructor(
    readonly options: TrainerOptions,
    readonly variables: Variables,
    readonly classes: number,
    /** Forward and backward over a micro-batch. */
    readonly pass: Executable,
    readonly update: Executable,
  ) {
    this.#counter = new Uint32Array([options.seed ?? 0, 0]);
  }

  /**
   * Traces the model, plans its step, compiles, and draws the first weights.
   * Throws ShapeError where the model does not fit the input, LimitError or OutOfMemoryError where the adapter is too small.
   */
  static async create(device: Device, model: Model, options: TrainerOptions): Promise<Trainer> {
    const { optimizer = rmsprop(), seed = 0 } = options;
    const planned = planTraining(model, device.traits, options);
    const made: { close(): void }[] = [];
    const keep = <T extends { close(): void }>(one: T): T => {
      made.unshift(one);
      return one;
    };
    try {
      const variables = keep(await Variables.create(device, planned.variables, { seed }));
      await variables.allocate("gradient", { groups: ["decayed", "plain"] });
      for (const [slot, value] of Object.entries(optimizer.slots))
        await variables.allocate(`${optimizer.name}.${slot}`, { value, groups: ["decayed", "plain"] });
      if (options.average !== undefined) {
        await variables.allocate("average");
        variables.copy("value", "average");
      }
      const place = (variable: Variable) => variables.place(variable);
      const pass = keep(await Executable.load(device, planned.pass, place));
      const update = keep(await Executable.load(device, planned.update, place));
      return new Trainer(options, variables, planned.classes, pass, update);
    } catch (error) {
      for (const one of made) one.close();
      throw error;
    }
  }

  /** Steps taken so far. */
  get steps(): number {
    return this.#step;
  }

  /**
   * One step on images [n,h,w,c] in [-1, 1] and labels [n]: forward, backward, update.
   * Throws ShapeError or ValueError before anything runs where they do not fit.
   */
  async step(images: Float32Array, labels: Int32Array): Promise<StepResult> {
    const { microBatches = 1, input } = this.options;
    checkLabels(labels, input[0], this.classes);
    const values = size(input);
    if (images.length !== values)
      throw new ShapeError(`images: [${input}] takes ${values} values but ${images.length} are given`);
    const perPart = values / microBatches;
    if (microBatches > 1) this.variables.clear("gradient");
    const count = input[0] / microBatches;
    let [loss, top1, top5] = [0, 0, 0];
    for (let part = 0; part < microBatches; part++) {
      this.#counter[1] = this.#step * microBatches + part;
      if (this.pass.reads("counter")) this.pass.write("counter", this.#counter);
      this.pass.write("images", images.subarray(part * perPart, (part + 1) * perPart));
      this.pass.write("labels", labels.subarray(part * count, (part + 1) * count));
      this.pass.run();
      if (part === microBatches - 1) this.#update();
      const [losses, ranks] = await Promise.all([this.pass.read("loss"), this.pass.readBytes("rank")]);
      loss += losses[0] / microBatches;
      for (const rank of new Uint32Array(ranks)) {
        if (rank < 1) top1 += 1 / input[0];
        if (rank < 5) top5 += 1 / input[0];
      }
    }
    const norm = this.options.clip === undefined ? undefined : (await this.update.read("norm"))[0];
    const rate = this.#rate();
    return { step: this.#step++, loss, top1, top5, rate, norm };
  }

  #rate(): number {
    const { rate = 0.045 } = this.options;
    return typeof rate === "number" ? rate : rate(this.#step);
  }

  #update(): void {
    const { optimizer = rmsprop(), average } = this.options;
    this.#scalar("rate", [this.#rate()]);
    for (const [name, values] of Object.entries(optimizer.scalars?.(this.#step + 1) ?? {}))
      this.#scalar(name, values);
    if (average !== undefined) this.#scalar("decay", [averageDecay(average, this.#step)]);
    this.update.run();
  }

  #scalar(name: string, values: readonly number[]): void {
    if (!this.update.reads(name)) return;
    this.#scalars[name] ??= new Float32Array(values.length);
    this.#scalars[name].set(values);
    this.update.write(name, this.#scalars[name]);
  }

  /**
   * Seconds on the device of every dispatch, by phase, of the last micro-batch once more and its update, which is
   * applied. Throws ValueError before the first step.
   */
  async profile(): Promise<Record<Phase, Profile>> {
    if (this.#step === 0) throw new ValueError("trainer: profile repeats a step but none was taken");
    if ((this.options.microBatches ?? 1) > 1) this.variables.clear("gradient");
    const pass = await this.pass.profile();
    const update = await this.update.profile();
    const of = (phase: Phase) => pass.filter(({ dispatch }) => dispatch.node.phase === phase);
    return { forward: of("forward"), backward: of("backward"), update };
  }

  /** Bytes of device memory: variables with all their slots, arena, inputs. */
  get bytes(): number {
    return this.variables.bytes + this.pass.bytes + this.update.bytes;
  }

  close(): void {
    this.pass.close();
    this.update.close();
    this.variables.close();
  }
}

/** The update of all banks: clipping, the optimiser, running averages. */
function traceUpdate(banks: readonly Bank[], optimizer: Optimizer, { clip, average }: TrainerOptions) {
  const graph = new Graph();
  const options = { phase: "update" as const };
  const trained = banks.filter(({ group }) => group !== "state");
  const flat = (path: string, count: number, slot: string) => graph.variable(path, [count], slot);
  const outputs: Record<string, Tensor> = {};
  let factor: Tensor | undefined;
  if (clip !== undefined) {
    let squares: Tensor | undefined;
    for (const { path, count } of trained) {
      const label = `${path} squares`;
      const onto: Record<string, Tensor> = squares ? { y: squares } : {};
      squares = graph.apply(
        sum,
        { x: flat(path, count, "gradient") },
        { squares: true },
        { ...options, label, onto },
      ).y;
    }
    const clipped = graph.apply(clipFactor, { squares }, { limit: clip }, { ...options, label: "clip" });
    factor = clipped.factor;
    outputs.norm = clipped.norm;
  }
  const rate = graph.input("rate", [1]);
  const scalars = Object.fromEntries(
    Object.entries(optimizer.scalars?.(1) ?? {}).map(([name, values]) => [
      name,
      graph.input(name, [values.length]),
    ]),
  );
  for (const { path, count, group } of trained) {
    const slots = Object.fromEntries(
      Object.keys(optimizer.slots).map((slot) => [slot, flat(path, count, `${optimizer.name}.${slot}`)]),
    );
    const inputs = {
      w: flat(path, count, "value"),
      g: flat(path, count, "gradient"),
      ...slots,
      rate,
      factor,
      ...scalars,
    };
    graph.apply(optimizer.op, inputs, optimizer.attrs(group === "decayed"), {
      ...options,
      label: `${path} ${optimizer.name}`,
    });
  }
  if (average !== undefined) {
    const decay = graph.input("decay", [1]);
    for (const { path, count } of banks)
      graph.apply(
        weightAverage,
        { average: flat(path, count, "average"), w: flat(path, count, "value"), decay },
        {},
        { ...options, label: `${path} average` },
      );
  }
  return { graph, outputs };
}
