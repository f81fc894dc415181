import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { FormatError, NoAdapterError, ValueError } from "../errors.ts";
import type { AdapterKind, AdapterSearch, Found } from "./platform.ts";
import { withoutStderr } from "./stderr.node.ts";
import { hasLoader, prepareSwiftShader } from "./swiftshader.node.ts";

export { waitWithPauses } from "./polling.node.ts";

const require = createRequire(import.meta.url);

/** A switch from outside: an environment variable. */
export const environment = (name: string): string | undefined => process.env[name] || undefined;

/** Text of a file. */
export async function readText(path: string): Promise<string> {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new FormatError(`${path}: cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Finds an adapter: the one named, else hardware, else lavapipe, else the SwiftShader of the npm package
 * `@sparticuz/chromium`. Throws NoAdapterError saying what was looked for.
 */
export async function findAdapter(search: AdapterSearch): Promise<Found> {
  const { adapter: wanted } = search;
  const looked: string[] = [];
  if (wanted === "null") return (await open("null", undefined, {}, search, looked)) ?? refuse(wanted, looked);
  const name = wanted?.toLowerCase() === "lavapipe" ? "llvmpipe" : wanted;
  const swiftshader = name !== undefined && /^swift/i.test(name);

  if (!hasLoader()) looked.push("the system's Vulkan loader libvulkan.so.1: not there");
  else if (!swiftshader) {
    const system = await open("vulkan", name, search.globals ? lavapipeThreads() : {}, search, looked);
    if (system) return system;
  }
  if (!name || swiftshader) {
    const embedded = await openSwiftShader(search, looked);
    if (embedded) return embedded;
  }
  return refuse(wanted, looked);
}

function refuse(wanted: string | undefined, looked: readonly string[]): never {
  throw new NoAdapterError(
    `no WebGPU adapter${wanted ? ` named ${wanted}` : ""}. Looked for:\n  ${looked.join("\n  ")}\n` +
      "Install a Vulkan driver (Debian and Ubuntu: mesa-vulkan-drivers 23 or newer), or the npm package @sparticuz/chromium, which brings SwiftShader (Linux x64).",
  );
}

/**
 * lavapipe gives each of its threads an equal share of a dispatch beforehand and then waits for the slowest: three
 * threads to a core even that out (docs/performance.md). No other driver reads this.
 */
export const lavapipeThreads = (): Record<string, string> =>
  environment("LP_NUM_THREADS") ? {} : { LP_NUM_THREADS: String(Math.min(32, 3 * availableParallelism())) };

async function openSwiftShader(search: AdapterSearch, looked: string[]): Promise<Found | undefined> {
  const found = await prepareSwiftShader();
  if ("missing" in found) {
    looked.push(`SwiftShader of the npm package @sparticuz/chromium: ${found.missing}`);
    return undefined;
  }
  const drivers = { VK_DRIVER_FILES: found.driver, VK_ICD_FILENAMES: found.driver };
  return open("vulkan", "SwiftShader", drivers, search, looked);
}

/** Opens the adapter that Dawn finds for a backend and a name, with environment variables set while it looks. */
async function open(
  backend: string,
  name: string | undefined,
  variables: Readonly<Record<string, string>>,
  { dawn, globals, quiet }: AdapterSearch,
  looked: string[],
): Promise<Found | undefined> {
  const webgpu = await import("webgpu").catch((cause) => {
    throw new NoAdapterError("the npm package webgpu (Dawn) does not load here", { cause });
  });
  if (globals)
    for (const [key, value] of Object.entries(webgpu.globals))
      if (!(key in globalThis)) Object.assign(globalThis, { [key]: value });
  const options = [`backend=${backend}`, ...(name ? [`adapter=${name}`] : [])];
  const gpu = create(webgpu, [...options, ...(dawn?.trim().split(/\s+/) ?? DAWN)]);
  const request = () => gpu.requestAdapter({ powerPreference: "high-performance" });
  const pending = withVariables(variables, () => (quiet ? withoutStderr(request) : request()));
  let refusal = "no adapter";
  const adapter = await pending.catch((error: Error) => {
    refusal = error.message; // Dawn lists the adapters that are there
    return null;
  });
  if (!adapter) {
    looked.push(`${options.join(" ")}: ${refusal}`);
    return undefined;
  }
  const { version } = require("webgpu/package.json");
  return { adapter, kind: kindOf(adapter.info), implementation: `Dawn (npm webgpu ${version})`, keep: gpu };
}

/** Options Dawn starts with, where the environment's `DAWN` does not replace them. */
const DAWN = [
  "enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia",
  "disable-dawn-features=timestamp_quantization",
];

function create(webgpu: typeof import("webgpu"), options: string[]): GPU {
  try {
    return webgpu.create(options);
  } catch (cause) {
    throw new ValueError(`Dawn does not start with ${options.join(" ")}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Runs it with environment variables set, and sets them back: Vulkan reads them before `requestAdapter` returns. */
function withVariables<T>(variables: Readonly<Record<string, string>>, act: () => T): T {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  try {
    return act();
  } finally {
    for (const [name, value] of before)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  }
}

function kindOf({ vendor, architecture, device, description }: GPUAdapterInfo): AdapterKind {
  const name = [vendor, architecture, device, description].filter(Boolean).join(" ");
  if (/swiftshader/i.test(name)) return "swiftshader";
  if (/llvmpipe|lavapipe/i.test(name)) return "lavapipe";
  return name === "" || /null backend/i.test(name) ? "null" : "hardware";
}
