import { relu } from "../../kernels/index.ts";
import type { Device } from "../device/device.ts";
import { Graph } from "../graph/graph.ts";
import { Executable } from "./executable.ts";
import { plan } from "./plan.ts";

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
  /** Nanoseconds of which every timestamp difference is a multiple; null without timestamps. */
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
    timestampQuantum: await timestampQuantum(device),
  };
}

/** Greatest common divisor of the times of small dispatches of many sizes, in nanoseconds. */
async function timestampQuantum(device: Device): Promise<number | null> {
  if (!device.gpu.features.has("timestamp-query")) return null;
  const graph = new Graph();
  const outputs: Record<string, ReturnType<Graph["input"]>> = {};
  for (let i = 0; i < 32; i++)
    outputs[`y${i}`] = graph.apply(relu, { x: graph.input(`x${i}`, [64 * (1 + 37 * i)]) }).y;
  const executable = await Executable.load(device, plan(graph, device.traits, { outputs }));
  try {
    let quantum = 0;
    for (let round = 0; round < 4; round++)
      for (const { seconds } of await executable.profile())
        quantum = divisor(quantum, Math.round(seconds * 1e9));
    return quantum;
  } finally {
    executable.close();
  }
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
