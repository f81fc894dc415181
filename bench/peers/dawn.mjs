// The adapter: found by Tessera, opened by its peers through the same Dawn with the same options.
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const BUILD = new URL("../../dist/", import.meta.url);
/** What Tessera starts Dawn with; DAWN in the environment replaces them, there as here. */
const TOGGLES = [
  "enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia",
  "disable-dawn-features=timestamp_quantization",
];
/** What Dawn finds the software adapters by: part of a device's name, which is not all that its description says. */
const NAMES = { lavapipe: "llvmpipe", swiftshader: "SwiftShader" };
const DRIVERS = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

/** The library as it is built, or an error saying how to build it. */
export async function importTessera() {
  const built = ["index.js", "kernels.js", "models.js"].map((file) => new URL(file, BUILD));
  const missing = built.find((file) => !existsSync(file));
  if (missing)
    throw new Error(
      `Tessera is not built: ${missing.pathname} is missing. In the root of the checkout: npm install && npm run build`,
    );
  const [engine, kernels, models] = await Promise.all(built.map((file) => import(file)));
  return { engine, kernels, models };
}

/** Which adapter Tessera takes here. */
export async function openTessera() {
  const { engine, models } = await importTessera();
  const device = await engine.Device.open();
  const { name: adapter, kind, implementation } = device;
  device.close();
  return { models, adapter, kind, implementation };
}

/** The environment in which engines that cannot name an adapter take this software adapter, as Tessera sets it up. */
export async function findDriver(kind) {
  const built = (file) => import(new URL(`engine/device/${file}`, BUILD));
  const named = (file) => ({ VK_DRIVER_FILES: file, VK_ICD_FILENAMES: file });
  if (kind === "swiftshader") {
    const { driver } = await (await built("swiftshader.node.js")).prepareSwiftShader();
    return driver ? named(driver) : {};
  }
  if (kind !== "lavapipe") return {};
  const threads = (await built("platform.node.js")).lavapipeThreads();
  if (process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES) return threads;
  for (const folder of DRIVERS) {
    const file = existsSync(folder) && readdirSync(folder).find((name) => /^lvp_icd.*json$/.test(name));
    if (file) return { ...threads, ...named(join(folder, file)) };
  }
  return threads;
}

/**
 * Gives a peer `navigator.gpu` as a browser would, with the adapter named, and slows Dawn's polling as Tessera does:
 * while a promise is pending it takes another turn of the event loop without pause, and with it one of the cores.
 */
export async function openDawn({ adapter, kind }) {
  const dawn = createRequire(new URL("index.js", BUILD)).resolve("webgpu");
  const { create, globals } = await import(pathToFileURL(dawn));
  Object.assign(globalThis, globals);
  globalThis.setImmediate = (f, ...values) => setTimeout(f, 1, ...values);
  const named = NAMES[kind] ? [`adapter=${NAMES[kind]}`] : [];
  const gpu = create(["backend=vulkan", ...named, ...(process.env.DAWN?.split(/\s+/) ?? TOGGLES)]);
  const request = gpu.requestAdapter.bind(gpu);
  gpu.requestAdapter = async () => {
    const found = await request({ powerPreference: "high-performance" });
    const { description, device, vendor, architecture } = found?.info ?? {};
    const name = description || device || `${vendor} ${architecture}`;
    if (name !== adapter)
      throw new Error(`adapter: Dawn gives ${found ? name : "none"} where Tessera has ${adapter}`);
    return found;
  };
  Object.defineProperty(globalThis, "navigator", { value: { gpu, userAgent: "node" }, configurable: true });
}
