import type { Command } from "commander";
import { whole, withJson } from "../command_line/arguments.ts";

export const modelsOptions = (command: Command): Command =>
  withJson(command)
    .argument("[name]", "network whose variables are listed")
    .option("--variant <variant>", "variant of that network")
    .option("--image <pixels>", "image side", whole(75), 299)
    .option("--classes <n>", "classes", whole(1), 1000)
    .action(async (name, options) => (await import("./models.ts")).models(name, options));
