import type { Device } from "../../device/device.ts";
import { type DeviceInfo, describeDevice } from "../../device/device_info.ts";
import { readSwitch } from "../../device/switches.ts";
import type { Json } from "./schema.ts";

/** What measures: a change of adapter, driver, implementation or toggles makes times that do not compare. */
export interface Environment {
  readonly adapter: string;
  readonly driver: string;
  readonly implementation: string;
  readonly toggles: readonly string[];
  readonly [more: string]: Json;
}

/** What a device measures with. */
export async function environmentOf(
  device: Device,
): Promise<
  Environment & Pick<DeviceInfo, "kind" | "features" | "limits" | "subgroups" | "timestampQuantum">
> {
  const { adapter, kind, driver, implementation, features, limits, subgroups, timestampQuantum } =
    await describeDevice(device);
  const toggles = readSwitch("DAWN")?.split(/\s+/) ?? [];
  return { adapter, driver, implementation, toggles, kind, timestampQuantum, subgroups, features, limits };
}
