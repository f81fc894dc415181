// A result in the terminal: networks, layers and memory in aligned columns, with what they say in words below.

import Table from "cli-table3";
import type { Phase } from "../../engine/graph/graph.ts";
import type { LaunchRow, MemoryRow, NetworkRow, Result, Roofs } from "../measure/result.ts";
import { durationUnit, told } from "../tune/scale.ts";
import {
  blocks,
  bytesTold,
  costliest,
  dispatches,
  giga,
  layers,
  mega,
  named,
  type Part,
  parts,
  percent,
  roofShare,
  stepFlops,
  sum,
} from "./summary.ts";

interface Column<Row> {
  readonly heading: string;
  /** Text, which stands at the left. */
  readonly text?: boolean;
  of(row: Row): string;
}

/** Rows in aligned columns; columns that say nothing of any row are left out. */
export function aligned<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const said = columns.filter(({ of }) => rows.some((row) => of(row) !== ""));
  const table = new Table({
    head: said.map(({ heading }) => heading),
    colAligns: said.map(({ text }) => (text ? "left" : "right")),
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) table.push(said.map(({ of }) => of(row)));
  return table.toString();
}

const time = (seconds: number): string =>
  Number.isFinite(seconds) ? told(+seconds.toPrecision(3), durationUnit(seconds)) : "";

/** Networks side by side. A row that is not valid says so before its time. */
export function networkText({ networks }: Result): string {
  const name = named(networks);
  const phase = (which: Phase): Column<NetworkRow> => ({
    heading: which,
    of: ({ phases }) => (phases[which] ? time(phases[which].device.median) : ""),
  });
  const objects = ({ objects }: NetworkRow) =>
    Object.entries(objects)
      .map(([kind, count]) => `${count} ${kind}`)
      .join(", ");
  const table = aligned(networks, [
    { heading: "network", text: true, of: name },
    { heading: "", text: true, of: ({ validity }) => (validity.valid ? "valid" : "NOT VALID") },
    {
      heading: "step",
      of: ({ wall }) =>
        `${time(wall.median)} ± ${percent(wall.uncertainty)} (${time(wall.low)} to ${time(wall.high)})`,
    },
    { heading: "steps", of: ({ wall }) => String(wall.samples.length) },
    phase("forward"),
    phase("backward"),
    phase("update"),
    { heading: "GFLOP", of: (row) => giga(stepFlops(row)) },
    { heading: "GFLOP/s", of: (row) => giga(stepFlops(row) / row.wall.median) },
    { heading: "launches", of: (row) => String(dispatches(row) || "") },
    { heading: "memory", of: ({ memory }) => bytesTold(memory.total) },
  ]);
  const first = aligned(networks, [
    { heading: "network", text: true, of: name },
    { heading: "compile", of: ({ first }) => time(first.compile) },
    { heading: "create", of: ({ first }) => time(first.create) },
    { heading: "first step", of: ({ first }) => time(first.step) },
    { heading: "pipelines", of: ({ pipelines }) => String(pipelines) },
    { heading: "CPU", of: ({ cpu }) => (cpu ? time(cpu.all) : "") },
    { heading: "main thread", of: ({ cpu }) => (cpu ? time(cpu.main) : "") },
    { heading: "made a step", of: objects },
    { heading: "M parameters", of: ({ parameters }) => mega(parameters) },
    { heading: "GMACs/image", of: ({ macs }) => giga(macs) },
    { heading: "M activations", of: ({ activations }) => mega(activations) },
  ]);
  const said = networks.flatMap((row) => [
    `${name(row)}: ${row.validity.valid ? "valid" : "NOT VALID"}: ${row.validity.why}`,
    ...row.warnings.map((warning) => `${name(row)}: warning: ${warning}`),
  ]);
  return [
    table,
    "Step: median wall time of steady steps, half its 95 % interval, and quartiles. Phases: time on the device. GFLOP: 2 for each multiply-add.",
    "",
    first,
    "",
    ...said,
  ].join("\n");
}

const ofPhase = (launches: readonly LaunchRow[], phase: Phase) =>
  launches.filter((launch) => launch.phase === phase);

/** What the layers, or parts of any other kind, cost by phase. */
function partText(heading: string, all: readonly Part[], whole: number, roofs: Roofs | undefined): string {
  const rate = (phase: Phase): Column<Part> => ({
    heading: "GFLOP/s",
    of: ({ launches, by }) =>
      by[phase] ? giga(sum(ofPhase(launches, phase).map(({ flops }) => flops)) / by[phase]) : "",
  });
  const roof = (phase: Phase): Column<Part> => ({
    heading: "of roof",
    of(part) {
      const launches = ofPhase(part.launches, phase);
      return roofs && launches.length > 0
        ? percent(roofShare({ ...part, launches, seconds: part.by[phase] }, roofs))
        : "";
    },
  });
  const by = (phase: Phase): Column<Part> => ({
    heading: phase,
    of: (part) => (part.by[phase] ? time(part.by[phase]) : ""),
  });
  return aligned(all, [
    { heading, text: true, of: ({ name }) => name },
    { heading: "time", of: ({ seconds }) => time(seconds) },
    { heading: "of step", of: ({ seconds }) => percent(seconds / whole) },
    by("forward"),
    rate("forward"),
    roof("forward"),
    by("backward"),
    rate("backward"),
    roof("backward"),
    by("update"),
    { heading: "launches", of: ({ launches }) => String(launches.length) },
  ]);
}

/** Blocks in the order of the network, its costliest layers, and what costs most in each phase. */
export function layerText(
  row: NetworkRow,
  roofs: Roofs | undefined,
  { layer, top = 20 }: { layer?: string; top?: number } = {},
): string {
  const whole = sum(row.launches.map(({ seconds }) => seconds));
  const head = `${row.network} ${row.variant}, ${row.mode}, ${row.image}x${row.image}, batch ${row.batch}${row.validity.valid ? "" : `: NOT VALID: ${row.validity.why}`}`;
  if (layer !== undefined) {
    const inside = row.launches.filter(({ where }) => isIn(where, layer));
    const kernels = costliest(parts(inside, ({ label, where, phase }) => `${where} ${phase} ${label}`));
    return [
      head,
      partText(
        "layer",
        parts(inside, ({ where }) => where),
        whole,
        roofs,
      ),
      partText("launch", kernels.slice(0, top), whole, roofs),
    ].join("\n");
  }
  const all = layers(row);
  return [
    head,
    partText("block", blocks(row), whole, roofs),
    "",
    `The ${Math.min(top, all.length)} costliest of ${all.length} layers:`,
    partText("layer", costliest(all).slice(0, top), whole, roofs),
    ...(["forward", "backward"] as const).flatMap((phase) => most(all, phase, whole, roofs)),
  ].join("\n");
}

/** Whether a path is a layer or block, or lies in it. */
export const isIn = (where: string, layer: string): boolean =>
  where === layer || where.startsWith(`${layer}/`);

function most(
  all: readonly Part[],
  phase: "forward" | "backward",
  whole: number,
  roofs: Roofs | undefined,
): string[] {
  const [first] = [...all].sort((a, b) => b.by[phase] - a.by[phase]);
  if (!first || first.by[phase] === 0) return [];
  const launches = ofPhase(first.launches, phase);
  const seconds = first.by[phase];
  const flops = sum(launches.map((launch) => launch.flops));
  const roof = roofs
    ? `, ${percent(roofShare({ ...first, launches, seconds }, roofs))} of what the roofs allow`
    : "";
  return [
    `Most in ${phase}: ${first.name}, ${time(seconds)} (${percent(seconds / whole)} of the step), ${giga(flops / seconds)} GFLOP/s${roof}.`,
  ];
}

/** Tensors that are listed of those alive at the peak. */
const LISTED = 10;

/** What a step takes, what holds the peak, and the largest batch that fits. */
export function memoryText(row: NetworkRow, fits: { readonly largest: number; readonly in: string }): string {
  const { memory } = row;
  const { peak } = memory;
  const alive = memory.alive[peak.launch];
  const rest = peak.tensors.slice(LISTED);
  return [
    `${row.network} ${row.variant}, ${row.mode}, ${row.image}x${row.image}, batch ${row.batch}: ${bytesTold(memory.total)}`,
    aligned(holdings(row, memory), [
      { heading: "held", text: true, of: ([what]) => what },
      { heading: "", of: ([, bytes]) => bytesTold(bytes) },
      { heading: "share", of: ([, bytes]) => percent(bytes / memory.total) },
    ]),
    `Most of the arena, ${bytesTold(alive)}, is alive at launch ${peak.launch + 1} of ${memory.alive.length}, ${peak.where}:`,
    aligned(peak.tensors.slice(0, LISTED), [
      { heading: "tensor", text: true, of: ({ label }) => label },
      { heading: "", of: ({ bytes }) => bytesTold(bytes) },
      { heading: "share", of: ({ bytes }) => percent(bytes / alive) },
    ]),
    ...(rest.length > 0
      ? [`and ${rest.length} more of ${bytesTold(sum(rest.map(({ bytes }) => bytes)))} together`]
      : []),
    `Largest batch that fits ${fits.in}: ${fits.largest}.`,
  ].join("\n");
}

const holdings = ({ mode }: NetworkRow, memory: MemoryRow): readonly (readonly [string, number])[] => [
  [
    mode === "train" ? "parameters, gradients, optimiser state, statistics" : "parameters, statistics",
    memory.variables,
  ],
  [
    mode === "train" ? "arena: activations, their gradients, temporaries" : "arena: activations, temporaries",
    memory.arena,
  ],
  ["inputs, constants, uniforms, staging", memory.other],
];
