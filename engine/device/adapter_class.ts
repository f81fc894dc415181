/** Adapters that want the same kernels. `gpu` is one that does not say whether it has memory of its own. */
export type AdapterClass = "cpu" | "discrete" | "integrated" | "gpu";
export const CLASSES: readonly AdapterClass[] = ["cpu", "discrete", "integrated", "gpu"];

/** Vendors, and families of the others, that do not leave it open; the first that matches the adapter's words. */
const FAMILIES: readonly [RegExp, AdapterClass][] = [
  [/llvmpipe|lavapipe|swiftshader|basic render|\bwarp\b/, "cpu"],
  [/tegra|orin|xavier/, "integrated"],
  [/nvidia/, "discrete"],
  [/apple|qualcomm|adreno|\barm\b|mali|img-tec|imagination|powervr|broadcom|videocore|samsung/, "integrated"],
  [/xe-2?hpg|arc\(tm\) [ab]\d|data center gpu/, "discrete"],
  [/intel/, "integrated"],
  [/instinct|radeon (pro )?(rx|vii|w\d)|\bcdna/, "discrete"],
  [/radeon(\(tm\))? (graphics|vega|\d{3}m)/, "integrated"],
];

/** WebGPU does not tell a discrete adapter from an integrated one: its vendor, architecture and name often do. */
export function classOf({ vendor, architecture, device, description }: GPUAdapterInfo): AdapterClass {
  const words = [vendor, architecture, device, description].join(" ").toLowerCase();
  return FAMILIES.find(([family]) => family.test(words))?.[1] ?? "gpu";
}
