import type { Command } from "commander";
import { positive, withAdapter, withJson } from "../command_line/arguments.ts";

export const parityOptions = (command: Command): Command =>
  withAdapter(withJson(command))
    .requiredOption("--model <name>", "network")
    .option("--variant <variant>", "its variant", "paper")
    .requiredOption("--weights <file>", "safetensors: our names or the public ones, RSCO or OIHW")
    .requiredOption("--batch <file>", "safetensors: images [n,h,w,3] float32 in [-1,1], labels [n] int32")
    .requiredOption("--out <file>", "safetensors file to write")
    .option("--width <factor>", "width multiplier (default: read from the weights)", positive)
    .action(async (options) => (await import("./parity.ts")).parity(options));
