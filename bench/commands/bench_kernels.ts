// `tessera bench kernels` and `tessera bench roofline`.

import { SingleBar } from "cli-progress";
import { type Command, InvalidArgumentError } from "commander";
import { Device } from "../../engine/device/device.ts";
import { TuneError } from "../../engine/errors.ts";
import { planTraining } from "../../engine/optim/trainer.ts";
import { ops, routines, type Shapes, type Tune } from "../../kernels/index.ts";
import { model, netOptions } from "../../models/index.ts";
import { hostOf } from "../measure/host.ts";
import { type KernelProblem, measureKernels, nameOf, problemsOf } from "../measure/kernels.ts";
import { profileStep } from "../measure/launches.ts";
import type { KernelRow, Result } from "../measure/result.ts";
import { roofline } from "../measure/roofline.ts";
import { type RoofReading, readRoofs, roofsOf } from "../measure/roofs.ts";
import { kernelTable, rooflineTable, roofTable } from "../outputs/kernel_table.ts";
import { asJson, asScript, tuneList } from "../outputs/tune_list.ts";
import { positive, whole } from "./arguments.ts";
import { writeWhole } from "./files.ts";
import { interruptible } from "./interrupt.ts";

interface Common {
  readonly model: string;
  readonly variant?: string;
  readonly image: number;
  readonly batch: number;
  readonly top: number;
  readonly adapter?: string;
  /** A file, or true for stdout. */
  readonly json?: string | true;
}

interface KernelsOptions extends Common {
  readonly algorithm?: readonly string[];
  readonly tune?: Tune;
  readonly shapes?: Shapes;
  readonly attrs?: unknown;
  readonly verify: boolean;
  readonly roofs: boolean;
  readonly samples?: number;
  readonly time?: number;
}

interface RooflineOptions extends Common {
  readonly profiles: number;
  readonly width?: number;
  readonly seed: number;
  readonly emitTuneList?: string;
}

const json = (text: string) => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidArgumentError(`not JSON: ${(cause as Error).message}`);
  }
};

const common = (command: Command, top: string): Command =>
  command
    .option("--model <name>", "network whose training step it is about", "inception-v4")
    .option("--variant <variant>", "variant of the network")
    .option("--image <pixels>", "image side", whole(75), 299)
    .option("--batch <n>", "images a step", whole(1), 1)
    .option("--top <n>", top, whole(1), 8)
    .option("--json [file]", "write the result as JSON, without a file or with - to stdout")
    .option("--adapter <name>", "part of the adapter's name: llvmpipe, swiftshader, nvidia ...");

/** Adds `kernels`: every algorithm of routines, at the problems of a network or at given ones. */
export function addKernels(bench: Command): void {
  common(
    bench
      .command("kernels")
      .description(
        "time every algorithm of operations by itself, at the costliest problems of a training step",
      )
      .argument("[op...]", "operations, or routines such as conv2d_moments/w (default: all of the step)"),
    "problems of the network, those of most FLOPs",
  )
    .option("--shapes <json>", "shapes of the inputs of one operation, instead of a network's", json)
    .option("--attrs <json>", "its attributes (default: of its first case)", json)
    .option("--algorithm <name...>", "only these algorithms")
    .option("--tune <json>", "settings of tunables (default: what the adapter's tables say)", json)
    .option("--no-verify", "time without checking results")
    .option("--roofs", "measure the adapter's roofs too, and say how far each kernel is from them")
    .option("--samples <n>", "samples of each kernel", whole(3))
    .option("--time <seconds>", "seconds for each kernel at most", positive)
    .action((wanted, options, command) => kernels(wanted, options, argumentsOf(command)));
}

/** Adds `roofline`: an adapter's roofs, and the kernels of a network's step beside them. */
export function addRoofline(bench: Command): void {
  common(
    bench
      .command("roofline")
      .description("measure the adapter's roofs and how far the kernels of a training step are from them"),
    "kernels listed, those that lose most time to the roofs",
  )
    .option("--width <factor>", "width multiplier of the network", positive)
    .option("--seed <n>", "seed of the weights", whole(0), 0)
    .option("--profiles <n>", "profiles of the step, whose medians count", whole(1), 3)
    .option("--emit-tune-list <file>", "write what to tune: commands, or JSON where the file is called so")
    .action((options, command) => showRoofline(options, argumentsOf(command)));
}

/** What followed `bench` on the command line, but for where results go. */
function argumentsOf(command: Command): readonly string[] {
  const args = process.argv.slice(process.argv.indexOf(command.name(), 2));
  const isOutput = (arg: string | undefined) => /^--(json|emit-tune-list)(=|$)/.test(arg ?? "");
  const isValue = (arg: string) => arg === "-" || !arg.startsWith("-");
  return args.filter(
    (arg, i) => !isOutput(arg) && !(isValue(arg) && /^--[\w-]+$/.test(args[i - 1]) && isOutput(args[i - 1])),
  );
}

async function kernels(wanted: readonly string[], options: KernelsOptions, command: readonly string[]) {
  const device = await Device.open({ adapter: options.adapter });
  try {
    const problems =
      options.shapes || options.attrs ? [given(wanted, options)] : ofNetwork(device, wanted, options);
    const rows: KernelRow[] = [];
    await interruptible(async (signal) => {
      console.error(device.name);
      const readings = options.roofs ? await roofs(device, signal) : [];
      const found = readings.length > 0 && !signal.aborted ? roofsOf(readings) : undefined;
      const total = problems.reduce(
        (sum, { op, routine }) => sum + (options.algorithm ?? routines(op)[routine]).length,
        0,
      );
      const bar = progress(total);
      const clock = {
        ...(options.samples && { samples: options.samples }),
        ...(options.time && { limit: options.time }),
      };
      const measuring = { ...options, algorithms: options.algorithm, clock, signal };
      for await (const row of measureKernels(device, problems, measuring)) {
        rows.push(row);
        bar.update(rows.length, { what: `${row.routine} ${row.algorithm}` });
      }
      bar.stop();
      const result = {
        kernels: rows,
        ...(found && { roofs: found }),
        ...(signal.aborted && { interrupted: true }),
      };
      if (options.json) await write(options.json, await resultOf(device, command, result));
      if (!toStdout(options.json) && rows.length > 0) console.log(kernelTable(rows, found));
    });
  } finally {
    device.close();
  }
}

/** The problem that the command line says. Throws TuneError. */
function given(wanted: readonly string[], { shapes, attrs }: KernelsOptions): KernelProblem {
  const [name = "", routine = "forward"] = (wanted[0] ?? "").split("/");
  const op = ops.find((one) => one.name === name);
  if (!op || wanted.length > 1)
    throw new TuneError(
      `--shapes and --attrs are of one operation but ${wanted.join(", ") || "none"} is given (has ${ops.map((one) => one.name).join(", ")})`,
    );
  if (!routines(op)[routine])
    throw new TuneError(`${name}: no routine ${routine} (has ${Object.keys(routines(op)).join(", ")})`);
  const [example] = op.cases;
  return { op, routine, shapes: shapes ?? example.shapes, attrs: attrs ?? example.attrs };
}

/** The problems of a network's training step. Throws TuneError where it has none of those wanted, and as planning does. */
function ofNetwork(device: Device, wanted: readonly string[], options: Common): readonly KernelProblem[] {
  const { model: name, variant, image, batch, top } = options;
  const input = [batch, image, image, 3] as const;
  const net = netOptions(name, { variant });
  const { pass, update } = planTraining(model(name, { variant }), device.traits, { input, net });
  const dispatches = [...pass.dispatches, ...update.dispatches];
  const has = new Set(dispatches.flatMap(({ node }) => [node.op.name, nameOf(node)]));
  for (const one of wanted)
    if (!has.has(one))
      throw new TuneError(
        `${name} has no kernels of ${one} (has ${[...has].filter((each) => each.includes("/")).join(", ")}): give its sizes by --shapes`,
      );
  return problemsOf(dispatches, wanted).slice(0, top);
}

async function showRoofline(options: RooflineOptions, command: readonly string[]): Promise<void> {
  const { model: network, emitTuneList, top } = options;
  const device = await Device.open({ adapter: options.adapter });
  try {
    await interruptible(async (signal) => {
      console.error(device.name);
      const readings = await roofs(device, signal);
      if (!toStdout(options.json)) console.log(roofTable(readings));
      if (signal.aborted) return;
      const found = roofsOf(readings);
      const launches = await profileStep(device, { ...options, network });
      const dots = roofline(launches, found);
      if (emitTuneList) {
        const tasks = tuneList(launches, found);
        await writeWhole(emitTuneList, () =>
          emitTuneList.endsWith(".json") ? asJson(tasks) : asScript(tasks),
        );
      }
      if (options.json)
        await write(options.json, {
          ...(await resultOf(device, command, { roofs: found, kernels: [] })),
          readings,
          dots,
        });
      if (!toStdout(options.json)) console.log(rooflineTable(dots, found, top));
    });
  } finally {
    device.close();
  }
}

/** What the roofs' kernels read; those so far where interrupted. */
async function roofs(device: Device, signal: AbortSignal): Promise<readonly RoofReading[]> {
  const readings: RoofReading[] = [];
  for await (const reading of readRoofs(device)) {
    readings.push(reading);
    if (signal.aborted) break;
  }
  return readings;
}

function progress(total: number): SingleBar {
  const bar = new SingleBar({
    format: "{bar} {value}/{total} {what}",
    stream: process.stderr,
    clearOnComplete: true,
  });
  bar.start(total, 0, { what: "" });
  return bar;
}

const toStdout = (file: string | true | undefined): boolean => file === true || file === "-";

async function resultOf(
  device: Device,
  command: readonly string[],
  found: Pick<Result, "kernels" | "roofs" | "interrupted">,
): Promise<Result> {
  return {
    format: "tessera bench result",
    version: 1,
    command,
    host: await hostOf(device),
    networks: [],
    ...found,
  };
}

async function write(file: string | true, result: object): Promise<void> {
  const text = `${JSON.stringify(result, null, 2)}\n`;
  if (file === true || file === "-") process.stdout.write(text);
  else await writeWhole(file, () => text);
}
