// Tables of networks, of what is costliest in each and of memory; and all tables of a result.

import type { Phase } from "../../../engine/graph/graph.ts";
import { sum } from "../../measure/grouped.ts";
import type { NetworkRow, Result, Roofs } from "../../measure/result.ts";
import { shareOf } from "../../measure/roofline.ts";
import { kernelTables, rooflineTable, roofTable } from "./kernel_tables.ts";
import {
  blocks,
  costliest,
  count,
  dispatches,
  formatBytes,
  giga,
  imageRate,
  layers,
  mega,
  milliseconds,
  NOT_VALID,
  named,
  type Part,
  PHASES,
  parts,
  percent,
  sizeUnit,
  stepFlops,
  three,
} from "./summary.ts";
import { LISTED, type RowColumn, type Table, tableOf } from "./table.ts";

/** The networks of a result, a row each. */
export function networkTable({ networks }: Result): Table {
  return tableOf(
    "Networks",
    networks.filter(({ wall }) => wall.samples.length > 0),
    [
      { heading: "Network", text: true, of: named(networks) },
      { heading: "Valid", text: true, of: ({ validity }) => (validity.valid ? "yes" : NOT_VALID) },
      {
        heading: "ms/step",
        of: ({ wall }) => `${milliseconds(wall.median)} ±\u00a0${percent(wall.uncertainty)}`,
      },
      { heading: "images/s", of: (row) => three(imageRate(row)) },
      ...PHASES.map((phase) => ({
        heading: `${phase} (ms)`,
        of: ({ phases }: NetworkRow) => (phases[phase] ? milliseconds(phases[phase].device.median) : ""),
      })),
      { heading: "GFLOP/step", of: (row) => giga(stepFlops(row)) },
      { heading: "GFLOP/s", of: (row) => giga(stepFlops(row) / row.wall.median) },
      { heading: "launches", of: (row) => count(dispatches(row)) },
    ],
    `${settings(networks)}Medians of steady steps, ± half the 95 % interval of the median. Phases are times on the device. FLOPs count 2 for each multiply-add, forward, backward and update.`,
  );
}

/** What it takes before the first steady step, and how these are spread and what they take from the host. */
export const hostTable = ({ networks }: Result): Table =>
  tableOf(
    "First and steady steps",
    networks.filter(({ wall }) => wall.samples.length > 0),
    [
      { heading: "Network", text: true, of: named(networks) },
      { heading: "compile (ms)", of: ({ first }) => milliseconds(first.compile) },
      { heading: "create (ms)", of: ({ first }) => milliseconds(first.create) },
      { heading: "first step (ms)", of: ({ first }) => milliseconds(first.step) },
      {
        heading: "quartiles (ms)",
        of: ({ wall }) => `${milliseconds(wall.low)}, ${milliseconds(wall.high)}`,
      },
      { heading: "steps", of: ({ wall }) => count(wall.samples.length) },
      { heading: "CPU (ms/step)", of: ({ cpu }) => (cpu ? milliseconds(cpu.all) : "") },
      { heading: "main thread (ms/step)", of: ({ cpu }) => (cpu ? milliseconds(cpu.main) : "") },
      {
        heading: "made each step",
        text: true,
        of: ({ objects }) =>
          Object.entries(objects)
            .map(([kind, made]) => `${made} ${kind}`)
            .join(", "),
      },
    ],
    "Compiling, creating and the first step follow each other. CPU is processor time, of all threads of the process.",
  );

/** What the networks are, whatever runs them, and what they take. */
export const censusTable = ({ networks }: Result): Table =>
  tableOf(
    "What they are",
    networks,
    [
      { heading: "Network", text: true, of: named(networks) },
      { heading: "M parameters", of: ({ parameters }) => mega(parameters) },
      { heading: "GMACs/image", of: ({ macs }) => giga(macs) },
      { heading: "as timm counts", of: ({ timmMacs }) => (timmMacs / 1e9).toFixed(2) },
      { heading: "GFLOP/image", of: ({ macs }) => giga(2 * macs) },
      { heading: "M activations/image", of: ({ activations }) => mega(activations) },
      {
        heading: "GB/step",
        of: ({ phases }) => giga(sum(Object.values(phases).map(({ bytes }) => bytes)) || NaN),
      },
      { heading: "pipelines", of: ({ pipelines }) => count(pipelines) },
      { heading: "memory", of: ({ memory }) => formatBytes(memory.total) },
    ],
    "Multiply-adds (MACs) and activations are of convolutions and fully connected layers, of one image forward. Bytes are algorithmic: of every launch the tensors it binds, each counted once.",
  );

/** What all rows were measured with. */
function settings(networks: readonly NetworkRow[]): string {
  const all = (of: (row: NetworkRow) => string) => {
    const values = [...new Set(networks.map(of))];
    return values.length === 1 ? values[0] : undefined;
  };
  const common = [
    all(({ mode }) => (mode === "train" ? "training" : "inference")),
    all(({ image }) => `images of ${image}x${image}`),
    all(({ batch }) => `batch ${batch}`),
    all(({ precision }) => precision),
  ].filter((one) => one !== undefined);
  const text = common.join(", ");
  return text ? `${text[0].toUpperCase()}${text.slice(1)}. ` : "";
}

/** What a phase costs of a part. */
function phaseCosts(phase: Phase, roofs: Roofs | undefined): readonly RowColumn<Part>[] {
  const of = ({ launches }: Part) => launches.filter((launch) => launch.phase === phase);
  return [
    { heading: `${phase} (ms)`, of: ({ by }) => (by[phase] ? milliseconds(by[phase]) : "") },
    { heading: "GFLOP/s", of: (part) => giga(sum(of(part).map(({ flops }) => flops)) / part.by[phase]) },
    {
      heading: "of the roof",
      of: (part) => (roofs && part.by[phase] ? percent(shareOf(of(part), roofs)) : ""),
    },
  ];
}

/** Parts of a step; `whole` are its seconds. */
export function partTable(
  title: string,
  heading: string,
  all: readonly Part[],
  { roofs, whole, most = Infinity }: { roofs?: Roofs; whole: number; most?: number },
): Table {
  const listed = all.slice(0, most);
  return tableOf(
    title,
    listed,
    [
      { heading, text: true, of: ({ name }) => name },
      { heading: "ms", of: ({ seconds }) => milliseconds(seconds) },
      { heading: "of all launches", of: ({ seconds }) => percent(seconds / whole) },
      ...phaseCosts("forward", roofs),
      ...phaseCosts("backward", roofs),
      { heading: "update (ms)", of: ({ by }) => (by.update ? milliseconds(by.update) : "") },
      { heading: "GB/s", of: ({ bytes, seconds }) => giga(bytes / seconds) },
      { heading: "launches", of: ({ launches }) => count(launches.length) },
    ],
    all.length > listed.length ? `The ${listed.length} costliest of ${all.length}.` : undefined,
  );
}

/** Seconds of all launches, each by itself. */
export const launchSeconds = ({ launches }: Pick<NetworkRow, "launches">): number =>
  sum(launches.map(({ seconds }) => seconds));

export const blockTable = (row: NetworkRow, name: string, roofs?: Roofs): Table =>
  partTable(`Blocks of ${name}`, "Block", blocks(row), { roofs, whole: launchSeconds(row) });

export const layerTable = (row: NetworkRow, name: string, roofs?: Roofs, most = LISTED): Table =>
  partTable(`Layers of ${name}`, "Layer", costliest(layers(row)), { roofs, whole: launchSeconds(row), most });

export const launchTable = (row: NetworkRow, name: string, roofs?: Roofs): Table =>
  partTable(`Kernels of ${name}`, "Kernel", costliest(parts(row.launches, ({ label }) => label)), {
    ...{ roofs, whole: launchSeconds(row), most: LISTED },
  });

/** What a network's memory holds, and what is alive at its peak. */
export function memoryTable({ mode, memory }: NetworkRow, name: string): Table {
  const { tensors } = memory.peak;
  const rest = tensors.slice(LISTED);
  const bytes = (of: typeof tensors) => sum(of.map((tensor) => tensor.bytes));
  const more = rest.length > 0 ? [{ label: `${rest.length} more`, bytes: bytes(rest) }] : [];
  const unit = sizeUnit(Math.max(...tensors.map((tensor) => tensor.bytes), 0));
  const [kept, passing] =
    mode === "train"
      ? ["parameters, gradients, optimiser state and statistics", "activations and their gradients"]
      : ["parameters and statistics", "activations"];
  const { launch, where } = memory.peak;
  return tableOf(
    `Memory of ${name}`,
    [...tensors.slice(0, LISTED), ...more],
    [
      { heading: "Alive at the peak", text: true, of: ({ label }) => label },
      { heading: unit.name, of: (tensor) => three(tensor.bytes / unit.size) },
      { heading: "of the peak", of: (tensor) => percent(tensor.bytes / bytes(tensors)) },
    ],
    `${formatBytes(memory.total)} in all: ${formatBytes(memory.variables)} of ${kept}; ${formatBytes(memory.arena)} of ${passing}; ${formatBytes(memory.other)} of inputs, constants and staging. Most, ${formatBytes(memory.alive[launch] ?? 0)}, is alive at launch ${launch + 1} of ${memory.alive.length}, ${where}.`,
  );
}

/** Every table of a result but what others published. */
export function tables(result: Result): readonly Table[] {
  const { networks, roofs, readings } = result;
  const name = named(networks);
  const run = networks.some(({ wall }) => wall.samples.length > 0);
  return [
    ...(run ? [networkTable(result), hostTable(result)] : []),
    ...(networks.length > 0 ? [censusTable(result)] : []),
    ...networks.flatMap((row) => [
      ...(row.launches.length > 0
        ? [
            blockTable(row, name(row), roofs),
            layerTable(row, name(row), roofs),
            launchTable(row, name(row), roofs),
            ...(roofs ? [rooflineTable(row, name(row), roofs)] : []),
          ]
        : []),
      memoryTable(row, name(row)),
    ]),
    ...kernelTables(result),
    ...(roofs ? [roofTable(roofs, readings)] : []),
  ];
}
