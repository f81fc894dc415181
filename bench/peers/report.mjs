// Times as a table: a row for each engine and piece of work.
const median = (times) => {
  const sorted = [...times].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

/** Rows of all engines; the ratio is time over Tessera's time. */
export function rowsOf(engines, flops) {
  const rows = [];
  for (const [what, count] of Object.entries(flops))
    for (const { name, times, refusals, error, peakBytes } of engines) {
      const [first, ...warm] = times[what] ?? [];
      const ms = warm.length ? median(warm) : undefined;
      const gflops = ms && count / ms / 1e6;
      rows.push({ engine: name, what, first, warm, ms, gflops, peakBytes, note: refusals[what] ?? error });
    }
  for (const row of rows) {
    const tessera = rows.find(({ engine, what }) => engine === "tessera" && what === row.what);
    if (row.ms && tessera?.ms) row.ratio = row.ms / tessera.ms;
  }
  return rows;
}

const figure = (value, digits, scale = 1) => (value === undefined ? "-" : (value * scale).toFixed(digits));

const COLUMNS = [
  ["what", ({ what }) => what],
  ["engine", ({ engine }) => engine],
  ["first ms", ({ first }) => figure(first, 1)],
  ["warm ms", ({ ms }) => figure(ms, 1)],
  ["GFLOP/s", ({ gflops }) => figure(gflops, 2)],
  ["x Tessera", ({ ratio }) => figure(ratio, 2)],
  ["peak MB", ({ peakBytes }) => figure(peakBytes, 0, 1e-6)],
  ["", ({ note }) => note?.split("\n")[0].slice(0, 120) ?? ""],
];

/** Prints the rows; of those without a time and for the same reason, an engine has one. */
export function print(rows) {
  const told = new Set();
  const shown = rows.filter(({ engine, first, note }) => {
    const reason = `${engine}: ${note}`;
    return first !== undefined || (!told.has(reason) && told.add(reason));
  });
  const cells = [
    COLUMNS.map(([title]) => title),
    ...shown.map((row) => COLUMNS.map(([, cell]) => cell(row))),
  ];
  const widths = COLUMNS.map((_, i) => Math.max(...cells.map((line) => line[i].length)));
  const aligned = (text, i) =>
    i >= 2 && i < COLUMNS.length - 1 ? text.padStart(widths[i]) : text.padEnd(widths[i]);
  for (const line of cells) console.log(line.map(aligned).join("  ").trimEnd());
}
