// The frame of every report: one file that asks for nothing outside itself.

import { html, type Markup, markup } from "./markup.ts";
import { style } from "./style.ts";

/** An HTML document with a report's style; `header` stands before what the report is about. */
export const framed = (title: string, header: Markup, main: readonly (Markup | undefined)[]): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${markup(style)}</style>
</head>
<body>
<header>
${header}
</header>
<main>
${main.map(
  (section) => html`${section}
`,
)}</main>
</body>
</html>
`.markup;

/** What is only shown where a reader opens it; on paper it always is. */
export const folded = (summary: string, content: Markup): Markup =>
  html`<details><summary>${summary}</summary>
${content}</details>
`;

/** Facts that are lists of many: they are folded. */
const LONG = ["features", "limits"];

/** Headings with what they say, in their order. */
export const definitionList = (facts: Readonly<Record<string, string>>): Markup =>
  html`<dl>${Object.entries(facts).map(
    ([heading, value]) =>
      html`<dt>${heading}</dt><dd>${LONG.includes(heading) ? folded(plural(value.split(", ").length, heading.slice(0, -1)), html`${value}`) : value}</dd>`,
  )}</dl>`;

export const plural = (count: number, one: string): string =>
  `${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`;
