import { Device } from "../../engine/device/device.ts";
import { destroyed, handedOver, scenario } from "./scenario.ts";

const onDevice = (body: (device: Device) => Promise<unknown>) => async () => {
  const device = await Device.open();
  try {
    return await body(device);
  } finally {
    device.close();
  }
};

Object.assign(globalThis, {
  runScenario: onDevice(scenario),
  runDestroyed: onDevice(destroyed),
  runHandedOver: onDevice(handedOver),
});
