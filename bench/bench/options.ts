import { type Command, InvalidArgumentError } from "commander";
import { bytes, positive, whole } from "../command_line/arguments.ts";
import { addCompare, addPeers, addRerun } from "./compare.ts";
import { addKernels } from "./kernels.ts";
import { layersOf, memoryNeeds, NETWORKS, rooflineOf, steps } from "./networks.ts";
import { WRITERS } from "./outputs/writers.ts";
import { writing } from "./result_files.ts";

/** Adds `bench`, which measures networks, layers and kernels on an adapter; `cli` is the path under which it is started again. */
export function addBench(program: Command, cli: string): void {
  const bench = program
    .command("bench")
    .enablePositionalOptions()
    .argument("[network...]", "networks by name (default: the three of the paper)")
    .description("measure networks, layers and kernels on an adapter; alone: training steps, side by side");
  measuring(bench).action((networks, options, command) =>
    steps("train", networks.length > 0 ? networks : NETWORKS, options, command),
  );
  for (const add of PARTS) add(bench);
  addRerun(bench, cli);
}

/** The subcommands. */
const PARTS: readonly ((bench: Command) => void)[] = [
  addSteps,
  addLayers,
  addMemory,
  addRoofline,
  addKernels,
  addCompare,
  addPeers,
];

function addSteps(bench: Command): void {
  const list = ["<network...>", "networks by name, or all"] as const;
  measuring(bench.command("step").argument(...list))
    .description(
      "training steps: time by phase, first step, processor time, memory, and whether they are right",
    )
    .action((networks, options, command) => steps("train", networks, options, command));
  measuring(bench.command("infer").argument(...list))
    .description("evaluation: the same of a forward pass with running statistics")
    .action((networks, options, command) => steps("infer", networks, options, command));
}

function addLayers(bench: Command): void {
  measuring(
    bench
      .command("layers")
      .argument("<network>", "network by name")
      .argument("[layer]", "only this block or layer, such as inception_a_1 or inception_a_1/branch_2/2"),
  )
    .description("what blocks and layers cost, forward and backward")
    .option("--top <n>", "layers that are listed", whole(1), 20)
    .option("--infer", "of evaluation")
    .action((network, layer, options, command) => layersOf(network, layer, options, command));
}

function addRoofline(bench: Command): void {
  measuring(bench.command("roofline").argument("[network]", "network by name", "inception-v4"))
    .description("what the adapter can do at most, and how far the kernels of a step are from it")
    .option("--top <n>", "kernels that are listed, those that lose most time to the roofs", whole(1), 8)
    .option("--profiles <n>", "times that every launch is timed (default: 3)", whole(1))
    .option("--infer", "of evaluation")
    .action((network, options, command) => rooflineOf(network, options, command));
}

function addMemory(bench: Command): void {
  writing(
    sized(bench.command("memory").argument("<network...>", "networks by name, or all")),
    WRITERS.filter(({ steps }) => !steps),
  )
    .description("what a step takes in device memory, what holds the peak, the largest batch; nothing is run")
    .option("--infer", "of evaluation")
    .action((networks, options, command) => memoryNeeds(networks, options, command));
}

/** What is measured. */
const sized = (command: Command): Command =>
  command
    .option("--variant <variant>", "variant of the networks", "paper")
    .option("--image <pixels>", "image side", whole(75), 299)
    .option("--batch <n>", "images a step", whole(1))
    .option("--fit", "take the largest batch that fits, if that is smaller or none is given")
    .option(
      "--memory <bytes>",
      "device memory there is, such as 16GiB, where the adapter does not tell",
      bytes,
    )
    .option("--width <factor>", "width multiplier", positive, 1)
    .option("--seed <n>", "seed of weights and images", whole(0), 0)
    .option("--adapter <name>", "part of the adapter's name: llvmpipe, swiftshader, nvidia ...");

/** And for how long, and what is written. */
const measuring = (command: Command): Command =>
  writing(
    sized(command)
      .option("--time <seconds>", "of steady steps, of each network (default: 20)", positive)
      .option("--samples <n>", "steady steps, instead", whole(1))
      .option("--precision <share>", "of the median at which it is known (default: 0.03)", precise)
      .option("--no-validate", "do not compare with plain kernels: no row is then valid"),
  );

function precise(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError("not between 0 and 1.");
  return value;
}
