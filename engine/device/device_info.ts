import type { Device } from "./device.ts";
import { Timestamps } from "./timestamps.ts";

/** What there is to know of a device. */
export interface DeviceInfo {
  readonly adapter: string;
  readonly kind: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly driver: string;
  readonly implementation: string;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  readonly subgroups: { readonly min: number; readonly max: number };
  readonly subgroupMatrix: readonly unknown[];
  /** Nanoseconds of the smallest step of the timestamps; null without timestamps. */
  readonly timestampQuantum: number | null;
}

/** Describes a device; measures the quantum of its timestamps. */
export async function describeDevice(device: Device): Promise<DeviceInfo> {
  const { adapter, gpu } = device;
  const info = adapter.info as GPUAdapterInfo & {
    subgroupMinSize?: number;
    subgroupMaxSize?: number;
    subgroupMatrixConfigs?: Iterable<object>;
  };
  const limits: Record<string, number> = {};
  for (const name in gpu.limits) {
    const value = (gpu.limits as unknown as Record<string, unknown>)[name];
    if (typeof value === "number") limits[name] = value;
  }
  return {
    adapter: device.name,
    kind: device.kind,
    vendor: info.vendor,
    architecture: info.architecture,
    driver: info.description || info.device,
    implementation: device.implementation,
    features: [...adapter.features].sort(),
    limits,
    subgroups: { min: info.subgroupMinSize ?? 0, max: info.subgroupMaxSize ?? 0 },
    subgroupMatrix: [...(info.subgroupMatrixConfigs ?? [])].map((config) => {
      const fields: Record<string, unknown> = {};
      for (const name in config) fields[name] = (config as Record<string, unknown>)[name];
      return fields;
    }),
    timestampQuantum: (await Timestamps.quantum(device)) ?? null,
  };
}
