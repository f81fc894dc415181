// Adds rows to a record until it is killed, and says which are in it: `record_writer <path>`.
import { writeSync } from "node:fs";
import { RunRecord } from "../../engine/tune/records/record.node.ts";
import type { Header } from "../../engine/tune/records/record.ts";

const header: Header = {
  kernel: "test/forward",
  environment: { adapter: "none", driver: "", implementation: "test", toggles: [] },
  space: { parameters: [{ name: "i", values: [0] }], constraints: [] },
  problem: [4],
};
const record = new RunRecord(process.argv[2], header);
const clock = new Int32Array(new SharedArrayBuffer(4));
for (let i = record.size; ; i++) {
  const spent = { compilation: 0, verification: 0, benchmark: 0, framework: 0, search: 0 };
  const message = "x".repeat(Math.random() * 2 ** 16);
  const added = record.append({
    configuration: { i },
    status: "runtime",
    message,
    times: [],
    spent,
    timestamp: "",
  });
  writeSync(1, `${added ? i : -1}\n`);
  Atomics.wait(clock, 0, 0, 2 * Math.random());
}
