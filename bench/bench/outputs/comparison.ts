// A comparison as it is printed.

import { formatTable, number, text } from "../../command_line/table.ts";
import type { ComparedRow, Comparison } from "../../measure/compare.ts";
import { formatDuration } from "../../page/scale.ts";

/** Times of A and B, their ratio with its interval, and the verdict; what differs between their hosts before. */
export function comparisonText(result: Comparison): string {
  const { a, b, differences, rows, alone, tolerance, confidence, inTurns } = result;
  const columns = [text(""), ...["A", "B", "B / A", "samples"].map(number), text("verdict")];
  const cells = rows.map((row) => [row.what, time(row.a), time(row.b), ratio(row), counts(row), row.verdict]);
  const how = inTurns
    ? "measured in turns"
    : "measured one after the other: what the machine did meanwhile is in the ratios";
  const part = (share: number) => `${+(100 * share).toPrecision(4)} %`;
  return [
    `A ${a}`,
    `B ${b}`,
    how,
    ...differences.map((d) => `${d.what}: A ${d.a}; B ${d.b}`),
    formatTable(columns, cells),
    ...rows.flatMap(({ what, note }) => (note ? [`${what}: ${note}`] : [])),
    ...alone.map((one) => `only in ${one.in.toUpperCase()}: ${one.what}`),
    `SAME: within ${part(tolerance)}; all intervals hold together in ${part(confidence)} of comparisons`,
  ].join("\n");
}

const time = (seconds: number | undefined): string => (seconds === undefined ? "-" : formatDuration(seconds));

const counts = ({ samples: [a, b] }: ComparedRow): string => (a === b ? String(a) : `${a}, ${b}`);

function ratio({ ratio: value, interval }: ComparedRow): string {
  if (value === undefined || !interval) return "-";
  return `${value.toFixed(3)} [${interval.map((end) => end.toFixed(3)).join(", ")}]`;
}
