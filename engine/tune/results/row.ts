import type { Configuration } from "../space/space.ts";

/** What became of a configuration. Everything but `ok` and `unrankable` has no time that counts. */
export const STATUSES = [
  "ok",
  "constraints",
  "compile",
  "validation",
  "runtime",
  "timeout",
  "device_lost",
  "correctness",
  "unrankable",
] as const;
/** One of `STATUSES`. */
export type Status = (typeof STATUSES)[number];

/** How a row's times were read. */
export interface Reading {
  readonly source: "timestamp" | "wall";
  /** Seconds: the smallest step that the clock takes. */
  readonly quantum: number;
  /** Dispatches in a sample. */
  readonly repeats: number;
  /** Coefficient of determination of time over dispatches, where a slope was fitted. */
  readonly r2?: number;
}

/** One evaluated configuration: a line of the record. Times are seconds. */
export interface Row {
  readonly configuration: Configuration;
  readonly status: Status;
  /** Why it is not `ok`. */
  readonly message?: string;
  /** What is minimised: the median of `times`, or what the caller's objective says; absent unless `ok` or `unrankable`. */
  readonly objective?: number;
  /** Seconds of one dispatch, by sample. */
  readonly times: readonly number[];
  readonly reading?: Reading;
  /** Greatest error over its bound, where outputs were verified. */
  readonly error?: number;
  /** Figures made of these, by name, such as GFLOP/s. */
  readonly metrics?: Readonly<Record<string, number>>;
  /** Seconds that went into the row; those of the samples are in `benchmark`. */
  readonly spent: {
    readonly compilation: number;
    readonly verification: number;
    readonly benchmark: number;
    readonly framework: number;
    readonly search: number;
  };
  /** SHA-256 of the WGSL, where there was one. */
  readonly wgsl?: string;
  /** ISO 8601, when it was measured. */
  readonly timestamp: string;
}
