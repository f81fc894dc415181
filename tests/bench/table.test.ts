// Tables of the terminal: what is aligned, and what becomes of one that is wider than the terminal.
import * as assert from "uvu/assert";
import { formatTable, number, text } from "../../bench/command_line/table.ts";
import { group } from "../harness.ts";

const check = group("terminal tables");
const columns = [text("kernel"), number("ms"), number("GFLOP/s"), text("where")];
const rows = [
  ["relu", "1.5", 2, "at x[0]"],
  ["conv2d", "12", 30, ""],
];
const lines = (width?: number) => formatTable(columns, rows, width).split("\n");

check.test("numbers stand at the right, text at the left", () => {
  const all = lines();
  assert.is(all.length, 6);
  assert.match(all[1], /^│ kernel │ +ms │ GFLOP\/s │ where +│$/);
  assert.match(all[3], /^│ relu {3}│ 1\.5 │ {7}2 │ at x\[0\] │$/);
});

check.test("a table that is too wide is broken into several, each with the first column", () => {
  const [wide] = lines();
  assert.equal(lines(wide.length), lines());
  for (const width of [wide.length - 1, 30, 20, 5]) {
    const narrow = lines(width);
    assert.ok(narrow.length > 6);
    if (width >= 20)
      assert.ok(
        narrow.every((line) => line.length <= width),
        narrow.join("\n"),
      );
    const cells = narrow.flatMap((line) => line.split("│").map((cell) => cell.trim()));
    for (const cell of ["ms", "GFLOP/s", "where", "1.5", "30", "at x[0]"])
      assert.is(cells.filter((one) => one === cell).length, 1, `${cell} at ${width}`);
    assert.is(cells.filter((one) => one === "conv2d").length, narrow.length / 6);
  }
});

check.test("a table of no rows has its headings", () => {
  assert.match(formatTable(columns, []), /kernel .* GFLOP\/s/);
});

check.run();
