import { LimitError } from "../errors.ts";
import type { OpenOptions } from "./options.ts";

/** An adapter as its driver calls it. */
export const adapterName = ({ info }: GPUAdapter) =>
  info.description || info.device || `${info.vendor} ${info.architecture}`.trim() || "null";

/** Features that some kernel or measurement can use. */
const WANTED: ReadonlySet<string> = new Set([
  "shader-f16",
  "subgroups",
  "subgroup-size-control",
  "timestamp-query",
  "chromium-experimental-subgroup-matrix",
]);

const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
] as const;

/**
 * What to ask an adapter for: the features and limits given, or all that are of use. Throws LimitError naming what it
 * does not offer.
 */
export function describeRequest(
  adapter: GPUAdapter,
  {
    features: given,
    limits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]])),
  }: OpenOptions,
): GPUDeviceDescriptor {
  const features = given ?? [...adapter.features].filter((name) => WANTED.has(name));
  const lacking = features.find((name) => !adapter.features.has(name));
  if (lacking)
    throw new LimitError(
      `${adapterName(adapter)}: feature ${lacking} is not offered (has ${[...adapter.features].join(", ")})`,
    );
  for (const [name, want] of Object.entries(limits)) {
    const most = (adapter.limits as any)[name];
    const beyond = most === undefined || (name.startsWith("min") ? want < most : want > most);
    if (beyond)
      throw new LimitError(
        `${adapterName(adapter)}: ${name} of ${want} is asked for but ${most ?? "none"} is offered`,
      );
  }
  return { requiredFeatures: features as GPUFeatureName[], requiredLimits: limits };
}
