import { type Finding, LAYERS, type Report, type ReportRow } from "../../engine/gradcheck/index.ts";
import { formatTable, number, text } from "../command_line/table.ts";

/** The figures of a report, a table a layer, and of every check that failed the smallest case. */
export function printReport(report: Report): void {
  for (const [layer, title] of Object.entries(LAYERS)) {
    const rows = report.rows.filter((row) => row.layer === layer);
    if (rows.length > 0) console.log(`\n${title}\n${table(rows)}`);
  }
  for (const [failure, others] of smallest(report.failures)) {
    console.log(`\n${failure.subject} ${failure.check}, ${failure.where}\n  ${failure.message}`);
    if (failure.repro) console.log(`  tessera gradcheck repro '${failure.repro}'`);
    if (others > 0) console.log(`  and ${others} more of this check`);
  }
  const cases = report.rows.reduce((sum, row) => sum + row.cases, 0);
  console.log(`\n${cases} checks, ${report.failures.length} failed`);
}

/** Of the failures of each check the one of the smallest tensor, and how many others there are. */
function smallest(failures: readonly Finding[]): readonly (readonly [Finding, number])[] {
  const groups = new Map<string, Finding[]>();
  for (const failure of failures) {
    const key = `${failure.layer} ${failure.subject} ${failure.check}`;
    groups.set(key, [...(groups.get(key) ?? []), failure]);
  }
  const elements = ({ map }: Finding) => map?.ratios.length ?? Infinity;
  return [...groups.values()].map((group) => {
    const [first] = [...group].sort((a, b) => elements(a) - elements(b));
    return [first, group.length - 1] as const;
  });
}

/** A figure in two digits; one below 1 stays below. */
export const figure = (value: number): string =>
  value > 0.99 && value < 1
    ? "0.99"
    : value === 0
      ? "0"
      : !Number.isFinite(value)
        ? "NaN"
        : value < 1e-3
          ? value.toExponential(1)
          : value.toPrecision(2);

function table(rows: readonly ReportRow[]): string {
  const extra = [...new Set(rows.flatMap(({ beside }) => Object.keys(beside)))];
  const columns = [
    text("subject"),
    text("check"),
    ...["cases", "error / bound", ...extra].map(number),
    text("where"),
  ];
  const cells = rows.map((row) => [
    row.subject,
    row.check,
    row.cases,
    figure(row.figure),
    ...extra.map((name) => (name in row.beside ? figure(row.beside[name]) : "")),
    row.where,
  ]);
  return formatTable(columns, cells);
}
