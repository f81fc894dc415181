/** Which adapter is looked for. */
export interface AdapterSearch {
  /** Part of its name; the best there is without. */
  readonly adapter: string | undefined;
  /** Options that Dawn starts with, in place of the usual ones. */
  readonly dawn: string | undefined;
  /** Whether state of the whole process may be changed. */
  readonly globals: boolean;
  /** Whether what native code prints meanwhile is thrown away. */
  readonly quiet: boolean;
}

export type AdapterKind = "hardware" | "lavapipe" | "swiftshader" | "null" | "browser";

/** An adapter and what it took to find it. */
export interface Found {
  readonly adapter: GPUAdapter;
  readonly kind: AdapterKind;
  /** WebGPU implementation and version. */
  readonly implementation: string;
  /** Held as long as the device lives: Dawn in Node tears down everything once this is collected. */
  readonly keep: unknown;
}
