import { type Command, InvalidArgumentError } from "commander";
import { WRITERS } from "../outputs/writers.ts";
import { bytes, positive, whole } from "./arguments.ts";
import { addCompare, addPeers, addRerun } from "./bench_compare.ts";
import { addKernels, addRoofline } from "./bench_kernels.ts";
import { layersOf, memoryNeeds, NETWORKS, steps } from "./bench_networks.ts";

/** Adds `bench`, which measures networks, layers and kernels on an adapter; `cli` is the path under which it is started again. */
export function addBench(program: Command, cli: string): void {
  const bench = program
    .command("bench")
    .enablePositionalOptions()
    .argument("[network...]", "networks by name (default: the three of the paper)")
    .description("measure networks, layers and kernels on an adapter; alone: training steps, side by side");
  measuring(bench).action((networks, options) =>
    steps("train", networks.length > 0 ? networks : NETWORKS, options),
  );
  for (const add of PARTS) add(bench);
  addRerun(bench, cli);
}

/** The subcommands. */
const PARTS: readonly ((bench: Command) => void)[] = [
  addSteps,
  addLayers,
  addMemory,
  addKernels,
  addRoofline,
  addCompare,
  addPeers,
];

function addSteps(bench: Command): void {
  const list = ["<network...>", "networks by name, or all"] as const;
  measuring(bench.command("step").argument(...list))
    .description(
      "training steps: time by phase, first step, processor time, memory, and whether they are right",
    )
    .action((networks, options) => steps("train", networks, options));
  measuring(bench.command("infer").argument(...list))
    .description("evaluation: the same of a forward pass with running statistics")
    .action((networks, options) => steps("infer", networks, options));
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
    .action((network, layer, options) => layersOf(network, layer, options));
}

function addMemory(bench: Command): void {
  sized(bench.command("memory").argument("<network...>", "networks by name, or all"))
    .description("what a step takes in device memory, what holds the peak, the largest batch; nothing is run")
    .option("--infer", "of evaluation")
    .action((networks, options) => memoryNeeds(networks, options));
}

/** What is measured, and what is written. */
function sized(command: Command): Command {
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
  for (const { name, description } of WRITERS)
    command.option(`--${name} [file]`, `write ${description} (stdout without a file, or with -)`);
  return command;
}

/** And for how long. */
function measuring(command: Command): Command {
  return sized(command)
    .option("--time <seconds>", "of steady steps, of each network (default: 20)", positive)
    .option("--samples <n>", "steady steps, instead", whole(1))
    .option("--precision <share>", "of the median at which it is known (default: 0.03)", precise)
    .option("--no-validate", "do not compare with plain kernels: no row is then valid");
}

function precise(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError("not between 0 and 1.");
  return value;
}
