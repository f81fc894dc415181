import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { group } from "./harness.ts";

const run = fileURLToPath(new URL("run.js", import.meta.url));
const tests = (only: string, ...options: string[]) =>
  spawnSync(process.execPath, [run, ...options], {
    encoding: "utf8",
    env: { ...process.env, ADAPTER: "null", ONLY: only },
  });
const check = group("selection");

check.test("an option that does not exist is refused before a test runs", () => {
  const { status, stdout, stderr } = tests("", "--fsat");
  assert.is(status, 2);
  assert.is(stdout, "");
  assert.match(stderr, "there is no option --fsat");
});

check.test("--fast and ONLY take what both name, and say how long it took", () => {
  const layout = "layout: kernels, models and the portable engine import no Node";
  const { status, stdout } = tests(layout, "--fast");
  assert.is(status, 0);
  assert.match(stdout, /seconds by group:\n +\d+\.\d {2}layout\n1 passed, 0 failed\n$/);
  const none = tests("selection: an option", "--fast"); // this file is not among them
  assert.is(none.status, 1);
  assert.match(none.stdout, /\n0 passed, 0 failed\n$/);
});
check.run();
