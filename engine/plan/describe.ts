import type { Dispatch } from "./dispatch.ts";

const amount = (value: number): string =>
  value >= 1e9
    ? `${(value / 1e9).toFixed(2)}G`
    : value >= 1e6
      ? `${(value / 1e6).toFixed(2)}M`
      : value >= 1e3
        ? `${(value / 1e3).toFixed(1)}k`
        : String(Math.round(value));

/** Dispatches, one line each, in the order in which they run. */
export function describe(dispatches: readonly Dispatch[]): string {
  const rows = dispatches.map((d) => [
    d.node.phase,
    d.node.label,
    d.label,
    d.grid.join("x"),
    Object.entries(d.kernel.tune)
      .map(([name, value]) => `${name}=${value}`)
      .join(" "),
    `${amount(d.flops)}FLOP`,
    `${amount(d.bytes)}B`,
  ]);
  const widths = rows.reduce(
    (w, row) => row.map((cell, i) => Math.max(w[i] ?? 0, cell.length)),
    [] as number[],
  );
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
