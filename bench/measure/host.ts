// What measures: adapter, driver, machine, and the build of ours.

import { execFileSync } from "node:child_process";
import { arch, availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Device } from "../../engine/device/device.ts";
import { environmentOf } from "../../engine/tune/results/environment.ts";
import { version } from "../../package.json";
import type { Host } from "./result.ts";

/** Describes what measures on a device. Throws DeviceLostError. */
export async function hostOf(device: Device): Promise<Host> {
  const { adapter, kind, driver, implementation, toggles, features, limits, subgroups, timestampQuantum } =
    await environmentOf(device);
  const [[load], built] = [loadavg(), commit()];
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
    version,
    ...(built && { commit: built }),
  };
}

/** Bytes of memory that this process may have. */
export function memoryOfHost(): number {
  const most = (process as { constrainedMemory?(): number }).constrainedMemory?.() ?? 0;
  return most > 0 ? Math.min(most, totalmem()) : totalmem();
}

/** The commit of the repository in whose `dist` this lies, if it lies in one. */
function commit(): string | undefined {
  const here = dirname(fileURLToPath(import.meta.url));
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd: here, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    if (!git("rev-parse", "--show-prefix").startsWith("dist/")) return undefined; // another project's
    const changed = git("status", "--porcelain", "--untracked-files=no", ":/") !== "";
    return `${git("rev-parse", "--short=12", "HEAD")}${changed ? "+" : ""}`;
  } catch {
    return undefined;
  }
}
