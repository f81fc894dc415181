// A table as data: the terminal, Markdown and the page all write the same.

import type { Column } from "../../command_line/table.ts";

/** Text in rows and columns; columns of numbers stand at the right. */
export interface Table {
  readonly title: string;
  readonly note?: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
}

export interface RowColumn<Row> {
  readonly heading: string;
  /** Text, where it is no number. */
  readonly text?: boolean;
  of(row: Row): string;
}

/** A table of rows; columns that say nothing of any row are left out. */
export function tableOf<Row>(
  title: string,
  rows: readonly Row[],
  columns: readonly RowColumn<Row>[],
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

/** Rows of a table that lists the costliest. */
export const LISTED = 15;
