// What measures: adapter, driver, machine, and the build of ours.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { arch, availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Device } from "../../engine/device/device.ts";
import { environmentOf } from "../../engine/tune/environment.ts";
import type { Host } from "./result.ts";

/** Describes what measures on a device. Throws DeviceLostError. */
export async function hostOf(device: Device): Promise<Host> {
  const { adapter, kind, driver, implementation, toggles, features, limits, subgroups, timestampQuantum } =
    await environmentOf(device);
  const load = loadavg()[0];
  return {
    date: new Date().toISOString(),
    adapter,
    driver,
    implementation,
    kind,
    toggles,
    features,
    limits,
    ...(timestampQuantum !== null && { timestampQuantum: timestampQuantum / 1e9 }),
    ...(subgroups.max > 0 && { subgroups }),
    os: `${type()} ${release()} ${arch()}`,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memory: memoryOfHost(),
    ...(load > 0 && { load }),
    node: process.version,
    ...build(),
  };
}

/** Bytes of memory that this process may have. */
export function memoryOfHost(): number {
  const most = (process as { constrainedMemory?(): number }).constrainedMemory?.() ?? 0;
  return most > 0 ? Math.min(most, totalmem()) : totalmem();
}

/** Version of the package, and the commit of the repository that it lies in, if it lies in one of its own. */
function build(): Pick<Host, "version" | "commit"> {
  const root = packageRoot();
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    if (git("rev-parse", "--show-prefix") !== "") return { version };
    const changed = git("status", "--porcelain", "--untracked-files=no") !== "";
    return { version, commit: `${git("rev-parse", "--short=12", "HEAD")}${changed ? "+" : ""}` };
  } catch {
    return { version };
  }
}

/** The folder of our package, above the file that runs. */
function packageRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder))
    try {
      if (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).name === "tessera") return folder;
    } catch (error) {
      if (folder === dirname(folder)) throw error;
    }
}
