// Builds `dist`: in a checkout everything with its tests, for the package the library and the command line with types.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build as bundle } from "esbuild";
import { licencesOf } from "./licences.mjs";
import { buildModules, sources } from "./modules.mjs";

const LIBRARY = ["kernels", "engine", "models"];
/** Entries of the package, by their names in `dist`. */
const ENTRIES = {
  index: "engine/index",
  kernels: "kernels/index",
  models: "models/index",
  gradcheck: "engine/gradcheck/index",
  tune: "engine/tune/index",
};
/** Entries that need Node: in a bundle for browsers they say so. */
const NODE_ENTRIES = {
  node: "engine/index.node",
  gradcheck_node: "engine/gradcheck/index.node",
  tune_node: "engine/tune/index.node",
};

/** `release`: what is packed, with types and without tests and source maps. */
export async function build({ release = false } = {}) {
  rmSync("dist", { recursive: true, force: true });
  const sourcemap = !release;
  const command = sources("bench").filter((path) => !path.startsWith(join("bench", "build")));
  const bundled = await Promise.all([
    buildModules(LIBRARY.flatMap(sources), { name: "library", sourcemap, minify: release }),
    buildModules(command, { name: "command", sourcemap, minify: release }),
  ]);
  await writeEntries();
  writeFileSync("dist/THIRD_PARTY_LICENSES", licencesOf([...new Set(bundled.flat())].sort()));
  if (release) emitTypes();
  else await buildTests();
  if (!release) writeFileSync("dist/built", new Date().toISOString());
}

/** The entries at the root of `dist`, and a package.json by which any such folder finds its own platform. */
async function writeEntries() {
  writeFileSync("dist/cli.js", '#!/usr/bin/env node\nimport "./bench/cli.js";\n');
  chmodSync("dist/cli.js", 0o755);
  const { name, version, type, sideEffects, exports } = JSON.parse(readFileSync("package.json", "utf8"));
  const imports = {
    "#platform": {
      node: "./engine/device/platform.node.js",
      default: "./engine/device/platform.browser.js",
    },
  };
  const here = JSON.parse(JSON.stringify(exports).replaceAll("./dist/", "./"));
  writeFileSync(
    "dist/package.json",
    JSON.stringify({ name, version, type, sideEffects, exports: here, imports }, null, 2),
  );
  for (const [name, path] of Object.entries({ ...ENTRIES, ...NODE_ENTRIES }))
    writeFileSync(`dist/${name}.js`, `export * from "./${path}.js";\n`);
  for (const [name, path] of Object.entries(NODE_ENTRIES))
    writeFileSync(`dist/${name}.browser.js`, await needsNode(`tessera-gpu/${name.replace("_", "/")}`, path));
}

/** A Node entry as a bundler for browsers gets it: the same names, and an error that says what is wrong. */
async function needsNode(entry, path) {
  const names = Object.keys(await import(pathToFileURL(`dist/${path}.js`)));
  const fault = `${entry} needs Node, for files and processes, but was loaded in a browser`;
  const list = names.map((name) => `absent as ${name}`).join(", ");
  // a call, which a bundler cannot leave out where one of the names is used
  return `const absent = (() => {\n  throw new Error("${fault}");\n})();\nexport { ${list} };\n`;
}

/** Declarations beside their modules. */
function emitTypes() {
  execFileSync("node_modules/.bin/tsc", ["-p", "bench/build/types.json"], { stdio: "inherit" });
  for (const path of readdirSync("dist", { recursive: true }).map((path) => join("dist", String(path)))) {
    if (!path.endsWith(".d.ts")) continue;
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace(/((?:from |import\()"\.{1,2}\/[^"]*)\.ts"/g, '$1.js"'));
  }
  mkdirSync("dist/typescript5");
  for (const [name, path] of Object.entries({ ...ENTRIES, ...NODE_ENTRIES })) {
    const dom = '/// <reference lib="dom" />\n'; // since TypeScript 6 it declares WebGPU
    writeFileSync(`dist/${name}.d.ts`, `${dom}export * from "./${path}.js";\n`);
    writeFileSync(
      `dist/typescript5/${name}.d.ts`,
      `${dom}/// <reference types="@webgpu/types" />\nexport * from "../${path}.js";\n`,
    );
  }
}

/** The tests, the page that they open in a browser, and the examples. */
async function buildTests() {
  await buildModules(sources("tests"), { name: "tests", external: true, sourcemap: true });
  await bundle({
    entryPoints: ["dist/tests/browser/page.js"],
    outdir: "dist/browser",
    bundle: true,
    format: "esm",
    platform: "browser",
    sourcemap: true,
    tsconfigRaw: {},
    logLevel: "warning",
  });
  mkdirSync("dist/examples");
  writeFileSync("dist/examples/swish.js", 'export * from "../tests/examples/swish/swish.js";\n');
}
