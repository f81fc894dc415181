import type { Command } from "commander";
import { parseBytes, positive, whole, withAdapter } from "../command_line/arguments.ts";

export const demoOptions = (command: Command): Command =>
  withAdapter(command)
    .option("--data <dir>", "your own images, in a folder for each class")
    .option("--image <pixels>", "image side (default: fits the adapter)", whole(75))
    .option("--batch <n>", "images in a step (default: fits the adapter)", whole(1))
    .option("--steps <n>", "steps of each network (default: fits the adapter)", whole(1))
    .option("--rate <lr>", "learning rate", positive)
    .option(
      "--memory <bytes>",
      "limit of device memory, such as 2GiB; activations are recomputed to keep it",
      parseBytes,
    )
    .option("--seed <n>", "seed of weights and shuffling", whole(0), 0)
    .option("--tuning-table <file>", "table of algorithms and tunables, as `tune step` writes them")
    .action(async (options) => (await import("./demo.ts")).demo(options));
