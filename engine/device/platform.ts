/** How a Device is asked for. */
export interface OpenOptions {
  /** Part of the adapter's name (`llvmpipe`, `swiftshader`, `nvidia`), or `null` for the backend that only compiles. */
  readonly adapter?: string;
  /** Features to ask for; all the adapter offers by default. */
  readonly features?: readonly GPUFeatureName[];
  /** Limits to ask for; all the adapter offers by default. */
  readonly limits?: Readonly<Record<string, number>>;
  /** Tuning table to ask before those of the engine: its JSON as an object, or where the JSON lies. */
  readonly tuningTable?: string | object;
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
