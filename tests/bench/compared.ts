// Results as they are written, made up, of the samples that are compared.

import type { KernelRow, NetworkRow, Result, Validity } from "../../bench/measure/result.ts";
import { spreadOf } from "../../engine/statistics/quantiles.ts";
import * as made from "./results.ts";

interface Network extends Partial<Pick<NetworkRow, "network" | "mode" | "image" | "batch">> {
  readonly wall?: readonly number[];
  readonly backward?: readonly number[];
  readonly validity?: Validity;
}

/** A network with samples of its steps and of its backward phase. */
export const networkRow = ({
  network = "inception-v4",
  wall = [1],
  backward,
  ...more
}: Network): NetworkRow =>
  made.networkRow(network, 1, {
    image: 75,
    batch: 2,
    wall: spreadOf(wall),
    phases: backward ? { backward: { flops: 1, bytes: 1, dispatches: 1, device: spreadOf(backward) } } : {},
    launches: [],
    ...more,
  });

/** A kernel with samples. */
export const kernelRow = ({
  samples = [1],
  algorithm = "tiled",
  ...more
}: Partial<Pick<KernelRow, "routine" | "algorithm">> & { samples?: readonly number[] }): KernelRow => ({
  ...made.kernelRow(algorithm),
  shapes: { x: [1, 8, 8, 4] },
  device: spreadOf(samples),
  refusal: undefined,
  ...more,
});

const NOWHERE = { adapter: "none", kind: "null", driver: "1", features: [], limits: {} };

/** A result of these rows. */
export const result = ({
  networks = [],
  kernels = [],
  host = {},
}: Partial<Pick<Result, "networks" | "kernels">> & { host?: Partial<Result["host"]> }): Result =>
  made.resultOf(networks, { kernels, host: { ...made.host, ...NOWHERE, ...host } });
