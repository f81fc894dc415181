// The page of a tuning run: one file that asks for nothing outside itself.

import type { Row, Status } from "../../engine/tune/results/row.ts";
import type { Json } from "../../engine/tune/results/schema.ts";
import { html, type Markup } from "../page/markup.ts";
import { definitionList, framed, plural } from "../page/page.ts";
import { figures, formatDuration, formatQuantity, scale } from "../page/scale.ts";
import { accuracy, distribution, effect, progress } from "./plots.ts";
import { byStatus, type Digest, digest, explained, middle, pareto, refusals, type TuningRun } from "./run.ts";
import { bestSection } from "./table.ts";

/** What a status says of a configuration. */
const MEANING: Readonly<Record<Status, string>> = {
  ok: "verified and timed",
  constraints: "not legal, or beyond what the adapter allows",
  compile: "its WGSL does not compile",
  validation: "WebGPU refuses it",
  runtime: "it fails as it runs",
  timeout: "it takes longer than it may",
  device_lost: "the device was lost to it",
  correctness: "it writes what is wrong",
  unrankable: "the clock does not read it well enough",
};
/** How many messages of a status are shown, and how many letters of one. */
const MESSAGES = { kinds: 6, letters: 400 };
/** Parameters whose effect is drawn. */
const EFFECTS = 40;

/**
 * A run as an HTML document: what it found, where it ran, the best so far, the distribution of times, the effect of each
 * parameter, times against errors, the best rows and those tied with them, what failed and why, what the adapter refuses.
 */
export function tuningPage(run: TuningRun): string {
  const found = digest(run);
  const title = `Tuning${run.kernel ? `: ${run.kernel}` : ""}`;
  const header = html`<h1>${title}</h1>
${verdict(run, found)}
${definitionList(facts(run, found))}`;
  const drawn = found.best
    ? [progressSection(run, found), distributionSection(found), effectSection(found), accuracySection(found)]
    : [];
  return framed(title, header, [
    ...drawn,
    bestSection(run, found),
    statusSection(run.rows),
    refusalSection(run),
    notesSection(run),
  ]);
}

function verdict({ rows }: TuningRun, { timed, best, standard, tied, unit, objective }: Digest): Markup {
  if (!best) {
    const what =
      rows.length === 0
        ? "nothing was evaluated"
        : `none of ${plural(rows.length, "row")} has a ${objective} that counts`;
    return html`<p class="verdict failed"><b>No best</b>: ${what}.</p>`;
  }
  const gain =
    standard && (best.place && standard.place ? standard.place.ratio : standard.objective / best.objective);
  const against =
    gain === undefined
      ? ""
      : standard === best
        ? ", the default"
        : `, ${figures(gain)} times less than the default`;
  const others = tied.size > 1 ? ` Nothing tells ${plural(tied.size - 1, "other row")} from it.` : "";
  return html`<p class="verdict"><b>Best ${formatQuantity(best.objective, unit)}</b>${against}, of ${plural(timed.length, "row")} with a ${objective} that counts.${others}</p>`;
}

function facts(run: TuningRun, { varied, fixed, seconds }: Digest): Record<string, string> {
  const { rows, device, problem, environment = {}, searched } = run;
  const stamps = rows
    .map(({ timestamp }) => timestamp.replace(/\.\d+/, ""))
    .filter((stamp) => stamp)
    .sort();
  const clocks = new Set(
    rows.flatMap(({ reading }) =>
      reading ? [`${reading.source}, steps of ${formatDuration(reading.quantum)}`] : [],
    ),
  );
  const all: Record<string, string | undefined> = {
    ...(environment.adapter === device ? {} : { device }),
    ...Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, text(value)])),
    problem: problem === undefined ? undefined : text(problem),
    space: searched
      ? `${searched.cartesian.toLocaleString("en")} configurations, of which ${searched.size.toLocaleString("en")} are legal`
      : undefined,
    parameters: varied.map(({ name }) => name).join(", "),
    fixed: fixed.map(({ name, values }) => `${name} ${values[0]}`).join(", "),
    evaluated: `${plural(rows.length, "row")}${rows.length > 0 ? ` in ${formatDuration(seconds)}` : ""}`,
    measured: stamps.length > 0 ? [...new Set([stamps[0], stamps.at(-1)!])].join(" to ") : undefined,
    clock: [...clocks].slice(0, 4).join("; "),
  };
  return Object.fromEntries(Object.entries(all).filter((fact): fact is [string, string] => Boolean(fact[1])));
}

/** A value as people write it; lists have commas between, and what has names is called by them. */
function text(value: Json): string {
  if (Array.isArray(value)) return value.map(text).join(", ");
  if (typeof value === "object" && value !== null)
    return Object.entries(value)
      .map(([name, of]) => `${name} ${Array.isArray(of) ? `[${text(of)}]` : text(of)}`)
      .join(", ");
  return String(value);
}

function progressSection({ rows }: TuningRun, found: Digest): Markup {
  const reached = found.timed.find(({ objective }) => objective === found.best!.objective)!;
  const when = `${formatQuantity(reached.objective, found.unit)} after ${reached.evaluation.toLocaleString("en")} of ${plural(rows.length, "evaluation")}, ${formatDuration(reached.seconds)} of ${formatDuration(found.seconds)}`;
  return html`<section id="progress"><h2>Best so far <small>${when}</small></h2>
<div class="plots"><figure class="half"><figcaption>By evaluation</figcaption>${progress(found, "evaluations", rows.length)}</figure>
${found.seconds > 0 ? html`<figure class="half"><figcaption>By time spent</figcaption>${progress(found, "seconds", rows.length)}</figure>` : html`<p class="note">The rows do not say how long they took.</p>`}</div></section>`;
}

function distributionSection(found: Digest): Markup {
  const { timed, unit, ordered } = found;
  const slowest = ordered.reduce((most, { objective }) => Math.max(most, objective), -Infinity);
  return html`<section id="distribution"><h2>Distribution <small>median ${formatQuantity(middle(timed), unit)}, greatest ${formatQuantity(slowest, unit)}</small></h2>
<div class="plots"><figure class="wide">${distribution(found)}</figure></div></section>`;
}

function effectSection(found: Digest): Markup | undefined {
  const { timed, varied, unit, objective } = found;
  if (varied.length === 0) return undefined;
  const y = scale(
    objective,
    timed.map((one) => one.objective),
    unit,
    5,
  );
  const effects = varied
    .map((parameter) => ({ parameter, share: explained(timed, parameter.name) }))
    .sort((a, b) => (b.share ?? 0) - (a.share ?? 0));
  const undrawn = effects.slice(EFFECTS).map(({ parameter }) => parameter.name);
  return html`<section id="effects"><h2>Effect of each parameter <small>${y.label} by value</small></h2>
<p class="note">The wider a stroke, the more rows took so long; lines across are medians, the dot is the best row. Percentages say how much of the differences (variance of logarithms) the parameter alone explains, beyond chance.${undrawn.length > 0 ? ` Not drawn: ${undrawn.join(", ")}.` : ""}</p>
<div class="plots">${effects.slice(0, EFFECTS).map(
    ({ parameter, share }) =>
      html`<figure class="panel"><figcaption><b>${parameter.name}</b>${share === undefined ? "" : ` ${Math.round(100 * share)} %`}</figcaption>${effect(found, parameter, y)}</figure>
`,
  )}</div></section>`;
}

function accuracySection(found: Digest): Markup {
  const judged = found.timed.filter(({ row }) => Number.isFinite(row.error));
  if (judged.length === 0)
    return html`<section id="accuracy"><h2>Time against error</h2><p class="note">No row with a time tells its error.</p></section>`;
  const missing = found.timed.length - judged.length;
  const front = pareto(judged).length;
  return html`<section id="accuracy"><h2>Time against error <small>over its bound; ${plural(front, "row")} that no other beats in both ${front === 1 ? "is" : "are"} marked</small></h2>
${missing > 0 ? html`<p class="note">${plural(missing, "row")} without an error that is a number ${missing === 1 ? "is" : "are"} not drawn.</p>` : undefined}
<div class="plots"><figure class="wide">${accuracy(found)}</figure></div></section>`;
}

function statusSection(rows: readonly Row[]): Markup {
  const all = byStatus(rows);
  const none = all.filter(({ count }) => count === 0).map(({ status }) => status);
  const share = (count: number) => `${((100 * count) / rows.length).toFixed(1)} %`;
  return html`<section id="statuses"><h2>What became of the rows <small>${plural(rows.length, "row")}</small></h2>
${
  rows.length > 0
    ? html`<div class="scroll"><table>
<thead><tr><th scope="col">Status</th><th scope="col" class="number">Rows</th><th scope="col" class="number">Share</th><th scope="col">Messages</th></tr></thead>
<tbody>
${all
  .filter(({ count }) => count > 0)
  .map(
    ({ status, count, messages }) =>
      html`<tr><th scope="row">${status}</th><td class="number">${count.toLocaleString("en")}</td><td class="number">${share(count)}</td><td class="where">${MEANING[status]}${messageList(messages)}</td></tr>
`,
  )}</tbody>
</table></div>`
    : undefined
}
<p class="note">No row: ${none.join(", ") || "there is one of each"}.</p></section>`;
}

function messageList(messages: ReturnType<typeof byStatus>[number]["messages"]): Markup | undefined {
  if (messages.length === 0) return undefined;
  const more = messages.slice(MESSAGES.kinds).reduce((sum, { count }) => sum + count, 0);
  const cut = (message: string) =>
    message.length > MESSAGES.letters ? `${message.slice(0, MESSAGES.letters)}\u2026` : message;
  return html`<ul class="messages">${messages
    .slice(0, MESSAGES.kinds)
    .map(
      ({ text: message, count }) =>
        html`<li>${count > 1 ? html`<b>${count.toLocaleString("en")} such as</b> ` : undefined}${cut(message)}</li>`,
    )}${more > 0 ? html`<li><b>${more.toLocaleString("en")} with other messages</b></li>` : undefined}</ul>`;
}

function refusalSection({ rows, searched }: TuningRun): Markup {
  const refused = refusals(rows);
  const total = refused.reduce((sum, { count }) => sum + count, 0);
  const cut = [...(searched?.refused ?? [])].filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a);
  const asked = (range: readonly [number, number] | undefined) =>
    range === undefined ? "" : [...new Set(range)].map((value) => value.toLocaleString("en")).join(" to ");
  return html`<section id="refusals"><h2>What is refused <small>${total.toLocaleString("en")} of ${plural(rows.length, "row")} by the adapter</small></h2>
${
  refused.length > 0
    ? html`<div class="scroll"><table>
<thead><tr><th scope="col">Limit or feature</th><th scope="col" class="number">Allowed</th><th scope="col" class="number">Asked for</th><th scope="col" class="number">Rows</th></tr></thead>
<tbody>
${refused.map(
  ({ limit, allows, asked: range, count }) =>
    html`<tr><th scope="row">${limit}</th><td class="number">${allows?.toLocaleString("en") ?? "absent"}</td><td class="number">${asked(range)}</td><td class="number">${count.toLocaleString("en")}</td></tr>
`,
)}</tbody>
</table></div>`
    : html`<p class="note">No limit of the adapter is named by what failed.</p>`
}
${
  cut.length > 0
    ? html`<p>Before anything was evaluated, constraints left ${searched!.size.toLocaleString("en")} of ${searched!.cartesian.toLocaleString("en")} configurations:</p>
<div class="scroll"><table>
<thead><tr><th scope="col">Constraint</th><th scope="col" class="number">Refuses</th></tr></thead>
<tbody>
${cut.map(
  ([
    { text: rule },
    count,
  ]) => html`<tr><td><code>${rule}</code></td><td class="number">${count.toLocaleString("en")}</td></tr>
`,
)}</tbody>
</table></div>
<p class="note">One that several refuse is counted with the first of them.</p>`
    : undefined
}</section>`;
}

const notesSection = ({ notes = [] }: TuningRun): Markup | undefined =>
  notes.length > 0
    ? html`<section id="notes"><h2>Notes</h2><ul>${notes.map((note) => html`<li>${note}</li>`)}</ul></section>`
    : undefined;
