// Files written: links, pipes, devices, modes, inputs, and what a failure or Ctrl-C leaves.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { FormatError, ValueError } from "../../engine/errors.ts";
import { checkOutputs, writeFile } from "../../engine/io/files.node.ts";
import { group } from "../harness.ts";

const check = group("files");
const cli = fileURLToPath(new URL("../../cli.js", import.meta.url));

async function inFolder(body: (at: (name: string) => string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tessera-files-"));
  try {
    await body((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function refused(work: Promise<unknown>, kind: typeof FormatError, message: RegExp): Promise<void> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown) => thrown,
  );
  assert.instance(error, kind);
  assert.match((error as Error).message, message);
}

check.test("a new file, its folders made, and nothing beside it", () =>
  inFolder(async (at) => {
    await writeFile(at("a/b/new"), "text");
    assert.is(readFileSync(at("a/b/new"), "utf8"), "text");
    assert.equal(readdirSync(at("a/b")), ["new"]);
  }),
);

check.test("a file that exists keeps its mode", () =>
  inFolder(async (at) => {
    writeFileSync(at("old"), "old");
    chmodSync(at("old"), 0o751);
    await writeFile(at("old"), Uint8Array.of(110, 101, 119));
    assert.is(readFileSync(at("old"), "utf8"), "new");
    assert.is(statSync(at("old")).mode & 0o7777, 0o751);
  }),
);

check.test("links are written through, one that leads nowhere yet too", () =>
  inFolder(async (at) => {
    mkdirSync(at("real"));
    writeFileSync(at("real/file"), "old");
    symlinkSync("real/file", at("link"));
    symlinkSync("link", at("link to link"));
    symlinkSync("real/later/none", at("dangling"));
    await writeFile(at("link to link"), "new");
    await writeFile(at("dangling"), "fresh");
    for (const name of ["link", "link to link", "dangling"]) assert.ok(lstatSync(at(name)).isSymbolicLink());
    assert.is(readFileSync(at("real/file"), "utf8"), "new");
    assert.is(readFileSync(at("real/later/none"), "utf8"), "fresh");
    symlinkSync("round", at("round"));
    await refused(writeFile(at("round"), "x"), FormatError, /round: cannot be written/);
  }),
);

check.test("a pipe and a device are written into", () =>
  inFolder(async (at) => {
    execFileSync("mkfifo", [at("pipe")]);
    const [read] = await Promise.all([readFile(at("pipe"), "utf8"), writeFile(at("pipe"), "through")]);
    assert.is(read, "through");
    assert.ok(lstatSync(at("pipe")).isFIFO());
    symlinkSync("/dev/null", at("nothing"));
    await writeFile(at("nothing"), "gone");
    assert.ok(lstatSync(at("nothing")).isSymbolicLink());
    assert.ok(statSync("/dev/null").isCharacterDevice());
  }),
);

check.test("/dev/stdout is this process's output: a pipe, or the file that it was directed to", () =>
  inFolder((at) => {
    const args = [cli, "tune", "export", recording(at), "--format", "t4", "--out", "/dev/stdout"];
    const piped = spawnSync(process.execPath, args, { encoding: "utf8" });
    assert.is(piped.status, 0, piped.stderr);
    const { results } = JSON.parse(piped.stdout);
    assert.is(results.length, 2);
    const shell = `echo before; "$@"; echo after`;
    execFileSync("sh", ["-c", `(${shell}) > '${at("all")}'`, "sh", process.execPath, ...args], {
      stdio: ["ignore", "ignore", "ignore"],
    });
    const lines = readFileSync(at("all"), "utf8").trim().split("\n");
    assert.is(lines[0], "before");
    assert.is(lines.at(-1), "after");
    assert.equal(JSON.parse(lines.slice(1, -1).join("\n")).results, results);
  }),
);

check.test("an output that is an input is refused, by any name", () =>
  inFolder(async (at) => {
    writeFileSync(at("weights"), "weights");
    symlinkSync("weights", at("link"));
    linkSync(at("weights"), at("hard"));
    for (const name of ["weights", "link", "hard", "./x/../weights"])
      await refused(checkOutputs([at(name)], [at("weights")]), ValueError, /it is an input, .*weights/);
    await refused(checkOutputs([at("a"), at("y/../a")]), ValueError, /it is another output/);
    await checkOutputs(["/dev/null", "/dev/null", undefined, at("other")], [at("weights"), at("not there")]);
    assert.is(readFileSync(at("weights"), "utf8"), "weights");
    assert.not(existsSync(at("other")));
  }),
);

check.test("what cannot be written is refused before the work, and folders are made", () =>
  inFolder(async (at) => {
    writeFileSync(at("file"), "");
    mkdirSync(at("folder"));
    await refused(checkOutputs([at("folder")]), FormatError, /folder: cannot be written: it is a folder/);
    await refused(checkOutputs([at("file/page")]), FormatError, /file\/page: cannot be written/);
    await refused(checkOutputs(["/proc/none/page"]), FormatError, /cannot be written/);
    await checkOutputs([at("made/for/it")]);
    assert.equal(readdirSync(at("made/for")), []);
  }),
);

check.test("a write that fails leaves the old file and nothing else", () =>
  inFolder(async (at) => {
    mkdirSync(at("full"));
    writeFileSync(at("full/old"), "old");
    const content = { length: 1 } as unknown as Uint8Array; // which no file system takes
    await refused(writeFile(at("full/old"), content), FormatError, /old: cannot be written/);
    assert.equal(readdirSync(at("full")), ["old"]);
    assert.is(readFileSync(at("full/old"), "utf8"), "old");
  }),
);

check.test("Ctrl-C in the middle of a write leaves the old file and nothing else", () =>
  inFolder(async (at) => {
    mkdirSync(at("out"));
    writeFileSync(at("out/old"), "old");
    const child = spawn(process.execPath, [
      fileURLToPath(new URL("file_writer.js", import.meta.url)),
      at("out/old"),
    ]);
    await once(child.stdout, "data");
    child.kill("SIGINT");
    const [, signal] = await once(child, "exit");
    assert.is(signal, "SIGINT");
    assert.equal(readdirSync(at("out")), ["old"]);
    assert.is(readFileSync(at("out/old"), "utf8"), "old");
  }),
);

check.test("commands check their outputs before they run, and never write over an input", () =>
  inFolder((at) => {
    const says = (message: RegExp, ...args: string[]) => {
      const { status, stderr } = spawnSync(process.execPath, [cli, ...args], { encoding: "utf8" });
      assert.is(status, 2, args.join(" "));
      assert.match(stderr, message);
    };
    writeFileSync(at("w"), "weights");
    symlinkSync("w", at("link"));
    const parity = ["parity", "--model", "inception-v4", "--weights", at("w"), "--batch", at("b")];
    says(/ValueError: .*it is an input/, ...parity, "--out", at("w"));
    says(/ValueError: .*it is an input/, "convert", "--model", "inception-v4", at("w"), at("link"));
    assert.is(readFileSync(at("w"), "utf8"), "weights");
    const source = recording(at);
    says(/it is an input/, "tune", "export", source, "--format", "t4", "--out", source);
    says(/cannot be written/, "gradcheck", "relu", "--out", at("w/none"));
    says(/it is another output/, "bench", "step", "inception-v4", "--out", at("r"), "--csv", at("r"));
    says(/--json and --csv both go to stdout/, "bench", "step", "inception-v4", "--json", "--csv", "-");
    says(/cannot be written: it is a folder/, "bench", "memory", "inception-v4", "--html", at("."));
    says(/cannot be written/, "tune", "relu", "--out", at("w"));
    says(/cannot be written/, "bench", "peers", "--out", at("w/none"));
    assert.equal(readdirSync(at(".")).sort(), ["cache.json", "link", "w"]);
  }),
);

/** A Kernel Tuner cache of two configurations. */
function recording(at: (name: string) => string): string {
  const cache = {
    device_name: "a device",
    kernel_name: "k",
    problem_size: "1",
    tune_params_keys: ["TILE"],
    tune_params: { TILE: [1, 2] },
    objective: "time",
    cache: { 1: { TILE: 1, time: 2 }, 2: { TILE: 2, time: 1 } },
  };
  writeFileSync(at("cache.json"), JSON.stringify(cache));
  return at("cache.json");
}

check.run();
