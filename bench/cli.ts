#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { Command, Option } from "commander";
import { verbosity } from "../engine/device/device.ts";
import { TUNABLES } from "../engine/gradcheck/index.ts";
import { addBench } from "./bench/options.ts";
import { bytes, positive, whole } from "./command_line/arguments.ts";
import { convert } from "./convert/convert.ts";
import { demo } from "./demo/demo.ts";
import { gradcheck, repro } from "./gradcheck/gradcheck.ts";
import { info } from "./info/info.ts";
import { models } from "./models/models.ts";
import { parity } from "./parity/parity.ts";
import { addTune } from "./tune/options.ts";

const program = new Command("tessera")
  .description("deep learning written by hand on WebGPU: the Inception-v4 and Inception-ResNet networks")
  .enablePositionalOptions() // what follows a command is that command's
  .showHelpAfterError("(see --help)");
const adapter = [
  "--adapter <name>",
  "part of the adapter's name: llvmpipe, swiftshader, nvidia ...",
] as const;

program
  .command("demo")
  .description("train the three networks on drawn images (or --data) and compare what they cost")
  .option("--data <dir>", "your own images, a folder per class")
  .option("--image <pixels>", "image side (default: fits the adapter)", whole(75))
  .option("--batch <n>", "images a step (default: fits the adapter)", whole(1))
  .option("--steps <n>", "steps of each network (default: fits the adapter)", whole(1))
  .option("--rate <lr>", "learning rate", positive)
  .option(
    "--memory <bytes>",
    "device memory to keep to, such as 2GiB, for which more is computed twice",
    bytes,
  )
  .option("--seed <n>", "seed of weights and shuffling", whole(0), 0)
  .option("--tuning-table <file>", "table of algorithms and tunables, as `tune step` writes them")
  .option(...adapter)
  .action((options) => demo(options));

program
  .command("info")
  .description("print adapter, driver, implementation, features, limits and the timestamp quantum")
  .option("--json", "as JSON")
  .option(...adapter)
  .action((options) => info(options));

program
  .command("models [name]")
  .description("list the networks and what they cost; with a name, its tensors")
  .option("--json", "as JSON")
  .option("--variant <variant>", "variant of the named network")
  .option("--image <pixels>", "image side", whole(75), 299)
  .option("--classes <n>", "classes", whole(1), 1000)
  .action((name, options) => models(name, options));

program
  .command("convert")
  .description("convert weights between the public names (OIHW) and ours (RSCO)")
  .requiredOption("--model <name>", "network the weights are of")
  .option("--variant <variant>", "its variant", "paper")
  .option("--to <naming>", "tessera or public (default: tessera, or public if they are ours already)")
  .option("--layout <layout>", "RSCO or OIHW (default: tessera RSCO, public OIHW)")
  .option("--width <factor>", "width multiplier (default: read off the weights)", positive)
  .argument("<input>", "safetensors file to read")
  .argument("<output>", "safetensors file to write")
  .action((input, output, options) => convert({ ...options, input, output }));

program
  .command("parity")
  .description("one evaluation forward and one training forward and backward on given weights and images")
  .requiredOption("--model <name>", "network")
  .option("--variant <variant>", "its variant", "paper")
  .requiredOption("--weights <file>", "safetensors: our names or the public ones, RSCO or OIHW")
  .requiredOption("--batch <file>", "safetensors: images [n,h,w,3] float32 in [-1,1], labels [n] int32")
  .requiredOption("--out <file>", "safetensors to write")
  .option("--width <factor>", "width multiplier (default: read off the weights)", positive)
  .option(...adapter)
  .action((options) => parity(options));

/** What PyTorch computed, in a checkout. */
const goldens = fileURLToPath(new URL("../../tests/goldens/", import.meta.url));
const check = program
  .command("gradcheck")
  .description("check operations, blocks and networks, forward and every gradient, against float64")
  .argument(
    "[subject...]",
    "operations, blocks, networks, one of these by name, or a .js module that exports operations (default: all)",
  )
  .option("--fuzz <n>", "random problems of each operation", whole(0), 60)
  .addOption(
    new Option("--tunables <which>", "settings of the kernels' tunables")
      .choices(Object.keys(TUNABLES))
      .default("tuned"),
  )
  .option("--seed <n>", "seed of values and random problems", whole(0), 1)
  .option("--mutants [n]", "also seed faults in the kernels, all or at most n a kernel", whole(1))
  .option("--json", "as JSON")
  .option("--html <file>", "write a page with every figure, and a map of the errors of what failed")
  .option(...adapter)
  .action((subjects, options) => gradcheck(subjects, { ...options, goldens }));
check
  .command("repro <case>")
  .description("run one case again, as a failure prints it")
  .option(...adapter)
  .action((text, options) => repro(text, options));

addTune(program);
addBench(program, fileURLToPath(import.meta.url));

try {
  await program.parseAsync();
} catch (error) {
  const { name, message, stack } = error as Error;
  console.error(verbosity() >= 1 ? stack : `${name}: ${message}`);
  process.exitCode ||= 1;
}
