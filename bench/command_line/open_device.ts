import { Device } from "../../engine/device/device.ts";
import type { OpenOptions } from "../../engine/device/options.ts";

/** Opens the device of a command: nothing else runs then, so that what Dawn prints of adapters can be kept back. */
export const openDevice = (options: OpenOptions): Promise<Device> => Device.open({ ...options, quiet: true });
