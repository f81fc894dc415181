// The package as strangers meet it: packed, installed into an empty project, compiled, run, bundled.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { build } from "esbuild";
import * as assert from "uvu/assert";
import { inServedPage } from "../browser/served.ts";
import { group } from "../harness.ts";
import { examplesOf, pagesOf } from "./examples.ts";
import { missingTypes } from "./exported.ts";
import { installed, ROOT } from "./install.ts";

const check = group("package");
const ENTRIES = ["", "/kernels", "/models", "/gradcheck", "/tune"];
const NODE_ENTRIES = ["/node", "/gradcheck/node", "/tune/node"];

/** Bytes that a bundle may take, minified, by what it imports. Raise them with a reason. */
const BUNDLES: readonly (readonly [code: string, most: number])[] = [
  ['import { ShapeError } from "tessera-gpu"; console.log(ShapeError)', 1_500],
  ['import { relu } from "tessera-gpu/kernels"; console.log(relu)', 8_000],
  ['import { getModel } from "tessera-gpu/models"; console.log(getModel)', 12_000],
  [
    'import { Device, Net, Trainer, rmsprop } from "tessera-gpu"; console.log(Device, Net, Trainer, rmsprop)',
    560_000,
  ],
  ['import { tune } from "tessera-gpu/tune"; console.log(tune)', 600_000],
];
const MOST = { tarball: 850_000, files: 660 };

const files = (folder: string): string[] =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((path) => statSync(join(folder, path)).isFile());

/** Type checks files of the project, with what the package alone brings, or with Node's types too. */
function compile(project: string, resolution: string, names: readonly string[], ...more: string[]): void {
  const module = resolution === "bundler" ? "esnext" : resolution;
  const { status, stdout } = spawnSync(
    join(ROOT, "node_modules/.bin/tsc"),
    [
      ...["--strict", "--target", "es2022", "--skipLibCheck", "false", "--module", module],
      ...["--moduleResolution", resolution, ...more, ...names],
    ],
    { cwd: project, encoding: "utf8" },
  );
  assert.is(stdout, "", resolution);
  assert.is(status, 0);
}

check.test("three packages come with it, and no tests", () => {
  const { package: folder, tarball, required } = installed();
  const [bytes, packed] = [statSync(tarball).size, files(folder)];
  console.log(`tarball ${(bytes / 1e3).toFixed(0)} kB, ${packed.length} files`);
  assert.ok(bytes <= MOST.tarball, `${bytes} bytes`);
  assert.ok(packed.length <= MOST.files, `${packed.length} files`);
  assert.equal(
    packed.filter((path) => !/^(package\.json|README\.md|CHANGELOG\.md|LICENSE|dist\/.*)$/.test(path)),
    [],
  );
  assert.equal(
    packed.filter((path) =>
      /^dist\/(tests|browser|examples)|\.test\.|\.map$|goldens|\.safetensors$/.test(path),
    ),
    [],
  );
  const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  assert.equal(Object.keys(dependencies), ["@webgpu/types", "webgpu", "wgsl_reflect"]);
  console.log(`${required.length} packages are installed with it: ${required.join(", ")}`);
  assert.ok(required.length <= 5); // webgpu brings two
});

check.test("its modules import what is there", () => {
  const { package: folder } = installed();
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(folder, "package.json"), "utf8"),
  );
  const there = [...Object.keys({ ...dependencies, ...optionalDependencies }), "#platform"];
  const wrong: string[] = [];
  for (const path of files(folder).filter((path) => /\.(js|d\.ts)$/.test(path))) {
    const text = readFileSync(join(folder, path), "utf8");
    for (const [, target] of text.matchAll(
      /(?:^import |^export .*? from |\bfrom ?|\bimport\()"([^"\s]+)"/gm,
    )) {
      if (target.startsWith(".")) {
        const at = join(folder, path, "..", target);
        const found = path.endsWith(".d.ts") ? at.replace(/\.js$/, ".d.ts") : at;
        if (!statSync(found, { throwIfNoEntry: false })) wrong.push(`${path}: ${target}`);
      } else if (!target.startsWith("node:") && !builtinModules.includes(target)) {
        if (!there.some((name) => target === name || target.startsWith(`${name}/`)))
          wrong.push(`${path}: ${target}`);
      }
    }
  }
  assert.equal(wrong, []);
});

check.test("what is bundled keeps its licence", () => {
  const { package: folder } = installed();
  const licences = readFileSync(join(folder, "dist/THIRD_PARTY_LICENSES"), "utf8");
  for (const name of ["@observablehq/plot", "commander", "diff", "fast-check", "linkedom", "modern-tar"])
    assert.match(licences, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\((MIT|ISC|BSD-3-Clause)\\)$`, "m"));
  assert.not.match(licences, /^(esbuild|typescript|uvu|wgsl_reflect) \d/m);
});

check.test("the types of every entry compile without any other package", () => {
  const { project } = installed();
  const lines = [...ENTRIES, ...NODE_ENTRIES].map(
    (entry, i) => `import * as e${i} from "tessera-gpu${entry}";`,
  );
  const code = `${lines.join("\n")}
const device: e0.Device = await e0.Device.open();
export const gpu: GPUDevice = device.gpu;
export const all = [${lines.map((_, i) => `e${i}`).join(", ")}];
`;
  writeFileSync(join(project, "entries.ts"), code);
  for (const resolution of ["nodenext", "bundler"]) {
    compile(project, resolution, ["entries.ts"], "--noEmit");
    compile(project, resolution, ["entries.ts"], "--noEmit", "--lib", "es2022");
  }
});

check.test("types that public signatures name are exported by an entry", () => {
  const { package: folder } = installed();
  const entries = readdirSync(join(folder, "dist")).filter((name) => name.endsWith(".d.ts"));
  assert.is(entries.length, ENTRIES.length + NODE_ENTRIES.length);
  const missing = missingTypes(entries.map((name) => join(folder, "dist", name)));
  assert.equal(
    missing.map((line) => line.replace(`${folder}/dist/`, "")),
    [],
  );
});

check.test("every example of README and docs compiles and runs", () => {
  const { project } = installed();
  // examples for Node are written with its types, as its users have them
  mkdirSync(join(project, "node_modules/@types"), { recursive: true });
  symlinkSync(join(ROOT, "node_modules/@types/node"), join(project, "node_modules/@types/node"), "dir");
  const pages = pagesOf(ROOT).map((page) => ({ page, examples: examplesOf(ROOT, page) }));
  const examples = pages.flatMap(({ examples }) => examples);
  assert.ok(examples.length > 0);
  for (const { name, code } of examples) writeFileSync(join(project, `${name}.ts`), code);
  const names = examples.map(({ name }) => `${name}.ts`);
  compile(project, "bundler", names, "--noEmit", "--types", "node");
  compile(project, "nodenext", names, "--types", "node");
  for (const { page, examples } of pages) {
    const cwd = join(project, page.replace(/\W/g, "_")); // what one example of a page writes the next may read
    mkdirSync(cwd, { recursive: true });
    for (const { name, place } of examples) {
      const { status, stderr } = spawnSync(process.execPath, [join(project, `${name}.js`)], {
        cwd,
        encoding: "utf8",
        timeout: 120_000,
      });
      assert.is(status, 0, `${place}: ${stderr}`);
    }
  }
  console.log(`${examples.length} examples`);
});

/** One module for a browser, minified. */
async function bundle(project: string, contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: project, loader: "ts" },
    absWorkingDir: project,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
    logLevel: "silent",
  });
  return outputFiles[0].text;
}

check.test("the first example of README runs bundled in a browser", async () => {
  const { project } = installed();
  const [{ code }] = examplesOf(ROOT, "README.md");
  const script = await bundle(
    project,
    `${code.replace("export {};", "")}\nObject.assign(globalThis, { finished: true });`,
  );
  await inServedPage(
    (path) => (path === "/page.js" ? script : undefined),
    async (page) => {
      await page.waitForFunction("globalThis.finished", undefined, { timeout: 120_000 });
    },
  );
});

check.test("the page of docs/library.md runs without a bundler, by its import map", async () => {
  const { project } = installed();
  const [, html] = /^```html\n([\s\S]*?)^```/m.exec(readFileSync(join(ROOT, "docs/library.md"), "utf8"))!;
  await inServedPage(
    (path) => {
      const file = join(project, path);
      return path.startsWith("/node_modules/") && existsSync(file) ? readFileSync(file) : undefined;
    },
    async (page) => {
      await page.waitForFunction("globalThis.opened", undefined, { timeout: 60_000 });
    },
    html.replace("console.log(", "globalThis.opened = ("),
  );
});

check.test("a bundle takes what is used and little else", async () => {
  const { project } = installed();
  for (const [code, most] of BUNDLES) {
    const { length } = await bundle(project, code);
    console.log(`${(length / 1e3).toFixed(1).padStart(7)} kB  ${code}`);
    assert.ok(length <= most, `${code}: ${length} bytes, at most ${most} are allowed`);
  }
});

check.test("an entry for Node says so in a browser's bundle", async () => {
  const { project } = installed();
  for (const [entry, name] of [
    ["tessera-gpu/node", "scanFolder"],
    ["tessera-gpu/tune/node", "RunRecord"],
    ["tessera-gpu/gradcheck/node", "mutationTest"],
  ]) {
    const code = await bundle(project, `import { ${name} } from "${entry}"; console.log(${name})`);
    const file = join(project, "bundle.mjs");
    writeFileSync(file, code);
    const { status, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8" });
    assert.is(status, 1);
    assert.match(stderr, `Error: ${entry} needs Node, for files and processes, but was loaded in a browser`);
  }
});

check.test("the command runs, and names what a checkout has and it has not", () => {
  const { project } = installed();
  const command = (...args: string[]) =>
    spawnSync(process.execPath, [join(project, "node_modules/tessera-gpu/dist/cli.js"), ...args], {
      cwd: project,
      encoding: "utf8",
    });
  assert.match(command("--help").stdout, "Usage: tessera");
  assert.match(command("models").stdout, "inception-resnet-v2");
  const operation = command("gradcheck", "relu", "--fuzz", "3", "--html", "relu.html");
  assert.is(operation.status, 0, operation.stderr);
  assert.match(readFileSync(join(project, "relu.html"), "utf8"), "relu");
  const network = command("gradcheck", "networks");
  assert.is.not(network.status, 0);
  assert.match(network.stderr, /networks.*tests\/goldens/);
});
check.run();
