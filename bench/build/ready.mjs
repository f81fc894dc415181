// Makes the checkout ready to run: installs what is missing, builds what is stale. Plain Node, nothing installed needed.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
process.chdir(root);

if (Number(process.versions.node.split(".")[0]) < 20) {
  console.error(`tessera needs Node 20 or newer; this is ${process.versions.node}`);
  process.exit(1);
}

function run(what, command, args) {
  console.error(what);
  const { status, error } = spawnSync(command, args, {
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (status !== 0) {
    console.error(`${command} ${args.join(" ")} failed${error ? `: ${error.message}` : ""}`);
    process.exit(status ?? 1);
  }
}

/** npm leaves a copy of the lock file it installed from; a version that differs means a stale node_modules. */
function installed() {
  const left = "node_modules/.package-lock.json";
  if (!existsSync(left)) return false;
  const want = JSON.parse(readFileSync("package-lock.json", "utf8")).packages;
  const have = JSON.parse(readFileSync(left, "utf8")).packages;
  return Object.entries(want).every(
    ([path, { version, optional }]) =>
      path === "" || (path in have ? have[path].version === version : optional),
  );
}

function newest(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  const names = readdirSync(path).filter((name) => name !== "node_modules"); // the peers have their own
  return Math.max(stat.mtimeMs, ...names.map((name) => newest(join(path, name))));
}

if (!installed())
  run("installing packages (once)", "npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);

const sources = ["kernels", "engine", "models", "bench", "tests", "package.json", "tsconfig.json"];
const built = existsSync("dist/built") ? statSync("dist/built").mtimeMs : 0;
const release = process.argv.includes("--release");
if (release || Math.max(...sources.map(newest)) > built) {
  const { build } = await import("./build.mjs");
  await build({ release });
}
