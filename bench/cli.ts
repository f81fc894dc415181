#!/usr/bin/env node
// The command line. A command's options are loaded when it is named, and its work when it runs.

import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { version } from "../package.json";

interface Entry {
  readonly description: string;
  /** Adds the command's options, arguments and subcommands. */
  options(): Promise<(command: Command) => unknown>;
}

const here = fileURLToPath(import.meta.url);
/** The values that PyTorch computed, in a checkout. */
const goldens = fileURLToPath(new URL("../../tests/goldens/", import.meta.url));
const COMMANDS: Readonly<Record<string, Entry>> = {
  demo: {
    description: "train the three networks on drawn images (or --data) and compare what they cost",
    options: async () => (await import("./demo/options.ts")).demoOptions,
  },
  info: {
    description: "print adapter, driver, implementation, features, limits and the timestamp quantum",
    options: async () => (await import("./info/options.ts")).infoOptions,
  },
  models: {
    description: "list the networks and what they cost; with a name, its variables",
    options: async () => (await import("./models/options.ts")).modelsOptions,
  },
  convert: {
    description: "convert weights between the public names (OIHW) and ours (RSCO)",
    options: async () => (await import("./convert/options.ts")).convertOptions,
  },
  parity: {
    description: "one evaluation forward and one training forward and backward on given weights and images",
    options: async () => (await import("./parity/options.ts")).parityOptions,
  },
  gradcheck: {
    description: "check operations, blocks and networks, forward and every gradient, against float64",
    options: async () => {
      const { gradcheckOptions } = await import("./gradcheck/options.ts");
      return (command) => gradcheckOptions(command, goldens);
    },
  },
  tune: {
    description: "search the configurations of a kernel for the fastest correct one; read recordings",
    options: async () => (await import("./tune/options.ts")).tuneOptions,
  },
  bench: {
    description: "measure networks, layers and kernels on an adapter; alone: training steps, side by side",
    options: async () => {
      const { benchOptions } = await import("./bench/options.ts");
      return (command) => benchOptions(command, here);
    },
  },
};

const EXIT_CODES = `
Exit codes: 0 done, 1 a check failed, 2 it could not be done, 130 interrupted.`;

const program = new Command("tessera")
  .description("deep learning written by hand on WebGPU: the Inception-v4 and Inception-ResNet networks")
  .version(version)
  .enablePositionalOptions() // an option after a command belongs to the command
  .addHelpText("after", EXIT_CODES)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .configureOutput({
    outputError: (text, write) => write(`${text.trim().replaceAll("\n", " ")}; see --help\n`),
  });

const named = process.argv.slice(2).find((word) => Object.hasOwn(COMMANDS, word));
for (const [name, { description, options }] of Object.entries(COMMANDS)) {
  const command = program.command(name).description(description);
  if (name === named) (await options())(command);
}

// a reader that has seen enough, such as `head`, closes the pipe
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(process.exitCode ?? 0);
});

try {
  await program.parseAsync();
} catch (error) {
  const { name, message, stack } = error as Error;
  console.error(Number(process.env.DEBUG) >= 1 ? stack : `${name}: ${message}`);
  if (process.exitCode !== 130) process.exitCode = 2;
}
