// The page of a gradient check: one file that asks for nothing outside itself.

import {
  type Finding,
  LAYERS,
  type Layer,
  passes,
  type Report,
  type ReportRow,
} from "../../engine/gradcheck/report/report.ts";
import { html, type Markup, markup } from "../page/markup.ts";
import { definitionList, framed, plural } from "../page/page.ts";
import { formatNumber, heatMap } from "./heat_map.ts";

/** What planted faults the checks of one kernel caught. */
export interface MutationScore {
  /** Label of the kernel, `<op>/<file>`. */
  readonly kernel: string;
  readonly killed: number;
  /** Mutants that compile and differ from the kernel. */
  readonly valid: number;
  /** Mutants that no check caught. */
  readonly survivors: readonly {
    /** Line of the kernel, from 1, and its text before and after the fault. */
    readonly line: number;
    readonly before: string;
    readonly after: string;
    readonly operator: string;
    /** Why the mutant computes the same, where it does. */
    readonly reason?: string;
  }[];
}

/** Failures drawn in full; the others are listed, so that a run in which everything fails still opens. */
const DRAWN = 60;
/** Powers of ten from the left to the right end of a bar. */
const BAR = { from: -4, to: 1 };

/**
 * A report as an HTML document: verdict, environment (any headings, in their order), a table for each layer,
 * every failure with the command that repeats it and its heat map, and mutation scores where given.
 */
export function gradcheckPage(
  report: Report,
  environment: Readonly<Record<string, string>>,
  mutations: readonly MutationScore[] = [],
): string {
  const layers = Object.keys(LAYERS) as Layer[];
  const header = html`<h1>Gradient check</h1>
${verdict(report)}
${definitionList(environment)}`;
  return framed(`Gradient check: ${report.passed ? "passed" : "failed"}`, header, [
    ...layers.map((layer) => layerSection(layer, report)),
    failureSection(report.failures),
    mutationSection(mutations),
  ]);
}

function verdict({ rows, failures, passed }: Report): Markup {
  if (rows.length === 0) return html`<p class="verdict failed"><b>Failed</b>: nothing was checked.</p>`;
  const cases = plural(
    rows.reduce((all, row) => all + row.cases, 0),
    "judgement",
  );
  const worst = rows.reduce((a, b) => (b.figure > a.figure ? b : a));
  const most = `Worst error / bound ${formatNumber(worst.figure)}: ${worst.subject}, ${worst.check}.`;
  return passed
    ? html`<p class="verdict"><b>Passed</b>: all ${cases} are within their bounds. ${most}</p>`
    : html`<p class="verdict failed"><b>Failed</b>: <a href="#failures">${failures.length} of ${cases}</a>. ${most}</p>`;
}

function layerSection(layer: Layer, { rows: all, failures }: Report): Markup {
  const rows = all.filter((row) => row.layer === layer);
  const title = html`<h2>${layer[0].toUpperCase() + layer.slice(1)} <small>${LAYERS[layer]}</small></h2>`;
  if (rows.length === 0) return html`<section id="${layer}">${title}<p class="note">Not run.</p></section>`;
  const headings = [...new Set(rows.flatMap(({ beside }) => Object.keys(beside)))];
  return html`<section id="${layer}">${title}
<div class="scroll"><table>
<thead><tr><th scope="col">Operation</th><th scope="col">Check</th><th scope="col" class="number">Cases</th><th scope="col">Worst error / bound</th>${headings.map(
    (heading) => html`<th scope="col" class="number">${heading}</th>`,
  )}<th scope="col">Where</th></tr></thead>
<tbody>
${rows.map((row, i) => rowOf(row, row.subject !== rows[i - 1]?.subject, headings, failures))}</tbody>
</table></div>
<p class="note">Bars are logarithmic, from 10${markup(`<sup>${BAR.from}</sup>`)} to ${10 ** BAR.to}; the line is 1, the limit.</p></section>`;
}

function rowOf(
  row: ReportRow,
  first: boolean,
  headings: readonly string[],
  failures: readonly Finding[],
): Markup {
  const over = !passes(row.figure);
  const about = ({ layer, subject, check }: Finding) =>
    layer === row.layer && subject === row.subject && check === row.check;
  const failure = over ? failures.findIndex(about) + 1 : 0;
  return html`<tr><th scope="row">${first ? row.subject : html`<span class="again">${row.subject}</span>`}</th><td>${row.check}</td><td class="number">${row.cases.toLocaleString("en")}</td><td class="figure${over ? " over" : ""}">${bar(row.figure)}${formatNumber(row.figure)}</td>${headings.map(
    (heading) =>
      html`<td class="number">${heading in row.beside ? formatNumber(row.beside[heading]) : ""}</td>`,
  )}<td class="where">${failure ? html`<a href="#failure-${failure}">${row.where}</a>` : row.where}</td></tr>
`;
}

/** The figure on a log scale with a line at 1, so that one that drifts towards the limit is seen. */
function bar(figure: number): Markup {
  const along = (value: number) =>
    (100 * Math.min(1, Math.max(0, (Math.log10(value) - BAR.from) / (BAR.to - BAR.from)))).toFixed(1);
  const width = Number.isNaN(figure) ? "100.0" : along(figure);
  return html`<span class="bar" style="--limit:${along(1)}%"><i style="width:${width}%"></i></span>`;
}

function failureSection(failures: readonly Finding[]): Markup {
  if (failures.length === 0) return html`<section id="failures"><h2>Failures</h2><p>None.</p></section>`;
  const undrawn = failures.length - DRAWN;
  return html`<section id="failures"><h2>Failures <small>${failures.length}</small></h2>
${undrawn > 0 ? html`<p class="note">Heat maps of the first ${DRAWN}; the other ${undrawn} are listed.</p>` : undefined}
${failures.map((failure, i) => article(failure, i))}</section>`;
}

function article({ subject, check, figure, where, message, repro, map }: Finding, index: number): Markup {
  return html`<article id="failure-${index + 1}">
<h3>${subject}, ${check}: <span class="over">${formatNumber(figure)}</span></h3>
<p class="note">${where}</p>
${message === undefined ? undefined : html`<p>${message}</p>`}
${repro === undefined ? undefined : html`<pre><code>tessera gradcheck repro ${quoted(repro)}</code></pre>`}
${map && index < DRAWN ? heatMap(map) : undefined}
</article>
`;
}

/** A word of a POSIX shell. */
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

function mutationSection(scores: readonly MutationScore[]): Markup | undefined {
  if (scores.length === 0) return undefined;
  return html`<section id="mutants"><h2>Mutants <small>faults planted in the kernels that the checks caught</small></h2>
<div class="scroll"><table>
<thead><tr><th scope="col">Kernel</th><th scope="col" class="number">Mutants</th><th scope="col" class="number">Killed</th><th scope="col" class="number">Equivalent</th><th scope="col" class="number">Survived</th></tr></thead>
<tbody>
${scores.map(({ kernel, killed, valid, survivors }) => {
  const equivalent = survivors.filter(({ reason }) => reason !== undefined).length;
  const left = survivors.length - equivalent;
  return html`<tr><th scope="row">${kernel}</th><td class="number">${valid}</td><td class="number">${killed}</td><td class="number">${equivalent}</td><td class="number${left ? " over" : ""}">${left}</td></tr>
`;
})}</tbody>
</table></div>
${scores.flatMap(({ kernel, survivors }) =>
  survivors.map(
    ({ line, before, after, operator, reason }) => html`<article><h3>${kernel}, line ${line}: ${operator}</h3>
<pre><del>- ${before}</del>
<ins>+ ${after}</ins></pre>
<p>${reason === undefined ? html`<span class="over">No check catches it.</span>` : `Equivalent: ${reason}`}</p></article>
`,
  ),
)}</section>`;
}
