import { type Command, InvalidArgumentError, Option } from "commander";
import { VERDICT_DEFAULTS } from "../../engine/statistics/ratio.ts";
import { parseBytes, parseShare, positive, whole, withAdapter, withJson } from "../command_line/arguments.ts";
import { FORMATS, PLANNED, withResult } from "./result_files.ts";

/** Options of `bench`, which measures networks, layers and kernels on an adapter. `program`: path of the command line. */
export function benchOptions(bench: Command, program: string): void {
  measured(bench.enablePositionalOptions())
    .argument("[network...]", "networks by name (default: the three of the paper)")
    .action(async (networks, options, command) =>
      (await import("./networks.ts")).steps("train", networks, options, command),
    );
  for (const add of [addSteps, addLayers, addMemory, addRoofline, addKernels, addCompare]) add(bench);
  addRerun(bench, program);
  addPeers(bench);
}

function addSteps(bench: Command): void {
  const list = ["<network...>", "networks by name, or all"] as const;
  measured(bench.command("step").argument(...list))
    .description(
      "training steps: time by phase, first step, processor time, memory, and whether they are right",
    )
    .action(async (networks, options, command) =>
      (await import("./networks.ts")).steps("train", networks, options, command),
    );
  measured(bench.command("infer").argument(...list))
    .description("evaluation: the same of a forward pass with running statistics")
    .action(async (networks, options, command) =>
      (await import("./networks.ts")).steps("infer", networks, options, command),
    );
}

function addLayers(bench: Command): void {
  measured(
    bench
      .command("layers")
      .argument("<network>", "network by name")
      .argument("[layer]", "only this block or layer, such as inception_a_1 or inception_a_1/branch_2/2"),
  )
    .description("time of blocks and layers, forward and backward")
    .option("--top <n>", "layers to list", whole(1), 20)
    .option("--infer", "of evaluation")
    .action(async (network, layer, options, command) =>
      (await import("./networks.ts")).layersOf(network, layer, options, command),
    );
}

function addRoofline(bench: Command): void {
  measured(bench.command("roofline").argument("[network]", "network by name", "inception-v4"))
    .description("the adapter's peak rates, and how far the kernels of a step are from them")
    .option("--top <n>", "kernels to list, those that lose the most time first", whole(1), 8)
    .option("--profiles <n>", "times that every launch is timed (default: 3)", whole(1))
    .option("--infer", "of evaluation")
    .action(async (network, options, command) =>
      (await import("./networks.ts")).rooflineOf(network, options, command),
    );
}

function addMemory(bench: Command): void {
  withResult(sized(bench.command("memory").argument("<network...>", "networks by name, or all")), PLANNED)
    .description("device memory of a step, what holds the peak, the largest batch; nothing is run")
    .option("--infer", "of evaluation")
    .action(async (networks, options, command) =>
      (await import("./networks.ts")).memoryNeeds(networks, options, command),
    );
}

/** What is measured. */
const sized = (command: Command): Command =>
  withAdapter(command)
    .option("--variant <variant>", "variant of the networks", "paper")
    .option("--image <pixels>", "image side", whole(75), 299)
    .option("--batch <n>", "images in a step", whole(1))
    .option("--fit", "take the largest batch that fits, if none or a larger one is given")
    .option("--memory <bytes>", "device memory, such as 16GiB, if the adapter does not report it", parseBytes)
    .option("--width <factor>", "width multiplier", positive, 1)
    .option("--seed <n>", "seed of weights and images", whole(0), 0);

/** And for how long, and where the result goes. */
const measured = (command: Command): Command =>
  withResult(
    sized(command)
      .option("--time <seconds>", "time for steady steps of each network (default: 20)", positive)
      .option("--samples <n>", "number of steady steps instead", whole(1))
      .option("--precision <share>", "stop when the median is known to this share (default: 0.03)", precise)
      .option("--no-validate", "do not compare with plain kernels: no row is then valid"),
    FORMATS,
  );

function precise(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError("a number between 0 and 1 is expected.");
  return value;
}

const json = (text: string) => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidArgumentError(`JSON is expected: ${(cause as Error).message}`);
  }
};

/** `kernels`: every algorithm of routines, on the problems of a network or on given ones. */
function addKernels(bench: Command): void {
  withResult(withAdapter(bench.command("kernels")), PLANNED)
    .description("time every algorithm of operations alone, on the costliest problems of a training step")
    .argument("[op...]", "operations, or routines such as conv2d_moments/w (default: all of the step)")
    .option("--model <name>", "network whose training step it is", "inception-v4")
    .option("--variant <variant>", "variant of the network")
    .option("--image <pixels>", "image side", whole(75), 299)
    .option("--batch <n>", "images in a step", whole(1), 1)
    .option("--top <n>", "problems of the network, those of most FLOPs first", whole(1), 8)
    .option("--shapes <json>", "shapes of the inputs of one operation, instead of a network's", json)
    .option("--attrs <json>", "its attributes (default: of its first case)", json)
    .option("--algorithm <name...>", "only these algorithms")
    .option("--tune <json>", "values of tunables (default: from the adapter's tuning tables)", json)
    .option("--no-verify", "time without checking results")
    .option("--roofs", "measure the adapter's peak rates too, and how far each kernel is from them")
    .option("--samples <n>", "samples of each kernel", whole(3))
    .option("--time <seconds>", "most seconds for each kernel", positive)
    .action(async (wanted, options, command) =>
      (await import("./kernels.ts")).kernels(wanted, options, command),
    );
}

const EXIT_CODES = `
Verdicts, of the time of B divided by that of A:
  SAME     its interval is within the tolerance
  FASTER   its interval is below 1, and the ratio is below the tolerance
  SLOWER   its interval is above 1, and the ratio is above the tolerance
  UNCLEAR  anything else
Builds: FASTER or SLOWER was found by two pairs of processes; --time is for each.
Exit codes: 0 nothing is slower, 1 something is SLOWER, 2 it could not be compared,
  3 something is UNCLEAR and --strict is given, 130 interrupted.`;

/** What a verdict needs. */
function withVerdict(command: Command): Command {
  const percent = (text: string) => {
    const value = Number(text);
    if (!(value > 0 && value < 100))
      throw new InvalidArgumentError("a percentage above 0 and below 100 is expected.");
    return value / 100;
  };
  return withJson(command)
    .addOption(
      new Option("--tolerance <percent>", "difference that still counts as SAME")
        .argParser(percent)
        .default(VERDICT_DEFAULTS.tolerance, "3"),
    )
    .option(
      "--confidence <share>",
      "that all intervals hold together",
      parseShare(0.5),
      VERDICT_DEFAULTS.confidence,
    )
    .option("--strict", "exit with 3 if something is UNCLEAR")
    .addHelpText("after", EXIT_CODES);
}

/** `compare`: two results, or two builds that take turns. */
function addCompare(bench: Command): void {
  withAdapter(withVerdict(bench.command("compare")))
    .description("compare two results, or two builds (dist folders) that are measured in turns")
    .argument("<a>", "result (.json), or folder of a build")
    .argument("<b>", "what is compared with it, of the same kind")
    .option("--out <file>", "write the comparison as JSON")
    .option(
      "--kernels <names...>",
      "builds: only kernels of these operations or routines (default: all of a step)",
    )
    .option("--most <n>", "builds: this many kernels, those with the most operations first", whole(1), 3)
    .option("--step <network>", "builds: the training step of a network instead")
    .option("--network <network>", "builds: whose kernels", "inception-v4")
    .option("--variant <variant>", "builds: variant of the network", "paper")
    .option("--image <pixels>", "builds: image side", whole(75), 75)
    .option("--batch <n>", "builds: images in a step", whole(1), 1)
    .option("--time <seconds>", "builds: stop measuring after this time", positive, 120)
    .addOption(
      new Option(
        "--clock <clock>",
        "builds: what is compared; cpu, processor seconds, is for software adapters on busy machines",
      )
        .choices(["device", "cpu"])
        .default("device"),
    )
    .option("--seed <n>", "of the bootstrap", whole(0), VERDICT_DEFAULTS.seed)
    .action(async (a, b, options) => (await import("./compare.ts")).compare(a, b, options));
}

/** `rerun`: the command of a result once more, and both compared. */
function addRerun(bench: Command, program: string): void {
  withVerdict(bench.command("rerun"))
    .description("run the command of a result again, on its adapter, and compare the two")
    .argument("<result>", "result (.json)")
    .option("--out <file>", "write the new result")
    .action(async (path, options) => (await import("./rerun.ts")).rerun(path, options, program));
}

/** `peers`: other engines on the same adapter, in the same run. */
function addPeers(bench: Command): void {
  withAdapter(withJson(bench.command("peers")))
    .description("TF.js, ONNX Runtime and jax-js next to this engine, on the same adapter in the same run")
    .option("--net <network>", "network", "inception-v4")
    .option("--image <pixels>", "image side", whole(75), 299)
    .option("--batch <n>", "images in a step", whole(1), 1)
    .option("--steps <n>", "warm runs of each, after the first", whole(1), 2)
    .option("--engines <list>", "of tessera, tfjs, onnxruntime, jax", "tessera,tfjs,jax")
    .option("--forward-only", "evaluation alone, no training step")
    .option("--layers", "single convolutions, forward and both gradients, instead of a network")
    .option("--repeat <n>", "with --layers: runs between two waits for the device", whole(1), 4)
    .option("--apart", "run each engine to its end before the next starts")
    .option("--out <file>", "write the result as JSON, with every single time")
    .action(async (options) => (await import("./peers.ts")).peers(options));
}
