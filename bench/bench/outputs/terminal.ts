// A result in the terminal: its tables in aligned columns, with what they say in words below.

import { formatTable } from "../../command_line/table.ts";
import { sum } from "../../measure/grouped.ts";
import type { NetworkRow, Result, Roofs } from "../../measure/result.ts";
import { shareOf } from "../../measure/roofline.ts";
import { formatDuration } from "../../page/scale.ts";
import { kernelTables, rooflineTable, roofTable } from "./kernel_tables.ts";
import { costliest, giga, layers, NOT_VALID, named, notes, parts, percent } from "./summary.ts";
import type { Table } from "./table.ts";
import {
  blockTable,
  censusTable,
  hostTable,
  launchSeconds,
  layerTable,
  memoryTable,
  networkTable,
  partTable,
} from "./tables.ts";

/** A table under its title, in aligned columns. */
export function aligned({ title, note, columns, rows }: Table): string {
  return [title, ...(note ? [note] : []), ...(rows.length > 0 ? [formatTable(columns, rows)] : [])].join(
    "\n",
  );
}

const paragraphs = (all: readonly string[]): string => all.filter((text) => text !== "").join("\n\n");

/** Networks side by side, and whether each is valid. */
export const networkText = (result: Result): string =>
  paragraphs([
    ...[networkTable, hostTable, censusTable].map((table) => aligned(table(result))),
    notes(result).join("\n"),
  ]);

const heading = ({ networks }: Result, row: NetworkRow): string =>
  `${named(networks)(row)}, ${row.mode}, ${row.image}x${row.image}, batch ${row.batch}${row.validity.valid ? "" : `: ${NOT_VALID}: ${row.validity.why}`}`;

/** Blocks in the order of the network, its costliest layers, and what costs most in each phase; or a layer's launches. */
export function layerText(
  result: Result,
  { layer, top = 20 }: { layer?: string; top?: number } = {},
): string {
  const name = named(result.networks);
  return paragraphs(
    result.networks.flatMap((row) => [
      heading(result, row),
      ...(layer === undefined
        ? [
            aligned(blockTable(row, name(row), result.roofs)),
            aligned(layerTable(row, name(row), result.roofs, top)),
            (["forward", "backward"] as const).flatMap((phase) => most(row, phase, result.roofs)).join("\n"),
          ]
        : insideText(row, layer, top, result.roofs)),
    ]),
  );
}

/** What lies in a layer or block. */
function insideText(row: NetworkRow, layer: string, top: number, roofs: Roofs | undefined): string[] {
  const inside = row.launches.filter(({ where }) => isIn(where, layer));
  const whole = launchSeconds(row);
  const kernels = costliest(parts(inside, ({ label, where, phase }) => `${where} ${phase} ${label}`));
  const inLayers = parts(inside, ({ where }) => where);
  return [
    aligned(partTable(`Layers in ${layer}`, "Layer", inLayers, { roofs, whole })),
    aligned(partTable(`Launches in ${layer}`, "Launch", kernels, { roofs, whole, most: top })),
  ];
}

/** Whether a path is a layer or block, or lies in it. */
export const isIn = (where: string, layer: string): boolean =>
  where === layer || where.startsWith(`${layer}/`);

function most(row: NetworkRow, phase: "forward" | "backward", roofs: Roofs | undefined): string[] {
  const [first] = [...layers(row)].sort((a, b) => b.by[phase] - a.by[phase]);
  if (!first || first.by[phase] === 0) return [];
  const launches = first.launches.filter((launch) => launch.phase === phase);
  const seconds = first.by[phase];
  const flops = sum(launches.map((launch) => launch.flops));
  const roof = roofs ? `, ${percent(shareOf(launches, roofs))} of what the roofs allow` : "";
  return [
    `Most in ${phase}: ${first.name}, ${formatDuration(seconds)} (${percent(seconds / launchSeconds(row))} of the step), ${giga(flops / seconds)} GFLOP/s${roof}.`,
  ];
}

/** The roofs, and the kernels of each network beside them. */
export function rooflineText(result: Result, top?: number): string {
  const { networks, roofs, readings } = result;
  if (!roofs) return networkText(result);
  const name = named(networks);
  return paragraphs([
    aligned(roofTable(roofs, readings)),
    ...networks.flatMap((row) => [
      heading(result, row),
      ...(row.launches.length > 0 ? [aligned(rooflineTable(row, name(row), roofs, top))] : []),
    ]),
  ]);
}

/** Kernels by themselves, after the roofs where they were measured. */
export const kernelText = (result: Result): string =>
  paragraphs([
    ...(result.roofs ? [aligned(roofTable(result.roofs, result.readings))] : []),
    ...kernelTables(result).map(aligned),
  ]);

/** What each step takes, what holds the peak, and the largest batch that fits. */
export const memoryText = (
  result: Result,
  fits: { readonly largest: readonly number[]; readonly in: string },
): string =>
  paragraphs(
    result.networks.map((row, i) =>
      [
        heading(result, row),
        aligned(memoryTable(row, named(result.networks)(row))),
        `Largest batch that fits ${fits.in}: ${fits.largest[i]}.`,
      ].join("\n"),
    ),
  );
