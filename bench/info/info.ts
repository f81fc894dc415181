import { describeDevice } from "../../engine/device/device_info.ts";
import { openDevice } from "../command_line/open_device.ts";

/** Prints what there is to know of the adapter. */
export async function info({ json, adapter }: { json?: boolean; adapter?: string }): Promise<void> {
  const device = await openDevice({ adapter });
  try {
    const about = await describeDevice(device);
    if (json) {
      console.log(JSON.stringify(about, null, 2));
      return;
    }
    const line = (name: string, value: unknown) => console.log(`${name.padEnd(28)} ${value}`);
    line("adapter", about.adapter);
    line("kind", about.kind);
    line("vendor, architecture", [about.vendor, about.architecture].filter(Boolean).join(", "));
    line("driver", about.driver);
    line("implementation", about.implementation);
    line("features", about.features.join(", "));
    line("subgroup size", `${about.subgroups.min} to ${about.subgroups.max}`);
    line("subgroup matrix", about.subgroupMatrix.map((c) => JSON.stringify(c)).join(" ") || "none");
    line(
      "timestamp quantum",
      about.timestampQuantum === null ? "no timestamps" : `${about.timestampQuantum} ns`,
    );
    for (const [name, value] of Object.entries(about.limits)) line(name, value);
  } finally {
    device.close();
  }
}
