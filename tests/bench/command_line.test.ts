// The command line as a newcomer meets it: help, version, slips of the pen, pipes that close, modules that throw.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { suggestion } from "../../bench/command_line/suggest.ts";
import { ops } from "../../kernels/index.ts";
import { version } from "../../package.json";
import { group } from "../harness.ts";

const check = group("command line");
const cli = fileURLToPath(new URL("../../cli.js", import.meta.url));
const tessera = (...args: string[]) => spawnSync(process.execPath, [cli, ...args], { encoding: "utf8" });

check.test("--version prints the version", () => {
  const { stdout, status } = tessera("--version");
  assert.is(stdout, `${version}\n`);
  assert.is(status, 0);
});

check.test("every command has its help, and a help loads no device, network or page", () => {
  const names = [...tessera("--help").stdout.matchAll(/^ {2}(\w+) {2,}/gm)].map(([, name]) => name);
  assert.equal(
    names.filter((name) => name !== "help"),
    ["demo", "info", "models", "convert", "parity", "gradcheck", "tune", "bench"],
  );
  for (const name of names) {
    const { stdout, status } = tessera(name, "--help");
    assert.is(status, 0, name);
    assert.match(stdout, /^Usage: tessera/);
  }
  const loaded = new Set<string>();
  const load = (file: string) => {
    if (loaded.has(file)) return;
    loaded.add(file);
    const text = readFileSync(file, "utf8");
    for (const [, target] of text.matchAll(/^import(?:[^"';]*from)? ?"([^"]+)"/gm))
      if (target.startsWith(".")) load(join(dirname(file), target));
  };
  load(cli);
  const modules = [...loaded]
    .map((file) => relative(dirname(cli), file))
    .filter((file) => !/^packages\b/.test(file));
  assert.equal(modules, ["cli.js", "bench/cli.js"]);
});

check.test("a slip of the pen gets the name that was meant, and exit code 2 in one line", () => {
  for (const [args, says] of [
    ["bnech", /unknown command 'bnech' \(Did you mean bench\?\)/],
    ["bench stpe inception-v4", /no model stpe/],
    ["tune shwo x", /tune has no command shwo; did you mean show\?/],
    ["tune conv2", /conv2 is no operation, \.wgsl or \.json file; did you mean conv2d\?/],
    ["gradcheck batchnorm", /no subject batchnorm; did you mean batch_norm\?/],
    ["bench kernels rleu --shapes {}", /no operation rleu; did you mean relu\?/],
    ["info --jsn", /unknown option '--jsn' \(Did you mean --json\?\)/],
    ["models --image big", /a whole number of at least 75 is expected/],
    ["parity", /required option '--model <name>' not specified/],
  ] as const) {
    const { stderr, stdout, status } = tessera(...args.split(" "));
    assert.match(stderr, says);
    assert.is(stderr.split("\n").length, 2, stderr);
    assert.is(stdout, "");
    assert.is(status, 2, args);
  }
});

check.test("a suggestion is short: the nearest few, or the first of many", () => {
  const names = ops.map(({ name }) => name);
  assert.is(suggestion("conv3d", names), "; did you mean conv2d?");
  assert.is(suggestion("moment", names), "; did you mean moments?");
  assert.match(suggestion("pool2d", names), /^; did you mean avg_pool2d or max_pool2d\?$/);
  assert.match(suggestion("transformer", names), /^ \(there is .* and \d+ more\)$/);
  assert.is(suggestion("y", ["forward", "x"]), " (there is forward and x)");
  assert.is(suggestion("backward", ["x", "w"]), " (there is x and w)");
  for (const name of names)
    for (const slip of [name.slice(1), `${name}s`, name.slice(0, 1) + name.slice(2)])
      assert.match(suggestion(slip, names), name, `${slip}: ${suggestion(slip, names)}`);
});

check.test("a reader that has seen enough ends a command without a word", async () => {
  const child = spawn(process.execPath, [cli, "models", "inception-v4", "--json"]);
  const said: string[] = [];
  child.stderr.on("data", (text) => said.push(String(text)));
  await once(child.stdout, "data");
  child.stdout.destroy();
  await once(child, "exit");
  assert.is(said.join(""), "");
});

check.test("a module that throws when loaded is named with its line and its own error", () => {
  const folder = mkdtempSync(join(tmpdir(), "tessera-module-"));
  try {
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    for (const [path, says] of [
      [
        file("throws.mjs", "\nthrow new TypeError('not today');\n"),
        /throws\.mjs:2: .*TypeError: not today\n$/,
      ],
      [file("syntax.mjs", "const a = 1;\nexport const = 2;\n"), /syntax\.mjs:2: .*SyntaxError: .*\n$/],
      [file("lacks.mjs", "import './none.mjs';\n"), /lacks\.mjs.*: cannot be loaded: .*none\.mjs/],
      [file("string.mjs", "throw 'a string';\n"), /string\.mjs: cannot be loaded: Error: a string\n$/],
    ] as const) {
      const { stderr, status } = tessera("gradcheck", path);
      assert.match(stderr, says);
      assert.match(stderr, /^FormatError: /);
      assert.is(stderr.split("\n").length, 2, stderr);
      assert.is(status, 2);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

check.run();
