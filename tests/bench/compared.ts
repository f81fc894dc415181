// Results as they are written, made up.

import type { KernelRow, NetworkRow, Result, Spread, Validity } from "../../bench/measure/result.ts";
import { median } from "../../engine/tune/clock.ts";

const spread = (samples: readonly number[]): Spread => {
  const middle = median(samples);
  return { samples, median: middle, low: middle, high: middle, least: Math.min(...samples), uncertainty: 0 };
};

interface Network extends Partial<Pick<NetworkRow, "network" | "mode" | "image" | "batch">> {
  readonly wall?: readonly number[];
  readonly backward?: readonly number[];
  readonly validity?: Validity;
}

/** A network with samples of its steps and of its backward phase. */
export const networkRow = ({ wall = [1], backward, validity, ...more }: Network): NetworkRow => ({
  network: "inception-v4",
  variant: "paper",
  mode: "train",
  image: 75,
  batch: 2,
  precision: "float32",
  seed: 0,
  parameters: 1,
  macs: 1,
  activations: 1,
  first: { create: 1, compile: 1, step: 1 },
  wall: spread(wall),
  phases: backward ? { backward: { flops: 1, bytes: 1, dispatches: 1, device: spread(backward) } } : {},
  pipelines: 1,
  objects: {},
  memory: {
    variables: 1,
    arena: 1,
    other: 1,
    total: 3,
    alive: [1],
    peak: { launch: 0, where: "stem", tensors: [] },
  },
  validity: validity ?? { valid: true, why: "loss as recorded" },
  launches: [],
  warnings: [],
  ...more,
});

/** A kernel with samples. */
export const kernelRow = ({
  samples = [1],
  ...more
}: Partial<Pick<KernelRow, "routine" | "algorithm">> & { samples?: readonly number[] }): KernelRow => ({
  routine: "conv2d/forward",
  shapes: { x: [1, 8, 8, 4] },
  attrs: {},
  algorithm: "tiled",
  tune: {},
  flops: 1,
  bytes: 1,
  device: spread(samples),
  ...more,
});

/** A result of these rows. */
export const result = ({
  networks = [],
  kernels = [],
  host = {},
}: Partial<Pick<Result, "networks" | "kernels">> & { host?: Partial<Result["host"]> }): Result => ({
  format: "tessera bench result",
  version: 1,
  command: ["step", "inception-v4"],
  host: {
    date: "2026-01-02T03:04:05.678Z",
    adapter: "none",
    driver: "1",
    implementation: "test",
    kind: "null",
    toggles: [],
    features: [],
    limits: {},
    os: "none",
    cpu: "none",
    cores: 1,
    memory: 1,
    node: "v20",
    version: "0",
    ...host,
  },
  networks,
  kernels,
});
