import { type FloatValues, type IntegerValues, toFloats, toIntegers } from "../device/arrays.ts";
import type { Device } from "../device/device.ts";
import { ClosedError, NonFiniteError, ShapeError, ValueError } from "../errors.ts";
import type { Phase, Variable } from "../graph/graph.ts";
import { checkLabels, type Model } from "../nn/model.ts";
import { Predictor, type PredictorOptions } from "../nn/predictor.ts";
import { TRAINED, Variables } from "../nn/variables.ts";
import { Executable, type HostTensor, type Profile } from "../plan/executable.ts";
import { Queue } from "../queue.ts";
import { readState, restoreState, saveState } from "./checkpoint.ts";
import { rmsprop } from "./optimizers.ts";
import { checkRate, rateAt, type TrainerOptions } from "./options.ts";
import { averageDecay, type Schedule } from "./schedules.ts";
import { isGated, planTraining, type StepInput, type TrainingPlan } from "./training_plan.ts";

/** Values of a step's inputs, by name: `images` and `labels`, or those that the model declares by `net.input`. */
export type StepInputs = Readonly<Record<string, FloatValues | IntegerValues>>;

/** What a step returns. */
export interface StepResult {
  /** Counted from 0. */
  readonly step: number;
  /**
   * The model's loss, the mean over micro-batches: by default the mean cross-entropy over the batch, label smoothing and
   * the auxiliary head's part included.
   */
  readonly loss: number;
  /** Share of images whose label has the highest logit, and one of the five highest; NaN for a loss of the model's own. */
  readonly top1: number;
  readonly top5: number;
  readonly rate: number;
  /** Global norm of the gradient before clipping; undefined only where `onNonFinite` is "continue" and nothing is clipped. */
  readonly norm?: number;
  /** Whether the update was left out because the norm is not finite. */
  readonly skipped?: boolean;
}

type Taken = ReadonlyMap<string, Float32Array | Int32Array | Uint32Array>;

/**
 * Trains a model: its variables, the plan of a step, and the plan of an update, on one device. Calls are queued: each
 * takes its arguments before it returns and runs after those before it.
 */
export class Trainer {
  readonly #queue = new Queue();
  readonly #scalars: Record<string, Float32Array> = {};
  readonly #counter: Uint32Array;
  #step = 0;
  #updates = 0;
  #rate: number | Schedule;
  #closed = false;

  private constructor(
    readonly device: Device,
    private readonly model: Model,
    readonly options: TrainerOptions,
    readonly variables: Variables,
    private readonly planned: TrainingPlan,
    /** Forward and backward over a micro-batch. */
    readonly pass: Executable,
    readonly update: Executable,
  ) {
    this.#rate = options.rate ?? 0.045;
    this.#counter = new Uint32Array([options.seed ?? 0, 0]);
  }

  /**
   * Traces the model, plans its step, compiles, and draws the first weights.
   * Throws ShapeError where the model does not fit the input, ValueError where an option is unknown or outside its range,
   * LimitError or OutOfMemoryError where the adapter is too small.
   */
  static async create(device: Device, model: Model, options: TrainerOptions): Promise<Trainer> {
    const planned = planTraining(model, device.traits, options);
    const { optimizer = rmsprop(), seed = 0 } = options;
    const made: { close(): void }[] = [];
    const keep = <T extends { close(): void }>(one: T): T => {
      made.unshift(one);
      return one;
    };
    try {
      const variables = keep(await Variables.create(device, planned.variables, { seed, net: options.net }));
      await variables.allocate("gradient", { groups: TRAINED });
      for (const [slot, value] of Object.entries(optimizer.slots))
        await variables.allocate(`${optimizer.name}.${slot}`, { value, groups: TRAINED });
      if (isGated(options)) await variables.allocate("previous", { groups: ["state"] });
      if (options.average !== undefined) {
        await variables.allocate("average");
        variables.copy("value", "average");
      }
      const place = (variable: Variable) => variables.place(variable);
      const pass = keep(await Executable.load(device, planned.pass, place));
      const update = keep(await Executable.load(device, planned.update, place));
      return new Trainer(device, model, options, variables, planned, pass, update);
    } catch (error) {
      for (const one of made) one.close();
      throw error;
    }
  }

  /**
   * A trainer that goes on from the bytes of `save`, to the bit on the same adapter: weights, what the optimiser keeps,
   * averages, step and seed are those saved; everything else is as the options say.
   * Throws what `create` throws, FormatError where the bytes are not a saved state, WeightsError or ValueError where it
   * is of another model, optimizer or seed.
   */
  static async load(
    device: Device,
    model: Model,
    options: TrainerOptions,
    bytes: Uint8Array,
  ): Promise<Trainer> {
    const state = readState(bytes);
    if (options.seed !== undefined && options.seed !== state.seed)
      throw new ValueError(`trainer: seed is ${options.seed} but the saved state has ${state.seed}`);
    const trainer = await Trainer.create(device, model, { ...options, seed: state.seed });
    try {
      restoreState(trainer.variables, state, trainer.#optimizer.name);
    } catch (error) {
      trainer.close();
      throw error;
    }
    trainer.#step = state.step;
    trainer.#updates = state.updates;
    return trainer;
  }

  /**
   * All that `Trainer.load` needs to go on, as the bytes of a safetensors file: the weights by path, as any reader of
   * weights takes them, `<slot>:<path>` for what the optimiser and averages keep; step and seed in the metadata.
   */
  save(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#inTurn("save", () => {
      const [step, updates] = [this.#step, this.#updates];
      const { seed = 0 } = this.options;
      return saveState(this.variables, { step, updates, seed, optimizer: this.#optimizer.name });
    });
  }

  /** Steps taken so far. */
  get steps(): number {
    return this.#step;
  }

  /** Classes of the logits. Throws ValueError for a model with a loss of its own. */
  get classes(): number {
    if (this.planned.classes === undefined)
      throw new ValueError("trainer: the model has a loss of its own and no classes");
    return this.planned.classes;
  }

  /** Learning rate of the next step. */
  get rate(): number {
    return rateAt(this.#rate, this.#step);
  }

  /** A number, or a schedule over steps, from the next step on. Throws ValueError where it is no finite number of at least 0. */
  set rate(rate: number | Schedule) {
    if (typeof rate !== "function") checkRate("rate", rate);
    this.#rate = rate;
  }

  get #optimizer() {
    return this.options.optimizer ?? rmsprop();
  }

  /**
   * One step: forward, backward, update. `images` are of the shape `options.input`, in [-1, 1], and `labels` [n] class
   * numbers; a model with inputs of its own takes them by name. The values are taken before it returns, and steps that
   * are called at once run one after the other.
   * Throws ShapeError or ValueError before anything runs where inputs do not fit; NonFiniteError where the gradient's norm
   * is not finite and `onNonFinite` is "throw": the trainer is then as before the step.
   */
  step(images: FloatValues, labels: IntegerValues): Promise<StepResult>;
  step(inputs: StepInputs): Promise<StepResult>;
  async step(first: FloatValues | StepInputs, labels?: IntegerValues): Promise<StepResult> {
    this.#checkOpen("step");
    const named =
      typeof first === "object" && first !== null && !Array.isArray(first) && !ArrayBuffer.isView(first);
    const given = named
      ? (first as StepInputs)
      : { images: first as FloatValues, labels: labels as IntegerValues };
    const inputs = this.#take(given);
    return this.#inTurn("step", () => this.#run(inputs));
  }

  /** The inputs of a step, checked, and out of the caller's reach where they are read later. */
  #take(given: StepInputs): Taken {
    const { microBatches = 1 } = this.options;
    const { inputs } = this.planned;
    const unknown = Object.keys(given).find((name) => given[name] !== undefined && !inputs.has(name));
    if (unknown !== undefined)
      throw new ShapeError(`step: the model has no input ${unknown} (has ${[...inputs.keys()].join(", ")})`);
    const later = microBatches > 1 || this.#queue.busy;
    const taken = [...inputs].map(([name, input], i) => {
      const values = taking(name, input, given[name], microBatches, i === 0);
      return [name, later && values === (given[name] as unknown) ? values.slice() : values] as const;
    });
    return new Map(taken);
  }

  async #run(inputs: Taken): Promise<StepResult> {
    const { microBatches = 1, input } = this.options;
    const step = this.#step;
    const rate = this.rate;
    const gated = isGated(this.options);
    if (gated) this.variables.copy("value", "previous");
    if (microBatches > 1) this.variables.clear("gradient");
    let [loss, top1, top5] = [0, 0, 0];
    let norm: number | undefined;
    for (let part = 0; part < microBatches; part++) {
      this.#write(inputs, part);
      this.pass.run();
      const last = part === microBatches - 1;
      if (last) this.#update(rate);
      const [losses, ranks, norms] = await Promise.all([
        this.pass.read("loss"),
        this.planned.pass.outputs.has("rank") ? this.pass.readBytes("rank") : undefined,
        last && this.planned.update.outputs.has("norm") ? this.update.read("norm") : undefined,
      ]);
      loss += losses[0] / microBatches;
      norm = norms?.[0];
      if (!ranks) [top1, top5] = [NaN, NaN];
      for (const rank of new Uint32Array(ranks ?? [])) {
        if (rank < 1) top1 += 1 / input[0];
        if (rank < 5) top5 += 1 / input[0];
      }
    }
    const skipped = gated && !Number.isFinite(norm);
    if (skipped) this.variables.copy("previous", "value");
    if (skipped && this.options.onNonFinite !== "skip")
      throw new NonFiniteError(
        `step ${step}: the gradient's norm is ${norm} and the loss ${loss}; the weights are as before the step`,
      );
    this.#step++;
    if (!skipped) this.#updates++;
    return { step, loss, top1, top5, rate, ...(norm !== undefined && { norm }), ...(skipped && { skipped }) };
  }

  #write(inputs: Taken, part: number): void {
    const { microBatches = 1 } = this.options;
    for (const [name, values] of inputs) {
      const count = values.length / microBatches;
      if (this.pass.reads(name)) this.pass.write(name, values.subarray(part * count, (part + 1) * count));
    }
    this.#counter[1] = this.#step * microBatches + part;
    if (this.pass.reads("counter")) this.pass.write("counter", this.#counter);
  }

  #update(rate: number): void {
    const { average } = this.options;
    this.#scalar("rate", [rate]);
    for (const [name, values] of Object.entries(this.#optimizer.scalars?.(this.#updates + 1) ?? {}))
      this.#scalar(name, values);
    if (average !== undefined) this.#scalar("decay", [averageDecay(average, this.#updates)]);
    this.update.run();
  }

  #scalar(name: string, values: readonly number[]): void {
    if (!this.update.reads(name)) return;
    this.#scalars[name] ??= new Float32Array(values.length);
    this.#scalars[name].set(values);
    this.update.write(name, this.#scalars[name]);
  }

  /**
   * Values of the last step, of its last micro-batch: an output of the model, or what `options.outputs` names. Weights,
   * gradients and what the optimiser keeps are read by `variables.get(path, slot)`.
   * Throws ShapeError where there is none of that name, ValueError before the first step.
   */
  read(name: string): Promise<HostTensor> {
    return this.#inTurn("read", () => {
      if (this.#step === 0) throw new ValueError(`trainer: no step was taken of which to read ${name}`);
      return this.pass.readFloats(name);
    });
  }

  /**
   * The model in evaluation on this trainer's variables, with the options it is trained with; `weights` takes their
   * running average. `input` may have another number of images than a training batch. Throws as `Predictor.create` does.
   */
  predictor(options: Partial<PredictorOptions> = {}): Promise<Predictor> {
    this.#checkOpen("predictor");
    const { input, net, choose, fuse } = this.options;
    return Predictor.create(this.device, this.model, this.variables, {
      input,
      net,
      choose,
      fuse,
      ...options,
    });
  }

  /**
   * Seconds on the device of every dispatch, by phase, of the last micro-batch once more and its update, which is
   * applied. Throws ValueError before the first step, LimitError where the adapter has no timestamps.
   */
  profile(): Promise<Record<Phase, Profile>> {
    return this.#inTurn("profile", async () => {
      if (this.#step === 0) throw new ValueError("trainer: profile repeats a step but none was taken");
      if ((this.options.microBatches ?? 1) > 1) this.variables.clear("gradient");
      const pass = await this.pass.profile();
      const update = await this.update.profile();
      const of = (phase: Phase) => pass.filter(({ dispatch }) => dispatch.node.phase === phase);
      return { forward: of("forward"), backward: of("backward"), update };
    });
  }

  /** Bytes of device memory: variables with all their slots, arena, inputs. */
  get bytes(): number {
    return this.variables.bytes + this.pass.bytes + this.update.bytes;
  }

  #checkOpen(call: string): void {
    if (this.#closed) throw new ClosedError(`${call}: the trainer was closed`);
  }

  /** Runs after the calls before it; one that `close` interrupts throws ClosedError. */
  async #inTurn<T>(call: string, body: () => Promise<T>): Promise<T> {
    this.#checkOpen(call);
    try {
      return await this.#queue.run(async () => {
        this.#checkOpen(call);
        return body();
      });
    } catch (error) {
      this.#checkOpen(call);
      throw error;
    }
  }

  /** Frees its memory; calls under way and later ones throw ClosedError. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.pass.close();
    this.update.close();
    this.variables.close();
  }
}

/** One input of a step as its element type has it. */
function taking(
  name: string,
  { shape, dtype, classes }: StepInput,
  values: unknown,
  parts: number,
  first: boolean,
) {
  const whole = [shape[0] * parts, ...shape.slice(1)];
  if (dtype !== "i32" && dtype !== "u32")
    return toFloats(name, values, { shape: whole, ...(first && { range: "[-1, 1]" }) });
  const integers =
    dtype === "u32"
      ? toIntegers(name, values, { shape: whole, type: dtype })
      : toIntegers(name, values, { shape: whole });
  if (classes !== undefined) checkLabels(integers, whole[0], classes);
  return integers;
}
