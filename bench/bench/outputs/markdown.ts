// A result as Markdown: the tables of its page, for pull requests and notes.

import type { Result } from "../../measure/result.ts";
import { facts } from "./facts.ts";
import { notes } from "./summary.ts";
import type { Table } from "./table.ts";
import { tables } from "./tables.ts";
import { summarySentence } from "./verdict.ts";

/** A result as GitHub-flavoured Markdown: what it says, its tables, where it was measured. */
export function markdown(result: Result): string {
  const { lead, rest } = summarySentence(result);
  const host = Object.entries(facts(result)).map(
    ([heading, value]) => `- ${text(heading)}: ${text(value)}\n`,
  );
  return [
    "# Tessera bench\n",
    `**${text(lead)}**${text(rest)}\n`,
    notes(result)
      .map((note) => `- ${text(note)}\n`)
      .join(""),
    ...tables(result).map(markdownTable),
    "## Where\n",
    host.join(""),
  ].join("\n");
}

/** A table under its title, columns of equal width. */
export function markdownTable({ title, note, columns, rows }: Table): string {
  const said = `## ${text(title)}\n\n${note ? `${text(note)}\n\n` : ""}`;
  if (rows.length === 0) return said;
  const cells = [columns.map(({ heading }) => heading), ...rows].map((row) => row.map(cell));
  const widths = columns.map((_, i) => Math.max(3, ...cells.map((row) => row[i].length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((one, i) => (columns[i].number ? one.padStart(widths[i]) : one.padEnd(widths[i]))).join(" | ")} |\n`;
  const rule = columns.map(({ number }, i) => `${"-".repeat(widths[i] - 1)}${number ? ":" : "-"}`);
  const [head, ...body] = cells;
  return `${said}${line(head)}${line(rule)}${body.map(line).join("")}`;
}

/** Text of which Markdown makes nothing else. */
const text = (plain: string): string => plain.replace(/[\\`*_<>[\]#]/g, "\\$&").replace(/\s*\n\s*/g, " ");
const cell = (plain: string): string => text(plain).replaceAll("|", "\\|");
