// The record of a run: it survives a kill at any byte, loses no row that was written, and holds none twice.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import * as assert from "uvu/assert";
import { FormatError } from "../../engine/errors.ts";
import { RunRecord } from "../../engine/tune/records/record.node.ts";
import {
  describeSpace,
  type Header,
  headerSpace,
  readRecord,
  recordingOf,
} from "../../engine/tune/records/record.ts";
import type { Row } from "../../engine/tune/results/row.ts";
import { constraint } from "../../engine/tune/space/expression.ts";
import { Space } from "../../engine/tune/space/space.ts";
import { group } from "../harness.ts";
import { SPACE, someRows } from "./rows.ts";

const check = group("tune record");

const HEADER: Header = {
  kernel: "conv2d/forward",
  environment: { adapter: "lavapipe", driver: "25.0", implementation: "dawn", toggles: ["skip_validation"] },
  space: describeSpace(SPACE),
  problem: { x: [1, 8, 8, 3], w: [3, 3, 3, 4] },
  seed: 7,
};
const rowAt = (index: number, wgsl = "00"): Row => ({
  configuration: SPACE.at(index),
  status: "correctness",
  message: "größer als erlaubt: ∞",
  error: Number.POSITIVE_INFINITY,
  times: [],
  spent: { compilation: 0.25, verification: 0, benchmark: 0, framework: 0, search: 0 },
  wgsl,
  timestamp: "2026-01-02T03:04:05Z",
});

async function inFolder<T>(act: (path: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "record-"));
  try {
    return await act(join(folder, "run.jsonl"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Opens the record, adds rows and closes it; what `append` said of each. */
function write(path: string, rows: readonly Row[], header = HEADER): { added: boolean[]; torn: number } {
  const record = new RunRecord(path, header);
  try {
    return { added: rows.map((row) => record.append(row)), torn: record.torn };
  } finally {
    record.close();
  }
}

check.test("rows come back as they were, what is not finite too", () =>
  inFolder((path) =>
    fc.assert(
      fc.property(someRows, (rows) => {
        rmSync(path, { force: true });
        write(path, rows);
        const { sections, torn } = readRecord(readFileSync(path));
        assert.equal(torn, 0);
        assert.equal(sections, [{ header: JSON.parse(JSON.stringify(HEADER)), rows }]);
        assert.is(recordingOf(sections[0]).space!.size, rows.length);
      }),
      { numRuns: 30 },
    ),
  ),
);

check.test("cut at any byte it is gone on with, and ends as if it had not been", () =>
  inFolder((path) => {
    const rows = [0, 1, 2].map((index) => rowAt(index));
    write(path, rows);
    const whole = readFileSync(path);
    for (let cut = 0; cut < whole.length; cut++) {
      writeFileSync(path, whole.subarray(0, cut));
      const { torn } = write(path, rows);
      assert.is(torn, cut - (whole.subarray(0, cut).lastIndexOf(10) + 1), `cut at ${cut}`);
      assert.ok(readFileSync(path).equals(whole), `cut at ${cut}`);
    }
  }),
);

check.test("killed at fifty moments it loses no row that was written and doubles none", () =>
  inFolder(async (path) => {
    const written = new Set<number>();
    for (let kill = 0; kill < 50; kill++) {
      for (const row of await killed(path, 1 + Math.floor(12 * Math.random()))) written.add(row);
      const { sections } = readRecord(readFileSync(path));
      assert.is(sections.length, 1);
      const found = sections[0].rows.map(({ configuration }) => configuration.i as number);
      assert.equal(found, [...found.keys()], "rows are in their order, none of them twice");
      for (const row of written)
        assert.ok(row >= 0 && row < found.length, `row ${row} of ${found.length} is lost`);
    }
    assert.ok(written.size >= 50);
  }),
);

/** Rows that a writer says are in the record, killed a moment after so many of them. */
function killed(path: string, after: number): Promise<number[]> {
  const script = fileURLToPath(new URL("record_writer.js", import.meta.url));
  const child = spawn(process.execPath, [script, path], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  let dying = false;
  child.stdout.on("data", (chunk) => {
    text += chunk;
    if (dying || text.split("\n").length <= after) return;
    dying = true;
    setTimeout(() => child.kill("SIGKILL"), 3 * Math.random());
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (_, signal) => {
      const rows = text.split("\n").slice(0, -1).map(Number);
      if (signal === "SIGKILL") resolve(rows);
      else reject(new Error(`the writer ended by itself after ${rows.length} rows`));
    });
  });
}

check.test("a row is written once, however often it is added", () =>
  inFolder((path) => {
    assert.equal(write(path, [rowAt(0), rowAt(0), rowAt(1)]).added, [true, false, true]);
    const before = readFileSync(path, "utf8");
    assert.equal(write(path, [rowAt(1), rowAt(0)]).added, [false, false]);
    assert.is(readFileSync(path, "utf8"), before);
  }),
);

check.test("another text, adapter, driver, implementation, toggle or problem is another row", () =>
  inFolder((path) => {
    write(path, [rowAt(0)]);
    assert.equal(write(path, [rowAt(0, "01")]).added, [true]);
    const { environment } = HEADER;
    const others: Header[] = [
      ...["adapter", "driver", "implementation"].map((part) => ({
        ...HEADER,
        environment: { ...environment, [part]: "other" },
      })),
      { ...HEADER, environment: { ...environment, toggles: [] } },
      { ...HEADER, problem: [1] },
    ];
    for (const header of others) assert.equal(write(path, [rowAt(0), rowAt(0)], header).added, [true, false]);
    const { sections } = readRecord(readFileSync(path));
    assert.is(sections.length, 1 + others.length);
  }),
);

check.test("a space that grew finds the rows of the smaller one", () =>
  inFolder((path) => {
    write(path, [rowAt(0)]);
    const grown = {
      ...HEADER,
      space: describeSpace(new Space([{ name: "tile", values: [8, 16, 32, 64] }])),
      seed: 8,
    };
    const record = new RunRecord(path, grown);
    assert.equal(record.find(rowAt(0)), rowAt(0));
    assert.is(record.find(rowAt(1)), undefined);
    record.close();
  }),
);

check.test("a header gives back its space", () => {
  const space = new Space(SPACE.parameters, [constraint("tile > 8 or padded")]);
  const back = headerSpace({ ...HEADER, space: JSON.parse(JSON.stringify(describeSpace(space))) });
  assert.is(back.size, space.size);
  assert.equal(back.at(3), space.at(3));
});

for (const [what, text, says] of [
  ["a file of another kind", "name,time\n1,2\n", /run\.jsonl: no record of tuning/],
  ["a file of another kind without a line", "valuable", /run\.jsonl: no record of tuning/],
  ["a line that is no row", "{}\n", /run\.jsonl:2: expected configuration in it but found \{\}/],
  ["a line that is no JSON", "{]\n", /run\.jsonl:2: not JSON/],
] as const)
  check.test(`${what} is refused and left as it is`, () =>
    inFolder((path) => {
      if (text.startsWith("{")) write(path, []);
      writeFileSync(path, text, { flag: "a" });
      const before = readFileSync(path, "utf8");
      assert.throws(
        () => write(path, [rowAt(0)]),
        (error: unknown) => error instanceof FormatError && says.test(error.message),
      );
      assert.is(readFileSync(path, "utf8"), before);
    }),
  );

check.run();
