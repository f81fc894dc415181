import Grid from "cli-table3";

/** A column: what stands above it, and whether numbers stand in it, which are aligned on the right. */
export interface Column {
  readonly heading: string;
  readonly number?: boolean;
}

/** A column of text. */
export const text = (heading: string): Column => ({ heading });
/** A column of numbers. */
export const number = (heading: string): Column => ({ heading, number: true });

/**
 * A table for the terminal. One that is wider than `width` characters is broken into several, one below the other, each
 * with the first column; by default that is the terminal's width, and no limit where the output is no terminal.
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly (string | number)[])[],
  width: number = process.stdout.columns ?? Infinity,
): string {
  const wide = columns.map(({ heading }, i) =>
    Math.max(...[heading, ...rows.map((row) => String(row[i]))].map((cell) => cell.length + FRAME)),
  );
  const parts = [[0]];
  let taken = 1 + wide[0];
  for (let i = 1; i < columns.length; i++) {
    if (taken + wide[i] > width && parts[parts.length - 1].length > 1) {
      parts.push([0]);
      taken = 1 + wide[0];
    }
    taken += wide[i];
    parts[parts.length - 1].push(i);
  }
  return parts
    .map((part) => {
      const grid = new Grid({
        head: part.map((i) => columns[i].heading),
        colAligns: part.map((i) => (columns[i].number ? "right" : "left")),
        style: { head: [], border: [], compact: true },
      });
      for (const row of rows) grid.push(part.map((i) => row[i]));
      return grid.toString();
    })
    .join("\n");
}

/** Characters around a cell: a space on either side, and the line to the next. */
const FRAME = 3;
