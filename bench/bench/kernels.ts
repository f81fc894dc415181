// `tessera bench kernels`.

import { SingleBar } from "cli-progress";
import { type Command, InvalidArgumentError } from "commander";
import { Device } from "../../engine/device/device.ts";
import { TuneError } from "../../engine/errors.ts";
import { planTraining } from "../../engine/optim/training_plan.ts";
import { ops, routines, type Shapes, type Tune } from "../../kernels/index.ts";
import { model, netOptions } from "../../models/index.ts";
import { positive, whole } from "../command_line/arguments.ts";
import { interruptible } from "../command_line/interrupt.ts";
import { sum } from "../measure/grouped.ts";
import { hostOf } from "../measure/host.ts";
import { type KernelProblem, measureKernels, nameOf, problemsOf } from "../measure/kernels.ts";
import { type KernelRow, resultOf } from "../measure/result.ts";
import { measureRoofs } from "../measure/roofs.ts";
import { kernelText } from "./outputs/terminal.ts";
import { WRITERS } from "./outputs/writers.ts";
import { given, tell, writing } from "./result_files.ts";

interface KernelsOptions {
  readonly model: string;
  readonly variant?: string;
  readonly image: number;
  readonly batch: number;
  readonly top: number;
  readonly adapter?: string;
  readonly algorithm?: readonly string[];
  readonly tune?: Tune;
  readonly shapes?: Shapes;
  readonly attrs?: unknown;
  readonly verify: boolean;
  readonly roofs: boolean;
  readonly samples?: number;
  readonly time?: number;
}

const json = (text: string) => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidArgumentError(`not JSON: ${(cause as Error).message}`);
  }
};

/** Adds `kernels`: every algorithm of routines, at the problems of a network or at given ones. */
export function addKernels(bench: Command): void {
  const command = bench
    .command("kernels")
    .description("time every algorithm of operations by itself, at the costliest problems of a training step")
    .argument("[op...]", "operations, or routines such as conv2d_moments/w (default: all of the step)")
    .option("--model <name>", "network whose training step it is about", "inception-v4")
    .option("--variant <variant>", "variant of the network")
    .option("--image <pixels>", "image side", whole(75), 299)
    .option("--batch <n>", "images a step", whole(1), 1)
    .option("--top <n>", "problems of the network, those of most FLOPs", whole(1), 8)
    .option("--shapes <json>", "shapes of the inputs of one operation, instead of a network's", json)
    .option("--attrs <json>", "its attributes (default: of its first case)", json)
    .option("--algorithm <name...>", "only these algorithms")
    .option("--tune <json>", "settings of tunables (default: what the adapter's tables say)", json)
    .option("--no-verify", "time without checking results")
    .option("--roofs", "measure the adapter's roofs too, and say how far each kernel is from them")
    .option("--samples <n>", "samples of each kernel", whole(3))
    .option("--time <seconds>", "seconds for each kernel at most", positive)
    .option("--adapter <name>", "part of the adapter's name: llvmpipe, swiftshader, nvidia ...");
  writing(
    command,
    WRITERS.filter(({ steps }) => !steps),
  ).action(kernels);
}

async function kernels(wanted: readonly string[], options: KernelsOptions, command: Command): Promise<void> {
  const device = await Device.open({ adapter: options.adapter });
  try {
    const problems =
      options.shapes || options.attrs ? [problemGiven(wanted, options)] : ofNetwork(device, wanted, options);
    const rows: KernelRow[] = [];
    await interruptible(async (signal) => {
      const roofs = options.roofs ? await measureRoofs(device, { signal }) : undefined;
      const clock = {
        ...(options.samples && { samples: options.samples }),
        ...(options.time && { limit: options.time }),
      };
      const bar = progress(problems, options);
      try {
        const measuring = { ...options, algorithms: options.algorithm, clock, signal };
        for await (const row of measureKernels(device, problems, measuring)) {
          rows.push(row);
          bar.update(rows.length, { what: `${row.routine} ${row.algorithm}` });
        }
      } finally {
        bar.stop();
      }
      const interrupted = signal.aborted ? { interrupted: true } : {};
      const again = ["kernels", ...wanted, ...given(command)];
      const result = resultOf(again, await hostOf(device), { kernels: rows, ...roofs, ...interrupted });
      await tell(result, command, () => kernelText(result));
    });
  } finally {
    device.close();
  }
}

/** The problem that the command line says. Throws TuneError. */
function problemGiven(wanted: readonly string[], { shapes, attrs }: KernelsOptions): KernelProblem {
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
function ofNetwork(
  device: Device,
  wanted: readonly string[],
  options: KernelsOptions,
): readonly KernelProblem[] {
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

function progress(problems: readonly KernelProblem[], { algorithm }: KernelsOptions): SingleBar {
  const bar = new SingleBar({
    format: "{bar} {value}/{total} {what}",
    stream: process.stderr,
    clearOnComplete: true,
  });
  bar.start(sum(problems.map(({ op, routine }) => (algorithm ?? routines(op)[routine]).length)), 0, {
    what: "",
  });
  return bar;
}
