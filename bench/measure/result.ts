// What a run of the bench measured: one document, written as JSON, that every table, page, trace and comparison is made of.

import type { Phase } from "../../engine/graph/graph.ts";
import type { Spread } from "../../engine/statistics/quantiles.ts";
import type { Shapes, Tune } from "../../kernels/op.ts";

/** What measured: enough to know whether two results can be compared. */
export interface Host {
  /** ISO 8601. */
  readonly date: string;
  readonly adapter: string;
  readonly driver: string;
  readonly implementation: string;
  readonly kind: string;
  readonly toggles: readonly string[];
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  /** Seconds: the smallest step of the device's clock; absent where it has none. */
  readonly timestampQuantum?: number;
  readonly subgroups?: { readonly min: number; readonly max: number };
  readonly os: string;
  readonly cpu: string;
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  /** Of the minute before. */
  readonly load?: number;
  readonly node: string;
  readonly version: string;
  /** Of the repository the build was made of, with `+` where it was changed; absent outside one. */
  readonly commit?: string;
}

/** What an adapter can do at most, as measured there. */
export interface Roofs {
  /** FLOP/s of fused multiply-adds in registers. */
  readonly multiplyAdd: number;
  /** Bytes/s that a copy reads and writes together. */
  readonly copy: number;
  /** Bytes/s read from workgroup memory. */
  readonly workgroup: number;
  /** Seconds of an empty dispatch behind others. */
  readonly dispatch: number;
}

/** What a kernel that does one thing only read of a roof. */
export interface RoofReading {
  readonly roof: keyof Roofs;
  /** Which kernel. */
  readonly what: string;
  /** FLOP/s, bytes/s or, of a dispatch, seconds. */
  readonly best: number;
  readonly median: number;
  /** Why the clock does not vouch for it. */
  readonly doubt?: string;
}

/** One launch of a network's plan. */
export interface LaunchRow {
  /** `op/file` of the kernel. */
  readonly label: string;
  /** `op/routine`. */
  readonly routine: string;
  readonly phase: Phase;
  /** Path in the model; its first parts are the block and the branch. */
  readonly where: string;
  readonly algorithm: string;
  readonly tune: Tune;
  readonly grid: readonly [number, number, number];
  /** Of all tensors of the operation. */
  readonly shapes: Shapes;
  readonly attrs: unknown;
  readonly flops: number;
  /** Algorithmic: each tensor it binds, once, and twice what it updates. */
  readonly bytes: number;
  /** Of the device, median over the profiles that were taken. */
  readonly seconds: number;
}

/** A phase of a step, or all of it. */
export interface PhaseRow {
  readonly flops: number;
  readonly bytes: number;
  readonly dispatches: number;
  /** On the device. */
  readonly device: Spread;
}

/** Bytes alive while each launch of a step runs. */
export interface MemoryRow {
  /** Parameters, gradients, optimiser state, statistics. */
  readonly variables: number;
  readonly arena: number;
  /** Inputs, constants, uniforms and staging. */
  readonly other: number;
  readonly total: number;
  /** The arena's bytes alive at each launch, in the plan's order. */
  readonly alive: readonly number[];
  /** Index of the launch at which most is alive, where that is, and what is alive there, the largest first. */
  readonly peak: {
    readonly launch: number;
    readonly where: string;
    readonly tensors: readonly { readonly label: string; readonly bytes: number }[];
  };
}

/** Whether the numbers that the step computed are right: time of a wrong step says nothing. */
export interface Validity {
  readonly valid: boolean;
  /** Why not, or what it was held against. */
  readonly why: string;
  readonly loss?: number;
  readonly norm?: number;
}

/** A network on the adapter. */
export interface NetworkRow {
  readonly network: string;
  readonly variant: string;
  readonly mode: "train" | "infer";
  readonly image: number;
  readonly batch: number;
  readonly precision: "float32";
  readonly seed: number;
  readonly parameters: number;
  /** Of one image forward: multiply-adds of convolutions and fully connected layers. */
  readonly macs: number;
  /** The same as timm's tables count: two more for every value that is batch-normalised. */
  readonly timmMacs: number;
  /** Elements that these write, of one image. */
  readonly activations: number;
  /** Seconds from nothing to the first result. */
  readonly first: { readonly create: number; readonly compile: number; readonly step: number };
  /** Of a whole steady step for the host, from its call to its result. */
  readonly wall: Spread;
  /** Processor seconds of a steady step, of all threads of this process and of its main thread. */
  readonly cpu?: { readonly all: number; readonly main: number };
  readonly phases: Readonly<Partial<Record<Phase, PhaseRow>>>;
  readonly pipelines: number;
  /** GPU objects made in a steady step, by kind. */
  readonly objects: Readonly<Record<string, number>>;
  readonly memory: MemoryRow;
  readonly validity: Validity;
  /** In the plan's order, the update last; empty where no profile was taken. */
  readonly launches: readonly LaunchRow[];
  readonly warnings: readonly string[];
}

/** A kernel by itself: one algorithm of an operation's routine at one problem. */
export interface KernelRow {
  readonly routine: string;
  readonly shapes: Shapes;
  readonly attrs: unknown;
  readonly algorithm: string;
  readonly tune: Tune;
  readonly flops: number;
  readonly bytes: number;
  readonly device?: Spread;
  /** Why it has no time. */
  readonly refusal?: string;
  /** Why the clock does not vouch for its time. */
  readonly doubt?: string;
}

/** A run of the bench. */
export interface Result {
  readonly format: "tessera bench result";
  readonly version: 1;
  /** The command with every option that counts, as it can be run again: `["step", "--batch", "1", ...]`. */
  readonly command: readonly string[];
  readonly host: Host;
  readonly roofs?: Roofs;
  /** What the roofs are the best of. */
  readonly readings?: readonly RoofReading[];
  readonly networks: readonly NetworkRow[];
  readonly kernels: readonly KernelRow[];
  /** Whether it was interrupted: what is here was measured before. */
  readonly interrupted?: boolean;
}

/** A result of what was found. */
export const resultOf = (
  command: readonly string[],
  host: Host,
  found: Partial<Pick<Result, "roofs" | "readings" | "networks" | "kernels" | "interrupted">>,
): Result => ({
  format: "tessera bench result",
  version: 1,
  command,
  host,
  networks: [],
  kernels: [],
  ...found,
});
