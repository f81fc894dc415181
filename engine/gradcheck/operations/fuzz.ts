import type { Arbitrary, GeneratorValue } from "fast-check";
import type { Algorithm, Draw, Op, Tune } from "../../../kernels/op.ts";
import type { Device } from "../../device/device.ts";
import { type Finding, passes } from "../report/report.ts";
import { algorithms, LAYOUTS, type TensorLayout } from "./launch.ts";
import { REGIMES, type Regime } from "./sampling.ts";
import { attempt, type TrialSource, TUNABLES, type Tunables, trialProblem } from "./trial.ts";

/** Runs a failing problem may take to shrink. */
const SHRINKS = 300;

/** A random problem of an operation, and how it is computed. */
interface Fuzzed {
  readonly source: TrialSource;
  readonly layout: TensorLayout;
  /** Chooses among settings of tunables. */
  readonly pick: number;
}

/** fast-check, which is loaded when problems are drawn: nothing else here needs it. */
type FastCheck = typeof import("fast-check");

/** Choices of an operation's `arbitrary`, each an arbitrary of fast-check. */
const drawing = (fc: FastCheck, g: GeneratorValue): Draw => ({
  integer: (least, most) => g(fc.integer, { min: least, max: most }),
  pick: (choices) => g(fc.constantFrom, ...choices) as (typeof choices)[number],
});

const fuzzed = (fc: FastCheck, op: Op): Arbitrary<Fuzzed> =>
  fc
    .tuple(
      fc.gen(),
      fc.constantFrom(...(Object.keys(REGIMES) as Regime[])),
      fc.noShrink(fc.integer({ min: 1, max: 2 ** 30 })),
      fc.constantFrom(...LAYOUTS),
      fc.nat(),
    )
    .map(([g, regime, seed, layout, pick]) => {
      const draw = drawing(fc, g);
      const { shapes, attrs } = op.arbitrary?.(draw) ?? draw.pick(op.cases);
      return { source: { shapes, attrs, regime, seed }, layout, pick };
    });

/**
 * Checks every routine of `count` random problems by every algorithm, each with a layout and settings of its tunables
 * that are random too. A failure is shrunk to the smallest problem that still fails, and ends the search.
 */
export async function fuzz(
  device: Device,
  op: Op,
  options: {
    readonly count: number;
    readonly seed: number;
    readonly tunables: Tunables;
    readonly signal?: AbortSignal;
  },
  add: (finding: Finding) => void,
): Promise<void> {
  const fc = await import("fast-check");
  let failing: readonly Finding[] | undefined;
  let shrinks = 0;
  const property = fc.asyncProperty(fuzzed(fc, op), async (drawn) => {
    if (options.signal?.aborted || (failing && ++shrinks > SHRINKS)) return true;
    const findings = await judged(device, op, drawn, options.tunables);
    const failed = findings.filter(({ figure }) => !passes(figure));
    if (failed.length > 0) failing = failed;
    else if (!failing) for (const finding of findings) add(finding);
    return failed.length === 0;
  });
  const details = await fc.check(property, { seed: options.seed, numRuns: options.count });
  for (const finding of failing ?? []) add(finding);
  if (details.failed && !failing) throw details.errorInstance;
}

async function judged(
  device: Device,
  op: Op,
  { source, layout, pick }: Fuzzed,
  tunables: Tunables,
): Promise<Finding[]> {
  const p = trialProblem(op, source);
  const findings: Finding[] = [];
  for (const [routine, algorithm] of algorithms(device, op, { attrs: source.attrs }, p)) {
    const tune = choose(algorithm, tunables, pick);
    const trial = { op: op.name, ...source, routine, algorithm: algorithm.name, layout, tune };
    // a layout the kernels do not have says nothing: such problems are computed densely
    const finding =
      (await attempt(device, op, trial, p)) ?? (await attempt(device, op, { ...trial, layout: "dense" }, p));
    if (finding) findings.push(finding);
  }
  return findings;
}

function choose(algorithm: Algorithm<any>, tunables: Tunables, pick: number): Tune | undefined {
  const settings = TUNABLES[tunables](algorithm);
  return settings[pick % settings.length];
}
