// What a result says in a few sentences: what is fastest, by how much, and why.

import { grouped } from "../../measure/grouped.ts";
import type { NetworkRow, Result } from "../../measure/result.ts";
import { durationUnit, formatDuration, formatQuantity } from "../../page/scale.ts";
import {
  blocks,
  costliest,
  count,
  deviceSeconds,
  dispatches,
  formatBytes,
  giga,
  imageRate,
  named,
  operationOf,
  type Part,
  PHASES,
  parts,
  percent,
  problemOf,
  stepFlops,
  three,
  UPDATE,
} from "./summary.ts";
import { launchSeconds } from "./tables.ts";

/** `lead` is what counts most. */
export interface SummarySentence {
  readonly good: boolean;
  readonly lead: string;
  readonly rest: string;
}

/** Rows that were measured alike are compared, others are reported each by itself; what is not valid is said first. */
export function summarySentence(result: Result): SummarySentence {
  const { networks, kernels, interrupted } = result;
  const name = named(networks);
  const wrong = networks.filter(({ validity }) => !validity.valid);
  const ended = interrupted ? " It was interrupted: what is here was measured before." : "";
  const right = networks.filter(({ validity, wall }) => validity.valid && wall.median > 0);
  const said = alike(right).map((rows) => compared(rows, name));
  if (wrong.length > 0) said.unshift(invalid(wrong, name));
  if (said.length === 0 && networks.length > 0)
    said.push(...networks.map((row) => [name(row), ` takes ${formatBytes(row.memory.total)}`] as const));
  if (kernels.length > 0) said.push(kernelSentence(result));
  if (said.length === 0) return { good: false, lead: "Nothing was measured", rest: `.${ended}` };
  const [[lead, rest], ...others] = said;
  const more = others.map((one) => ` ${one.join("")}.`).join("");
  return { good: !interrupted && wrong.length === 0, lead, rest: `${rest}.${more}${ended}` };
}

/** What counts most of a sentence, and how it goes on. */
type Sentence = readonly [lead: string, rest: string];

const invalid = (rows: readonly NetworkRow[], name: Name): Sentence => [
  "Not valid",
  `: ${rows.map((row) => `${name(row)} (${row.validity.why})`).join("; ")}. Times of steps that are not known to be right say nothing`,
];

/** Rows in groups of equal mode, image and batch. */
function alike(rows: readonly NetworkRow[]): readonly (readonly NetworkRow[])[] {
  return [...grouped(rows, ({ mode, image, batch }) => [mode, image, batch].join()).values()];
}

type Name = (row: NetworkRow) => string;

function compared(rows: readonly NetworkRow[], name: Name): Sentence {
  if (rows.length === 1) return single(rows[0], name);
  const [best, ...others] = [...rows].sort((a, b) => a.wall.median - b.wall.median);
  const verb = best.mode === "train" ? "trains" : "infers";
  const rest = [step(best, others[others.length - 1]), ...others.map((row) => slower(row, best, name))].join(
    ". ",
  );
  return [`${name(best)} ${verb} fastest`, `: ${rest}`];
}

const step = (row: NetworkRow, slowest = row): string =>
  `${formatQuantity(row.wall.median, durationUnit(slowest.wall.median))} a step of ${row.batch === 1 ? "one image" : `${row.batch} images`}, ${three(imageRate(row))} images/s`;

/** What makes a row slower: more work, slower work, or more launches. */
function slower(row: NetworkRow, best: NetworkRow, name: Name): string {
  const ratio = row.wall.median / best.wall.median;
  const doubt = Math.hypot(row.wall.uncertainty, best.wall.uncertainty);
  const work = stepFlops(row) / stepFlops(best);
  const speed = work / ratio;
  const pace = (one: NetworkRow) => giga(stepFlops(one) / one.wall.median);
  const why = `${three(work)} times the FLOPs at ${three(speed)} times the speed (${pace(row)} against ${pace(best)} GFLOP/s), in ${count(dispatches(row))} launches against ${count(dispatches(best))}`;
  return ratio < 1 + doubt
    ? `Nothing tells ${name(row)} from it (${three(ratio)} times as long, ±\u00a0${percent(doubt)}): ${why}`
    : `${name(row)} takes ${three(ratio)} times as long: ${why}`;
}

/** Where the time of a single network goes. */
function single(row: NetworkRow, name: Name): Sentence {
  const device = deviceSeconds(row);
  const shares = PHASES.flatMap((phase) => {
    const seconds = row.phases[phase]?.device.median;
    return seconds === undefined ? [] : [`${percent(seconds / device)} ${phase}`];
  });
  const of = (what: string, all: readonly Part[]) => {
    const [most] = costliest(all.filter((one) => one.name !== UPDATE));
    return (
      most &&
      `the costliest ${what} is ${most.name} (${percent(most.seconds / launchSeconds(row))} of all launches)`
    );
  };
  const costly = [of("block", blocks(row)), of("operation", parts(row.launches, operationOf))]
    .filter(Boolean)
    .join(", ");
  const phases = shares.length > 1 ? `, ${shares.join(", ")}` : "";
  return [name(row), `: ${step(row)}${phases}${costly ? `; ${costly}` : ""}`];
}

/** Of every problem that several kernels were timed on, the fastest. */
function kernelSentence({ kernels }: Result): Sentence {
  const timed = kernels.filter(({ device }) => device);
  const problems = grouped(timed, (row) => `${row.routine} ${problemOf(row)}`);
  const refused = kernels.length - timed.length;
  const fastest = [...problems]
    .filter(([, rows]) => rows.length > 1)
    .slice(0, 3)
    .map(([key, rows]) => {
      const [best, next] = [...rows].sort((a, b) => a.device!.median - b.device!.median);
      return `${key}: ${best.algorithm} is fastest, ${formatDuration(best.device!.median)}, ${three(next.device!.median / best.device!.median)} times as fast as ${next.algorithm}`;
    });
  const counted = `${timed.length} of ${kernels.length} kernels were timed`;
  return [counted, [refused > 0 ? `, ${refused} refused` : "", ...fastest].join(". ")];
}
