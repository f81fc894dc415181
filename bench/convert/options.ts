import { type Command, Option } from "commander";
import { positive, withJson } from "../command_line/arguments.ts";

export const convertOptions = (command: Command): Command =>
  withJson(command)
    .requiredOption("--model <name>", "network of the weights")
    .option("--variant <variant>", "its variant", "paper")
    .addOption(
      new Option("--to <naming>", "names to write (default: tessera; public if the input has ours)").choices([
        "tessera",
        "public",
      ]),
    )
    .addOption(
      new Option("--layout <layout>", "of filters (default: RSCO for tessera, OIHW for public)").choices([
        "RSCO",
        "OIHW",
      ]),
    )
    .option("--width <factor>", "width multiplier (default: read from the weights)", positive)
    .argument("<input>", "safetensors file to read")
    .argument("<output>", "safetensors file to write")
    .action(async (input, output, options) =>
      (await import("./convert.ts")).convert({ ...options, input, output }),
    );
