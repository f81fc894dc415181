// `bench compare`: two results, or two builds that are measured in turns.

import { statSync } from "node:fs";
import { Presets, SingleBar } from "cli-progress";
import { FormatError, ValueError } from "../../engine/errors.ts";
import { checkOutputs, writeFile } from "../../engine/io/files.node.ts";
import { MOST_ROUNDS } from "../../engine/statistics/turns.ts";
import { getEntry } from "../../models/index.ts";
import { interruptible } from "../command_line/interrupt.ts";
import { type Comparison, compareBuilds, compareResults, exitCodeOf } from "../measure/compare.ts";
import { readResult } from "../measure/read_result.ts";
import { comparisonText } from "./outputs/comparison.ts";

export interface VerdictFlags {
  readonly tolerance: number;
  readonly confidence: number;
  readonly strict?: boolean;
  readonly json?: boolean;
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
  readonly out?: string;
  readonly adapter?: string;
}

/** Compares two results or builds. The exit code says what was found. */
export async function compare(a: string, b: string, options: CompareFlags): Promise<void> {
  const [first, second] = [a, b].map(isFolder);
  if (first !== second)
    throw new ValueError(
      `compare: ${first ? a : b} is the folder of a build but ${first ? b : a} is a file: two of a kind are expected`,
    );
  await checkOutputs([options.out], first ? [] : [a, b]);
  if (!first)
    return finish(compareResults(await readResult(a), await readResult(b), [a, b], options), options);
  if (options.step && options.kernels)
    throw new ValueError(`compare: --step ${options.step} and --kernels are given but one is expected`);
  const { name: network, variant } = getEntry(options.step ?? options.network, options.variant);
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

/** Prints a comparison and sets the exit code. */
export async function finish(
  result: Comparison,
  { strict, json, out }: VerdictFlags & { readonly out?: string },
): Promise<void> {
  const text = JSON.stringify(result, null, 2);
  console.log(json ? text : comparisonText(result));
  if (out !== undefined) await writeFile(out, `${text}\n`);
  process.exitCode = exitCodeOf(result, strict);
}

function isFolder(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new FormatError(`${path}: no such file or folder`);
  return stat.isDirectory();
}
