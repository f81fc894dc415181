// The page of a result: one file that asks for nothing outside itself.

import type { NetworkRow, Result } from "../measure/result.ts";
import { html, type Markup } from "../report/markup.ts";
import { described, framed, plural } from "../report/page.ts";
import { durationUnit, told } from "../tune/scale.ts";
import { baselineTables } from "./baselines.ts";
import { costs, legend, memory, PHASE_COLOR, spread, steps } from "./charts.ts";
import { facts } from "./facts.ts";
import { kernelDots, launchDots, roofline } from "./roofline.ts";
import { blockOf, bytesTold, costliest, layerOf, named, type Part, parts, percent } from "./summary.ts";
import {
  kernelTable,
  launchTable,
  layerTable,
  memoryTable,
  networkTable,
  roofTable,
  type Table,
} from "./tables.ts";
import { verdict } from "./verdict.ts";

type Name = (row: NetworkRow) => string;

/**
 * A result as an HTML document: what it says, networks and their steps by phase, blocks and layers of each, the
 * roofline, memory over a step, the spread of samples, kernels, what others published, and where it was measured.
 */
export function page(result: Result): string {
  const { networks, kernels, roofs } = result;
  const name = named(networks);
  const { good, lead, rest } = verdict(result);
  const header = html`<h1>Tessera bench</h1>
<p class="verdict${good ? "" : " failed"}"><b>${lead}</b>${rest}</p>
${warnings(networks, name)}`;
  const run = networks.filter(({ wall }) => wall.samples.length > 0);
  const profiled = networks.filter(({ launches }) => launches.length > 0);
  return framed(`Tessera bench: ${lead}`, header, [
    networks.length > 0 ? networkSection(result, run, name) : undefined,
    ...profiled.map((row) => layerSection(row, name(row), result)),
    ...profiled.map((row) => rooflineSection(row, name(row), result)),
    kernels.length > 0 ? kernelSection(result) : undefined,
    ...networks.filter((row) => row.memory.alive.length > 0).map((row) => memorySection(row, name(row))),
    run.length > 0 ? spreadSection(run, name) : undefined,
    baselineSection(result),
    html`<section id="where"><h2>Where it was measured</h2>
${described(facts(result))}
${roofs ? tableMarkup(roofTable(roofs)) : undefined}</section>`,
  ]);
}

const warnings = (networks: readonly NetworkRow[], name: Name): Markup | undefined => {
  const all = networks.flatMap((row) => row.warnings.map((text) => `${name(row)}: ${text}`));
  return all.length > 0
    ? html`<ul class="messages">${all.map((text) => html`<li>${text}</li>`)}</ul>`
    : undefined;
};

/** A table's rows, the first cell of each as its heading. */
export function tableMarkup({ note, columns, rows }: Table): Markup {
  const side = (i: number) => (columns[i].number ? "number" : "where");
  return html`${note ? html`<p class="note">${note}</p>` : undefined}
<div class="scroll"><table>
<thead><tr>${columns.map(({ heading }, i) => html`<th scope="col" class="${columns[i].number ? "number" : ""}">${heading}</th>`)}</tr></thead>
<tbody>
${rows.map(
  (row) =>
    html`<tr>${row.map((cell, i) => (i === 0 ? html`<th scope="row">${cell}</th>` : html`<td class="${side(i)}">${cell}</td>`))}</tr>
`,
)}</tbody>
</table></div>`;
}

const PHASE_LEGEND = {
  forward: PHASE_COLOR.forward,
  backward: PHASE_COLOR.backward,
  update: PHASE_COLOR.update,
};

function networkSection(result: Result, run: readonly NetworkRow[], name: Name): Markup {
  return html`<section id="networks"><h2>Networks</h2>
${
  run.length > 0
    ? html`<div class="plots"><figure class="wide">${steps(run, name)}
${legend({ ...PHASE_LEGEND, "device idle": PHASE_COLOR.rest })}</figure></div>`
    : undefined
}
${tableMarkup(networkTable(result))}</section>`;
}

function layerSection(row: NetworkRow, name: string, { roofs }: Result): Markup {
  const blocks = parts(row.launches, blockOf);
  const layers = parts(row.launches, layerOf);
  return html`<section id="${idOf("layers", name)}"><h2>Blocks and layers of ${name} <small>${most("block", blocks)}; ${most("layer", layers)}</small></h2>
<div class="plots"><figure class="wide">${costs(`time by block of ${name}`, blocks)}
${legend(PHASE_LEGEND)}</figure></div>
<h3>Layers</h3>
${tableMarkup(layerTable(row, name, roofs))}
<h3>Kernels</h3>
${tableMarkup(launchTable(row, name, roofs))}</section>`;
}

function most(what: string, all: readonly Part[]): string {
  const [first] = costliest(all);
  const whole = all.reduce((total, { seconds }) => total + seconds, 0);
  return `costliest ${what} ${first.name}, ${told(+first.seconds.toPrecision(3), durationUnit(first.seconds))}, ${percent(first.seconds / whole)}`;
}

function rooflineSection(row: NetworkRow, name: string, { roofs }: Result): Markup {
  const dots = launchDots(row.launches);
  return html`<section id="${idOf("roofline", name)}"><h2>Roofline of ${name} <small>${plural(dots.length, "kernel")} at their problems</small></h2>
<p class="note">A dot is a kernel at a problem, the larger the more of the step's time it is. Bytes are algorithmic: the tensors it binds, each counted once.${roofs ? "" : " The adapter's roofs were not measured."}</p>
<div class="plots">${roofline(dots, roofs)}</div></section>`;
}

function kernelSection(result: Result): Markup {
  const dots = kernelDots(result.kernels);
  return html`<section id="kernels"><h2>Kernels by themselves <small>${plural(dots.length, "kernel")} timed</small></h2>
<div class="plots">${roofline(dots, result.roofs)}</div>
${tableMarkup(kernelTable(result))}</section>`;
}

const memorySection = (row: NetworkRow, name: string): Markup =>
  html`<section id="${idOf("memory", name)}"><h2>Memory of ${name} <small>${bytesTold(row.memory.total)}</small></h2>
<div class="plots"><figure class="wide">${memory(row)}
${legend({ "activations and their gradients alive": "var(--hue-1)", "always held: parameters, optimiser state, inputs": "var(--bar)" })}</figure></div>
${tableMarkup(memoryTable(row, name))}</section>`;

const spreadSection = (rows: readonly NetworkRow[], name: Name): Markup =>
  html`<section id="spread"><h2>Spread of the samples <small>whole steps</small></h2>
<p class="note">From the top down in the order in which they were taken: a slant is a drift. Half of the samples lie in the box, at whose line is the median.</p>
<div class="plots"><figure class="wide">${spread(rows, name)}</figure></div></section>`;

function baselineSection(result: Result): Markup | undefined {
  const all = baselineTables(result);
  return all.length > 0
    ? html`<section id="baselines"><h2>What others published</h2>
${all.map((table) => html`<h3>${table.title}</h3>${tableMarkup(table)}`)}</section>`
    : undefined;
}

const idOf = (what: string, name: string): string => `${what}-${name.replace(/[^\w-]+/g, "-")}`;
