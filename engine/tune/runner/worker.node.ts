// The process in which configurations run: they may loop for ever, lose the device or crash it, and it with them.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Device } from "../../device/device.ts";
import { TuneError } from "../../errors.ts";
import type { TuningSubject } from "../kernel/candidate.ts";
import { type KernelDescription, kernel } from "../kernel/kernel.ts";
import { type RoutineDescription, routine } from "../kernel/routine.ts";
import { tuningSubjectOf as made } from "../records/origin.ts";
import type { WorkerAnswer, WorkerRequest, WorkerTask } from "./isolation.node.ts";
import { Runner } from "./runner.ts";

const tell = (answer: WorkerAnswer) => process.send!(answer);

let runner: Runner;

async function subjectOf(task: WorkerTask): Promise<TuningSubject> {
  if ("kernel" in task) return kernel(task.kernel);
  if ("routine" in task) return made(task);
  if ("t1" in task) return made(task, task.archived);
  const exported = await import(pathToFileURL(resolve(task.module)).href);
  const found: KernelDescription | RoutineDescription | undefined = exported[task.name];
  if (!found)
    throw new TuneError(`${task.module}: no export ${task.name} (has ${Object.keys(exported).join(", ")})`);
  return "op" in found ? routine(found) : kernel(found);
}

async function answer(request: WorkerRequest): Promise<WorkerAnswer> {
  if (request.what === "evaluate") return { what: "row", row: await runner.evaluate(request.configuration) };
  if (request.what === "environment") return { what: "environment", environment: await runner.environment() };
  if (request.what === "standard") return { what: "standard", configuration: await runner.standard() };
  if (request.what === "print") return { what: "printed", wgsl: await runner.print(request.configuration) };
  if (request.what === "inspect")
    return { what: "inspection", inspection: await runner.inspect(request.configuration) };
  if (request.what === "rank")
    return { what: "ranking", ranking: await runner.rank(request.configurations, request.options) };
  const { adapter, clock, verify } = request.options;
  runner = new Runner(await subjectOf(request.task), {
    open: () => Device.open({ adapter, quiet: true }),
    clock,
    verify,
    onStage: (stage) => tell({ what: "stage", stage }),
  });
  await runner.bench();
  return { what: "opened" };
}

process.on("message", async (request: WorkerRequest) => {
  try {
    tell(await answer(request));
  } catch (error) {
    tell({ what: "failed", message: (error as Error).message });
  }
});
process.on("SIGINT", () => {}); // a terminal sends it to all: what is under way is the parent's to end
process.on("disconnect", () => process.kill(process.pid, "SIGKILL")); // leaving in order waits for what hangs
