import { type Command, Option } from "commander";
import type { Tunables } from "../../engine/gradcheck/index.ts";
import { whole, withAdapter, withJson } from "../command_line/arguments.ts";

const TUNABLES: readonly Tunables[] = ["default", "tuned", "each", "all"];

/** `goldens`: the folder of the values that PyTorch computed. */
export function gradcheckOptions(command: Command, goldens: string): void {
  withAdapter(withJson(command))
    .argument(
      "[subject...]",
      "operations, blocks, networks, one of these by name, or a .js module that exports operations (default: all)",
    )
    .option("--fuzz <n>", "random problems of each operation", whole(0), 60)
    .addOption(
      new Option("--tunables <which>", "values of the kernels' tunables").choices(TUNABLES).default("tuned"),
    )
    .option("--seed <n>", "seed of values and random problems", whole(0), 1)
    .option("--mutants [n]", "also put faults into the kernels: all, or at most n in each", whole(1))
    .option("--out <file>", "write the result as JSON")
    .option("--html <file>", "write a page with every figure and a map of each failure's errors")
    .action(async (subjects, options) =>
      (await import("./gradcheck.ts")).runGradcheck(subjects, { ...options, goldens }),
    );
  withAdapter(withJson(command.command("repro")))
    .description("run one case again, as a failure prints it")
    .argument("<case>", "the case as JSON")
    .action(async (text, options) => (await import("./gradcheck.ts")).reproCase(text, options));
}
