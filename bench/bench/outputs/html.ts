// The page of a result: one file that asks for nothing outside itself.

import type { NetworkRow, Result } from "../../measure/result.ts";
import { roofline } from "../../measure/roofline.ts";
import { html, type Markup } from "../../page/markup.ts";
import { definitionList, folded, framed, plural } from "../../page/page.ts";
import { formatDuration } from "../../page/scale.ts";
import { baselineTables, SOURCES } from "./baselines.ts";
import { costs, legend, memory, PHASE_COLOR, spread, stepsChart } from "./charts.ts";
import { facts } from "./facts.ts";
import { kernelTables, rooflineTable, roofTable } from "./kernel_tables.ts";
import { rooflineChart } from "./roofline.ts";
import {
  blocks,
  costliest,
  formatBytes,
  layers,
  NOT_VALID,
  named,
  notes,
  type Part,
  percent,
  UPDATE,
} from "./summary.ts";
import type { Table } from "./table.ts";
import {
  blockTable,
  censusTable,
  hostTable,
  launchSeconds,
  launchTable,
  layerTable,
  memoryTable,
  networkTable,
} from "./tables.ts";
import { summarySentence } from "./verdict.ts";

/** A part of the page: its heading, what is said beside it, what is in it. */
interface Section {
  readonly title: string;
  readonly aside?: string;
  readonly body: Markup;
}

/**
 * A result as an HTML document: what it says, networks and their steps by phase, blocks and layers of each, the
 * roofline, memory over a step, the spread of samples, kernels, what others published, and where it was measured.
 */
export function benchPage(result: Result): string {
  const { networks, kernels } = result;
  const name = named(networks);
  const { good, lead, rest } = summarySentence(result);
  const run = networks.filter(({ wall }) => wall.samples.length > 0);
  const profiled = networks.filter(({ launches }) => launches.length > 0);
  const published = baselineTables(result);
  const sections = [
    ...(networks.length > 0 ? [networkSection(result, run, name)] : []),
    ...profiled.map((row) => layerSection(row, name(row), result)),
    ...profiled.map((row) => rooflineSection(row, name(row), result)),
    ...(kernels.length > 0 ? [kernelSection(result)] : []),
    ...networks.filter((row) => row.memory.alive.length > 0).map((row) => memorySection(row, name(row))),
    ...(run.length > 0 ? [spreadSection(run, name)] : []),
    ...(published.length > 0 ? [baselineSection(published)] : []),
    whereSection(result),
  ];
  const said = notes(result);
  const header = html`<h1>Tessera bench</h1>
<p class="verdict${good ? "" : " failed"}"><b>${lead}</b>${rest}</p>
${said.length > 0 ? html`<ul class="messages">${said.map((note) => html`<li>${note}</li>`)}</ul>` : undefined}
<nav aria-label="contents">${sections.map(({ title }) => html`<a href="#${idOf(title)}">${title}</a> `)}</nav>`;
  const sectionMarkup = ({ title, aside, body }: Section) =>
    html`<section id="${idOf(title)}"><h2>${title}${aside ? html` <small>${aside}</small>` : undefined}</h2>
${body}</section>`;
  return framed(`Tessera bench: ${lead}`, header, sections.map(sectionMarkup));
}

const idOf = (title: string): string => title.toLowerCase().replace(/[^\w]+/g, "-");

type Name = (row: NetworkRow) => string;

/** A table's rows, the first cell of each as its heading. */
function tableMarkup({ note, columns, rows }: Table): Markup {
  const side = (cell: string, i: number) =>
    columns[i].number ? "number" : cell === NOT_VALID ? "over" : "where";
  const before = note ? html`<p class="note">${note}</p>` : undefined;
  if (rows.length === 0) return html`${before}`;
  return html`${before}
<div class="scroll" tabindex="0"><table class="dense">
<thead><tr>${columns.map(({ heading }, i) => html`<th scope="col" class="${columns[i].number ? "number" : ""}">${heading}</th>`)}</tr></thead>
<tbody>
${rows.map(
  (row) =>
    html`<tr>${row.map((cell, i) => (i === 0 ? html`<th scope="row">${broken(cell)}</th>` : html`<td class="${side(cell, i)}">${cell}</td>`))}</tr>
`,
)}</tbody>
</table></div>`;
}

/** Long names may go on in another line after a stroke. */
const broken = (name: string): readonly Markup[] =>
  name.split(/(?<=[/_])/).map((part, i) => (i > 0 ? html`<wbr>${part}` : html`${part}`));

const titled = (table: Table): Markup => html`<h3>${table.title}</h3>
${tableMarkup(table)}`;

const chart = (drawn: Markup, colors: Readonly<Record<string, string>> = {}): Markup =>
  html`<div class="plots"><figure class="chart">${drawn}
${legend(colors)}</figure></div>
`;

const { rest: idle, ...PHASES } = PHASE_COLOR;

const networkSection = (result: Result, run: readonly NetworkRow[], name: Name): Section => ({
  title: "Networks",
  body: html`${run.length > 0 ? chart(stepsChart(run, name), { ...PHASES, "device idle": idle }) : undefined}
${run.length > 0 ? html`${tableMarkup(networkTable(result))}${titled(hostTable(result))}` : undefined}
${titled(censusTable(result))}`,
});

const layerSection = (row: NetworkRow, name: string, { roofs }: Result): Section => ({
  title: `Layers of ${name}`,
  aside: `${most("block", row, blocks(row))}; ${most("layer", row, layers(row))}`,
  body: html`${chart(costs(`time by block of ${name}`, blocks(row)), PHASES)}
${titled({ ...blockTable(row, name, roofs), title: "Blocks" })}
${titled({ ...layerTable(row, name, roofs), title: "Layers" })}
${titled({ ...launchTable(row, name, roofs), title: "Kernels" })}`,
});

function most(what: string, row: NetworkRow, all: readonly Part[]): string {
  const [first] = costliest(all.filter(({ name }) => name !== UPDATE));
  if (!first) return `no ${what}`;
  return `costliest ${what} ${first.name}, ${formatDuration(first.seconds)}, ${percent(first.seconds / launchSeconds(row))}`;
}

function rooflineSection(row: NetworkRow, name: string, { roofs }: Result): Section {
  const dots = roofline(row.launches, roofs);
  return {
    title: `Roofline of ${name}`,
    aside: `${plural(dots.length, "kernel")} at their problems`,
    body: html`<p class="note">A dot is a kernel at a problem, the larger the more of the step's time it is. Bytes are algorithmic: the tensors it binds, each counted once.${roofs ? "" : " The adapter's roofs were not measured."}</p>
<div class="plots">${rooflineChart(dots, roofs)}</div>
${roofs ? tableMarkup(rooflineTable(row, name, roofs)) : undefined}`,
  };
}

function kernelSection(result: Result): Section {
  const dots = roofline(result.kernels, result.roofs);
  return {
    title: "Kernels by themselves",
    aside: `${plural(dots.length, "kernel")} timed`,
    body: html`<div class="plots">${rooflineChart(dots, result.roofs)}</div>
${kernelTables(result).map(titled)}`,
  };
}

const memorySection = (row: NetworkRow, name: string): Section => ({
  title: `Memory of ${name}`,
  aside: `${formatBytes(row.memory.total)} in all`,
  body: html`<p class="note">Beside what is always held, such as parameters. The dashed line is the memory that these tensors take turns in.</p>
${chart(memory(row), { "activations and their gradients alive": "var(--hue-1)" })}
${tableMarkup(memoryTable(row, name))}`,
});

const spreadSection = (rows: readonly NetworkRow[], name: Name): Section => ({
  title: "Spread of the samples",
  aside: "whole steps",
  body: html`<p class="note">From the top down in the order in which they were taken: a slant is a drift. Half of the samples lie in the box, the median at its line.</p>
${chart(spread(rows, name))}`,
});

const baselineSection = (published: readonly Table[]): Section => ({
  title: "Published elsewhere",
  body: html`<p class="note">${SOURCES}</p>
${published.map((table) => folded(table.title, tableMarkup(table)))}`,
});

const whereSection = (result: Result): Section => ({
  title: "Where it was measured",
  body: html`${definitionList(facts(result))}
${result.roofs ? titled(roofTable(result.roofs, result.readings)) : undefined}`,
});
