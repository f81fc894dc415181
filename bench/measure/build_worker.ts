// The process in which a build is measured. It belongs to the build that compares, and asks of the other no more than
// the library it is: so builds that know nothing of it are measured, and both by the same code.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type * as engine from "../../engine/index.ts";
import { Clock } from "../../engine/tune/clock/clock.ts";
import { Stopwatch } from "../../engine/tune/clock/stopwatch.ts";
import type * as kernels from "../../kernels/index.ts";
import type * as models from "../../models/index.ts";
import type { BuildAnswer, BuildRequest, KernelTask, Opened, Pace, StepTask } from "./build.ts";

/** What a build must export to be measured. */
const NEEDED = {
  index: ["Device", "Executable", "Graph", "plan", "planTraining", "Trainer"],
  kernels: ["ops", "size"],
  models: ["getModel", "netOptions"],
} as const;

/** What is measured in turns. */
interface Measured {
  pace(): Promise<Pace>;
  time(pace: Pace): Promise<number>;
}

/** Seconds that a turn lasts: short, so that a slow minute of the machine meets both, and long beside its submission. */
const TURN = 0.004;
/** Dispatches of one at most. */
const MOST = 4096;

let build: Build;

class Build {
  readonly tasks: Measured[] = [];

  private constructor(
    readonly library: typeof engine & typeof kernels & typeof models,
    readonly device: engine.Device,
    readonly stopwatch: Stopwatch,
  ) {}

  static async open(dist: string, adapter?: string): Promise<Build> {
    const library = await load(dist);
    const device = await library.Device.open({ adapter });
    return new Build(library, device, await Stopwatch.open(device));
  }

  get opened(): Opened {
    const { name: adapter, kind, implementation } = this.device;
    const { description, device } = this.device.adapter.info;
    return { adapter, kind, implementation, driver: description || device };
  }

  /** Problems of a network's training step that cost most floating-point operations, all their launches together. */
  list({ network, image, batch, variant }: StepTask, names: readonly string[], most: number): KernelTask[] {
    const { planTraining, getModel, netOptions } = this.library;
    const input = [batch, image, image, 3] as const;
    const net = netOptions(network, { variant });
    const { pass } = planTraining(getModel(network, { variant }), this.device.traits, { input, net });
    const found = new Map<string, { task: KernelTask; flops: number; bytes: number }>();
    for (const { node, flops, bytes } of pass.dispatches) {
      const { op, routine, shapes, attrs } = node;
      if (names.length > 0 && !names.includes(op.name) && !names.includes(`${op.name}/${routine}`)) continue;
      const inputs = Object.fromEntries(
        Object.entries(node.inputs).map(([name, { shape, dtype }]) => [name, { shape, dtype }]),
      );
      const task = { op: op.name, routine, shapes, attrs, inputs, outputs: Object.keys(node.outputs) };
      const key = JSON.stringify(task);
      const sum = found.get(key) ?? { task, flops: 0, bytes: 0 };
      found.set(key, { task, flops: sum.flops + flops, bytes: sum.bytes + bytes });
    }
    const sorted = [...found.values()].sort((x, y) => y.flops - x.flops || y.bytes - x.bytes);
    return sorted.slice(0, most).map(({ task }) => task);
  }

  /** One routine as a plan of its own, with the algorithm that the build takes for it. */
  async kernel(task: KernelTask): Promise<Measured> {
    const { Graph, Executable, ops, plan, size } = this.library;
    const names = Object.keys(task.inputs);
    // a concatenation of two and one of three share a name
    const named = ops.filter(
      ({ name, inputs: all }) => name === task.op && all.every((i) => i in task.shapes),
    );
    const op = named.sort((x, y) => y.inputs.length - x.inputs.length)[0];
    if (!op) throw new Error(`no operation ${task.op} (has ${ops.map(({ name }) => name).join(", ")})`);
    const graph = new Graph();
    const inputs = Object.fromEntries(
      names.map((name) => [name, graph.input(name, task.inputs[name].shape, task.inputs[name].dtype)]),
    );
    const { routine, attrs, shapes } = task;
    const node = { op, routine, attrs, inputs, onto: {}, shapes, phase: "forward", label: op.name } as const;
    const outputs = graph.emit(node, task.outputs);
    const executable = await Executable.load(this.device, plan(graph, this.device.traits, { outputs }));
    for (const [name, { shape, dtype }] of Object.entries(task.inputs))
      executable.write(
        name,
        dtype === "f32"
          ? Float32Array.from({ length: size(shape) }, (_, i) => Math.sin(i * i))
          : new Uint32Array(size(shape)),
      );
    const measure = this.stopwatch.measure((pass) => executable.encode(pass));
    const clock = new Clock(this.stopwatch.quanta);
    return {
      async pace() {
        const { source, estimate } = await clock.gauge(measure);
        return { source, repeats: Math.ceil(TURN / Math.max(estimate, TURN / MOST)) };
      },
      async time({ source, repeats }) {
        const before = busy();
        const measured = await measure(repeats);
        return (source === "cpu" ? busy() - before : (measured[source] ?? NaN)) / repeats;
      },
    };
  }

  /** A training step of a network: images handed over, forward, backward, update, and the loss read back. */
  async step({ network, variant, image, batch }: StepTask): Promise<Measured> {
    const { Trainer, getModel, netOptions } = this.library;
    const input = [batch, image, image, 3] as const;
    const net = netOptions(network, { variant });
    const trainer = await Trainer.create(this.device, getModel(network, { variant }), {
      input,
      net,
      rate: 1e-4,
    });
    const images = Float32Array.from({ length: batch * image * image * 3 }, (_, i) => Math.sin(i * i));
    const labels = Int32Array.from({ length: batch }, (_, i) => (7 * i) % 1000);
    const time = async ({ source }: Pace) => {
      const [start, before] = [performance.now(), busy()];
      await trainer.step(images, labels);
      return source === "cpu" ? busy() - before : (performance.now() - start) / 1e3;
    };
    return {
      async pace() {
        const pace = { source: "wall", repeats: 1 } as const;
        for (let i = 0; i < 2; i++) await time(pace); // the driver compiles in the first
        return pace;
      },
      time,
    };
  }
}

/** Processor seconds of this process so far, less, on Linux, those of its main thread, which waits for the device. */
function busy(): number {
  const { user, system } = process.cpuUsage();
  const schedule = `/proc/self/task/${process.pid}/schedstat`;
  const main = existsSync(schedule) ? Number(readFileSync(schedule, "utf8").split(" ")[0]) : 0;
  return (user + system) / 1e6 - main / 1e9;
}

async function load(dist: string): Promise<Build["library"]> {
  const parts = Object.entries(NEEDED).map(async ([name, exports]) => {
    const file = join(dist, `${name}.js`);
    if (!existsSync(file))
      throw new Error(`no ${name}.js in it: a build has index.js, kernels.js, models.js`);
    const exported = await import(pathToFileURL(file).href);
    const module = { getModel: exported.model, ...exported }; // builds before 0.2 call it model
    const missing = exports.find((one) => !(module as any)[one]);
    if (missing) throw new Error(`its ${name}.js exports no ${missing}: a build that cannot be measured so`);
    return module;
  });
  return Object.assign({}, ...(await Promise.all(parts)));
}

async function answer(request: BuildRequest): Promise<unknown> {
  switch (request.what) {
    case "open":
      build = await Build.open(request.dist, request.adapter);
      return build.opened;
    case "list":
      return build.list(request.step, request.names, request.most);
    case "kernel":
      return build.tasks.push(await build.kernel(request.task)) - 1;
    case "step":
      return build.tasks.push(await build.step(request.step)) - 1;
    case "pace":
      return build.tasks[request.task].pace();
    case "time":
      return build.tasks[request.task].time(request.pace);
  }
}

process.on("SIGINT", () => {}); // whoever asks decides when it is over
process.on("disconnect", () => process.kill(process.pid, "SIGKILL")); // leaving in order waits for what hangs
process.on("message", async (request: BuildRequest) => {
  const reply = (message: BuildAnswer) => process.send!(message);
  try {
    reply({ value: await answer(request) });
  } catch (error) {
    reply({ failed: (error as Error).message });
  }
});
