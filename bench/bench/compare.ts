// `bench compare`, `bench rerun` and `bench peers`: what is measured beside something else.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Presets, SingleBar } from "cli-progress";
import { type Command, InvalidArgumentError, Option } from "commander";
import { Device } from "../../engine/device/device.ts";
import { FormatError, NoAdapterError, ValueError } from "../../engine/errors.ts";
import { find } from "../../models/index.ts";
import { positive, share, whole } from "../command_line/arguments.ts";
import { writeOut } from "../command_line/files.ts";
import { interruptible } from "../command_line/interrupt.ts";
import { type Comparison, compareBuilds, compareResults, exitCodeOf } from "../measure/compare.ts";
import { readResult } from "../measure/read_result.ts";
import type { Host } from "../measure/result.ts";
import { MOST_ROUNDS } from "../measure/turns.ts";
import { DEFAULTS } from "../measure/verdict.ts";
import { comparisonText } from "./outputs/comparison.ts";
import { OUTPUTS } from "./result_files.ts";

const EXIT_CODES = `
Verdicts, of the time of B over that of A:
  SAME     its interval lies within the tolerance
  FASTER   its interval lies below 1, and itself below the tolerance
  SLOWER   its interval lies above 1, and itself above the tolerance
  UNCLEAR  anything else
Builds: what is FASTER or SLOWER has been found so by two pairs of processes; --time is of each.
Exit codes: 0 nothing is slower, 1 something is SLOWER, 2 it could not be compared,
  3 something is UNCLEAR and --strict is given, 130 interrupted.`;

interface VerdictFlags {
  readonly tolerance: number;
  readonly confidence: number;
  readonly strict?: boolean;
  readonly json?: string;
}

interface CompareFlags extends VerdictFlags {
  readonly kernels?: readonly string[];
  readonly most: number;
  readonly step?: string;
  readonly network: string;
  readonly variant: string;
  readonly image: number;
  readonly batch: number;
  readonly time: number;
  readonly clock: "device" | "cpu";
  readonly seed: number;
  readonly adapter?: string;
}

/** What a verdict needs; a command with other errors than its own exit code 1 ends with 2 on them. */
function judging(command: Command): Command {
  const percent = (text: string) => {
    const value = Number(text);
    if (!(value > 0 && value < 100))
      throw new InvalidArgumentError("not a percentage above 0 and below 100.");
    return value / 100;
  };
  return command
    .addOption(
      new Option("--tolerance <percent>", "by which SAME may differ")
        .argParser(percent)
        .default(DEFAULTS.tolerance, "3"),
    )
    .option(
      "--confidence <share>",
      "of comparisons whose intervals all hold",
      share(0.5),
      DEFAULTS.confidence,
    )
    .option("--strict", "exit with 3 where something is UNCLEAR")
    .option("--json <file>", "write the comparison as JSON (- is stdout)")
    .addHelpText("after", EXIT_CODES)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
}

/** Runs what ends with 0, 1 or 3 by itself: on errors the exit code is 2. */
const judged = (body: () => Promise<void>): Promise<void> =>
  body().catch((error) => {
    process.exitCode = 2;
    throw error;
  });

/** Adds `compare`: two results, or two builds that take turns. */
export function addCompare(bench: Command): void {
  judging(bench.command("compare"))
    .description("compare two results, or two builds (dist folders) that are measured in turns")
    .argument("<a>", "result (.json), or folder of a build")
    .argument("<b>", "what is compared with it, of the same kind")
    .option(
      "--kernels <names...>",
      "builds: only kernels of these operations or routines (default: all of a step)",
    )
    .option("--most <n>", "builds: so many kernels, those with the most operations", whole(1), 3)
    .option("--step <network>", "builds: the training step of a network instead")
    .option("--network <network>", "builds: whose kernels", "inception-v4")
    .option("--variant <variant>", "builds: variant of the network", "paper")
    .option("--image <pixels>", "builds: image side", whole(75), 75)
    .option("--batch <n>", "builds: images a step", whole(1), 1)
    .option("--time <seconds>", "builds: after which no more is measured", positive, 120)
    .addOption(
      new Option(
        "--clock <clock>",
        "builds: what is compared; cpu, processor seconds, is for software adapters on busy machines",
      )
        .choices(["device", "cpu"])
        .default("device"),
    )
    .option("--seed <n>", "of the bootstrap", whole(0), DEFAULTS.seed)
    .option("--adapter <name>", "builds: part of the adapter's name: llvmpipe, swiftshader, nvidia ...")
    .action((a, b, options) => judged(() => compare(a, b, options)));
}

async function compare(a: string, b: string, options: CompareFlags): Promise<void> {
  const [first, second] = [a, b].map(isFolder);
  if (first !== second)
    throw new ValueError(
      `compare: ${first ? a : b} is the folder of a build but ${first ? b : a} is a file: two of a kind are expected`,
    );
  if (!first)
    return finish(compareResults(await readResult(a), await readResult(b), [a, b], options), options);
  if (options.step && options.kernels)
    throw new ValueError(`compare: --step ${options.step} and --kernels are given but one is expected`);
  const { name: network, variant } = find(options.step ?? options.network, options.variant);
  const { image, batch, most } = options;
  const bar = new SingleBar(
    {
      format: "{bar} round {value} | {undecided} undecided | {duration_formatted}",
      noTTYOutput: false,
      hideCursor: true,
    },
    Presets.shades_grey,
  );
  await interruptible(async (signal) => {
    try {
      const result = await compareBuilds(a, b, {
        ...options,
        step: { network, variant, image, batch },
        kernels: options.step ? undefined : { names: options.kernels ?? [], most },
        signal,
        onReady({ adapter, implementation }, undecided) {
          bar.stop();
          console.error(`${adapter}, ${implementation}`);
          bar.start(MOST_ROUNDS, 0, { undecided });
        },
        onRound: (round, undecided) => bar.update(round, { undecided }),
      });
      bar.stop();
      await finish(result, options);
    } finally {
      bar.stop();
    }
  });
}

async function finish(result: Comparison, { strict, json }: VerdictFlags): Promise<void> {
  if (json !== "-") console.log(comparisonText(result));
  if (json) await writeOut(json, () => `${JSON.stringify(result, null, 2)}\n`);
  process.exitCode = exitCodeOf(result, strict);
}

function isFolder(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new FormatError(`${path}: no such file or folder`);
  return stat.isDirectory();
}

/** Adds `rerun`: what a result was measured by, again, and both compared. */
export function addRerun(bench: Command, main: string): void {
  judging(bench.command("rerun"))
    .description("run the command of a result again, on its adapter, and compare the two")
    .argument("<result>", "result (.json)")
    .option("--out <file>", "keep the new result")
    .action((path, options) => judged(() => rerun(path, options, main)));
}

/** Runs `main bench` with the command of a result and compares. */
export async function rerun(
  path: string,
  options: VerdictFlags & { out?: string },
  main: string,
): Promise<void> {
  const before = await readResult(path);
  const folder = mkdtempSync(join(tmpdir(), "tessera-rerun-"));
  const out = options.out ?? join(folder, "result.json");
  try {
    const command = [...(await onAdapter(before.command, before.host)), "--json", out];
    console.error(`tessera bench ${command.join(" ")}`);
    const code = await run([main, "bench", ...command]);
    if (!existsSync(out))
      throw new FormatError(`${path}: its command, run again, ended with ${code} and wrote no result`);
    const after = await readResult(out);
    await finish(compareResults(before, after, [path, options.out ?? "this run"], options), options);
    if (code === 130) process.exitCode = 130;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The command without its outputs, on the adapter it was run on where this is here; a note where it is not. */
export async function onAdapter(command: readonly string[], host: Host): Promise<readonly string[]> {
  const kept: string[] = [];
  for (let i = 0; i < command.length; i++) {
    const [name, value] = command[i].split("=");
    if (name === "--adapter" || OUTPUTS.includes(name)) {
      if (value === undefined && /^(-$|[^-])/.test(command[i + 1] ?? "")) i++;
    } else kept.push(command[i]);
  }
  const names: Readonly<Record<string, string>> = { lavapipe: "llvmpipe", swiftshader: "swiftshader" };
  const wanted = names[host.kind] ?? host.adapter;
  const found = await Device.open({ adapter: wanted }).catch((error) => {
    if (error instanceof NoAdapterError) return undefined;
    throw error;
  });
  found?.close();
  if (found) return [...kept, "--adapter", wanted];
  console.error(`it was measured on ${host.adapter}, which is not here: it is run on what is`);
  return kept;
}

/** Runs Node on a program in this terminal; resolves to its exit code. */
const run = (args: readonly string[], cwd?: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const ignore = () => {}; // Ctrl-C reaches the program too, which ends in order
    process.on("SIGINT", ignore);
    spawn(process.execPath, args, { stdio: "inherit", cwd })
      .on("error", reject)
      .on("exit", (code, signal) => {
        process.off("SIGINT", ignore);
        resolve(code ?? (signal === "SIGINT" ? 130 : 1));
      });
  });

interface PeersFlags {
  readonly net: string;
  readonly image: number;
  readonly batch: number;
  readonly steps: number;
  readonly repeat: number;
  readonly engines: string;
  readonly json?: string;
  readonly forwardOnly?: boolean;
  readonly layers?: boolean;
  readonly apart?: boolean;
  readonly adapter?: string;
}

/** Adds `peers`: other engines on the same adapter, in the same run. */
export function addPeers(bench: Command): void {
  bench
    .command("peers")
    .description(
      "other engines beside this one, on the same adapter in the same run: TF.js, ONNX Runtime, jax-js",
    )
    .option("--net <network>", "network", "inception-v4")
    .option("--image <pixels>", "image side", whole(75), 299)
    .option("--batch <n>", "images a step", whole(1), 1)
    .option("--steps <n>", "warm runs of each, after the first", whole(1), 2)
    .option("--engines <list>", "of tessera, tfjs, onnxruntime, jax", "tessera,tfjs,jax")
    .option("--forward-only", "evaluation alone, no training step")
    .option("--layers", "single convolutions, forward and both gradients, instead of a network")
    .option("--repeat <n>", "with --layers: runs between two waits for the device", whole(1), 4)
    .option("--apart", "each engine to its end before the next starts")
    .option("--json <file>", "the figures, with every single time")
    .option("--adapter <name>", "part of the adapter's name: llvmpipe, swiftshader, nvidia ...")
    .action((options) => peers(options));
}

async function peers(options: PeersFlags): Promise<void> {
  const folder = peersFolder();
  if (!folder)
    throw new ValueError(
      "peers: the other engines are not part of the package: in a checkout of tessera, `cd bench/peers && npm ci`",
    );
  if (!existsSync(join(folder, "node_modules")))
    throw new ValueError(
      `peers: the other engines are not installed in ${folder}: \`cd bench/peers && npm ci\``,
    );
  if (options.adapter) process.env.ADAPTER = options.adapter;
  const { net, image, batch, steps, engines, repeat, json } = options;
  const args = Object.entries({ net, image, batch, steps, engines, repeat, json })
    .filter(([, value]) => value !== undefined)
    .flatMap(([name, value]) => [`--${name}`, String(value)]);
  const flags = {
    "--forward-only": options.forwardOnly,
    "--layers": options.layers,
    "--apart": options.apart,
  };
  for (const [flag, given] of Object.entries(flags)) if (given) args.push(flag);
  process.exitCode = await run([join(folder, "compare.mjs"), ...args]);
}

/** The peers lie beside the build, in a checkout. */
function peersFolder(): string | undefined {
  for (let at = dirname(fileURLToPath(import.meta.url)); at !== dirname(at); at = dirname(at)) {
    const folder = join(at, "bench/peers");
    if (existsSync(join(folder, "compare.mjs"))) return folder;
  }
  return undefined;
}
