// `tessera bench` as it is started: what it refuses, and what Ctrl-C leaves.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import type { Result } from "../../bench/measure/result.ts";
import { group } from "../harness.ts";

const check = group("bench commands");
const cli = fileURLToPath(new URL("../../cli.js", import.meta.url));
const SMALL = ["--image", "75", "--batch", "2", "--width", "0.0625", "--no-validate"];

check.test("what cannot be measured is refused with what can", () => {
  for (const [args, message] of [
    ["step nope", /no model nope \(has inception-v4, /],
    ["step inception-v4 --image 74", /'74' is invalid\. a whole number of at least 75 is expected/],
    ["--out", /option '--out <file>' argument missing/],
    ["step inception-v4 --batch 1.5", /'1\.5' is invalid\. a whole number of at least 1 is expected/],
    ["layers inception-v4 stem/99 --image 75", /has no layer stem\/99; did you mean stem\//],
    [
      "memory inception-v4 --image 75 --memory 1GiB --batch 999",
      /takes \d+ bytes .* the largest batch that fits is \d+/,
    ],
  ] as const) {
    const { stderr, status } = spawnSync(process.execPath, [cli, "bench", ...args.split(" ")], {
      encoding: "utf8",
    });
    assert.is(status, 2, args);
    assert.match(stderr, message);
  }
});

check.test("memory is printed as JSON without running anything", () => {
  const args = ["bench", "memory", "inception-resnet-v1", ...SMALL.slice(0, -1), "--fit", "--json"];
  const { stdout, stderr, status } = spawnSync(process.execPath, [cli, ...args], { encoding: "utf8" });
  assert.is(status, 0, stderr);
  const { command, networks, host }: Result = JSON.parse(stdout);
  assert.equal(command.slice(0, 2), ["memory", "inception-resnet-v1"]);
  assert.is(networks[0].wall.samples.length, 0);
  assert.ok(networks[0].memory.total > networks[0].memory.arena);
  assert.ok(host.cores > 0 && host.version);
});

check.test("Ctrl-C keeps the networks that were measured", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tessera-bench-"));
  const file = join(folder, "result.json");
  try {
    const networks = ["inception-resnet-v1", "inception-v4"];
    const args = ["bench", "step", ...networks, ...SMALL, "--samples", "1", "--out", file];
    const child = spawn(process.execPath, [cli, ...args], {
      env: { ...process.env, DEBUG: "1" }, // each network's device is named on stderr
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    let sent = false;
    child.stderr.on("data", (text) => {
      said += text;
      if (sent || said.split("Dawn (npm").length < 3) return;
      sent = true;
      child.kill("SIGINT");
    });
    const [status] = await once(child, "exit");
    assert.is(status, 130, said);
    const result: Result = JSON.parse(readFileSync(file, "utf8"));
    assert.ok(result.interrupted);
    assert.equal(
      result.networks.map(({ network }) => network),
      ["inception-resnet-v1"],
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

check.run();
