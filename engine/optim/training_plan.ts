import { clipFactor, type DType, type Shape, sum, weightAverage } from "../../kernels/index.ts";
import type { Traits } from "../device/traits.ts";
import { ValueError } from "../errors.ts";
import { Graph, type Tensor } from "../graph/graph.ts";
import { type Model, parameterGradients, trace } from "../nn/model.ts";
import type { Net, VariableSpec } from "../nn/net.ts";
import { matches } from "../nn/net_options.ts";
import { type Bank, layOutBanks, TRAINED } from "../nn/variables.ts";
import { type Plan, plan } from "../plan/plan.ts";
import { type Optimizer, rmsprop } from "./optimizers.ts";
import { checkTrainerOptions, type TrainerOptions } from "./options.ts";

/** What a caller gives with a step: its shape in a micro-batch, and the number of classes where it holds labels. */
export interface StepInput {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly classes?: number;
}

/** A training step as plans, before any device has seen it. */
export interface TrainingPlan {
  readonly variables: ReadonlyMap<string, VariableSpec>;
  /** By name, the model's first input first. */
  readonly inputs: ReadonlyMap<string, StepInput>;
  /** Classes of the logits; undefined for a loss of the model's own. */
  readonly classes: number | undefined;
  /** Forward and backward over a micro-batch. */
  readonly pass: Plan;
  /** The gradient's norm, clipping, the optimiser, running averages. */
  readonly update: Plan;
  /** Bytes of all that is kept between steps: parameters, their gradients, what the optimiser keeps, statistics. */
  readonly variableBytes: number;
}

/** Whether an update is left out where the gradient's norm is not finite. */
export const isGated = ({ onNonFinite = "throw" }: TrainerOptions): boolean => onNonFinite !== "continue";

/** Traces a model and plans its training step for an adapter. Throws as `Trainer.create` does. */
export function planTraining(model: Model, adapter: Traits, options: TrainerOptions): TrainingPlan {
  checkTrainerOptions(options);
  const traits = { ...adapter, tuningTable: options.tuningTable ?? adapter.tuningTable };
  const { input, optimizer = rmsprop(), microBatches = 1 } = options;
  const [n, ...rest] = input;
  const shape = [n / microBatches, ...rest];
  const netOptions = { ...options.net, freeze: options.freeze, training: true };
  const { net, loss, rank, classes, outputs: read } = trace(model, shape, netOptions, options);
  checkFrozen(net, options.freeze);
  const outputs = { ...read, loss, ...(rank && { rank }) };
  const into = parameterGradients(net, loss, 1 / microBatches);
  const { banks } = layOutBanks(net.variables, traits);
  const update = traceUpdate(banks, optimizer, options);
  const updatePlan = plan(update.graph, traits, { outputs: update.outputs, choose: options.choose });
  const kept = bytesOf(banks, optimizer, options);
  const reserved = updatePlan.memory().total + kept;
  const pass = plan(net.graph, traits, {
    outputs,
    into,
    accumulate: microBatches > 1,
    choose: options.choose,
    fuse: options.fuse,
    memory: options.memory === undefined ? undefined : { most: options.memory, reserved },
  });
  const inputs = new Map(
    [...net.graph.inputs.values()]
      .filter((tensor) => tensor !== net.counter)
      .map(({ label, shape, dtype }) => [label, { shape, dtype, classes: net.classes.get(label) }]),
  );
  return { variables: net.variables, inputs, classes, pass, update: updatePlan, variableBytes: kept };
}

/** Throws ValueError where a pattern freezes nothing. */
function checkFrozen(net: Net, patterns: TrainerOptions["freeze"] = []): void {
  const paths = [...net.variables.keys()];
  const idle = patterns.find((pattern) => !paths.some((path) => matches(pattern, path)));
  if (idle !== undefined)
    throw new ValueError(
      `trainer: freeze: no variable matches ${idle} (such as ${paths.slice(0, 3).join(", ")})`,
    );
}

function bytesOf(banks: readonly Bank[], optimizer: Optimizer, options: TrainerOptions): number {
  const slots = options.average === undefined ? 1 : 2;
  const trained = slots + 1 + Object.keys(optimizer.slots).length; // its gradient too
  const state = slots + (isGated(options) ? 1 : 0); // and its values before the step
  const held = { decayed: trained, plain: trained, state, frozen: slots };
  return banks.reduce((sum, { count, group }) => sum + 4 * count * held[group], 0);
}

const UPDATE = { phase: "update" } as const;
const flat = (graph: Graph, { path, count }: Bank, slot: string) => graph.variable(path, [count], slot);

/** The update of all banks: the gradient's norm, clipping, the optimiser, running averages. */
function traceUpdate(banks: readonly Bank[], optimizer: Optimizer, options: TrainerOptions) {
  const graph = new Graph();
  const trained = banks.filter(({ group }) => TRAINED.includes(group));
  if ((isGated(options) || options.clip !== undefined) && !optimizer.op.inputs.includes("factor"))
    throw new ValueError(
      `trainer: ${optimizer.op.name} has no input factor, which clipping and onNonFinite ${options.onNonFinite ?? "throw"} need`,
    );
  const { norm, factor } = traceNorm(graph, trained, options);
  const rate = graph.input("rate", [1]);
  const scalars = Object.fromEntries(
    Object.entries(optimizer.scalars?.(1) ?? {}).map(([name, values]) => [
      name,
      graph.input(name, [values.length]),
    ]),
  );
  for (const bank of trained) {
    const slots = Object.fromEntries(
      Object.keys(optimizer.slots).map((slot) => [slot, flat(graph, bank, `${optimizer.name}.${slot}`)]),
    );
    const w = flat(graph, bank, "value");
    const all = { w, g: flat(graph, bank, "gradient"), ...slots, rate, factor, ...scalars };
    const inputs = Object.fromEntries(
      Object.entries(all).filter(([name]) => optimizer.op.inputs.includes(name)),
    );
    const label = `${bank.path} ${optimizer.name}`;
    graph.apply(optimizer.op, inputs, optimizer.attrs(bank.group === "decayed"), { ...UPDATE, label });
  }
  if (options.average !== undefined) {
    const decay = graph.input("decay", [1]);
    for (const bank of banks.filter(({ group }) => group !== "frozen")) {
      const inputs = { average: flat(graph, bank, "average"), w: flat(graph, bank, "value"), decay, factor };
      graph.apply(weightAverage, inputs, {}, { ...UPDATE, label: `${bank.path} average` });
    }
  }
  const outputs: Record<string, Tensor> = norm ? { norm } : {};
  return { graph, outputs };
}

/** The global norm of the gradient, and what the update multiplies it by: below 0 it leaves everything as it is. */
function traceNorm(
  graph: Graph,
  trained: readonly Bank[],
  options: TrainerOptions,
): { norm?: Tensor; factor?: Tensor } {
  const { clip } = options;
  const gate = isGated(options);
  if (clip === undefined && !gate) return {};
  let squares: Tensor | undefined;
  for (const bank of trained) {
    const onto: Record<string, Tensor> = squares ? { y: squares } : {};
    const label = `${bank.path} squares`;
    const x = flat(graph, bank, "gradient");
    squares = graph.apply(sum, { x }, { squares: true }, { ...UPDATE, label, onto }).y;
  }
  return graph.apply(
    clipFactor,
    { squares },
    { ...(clip !== undefined && { limit: clip }), gate },
    { ...UPDATE, label: "clip" },
  );
}
