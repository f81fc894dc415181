// `tessera bench kernels`.

import { SingleBar } from "cli-progress";
import type { Command } from "commander";
import type { Device } from "../../engine/device/device.ts";
import { TuneError } from "../../engine/errors.ts";
import { planTraining } from "../../engine/optim/training_plan.ts";
import { ops, routines, type Shapes, type Tune } from "../../kernels/index.ts";
import { getModel, netOptions } from "../../models/index.ts";
import { interruptible } from "../command_line/interrupt.ts";
import { openDevice } from "../command_line/open_device.ts";
import { suggestion } from "../command_line/suggest.ts";
import { sum } from "../measure/grouped.ts";
import { hostOf } from "../measure/host.ts";
import { type KernelProblem, kernelName, kernelProblems, measureKernels } from "../measure/kernels.ts";
import { type KernelRow, resultOf } from "../measure/result.ts";
import { measureRoofs } from "../measure/roofs.ts";
import { kernelText } from "./outputs/terminal.ts";
import { checkResultFiles, deliver, optionsGiven } from "./result_files.ts";

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

/** Times kernels and prints the result. */
export async function kernels(
  wanted: readonly string[],
  options: KernelsOptions,
  command: Command,
): Promise<void> {
  await checkResultFiles(command);
  const one = problemGiven(wanted, options);
  const device = await openDevice({ adapter: options.adapter });
  try {
    const problems = one ? [one] : ofNetwork(device, wanted, options);
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
      const args = ["kernels", ...wanted, ...optionsGiven(command)];
      const result = resultOf(args, await hostOf(device), { kernels: rows, ...roofs, ...interrupted });
      await deliver(result, command, () => kernelText(result));
    });
  } finally {
    device.close();
  }
}

/** The problem that --shapes and --attrs describe, if they are given. Throws TuneError. */
function problemGiven(
  wanted: readonly string[],
  { shapes, attrs }: KernelsOptions,
): KernelProblem | undefined {
  if (!shapes && !attrs) return undefined;
  if (wanted.length !== 1)
    throw new TuneError(`--shapes and --attrs are for one operation, but ${wanted.length} are given`);
  const [name, routine = "forward"] = wanted[0].split("/");
  const op = ops.find((one) => one.name === name);
  if (!op)
    throw new TuneError(
      `no operation ${name}${suggestion(
        name,
        ops.map((one) => one.name),
      )}`,
    );
  const names = Object.keys(routines(op));
  if (!names.includes(routine))
    throw new TuneError(`${name}: no routine ${routine}${suggestion(routine, names)}`);
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
  const { pass, update } = planTraining(getModel(name, { variant }), device.traits, { input, net });
  const dispatches = [...pass.dispatches, ...update.dispatches];
  const has = new Set(dispatches.flatMap(({ node }) => [node.op.name, kernelName(node)]));
  for (const one of wanted)
    if (!has.has(one)) throw new TuneError(`${name} has no kernels of ${one}${suggestion(one, has)}`);
  return kernelProblems(dispatches, wanted).slice(0, top);
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
