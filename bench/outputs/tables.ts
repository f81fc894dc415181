// A result as tables, which Markdown and the page both write: networks, what is costliest in each, memory, kernels.

import type { KernelRow, NetworkRow, Result, Roofs } from "../measure/result.ts";
import {
  blocks,
  bytesTold,
  costliest,
  dispatches,
  giga,
  imageRate,
  layers,
  mega,
  milliseconds,
  named,
  type Part,
  parts,
  percent,
  problemOf,
  roofShare,
  sizeUnit,
  stepFlops,
  sum,
  three,
  tuneOf,
} from "./summary.ts";

/** Text in rows and columns; columns of numbers stand at the right. */
export interface Table {
  readonly title: string;
  readonly note?: string;
  readonly columns: readonly { readonly heading: string; readonly number?: boolean }[];
  readonly rows: readonly (readonly string[])[];
}

/** Rows of a table that lists the costliest. */
const LISTED = { layers: 15, kernels: 15, tensors: 12 };

/** What stands where a time says nothing. */
export const NOT_VALID = "NOT VALID";

interface Column<Row> {
  readonly heading: string;
  /** Text, where it is no number. */
  readonly text?: boolean;
  of(row: Row): string;
}

/** A table of rows; columns that say nothing of any row are left out. */
function tableOf<Row>(
  title: string,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  note?: string,
): Table {
  const said = columns.filter(({ of }) => rows.some((row) => of(row) !== ""));
  return {
    title,
    note,
    columns: said.map(({ heading, text }) => ({ heading, number: !text })),
    rows: rows.map((row) => said.map(({ of }) => of(row))),
  };
}

/** The networks of a result, a row each. */
export function networkTable({ networks }: Result): Table {
  const name = named(networks);
  const phase = (of: "forward" | "backward" | "update") => ({
    heading: `${of} (ms)`,
    of: ({ phases }: NetworkRow) => (phases[of] ? milliseconds(phases[of].device.median) : ""),
  });
  return tableOf(
    "Networks",
    networks,
    [
      { heading: "Network", text: true, of: name },
      { heading: "Valid", text: true, of: ({ validity }) => (validity.valid ? "yes" : NOT_VALID) },
      {
        heading: "ms/step",
        of: ({ wall }) => `${milliseconds(wall.median)} ±\u00a0${percent(wall.uncertainty)}`,
      },
      { heading: "images/s", of: (row) => three(imageRate(row)) },
      phase("forward"),
      phase("backward"),
      phase("update"),
      { heading: "GFLOP/step", of: (row) => giga(stepFlops(row)) },
      { heading: "GFLOP/s", of: (row) => giga(stepFlops(row) / row.wall.median) },
      { heading: "launches", of: (row) => dispatches(row).toLocaleString("en") },
      { heading: "memory", of: ({ memory }) => bytesTold(memory.total) },
      { heading: "first step (s)", of: ({ first }) => three(first.create + first.step) },
      { heading: "Held against", text: true, of: ({ validity }) => validity.why },
    ],
    `${settings(networks)}Medians of steady steps, ± half the 95 % interval of the median. Phases are times on the device. FLOPs count 2 for each multiply-add, forward, backward and update. The first step counts from nothing, with all that is made and compiled.`,
  );
}

/** What the networks are, whatever runs them. */
export function censusTable({ networks }: Result): Table {
  return tableOf(
    "What they are",
    networks,
    [
      { heading: "Network", text: true, of: named(networks) },
      { heading: "M parameters", of: ({ parameters }) => mega(parameters) },
      { heading: "GMACs/image", of: ({ macs }) => giga(macs) },
      { heading: "GFLOP/image", of: ({ macs }) => giga(2 * macs) },
      { heading: "M activations/image", of: ({ activations }) => mega(activations) },
      { heading: "GFLOP/step", of: (row) => giga(stepFlops(row)) },
      { heading: "GB/step", of: ({ phases }) => giga(sum(Object.values(phases).map(({ bytes }) => bytes))) },
      { heading: "pipelines", of: ({ pipelines }) => String(pipelines) },
    ],
    "Multiply-adds (MACs) and activations are of convolutions and fully connected layers, of one image forward. Bytes are algorithmic: of every launch the tensors it binds, each counted once.",
  );
}

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

/** What of a step is costliest: columns that all such tables share. */
function costs(whole: number, roofs: Roofs | undefined): readonly Column<Part>[] {
  return [
    { heading: "ms", of: ({ seconds }) => milliseconds(seconds) },
    { heading: "share", of: ({ seconds }) => percent(seconds / whole) },
    { heading: "forward (ms)", of: ({ by }) => (by.forward ? milliseconds(by.forward) : "") },
    { heading: "backward (ms)", of: ({ by }) => (by.backward ? milliseconds(by.backward) : "") },
    { heading: "GFLOP", of: ({ flops }) => giga(flops) },
    { heading: "GFLOP/s", of: ({ flops, seconds }) => giga(flops / seconds) },
    { heading: "GB/s", of: ({ bytes, seconds }) => giga(bytes / seconds) },
    { heading: "of the roof", of: (part) => (roofs ? percent(roofShare(part, roofs)) : "") },
    { heading: "launches", of: ({ launches }) => launches.length.toLocaleString("en") },
  ];
}

function partTable(
  title: string,
  heading: string,
  all: readonly Part[],
  roofs: Roofs | undefined,
  { most = Infinity, whole = sum(all.map(({ seconds }) => seconds)) } = {},
): Table {
  const listed = costliest(all).slice(0, most);
  const note = all.length > listed.length ? `The ${listed.length} costliest of ${all.length}.` : undefined;
  return tableOf(
    title,
    listed,
    [{ heading, text: true, of: ({ name }) => name }, ...costs(whole, roofs)],
    note,
  );
}

export const blockTable = (row: NetworkRow, name: string, roofs?: Roofs): Table =>
  partTable(`Blocks of ${name}`, "Block", blocks(row), roofs);

export const layerTable = (row: NetworkRow, name: string, roofs?: Roofs): Table =>
  partTable(`Layers of ${name}`, "Layer", layers(row), roofs, {
    most: LISTED.layers,
    whole: sum(row.launches.map(({ seconds }) => seconds)),
  });

export const launchTable = (row: NetworkRow, name: string, roofs?: Roofs): Table =>
  partTable(
    `Kernels of ${name}`,
    "Kernel",
    parts(row.launches, ({ label }) => label),
    roofs,
    { most: LISTED.kernels },
  );

/** What a network's memory holds, and what is alive at its peak. */
export function memoryTable({ memory }: NetworkRow, name: string): Table {
  const { tensors } = memory.peak;
  const rest = tensors.slice(LISTED.tensors);
  const more = rest.length
    ? [{ label: `${rest.length} more`, bytes: sum(rest.map(({ bytes }) => bytes)) }]
    : [];
  const all = sum(tensors.map(({ bytes }) => bytes));
  const unit = sizeUnit(Math.max(...tensors.map(({ bytes }) => bytes), 0));
  return tableOf(
    `Memory of ${name}`,
    [...tensors.slice(0, LISTED.tensors), ...more],
    [
      { heading: "Alive at the peak", text: true, of: ({ label }) => label },
      { heading: unit.name, of: ({ bytes }) => three(bytes / unit.size) },
      { heading: "share", of: ({ bytes }) => percent(bytes / all) },
    ],
    `${bytesTold(memory.total)} in all: ${bytesTold(memory.variables)} of parameters, gradients, optimiser state and statistics; ${bytesTold(memory.arena)} of activations and their gradients; ${bytesTold(memory.other)} of inputs, constants and staging. Most is alive at ${memory.peak.where}.`,
  );
}

/** Kernels by themselves. */
export function kernelTable({ kernels, roofs }: Result): Table {
  const seconds = ({ device }: KernelRow) => device?.median ?? Number.NaN;
  return tableOf<KernelRow>("Kernels", kernels, [
    { heading: "Routine", text: true, of: ({ routine }) => routine },
    { heading: "Problem", text: true, of: problemOf },
    { heading: "Algorithm", text: true, of: ({ algorithm }) => algorithm },
    { heading: "Tunables", text: true, of: ({ tune }) => tuneOf(tune) },
    { heading: "ms", of: ({ device }) => (device ? milliseconds(device.median) : "") },
    { heading: "±", of: ({ device }) => (device ? percent(device.uncertainty) : "") },
    { heading: "GFLOP/s", of: (row) => giga(row.flops / seconds(row)) },
    { heading: "GB/s", of: (row) => giga(row.bytes / seconds(row)) },
    {
      heading: "of the roof",
      of: (row) =>
        roofs ? percent(Math.max(row.flops / roofs.multiplyAdd, row.bytes / roofs.copy) / seconds(row)) : "",
    },
    { heading: "Refused", text: true, of: ({ refusal }) => refusal ?? "" },
  ]);
}

/** The adapter's roofs. */
export const roofTable = (roofs: Roofs): Table =>
  tableOf(
    "Roofs",
    [
      ["multiply-adds in registers", `${giga(roofs.multiplyAdd)} GFLOP/s`],
      ["copy, read and written", `${giga(roofs.copy)} GB/s`],
      ["read from workgroup memory", `${giga(roofs.workgroup)} GB/s`],
      ["empty dispatch", `${three(1e6 * roofs.dispatch)} \u00b5s`],
    ],
    [
      { heading: "Of this adapter, measured", text: true, of: ([what]) => what },
      { heading: "at most", of: ([, most]) => most },
    ],
  );

/** Every table of a result but what others published. */
export function tables(result: Result): readonly Table[] {
  const { networks, kernels, roofs } = result;
  const name = named(networks);
  return [
    ...(networks.length > 0 ? [networkTable(result), censusTable(result)] : []),
    ...networks.flatMap((row) => [
      ...(row.launches.length > 0
        ? [
            blockTable(row, name(row), roofs),
            layerTable(row, name(row), roofs),
            launchTable(row, name(row), roofs),
          ]
        : []),
      memoryTable(row, name(row)),
    ]),
    ...(kernels.length > 0 ? [kernelTable(result)] : []),
    ...(roofs ? [roofTable(roofs)] : []),
  ];
}
