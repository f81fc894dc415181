// Runs every `*.test.js` beside it, or with --fast the essential ones, in one process. Prints how long each group took
// and `N passed, N failed` last. Exits 1 unless every registered test began and passed and every group ran.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FAST, fast } from "./selection.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const all = readdirSync(here, { recursive: true })
  .map(String)
  .filter((path) => path.endsWith(".test.js"));
const files = fast ? FAST : all;
const missing = files.filter((file) => !all.includes(file));
if (missing.length > 0) throw new Error(`tests: --fast names ${missing.join(", ")}, which is not there`);
const scope = globalThis as unknown as {
  UVU_DEFER: number;
  UVU_QUEUE: [string, unknown[]?][];
  UVU_INDEX: number;
};
scope.UVU_DEFER = 1;
scope.UVU_QUEUE = [];

process.exitCode = 1;
let finished = false;
const { tally, device } = await import("./harness.ts");
console.log(`${device.name} (${device.kind}), ${device.implementation}`);
process.on("exit", () => {
  const { registered, begun, passed, groups, ran, times } = tally();
  const lost = groups - ran;
  if (!finished || begun !== registered) console.log(`${registered} tests registered, ${begun} begun`);
  if (lost) console.log(`${lost} groups never ran`);
  if (times.size > 0) console.log(`\nseconds by group:\n${formatTimes(times)}`);
  const failed = registered - passed + lost + (finished && files.length > 0 ? 0 : 1);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
  console.log(`${passed} passed, ${failed} failed`);
});

/** Seconds of each group, the longest first. */
const formatTimes = (times: ReadonlyMap<string, number>): string =>
  [...times]
    .sort(([, a], [, b]) => b - a)
    .map(([group, ms]) => `${(ms / 1e3).toFixed(1).padStart(8)}  ${group}`)
    .join("\n");

for (const [index, file] of [...files].sort().entries()) {
  scope.UVU_INDEX = index;
  scope.UVU_QUEUE.push([file]);
  await import(new URL(file, import.meta.url).href);
}
const { exec } = await import("uvu"); // after UVU_DEFER is set, or it starts by itself
await exec();
finished = true;
device.close();
