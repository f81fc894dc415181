import type { AdapterClass } from "./adapter_class.ts";
import type { TuningTable } from "./tuning_table.ts";

/** What a plan must know of an adapter. */
export interface Traits {
  readonly name: string;
  readonly class: AdapterClass;
  readonly features: ReadonlySet<string>;
  /** Subgroup size, if every subgroup has the same; else 0. */
  readonly subgroupSize: number;
  readonly maxBindingBytes: number;
  readonly maxBufferBytes: number;
  readonly maxWorkgroups: number;
  readonly maxInvocations: number;
  /** Bytes of workgroup memory. */
  readonly maxWorkgroupBytes: number;
  readonly maxBindings: number;
  readonly uniformAlignment: number;
  /** The caller's own table, asked before those that come with the engine. */
  readonly tuningTable?: TuningTable;
}

/** Bindings start on so many bytes: every adapter allows it. */
export const BINDING_ALIGNMENT = 256;
