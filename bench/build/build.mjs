// Bundles the library for Node and for browsers, the command line and the tests; `.wgsl` and `.csv` files are text.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build as bundle } from "esbuild";

const shared = {
  bundle: true,
  format: "esm",
  target: "es2022",
  sourcemap: true,
  loader: { ".wgsl": "text", ".csv": "text" },
  logLevel: "warning",
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
};
const node = { ...shared, platform: "node", packages: "external" };
const browser = { ...shared, platform: "browser", external: ["sharp", "webgpu"] };
const library = {
  index: "engine/index.ts",
  gradcheck: "engine/gradcheck/index.ts",
  kernels: "kernels/index.ts",
  models: "models/index.ts",
  tune: "engine/tune/index.ts",
};
const nodeLibrary = { tune_node: "engine/tune/index.node.ts" };
const examples = { "examples/swish": "tests/examples/swish/swish.ts" };

const tests = () =>
  readdirSync("tests", { recursive: true })
    .map((path) => String(path))
    .filter((path) => path.endsWith(".test.ts"));

/** `types`: emit declarations too, which users of the package need and running it does not. */
export async function build({ types = false } = {}) {
  rmSync("dist", { recursive: true, force: true });
  const suites = Object.fromEntries(tests().map((path) => [path.replace(/\.ts$/, ""), join("tests", path)]));
  await Promise.all([
    bundle({
      ...node,
      entryPoints: {
        ...library,
        ...nodeLibrary,
        ...examples,
        cli: "bench/cli.ts",
        mutant_worker: "engine/gradcheck/mutant_worker.node.ts",
        tune_worker: "engine/tune/worker.node.ts",
        build_worker: "bench/measure/build_worker.ts",
      },
      outdir: "dist",
    }),
    bundle({
      ...browser,
      entryPoints: { ...library, page: "tests/browser/page.ts" },
      outdir: "dist/browser",
    }),
    bundle({
      ...node,
      entryPoints: {
        run: "tests/run.ts",
        write_plans: "tests/write_plans.ts",
        "tune/record_writer": "tests/tune/record_writer.ts",
        ...suites,
      },
      outdir: "dist/tests",
    }),
  ]);
  for (const name of readdirSync("tests/goldens").filter((name) => name.endsWith(".safetensors")))
    cpSync(join("tests/goldens", name), join("dist/goldens", name));
  if (types) execFileSync("node_modules/.bin/tsc", ["-p", "bench/build/types.json"], { stdio: "inherit" });
  chmodSync("dist/cli.js", 0o755);
  writeFileSync("dist/built", new Date().toISOString());
}
