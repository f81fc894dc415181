// The process in which mutants run: they may loop for ever, lose the device or crash it, and it with them.

import { ops } from "../../../kernels/index.ts";
import type { Op } from "../../../kernels/op.ts";
import { Device } from "../../device/device.ts";
import { DeviceLostError } from "../../errors.ts";
import { operationsOf } from "../operations/module.node.ts";
import { type Mutant, mutants } from "./mutate.ts";
import type { MutantAnswer, MutantRequest } from "./mutation.node.ts";
import { compiles, judgeMutant, type Probe, probes, type Target, targets } from "./mutation.ts";

const tell = (answer: MutantAnswer) => process.send!(answer);

interface Subject {
  readonly target: Target;
  readonly faults: ReadonlyMap<string, Mutant>;
  probes?: readonly Probe[];
}

let device: Device;
let subjects: Subject[] = [];

async function list({
  adapter,
  module,
  operations,
}: Extract<MutantRequest, { what: "list" }>): Promise<void> {
  device ??= await Device.open({ adapter, quiet: true });
  const known: readonly Op[] = module ? await operationsOf(module) : ops;
  const chosen = operations ? known.filter(({ name }) => operations.includes(name)) : known;
  subjects = targets(device, chosen).map((target) => ({
    target,
    faults: new Map(mutants(target.wgsl).map((mutant) => [mutant.id, mutant])),
  }));
  tell({
    what: "kernels",
    operations: known.map(({ name }) => name),
    kernels: subjects.map(({ target, faults }) => ({
      op: target.ops[0].name,
      label: target.label,
      mutants: [...faults.values()].map(({ wgsl, ...rest }) => rest),
    })),
  });
}

/** Judges a mutant, or without one the kernel as it is. */
async function judgeOne({ kernel, mutant }: Extract<MutantRequest, { what: "judge" }>): Promise<void> {
  const subject = subjects[kernel];
  subject.probes ??= probes(device, subject.target);
  const { target } = subject;
  const wgsl = mutant === undefined ? target.wgsl : subject.faults.get(mutant)!.wgsl;
  tell({ what: "alive", stage: "compile" });
  if (!(await compiles(device, target, wgsl))) return void tell({ what: "verdict", verdict: "invalid" });
  const by = await judgeMutant(device, target, wgsl, subject.probes, () =>
    tell({ what: "alive", stage: "run" }),
  );
  tell({ what: "verdict", verdict: by ? "killed" : "survived", by });
}

process.on("message", async (request: MutantRequest) => {
  try {
    await (request.what === "list" ? list(request) : judgeOne(request));
  } catch (error) {
    tell({ what: "failed", message: (error as Error).message, lost: error instanceof DeviceLostError });
  }
});
process.on("disconnect", () => process.exit());
