// Writes the API reference, from the docstrings of what the package exports, to docs/api.
// TypeDoc cannot take the TypeScript of this checkout yet: it has its own, in the folder beside this file.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("docs", import.meta.url));

function run(command, ...args) {
  const { status, error } = spawnSync(command, args, { cwd: folder, stdio: "inherit" });
  if (status === 0) return;
  if (error) console.error(`${command}: ${error.message}`);
  process.exit(status ?? 1);
}

const read = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).packages : {});
const wanted = read(`${folder}/package-lock.json`);
const there = read(`${folder}/node_modules/.package-lock.json`);
const stale = Object.keys(wanted).some(
  (path) => path !== "" && wanted[path].version !== there[path]?.version,
);
if (stale) run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund");
run(process.execPath, "node_modules/typedoc/bin/typedoc", "--options", "typedoc.json");
