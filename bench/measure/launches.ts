// The launches of a training step, with the time that each takes on the device.

import type { Device } from "../../engine/device/device.ts";
import { Trainer } from "../../engine/optim/trainer.ts";
import type { Dispatch } from "../../engine/plan/dispatch.ts";
import type { Profile } from "../../engine/plan/executable.ts";
import { median } from "../../engine/tune/clock.ts";
import { size } from "../../kernels/index.ts";
import { model, netOptions } from "../../models/index.ts";
import type { LaunchRow } from "./result.ts";

export interface StepOptions {
  readonly network: string;
  readonly variant?: string;
  readonly image: number;
  readonly batch: number;
  readonly seed?: number;
  /** Width of the layers as a part of the network's own. */
  readonly width?: number;
  /** Profiles whose medians count. */
  readonly profiles?: number;
}

/**
 * Profiles a step after one that warms up. Throws ValueError for an unknown network, ShapeError for an image that is too
 * small, LimitError where the adapter has no timestamps, OutOfMemoryError.
 */
export async function profileStep(device: Device, options: StepOptions): Promise<readonly LaunchRow[]> {
  const { network, variant, image, batch, seed = 0, width, profiles = 3 } = options;
  const input = [batch, image, image, 3] as const;
  const net = netOptions(network, { variant, ...(width !== undefined && { width }) });
  const trainer = await Trainer.create(device, model(network, { variant }), { input, net, seed });
  try {
    const images = new Float32Array(size(input)).map((_, i) => Math.sin(i * i));
    await trainer.step(
      images,
      new Int32Array(batch).map((_, i) => i % trainer.classes),
    );
    const taken: Profile[] = [];
    for (let i = 0; i < profiles; i++) {
      const { forward, backward, update } = await trainer.profile();
      taken.push([...forward, ...backward, ...update]);
    }
    return taken[0].map(({ dispatch }, i) =>
      launchRow(dispatch, median(taken.map((profile) => profile[i].seconds))),
    );
  } finally {
    trainer.close();
  }
}

/** A dispatch as a row. */
export const launchRow = (
  { label, node, algorithm, kernel, grid, flops, bytes }: Dispatch,
  seconds: number,
): LaunchRow => ({
  label,
  routine: `${node.op.name}/${node.routine}`,
  phase: node.phase,
  where: node.label,
  algorithm,
  tune: kernel.tune,
  grid,
  shapes: node.shapes,
  attrs: node.attrs,
  flops,
  bytes,
  seconds,
});
