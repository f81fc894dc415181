// Builds every source file into a module of its own at the same place under `dist`. So bundlers of users take only the
// modules that they need, and paths between files are those of the source.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build, transform } from "esbuild";

/** What stays an import of the user's: it installs them. */
const PACKAGES = ["wgsl_reflect", "webgpu", "sharp", "@sparticuz/chromium"];
/** Files that a module holds as text. */
const TEXT = { ".wgsl": "text", ".csv": "text" };

/** Leaves imports of other source files as imports of the modules they become; all else is bundled, or is `external`. */
const separate = {
  name: "separate",
  setup({ onResolve }) {
    onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ path, kind }) =>
      kind === "entry-point" ? undefined : { path: path.replace(/\.ts$/, ".js"), external: true },
    );
  },
};

export const sources = (folder) =>
  readdirSync(folder, { recursive: true })
    .map((path) => join(folder, String(path)))
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"));

/**
 * Builds `files`. Packages that users do not install are bundled, into the module that alone uses them or into
 * `dist/packages`; with `external` none is. `minify`: the files of packages. Returns the folders of the packages that
 * were bundled.
 */
export async function buildModules(files, { name, external = false, sourcemap = false, minify = false }) {
  const { outputFiles, metafile } = await build({
    entryPoints: files,
    outbase: ".",
    outdir: "dist",
    bundle: true,
    splitting: true,
    chunkNames: `packages/${name}-[hash]`,
    format: "esm",
    target: "es2022",
    platform: "node",
    ...(external ? { packages: "external" } : { external: ["#platform", ...PACKAGES] }),
    loader: TEXT,
    tsconfigRaw: {}, // its paths are for the checker
    plugins: [separate],
    sourcemap,
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  for (const { path, text } of outputFiles) {
    if (text === "") continue; // types alone
    mkdirSync(dirname(path), { recursive: true });
    const short =
      minify && path.includes(`packages/${name}-`) ? (await transform(text, { minify })).code : text;
    writeFileSync(path, text.includes("__require") ? withRequire(short) : short);
  }
  return bundledPackages(Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs)));
}

/** CommonJS packages ask for modules of Node by `require`, which a module has not. On the first line, so that the others keep their numbers. */
const withRequire = (text) =>
  `import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url); ${text}`;

const bundledPackages = (inputs) => {
  const found = inputs.map((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return [...new Set(found.filter((folder) => folder !== undefined))].sort();
};
