// The table of the best rows: what they set, how long they took, which of them nothing tells from the best.

import { html, type Markup } from "../page/markup.ts";
import { plural } from "../page/page.ts";
import { figures } from "../page/scale.ts";
import type { Digest, Timed, TuningRun } from "./run.ts";

/** Rows that are listed, and those beyond them that are tied with the best; columns of metrics. */
const LISTED = { best: 15, tied: 60, metrics: 4 };

export function bestSection(run: TuningRun, found: Digest): Markup {
  const { ordered, tied, standard } = found;
  const title = html`<h2>Best rows <small>${ordered.length > 0 ? `${tied.size.toLocaleString("en")} that may be the best` : ""}</small></h2>`;
  if (ordered.length === 0) return html`<section id="best">${title}<p class="note">None.</p></section>`;
  const head = ordered.filter((one, i) => i < LISTED.best || tied.has(one)).slice(0, LISTED.tied);
  const listed = standard && !head.includes(standard) ? [...head, standard] : head;
  const unlisted = tied.size - listed.filter((one) => tied.has(one)).length;
  const said = run.ranked
    ? "Marked are those that nothing tells from the best: they were measured again in turns, and the interval of their ratio to it holds 1."
    : "Marked are those of whose samples the middle half meets that of the best. They were not measured in turns, so that a drift of the host is in it.";
  return html`<section id="best">${title}
<p class="note">${said}${unlisted > 0 ? ` ${plural(unlisted, "more row")} marked ${unlisted === 1 ? "is" : "are"} not listed.` : ""}</p>
<div class="scroll"><table>
${table(found, listed)}
</table></div></section>`;
}

interface Column {
  readonly heading: string;
  readonly number: boolean;
  of(one: Timed): string | undefined;
}

function table(found: Digest, listed: readonly Timed[]): Markup {
  const { tied } = found;
  const columns = columnsOf(found, listed).filter(({ of }) => listed.some((one) => of(one) !== undefined));
  const side = ({ number }: Column) => (number ? "number" : "");
  return html`<thead><tr>${columns.map((column) => html`<th scope="col" class="${side(column)}">${broken(column.heading)}</th>`)}</tr></thead>
<tbody>
${listed.map(
  (one) =>
    html`<tr class="${tied.has(one) ? "tied" : ""}">${columns.map((column) => html`<td class="${side(column)}">${column.of(one)}</td>`)}</tr>
`,
)}</tbody>`;
}

/** Long names may go on in another line after an underscore. */
const broken = (heading: string): readonly Markup[] =>
  heading.split(/(?<=_)/).map((part) => html`${part}${part.endsWith("_") ? html`<wbr>` : undefined}`);

function columnsOf(found: Digest, listed: readonly Timed[]): readonly Column[] {
  const { ordered, tied, standard, best, varied, unit, objective } = found;
  const metrics = new Set(listed.flatMap(({ row }) => Object.keys(row.metrics ?? {})));
  const mark = (one: Timed) => [
    one === best ? "best" : tied.has(one) && "tied",
    one === standard && "default",
  ];
  const figure = (value: number | undefined) => (value === undefined ? undefined : figures(value));
  return [
    { heading: "", number: true, of: (one) => String(ordered.indexOf(one) + 1) },
    { heading: "", number: false, of: (one) => mark(one).filter(Boolean).join(", ") },
    {
      heading: unit.name ? `${objective} (${unit.name})` : objective,
      number: true,
      of: ({ objective: value }) => figures(value / unit.size),
    },
    { heading: "over the best", number: true, of: (one) => ratio(one, best!) },
    ...varied.map(({ name, values }) => ({
      heading: name,
      number: values.every((value) => typeof value === "number"),
      of: ({ row }: Timed) => String(row.configuration[name]),
    })),
    { heading: "error / bound", number: true, of: ({ row }) => figure(row.error) },
    ...[...metrics].slice(0, LISTED.metrics).map((name) => ({
      heading: name,
      number: true,
      of: ({ row }: Timed) => figure(row.metrics?.[name]),
    })),
  ];
}

/** The time over that of the best, with its interval where it was measured in turns. */
function ratio({ place, objective }: Timed, best: Timed): string {
  const three = (value: number) => value.toFixed(3);
  if (!place) return best.objective > 0 ? three(objective / best.objective) : "";
  const [low, high] = place.interval;
  return low === high ? three(place.ratio) : `${three(place.ratio)} [${three(low)}, ${three(high)}]`;
}
