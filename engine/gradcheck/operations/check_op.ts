import type { Case, Op } from "../../../kernels/op.ts";
import { Device } from "../../device/device.ts";
import { type Finding, Report } from "../report/report.ts";
import { differences } from "./differences.ts";
import { fuzz } from "./fuzz.ts";
import { algorithms } from "./launch.ts";
import { linearity } from "./linearity.ts";
import { problem } from "./problem.ts";
import { races } from "./races.ts";
import { attempt, type Tunables, trials } from "./trial.ts";

export interface CheckOptions {
  /** Device to check on; else one is opened, by part of the adapter's name if given, and closed again. */
  readonly device?: Device;
  readonly adapter?: string;
  /** Settings of the kernels' tunables: what the plan takes (`tuned`, the default), `default`, `each`, `all`. */
  readonly tunables?: Tunables;
  /** Cases in place of the operation's own. */
  readonly cases?: readonly Case<any>[];
  /** Random problems reserved the cases: none. */
  readonly fuzz?: number;
  readonly seed?: number;
  /** Times each case is computed; all must give the same bits. */
  readonly repeats?: number;
  readonly onFinding?: (finding: Finding) => void;
  /** Ends the check with what it has found so far. */
  readonly signal?: AbortSignal;
}

/**
 * Checks an operation, ours or a user's: its float64 reference against differences of itself; every kernel of every
 * routine against the reference, error over bound, in every layout, with guards around all tensors and the same bits
 * each time; every gradient for linearity; workgroup memory for races; random problems for all of these kernels.
 * Failures are findings of the report, not exceptions.
 */
export async function checkOp(op: Op, options: CheckOptions = {}): Promise<Report> {
  const report = new Report();
  const device = options.device ?? (await Device.open({ adapter: options.adapter }));
  const add = (finding: Finding) => {
    report.add(finding);
    options.onFinding?.(finding);
  };
  const { tunables = "tuned", seed = 1, repeats = 8 } = options;
  const checked: Op = options.cases ? { ...op, cases: options.cases } : op;
  try {
    for (const example of checked.cases) {
      if (options.signal?.aborted) return report;
      for (const finding of differences(checked, example, seed)) add(finding);
      const p = problem(checked, example, { seed });
      for (const [routine, algorithm] of algorithms(device, checked, example, p)) {
        for (const trial of trials(checked, example, routine, algorithm, tunables, seed)) {
          const finding = await attempt(device, checked, trial, p, repeats);
          if (finding) add(finding);
        }
        if (routine in checked.backward)
          add(await linearity(device, checked, example, p, routine, algorithm));
      }
    }
    for (const finding of races(device, checked)) add(finding);
    const count = options.fuzz ?? 0;
    if (count > 0) await fuzz(device, checked, { count, seed, tunables, signal: options.signal }, add);
  } finally {
    if (!options.device) device.close();
  }
  return report;
}
