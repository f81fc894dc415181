// What a subject is made of, as JSON: another process, or a reader of the record, makes the same of it.

import { ops } from "../../../kernels/index.ts";
import { TuneError } from "../../errors.ts";
import { readT1 } from "../formats/t1.ts";
import { kernelOf } from "../formats/t1_kernel.ts";
import type { TuningSubject } from "../kernel/candidate.ts";
import { kernel } from "../kernel/kernel.ts";
import { type RoutineDescription, routine } from "../kernel/routine.ts";
import { fillTemplate } from "../kernel/template.ts";
import type { Configuration } from "../space/space.ts";

/** A routine of one of the engine's operations, by its name. */
export interface RoutineOrigin {
  readonly routine: Omit<RoutineDescription, "op"> & { readonly op: string };
}

/** A kernel of one's own: the text of its T1 problem, its WGSL, and the seed of what its buffers hold. */
export interface KernelOrigin {
  readonly t1: string;
  readonly wgsl: string;
  readonly seed: number;
}

export type Origin = RoutineOrigin | KernelOrigin;

/** WGSL of a configuration as it was once, whatever would be made of it now. */
export interface Archived {
  readonly configuration: Configuration;
  readonly wgsl: string;
}

/**
 * The subject of an origin; of a kernel of one's own, with archived WGSL for its configuration. Throws TuneError for an
 * operation that is none, FormatError for a T1 problem that describes no kernel in WGSL.
 */
export function tuningSubjectOf(origin: Origin, archived?: Archived): TuningSubject {
  if ("routine" in origin) {
    const { op: name, ...rest } = origin.routine;
    const inputs = Object.keys(rest.shapes);
    // a concatenation of two and one of three share a name
    const op = ops.find((o) => o.name === name && inputs.every((input) => o.inputs.includes(input)));
    if (!op) throw new TuneError(`no operation ${name} (has ${ops.map((o) => o.name).join(", ")})`);
    return routine({ op, ...rest });
  }
  const problem = readT1(origin.t1);
  const description = kernelOf(problem, origin.wgsl, origin.seed);
  if (!archived) return kernel(description);
  const key = problem.space.key(archived.configuration);
  const wgsl = (configuration: Configuration) =>
    problem.space.key(configuration) === key
      ? archived.wgsl
      : fillTemplate(description.label, origin.wgsl, configuration).wgsl;
  return kernel({ ...description, wgsl });
}
