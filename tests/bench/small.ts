import type { Setting } from "../../bench/measure/setting.ts";

/** A network that plans and runs in a moment. */
export const SMALL: Setting = {
  network: "inception-resnet-v1",
  variant: "paper",
  mode: "train",
  image: 75,
  batch: 2,
  seed: 0,
  net: { width: 0.125 },
};
