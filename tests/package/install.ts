// The package as users get it: packed from a copy of the checkout, and installed into an empty project.
import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Root of the checkout. */
export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** What the build reads. */
const SOURCES = [
  "kernels",
  "engine",
  "models",
  "bench",
  "tsconfig.json",
  "package.json",
  "package-lock.json",
];
const TEXTS = ["README.md", "CHANGELOG.md", "LICENSE"];

export interface Installed {
  /** The project's folder. */
  readonly project: string;
  readonly tarball: string;
  /** The package's folder in the project. */
  readonly package: string;
  /** Packages that a user must have beside this one. */
  readonly required: readonly string[];
}

interface Locked {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

let made: Installed | undefined;

/** Packs and installs once; the project goes when the process ends. */
export function installed(): Installed {
  if (made) return made;
  const folder = mkdtempSync(join(tmpdir(), "tessera-package-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const tarball = pack(folder);
  const project = join(folder, "project");
  mkdirSync(project);
  const packages = neededPackages();
  writeLock(project, tarball, packages);
  // from npm's cache, which `npm ci` of the checkout has filled: a test asks nothing of the network
  const { status } = spawnSync("npm", ["ci", "--offline", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: project,
    stdio: "ignore",
  });
  if (status !== 0) linkPackages(project, tarball, Object.keys(packages));
  console.log(
    status === 0 ? "installed by npm" : "npm's cache is incomplete: packages are linked from the checkout",
  );
  const required = Object.keys(neededPackages(true)).map((path) => path.replace(/^.*node_modules\//, ""));
  made = { project, tarball, package: join(project, "node_modules/tessera-gpu"), required };
  return made;
}

function pack(folder: string): string {
  const source = join(folder, "source");
  for (const name of [...SOURCES, ...TEXTS])
    cpSync(join(ROOT, name), join(source, name), {
      recursive: true,
      filter: (path) => !/^bench\/results|\/node_modules$/.test(path.slice(ROOT.length)),
    });
  symlinkSync(join(ROOT, "node_modules"), join(source, "node_modules"), "dir");
  execFileSync("npm", ["pack", "--pack-destination", folder], {
    cwd: source,
    stdio: ["ignore", "ignore", "pipe"],
  });
  return join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz"))!);
}

const lock: { packages: Record<string, Locked> } = JSON.parse(
  readFileSync(join(ROOT, "package-lock.json"), "utf8"),
);

/** What npm installs for a user, from the checkout's lock file: dependencies and theirs, and, unless `required`, optional ones. */
function neededPackages(required = false): Record<string, Locked> {
  const found: Record<string, Locked> = {};
  const visit = (from: string, { dependencies, optionalDependencies }: Locked) => {
    for (const name of Object.keys({ ...dependencies, ...(!required && optionalDependencies) })) {
      const path = locate(from, name);
      if (!path || path in found) continue;
      found[path] = lock.packages[path];
      visit(path, found[path]);
    }
  };
  visit("", lock.packages[""]);
  return found;
}

/** Where Node finds a package that the one at `from` imports. */
function locate(from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder.includes("/") ? dirname(folder) : "") {
    const path = `${folder === "" ? "" : `${folder}/`}node_modules/${name}`;
    if (path in lock.packages) return path;
    if (folder === "") return undefined;
  }
}

function writeLock(project: string, tarball: string, packages: Record<string, Locked>): void {
  const resolved = `file:${tarball}`;
  const own = { name: "project", version: "1.0.0", dependencies: { "tessera-gpu": resolved } };
  const { devDependencies, ...entry } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  writeFileSync(join(project, "package.json"), JSON.stringify({ ...own, private: true, type: "module" }));
  const locked = { "": own, "node_modules/tessera-gpu": { ...entry, resolved }, ...packages };
  writeFileSync(
    join(project, "package-lock.json"),
    JSON.stringify({
      name: "project",
      version: "1.0.0",
      lockfileVersion: 3,
      requires: true,
      packages: locked,
    }),
  );
}

/** Does without npm: unpacks the tarball and links what it may import. */
function linkPackages(project: string, tarball: string, paths: readonly string[]): void {
  const target = join(project, "node_modules/tessera-gpu");
  mkdirSync(target, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "-C", target, "--strip-components=1"]);
  for (const path of paths.filter((path) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path))) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    symlinkSync(join(ROOT, path), join(project, path), "dir");
  }
}
