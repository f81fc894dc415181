// Where a result was measured, and by what command.

import type { Result } from "../../measure/result.ts";
import { formatDuration } from "../../page/scale.ts";
import { formatBytes, shellWord } from "./summary.ts";

/** The limits that decide what fits and what is chosen. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
];

/** Headings with what they say; what was not found out is left out. */
export function facts({ command, host }: Result): Record<string, string> {
  const { timestampQuantum, subgroups, load } = host;
  const all: Record<string, string | undefined> = {
    command: `tessera bench ${command.map(shellWord).join(" ")}`,
    date: host.date,
    adapter: `${host.adapter} (${host.kind})`,
    driver: host.driver,
    implementation: host.implementation,
    toggles: host.toggles.join(", "),
    clock: timestampQuantum === undefined ? "no timestamps" : `steps of ${formatDuration(timestampQuantum)}`,
    subgroups: subgroups && [...new Set([subgroups.min, subgroups.max])].join(" to "),
    features: [...host.features].sort().join(", "),
    limits: LIMITS.filter((name) => name in host.limits)
      .map((name) => `${name} ${host.limits[name].toLocaleString("en")}`)
      .join(", "),
    system: host.os,
    processor: `${host.cpu}, ${host.cores} ${host.cores === 1 ? "core" : "cores"}`,
    memory: formatBytes(host.memory),
    load: load?.toFixed(2),
    node: host.node,
    tessera: `${host.version}${host.commit ? `, commit ${host.commit}` : ""}`,
  };
  return Object.fromEntries(Object.entries(all).filter((fact): fact is [string, string] => Boolean(fact[1])));
}
