// A result as a run of the bench would write it, small and always the same.

import type { Host, KernelRow, LaunchRow, NetworkRow, PhaseRow, Result } from "../../bench/measure/result.ts";
import type { Phase } from "../../engine/graph/graph.ts";
import type { Spread } from "../../engine/statistics/quantiles.ts";

export const host: Host = {
  date: "2026-01-02T03:04:05.678Z",
  adapter: "llvmpipe (LLVM 15, 256 bits)",
  driver: "Mesa 25.0.7",
  implementation: "Dawn",
  kind: "lavapipe",
  toggles: [],
  features: ["timestamp-query", "subgroups"],
  limits: { maxBufferSize: 2 ** 31, maxStorageBufferBindingSize: 2 ** 27 },
  timestampQuantum: 1e-9,
  subgroups: { min: 8, max: 8 },
  os: "Linux 6.1",
  cpu: "EPYC, made up",
  cores: 2,
  memory: 8e9,
  load: 0.25,
  node: "v20.20.0",
  version: "0.1.0",
  commit: "0123456+",
};

/** What is said of readings in seconds. */
export function spreadOf(samples: readonly number[]): Spread {
  const ordered = [...samples].sort((a, b) => a - b);
  const at = (share: number) => ordered[Math.round(share * (ordered.length - 1))];
  return {
    ...{ samples, median: at(0.5), low: at(0.25), high: at(0.75), least: ordered[0] },
    uncertainty: (at(0.75) - at(0.25)) / at(0.5) / 2,
  };
}

const launch = (phase: Phase, where: string, kernel: string, seconds: number, scale: number): LaunchRow => ({
  label: `${kernel}/${phase}`,
  routine: `${kernel}/${phase === "backward" ? "dx" : "forward"}`,
  phase,
  where,
  algorithm: "plain",
  tune: { WG: 64 },
  grid: [8, 4, 1],
  shapes: { x: [1, 8, 8, 16], y: [1, 8, 8, 16] },
  attrs: { stride: [1, 1] },
  flops: scale * seconds * 1e10,
  bytes: seconds * 1e9,
  seconds,
});

/** Blocks of two layers each; the second block costs most, its first layer more than its second. */
function launches(pace: number): readonly LaunchRow[] {
  const blocks = ["stem", "inception_a_1", "inception_a_2"];
  const layers = blocks.flatMap((block, i) =>
    ["branch_1/1", "branch_2"].map((layer, k) => ({
      where: `${block}/${layer}`,
      seconds: pace * [1e-3, 4e-3, 2e-3][i] * (2 - k),
    })),
  );
  return [
    ...layers.flatMap(({ where, seconds }) => [
      launch("forward", where, "conv2d", seconds, 1),
      launch("forward", where, "batch_norm_relu", seconds / 8, 0.1),
    ]),
    ...layers.reverse().map(({ where, seconds }) => launch("backward", where, "conv2d", 2 * seconds, 1.2)),
    launch("update", "bank 0", "rmsprop", pace * 2e-3, 0.1),
    { ...launch("update", "clip", "copy", pace * 1e-6, 0), flops: 0 },
  ];
}

const phaseOf = (all: readonly LaunchRow[], phase: Phase): PhaseRow => {
  const own = all.filter((one) => one.phase === phase);
  const total = (of: (one: LaunchRow) => number) => own.reduce((sum, one) => sum + of(one), 0);
  return {
    flops: total(({ flops }) => flops),
    bytes: total(({ bytes }) => bytes),
    dispatches: own.length,
    device: spreadOf([total(({ seconds }) => seconds)]),
  };
};

/** A network whose step takes `pace` times as long as one at 1. */
export function networkRow(network: string, pace: number, more: Partial<NetworkRow> = {}): NetworkRow {
  const all = launches(pace);
  const alive = all.map((_, i) => 1e6 * (all.length / 2 - Math.abs(i - all.length / 2) + 1));
  const seconds = all.reduce((sum, one) => sum + one.seconds, 0);
  return {
    ...{ network, variant: "paper", mode: "train", image: 299, batch: 1, precision: "float32", seed: 0 },
    ...{ parameters: 42_679_816, macs: 12_253_974_624, timmMacs: 12.28e9, activations: 15_090_184 },
    first: { create: 2, compile: 1, step: 3 },
    wall: spreadOf([1.02, 1.01, 1.03, 1.01, 1.04, 1.02, 1.01].map((noise) => noise * 1.02 * seconds)),
    cpu: { all: 1.9 * seconds, main: 0.01 * seconds },
    phases: {
      forward: phaseOf(all, "forward"),
      backward: phaseOf(all, "backward"),
      update: phaseOf(all, "update"),
    },
    pipelines: 12,
    objects: { CommandEncoder: 3 },
    memory: {
      ...{ variables: 600e6, arena: 12e6, other: 1e6, total: 613e6, alive },
      peak: {
        launch: alive.indexOf(Math.max(...alive)),
        where: "inception_a_2/branch_2 conv2d",
        tensors: [
          { label: "stem/1 conv2d.y", bytes: 6e6 },
          { label: "stem/2 conv2d.y", bytes: 4e6 },
        ],
      },
    },
    validity: { valid: true, why: "loss as by the plainest kernels", loss: 6.9, norm: 1.5 },
    launches: all,
    warnings: [],
    ...more,
  };
}

export const kernelRow = (algorithm: string, seconds?: number): KernelRow => ({
  routine: "conv2d/forward",
  shapes: { x: [1, 8, 8, 16], w: [3, 3, 16, 16] },
  attrs: { stride: [1, 1] },
  algorithm,
  tune: { WG: 64 },
  flops: 1e9,
  bytes: 1e7,
  ...(seconds ? { device: spreadOf([seconds, 1.1 * seconds, seconds]) } : { refusal: "needs subgroups" }),
});

export const roofs = { multiplyAdd: 76e9, copy: 9e9, workgroup: 30e9, dispatch: 5e-5 };

/** A result of these networks. */
export const resultOf = (networks: readonly NetworkRow[], more: Partial<Result> = {}): Result => ({
  format: "tessera bench result",
  version: 1,
  command: ["step", ...new Set(networks.map(({ network }) => network)), "--batch", "1"],
  host,
  roofs,
  networks,
  kernels: [],
  ...more,
});

/** The three networks side by side. */
export const three = resultOf([
  networkRow("inception-v4", 2),
  networkRow("inception-resnet-v1", 1, { parameters: 22_756_328, macs: 6_206_361_696 }),
  networkRow("inception-resnet-v2", 1.6, { parameters: 32_433_928, macs: 9_257_953_632 }),
]);
