import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { unpackTar } from "modern-tar";
import { cacheFolder } from "../cache.node.ts";
import { FormatError, NoAdapterError } from "../errors.ts";
import type { AdapterKind, Found, OpenOptions } from "./platform.ts";

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
export async function findAdapter({ adapter: wanted = environment("ADAPTER") }: OpenOptions): Promise<Found> {
  const looked: string[] = [];
  if (wanted === "null") return open(["backend=null"], looked) as Promise<Found>;
  const name = wanted?.toLowerCase() === "lavapipe" ? "llvmpipe" : wanted;
  const swiftshader = name !== undefined && /^swift/i.test(name);

  if (!hasLoader()) looked.push("the system's Vulkan loader libvulkan.so.1: not there");
  else if (!swiftshader) {
    const system = await open(["backend=vulkan", ...(name ? [`adapter=${name}`] : [])], looked);
    if (system) return system;
  }
  if (!name || swiftshader) {
    const embedded = await openSwiftShader(looked);
    if (embedded) return embedded;
  }
  throw new NoAdapterError(
    `no WebGPU adapter${wanted ? ` named ${wanted}` : ""}. Looked for:\n  ${looked.join("\n  ")}\n` +
      "Install a Vulkan driver (Debian and Ubuntu: mesa-vulkan-drivers 23 or newer), or the npm package @sparticuz/chromium, which brings SwiftShader (Linux x64).",
  );
}

const nameOf = ({ vendor, architecture, device, description }: GPUAdapterInfo) =>
  [vendor, architecture, device, description].filter(Boolean).join(" ");

function kindOf(info: GPUAdapterInfo): AdapterKind {
  const name = nameOf(info);
  if (/swiftshader/i.test(name)) return "swiftshader";
  if (/llvmpipe|lavapipe/i.test(name)) return "lavapipe";
  return name === "" || /null backend/i.test(name) ? "null" : "hardware";
}

/**
 * Opens what Dawn finds. lavapipe hands each of its threads an equal share of a dispatch beforehand and then waits for
 * the slowest: three threads to a core even that out (docs/performance.md).
 */
async function open(options: string[], looked: string[]): Promise<Found | undefined> {
  const { create, globals } = await import("webgpu").catch((cause) => {
    throw new NoAdapterError("the npm package webgpu (Dawn) does not load here", { cause });
  });
  for (const [name, value] of Object.entries(globals))
    if (!(name in globalThis)) Object.assign(globalThis, { [name]: value });
  process.env.LP_NUM_THREADS ??= String(Math.min(32, 3 * availableParallelism()));
  const gpu = create([...options, ...(environment("DAWN")?.split(/\s+/) ?? DAWN)]);
  let refusal = "no adapter";
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" }).catch((error: Error) => {
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

/** Toggles Dawn starts with; DAWN in the environment replaces them. */
const DAWN = [
  "enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia",
  "disable-dawn-features=timestamp_quantization",
];

/** Whether the dynamic linker finds a Vulkan loader. */
function hasLoader(): boolean {
  if (process.platform !== "linux") return true;
  const folders = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/lib64",
    "/lib",
  ];
  const named = process.env.LD_LIBRARY_PATH?.split(":") ?? [];
  return [...named, ...folders].some((folder) => holds(join(folder, "libvulkan.so.1")));
}

function holds(path: string): boolean {
  const file = statSync(path, { throwIfNoEntry: false });
  return file?.isFile() === true && file.size > 0;
}

async function openSwiftShader(looked: string[]): Promise<Found | undefined> {
  const what = "SwiftShader of the npm package @sparticuz/chromium";
  if (process.platform !== "linux" || process.arch !== "x64") {
    looked.push(`${what}: for Linux x64 only, this is ${process.platform} ${process.arch}`);
    return undefined;
  }
  const folder = await unpackSwiftShader();
  if (!folder) {
    looked.push(`${what}: not installed`);
    return undefined;
  }
  if (!hasLoader() && !holds(lentLoader()))
    writeFileSync(lentLoader(), readFileSync(join(folder, "libvulkan.so.1")), { mode: 0o755 });
  process.env.VK_DRIVER_FILES = process.env.VK_ICD_FILENAMES = join(folder, "vk_swiftshader_icd.json");
  return open(["backend=vulkan"], looked);
}

/** Unpacks the driver once into the cache folder; undefined where the package is not installed. */
async function unpackSwiftShader(): Promise<string | undefined> {
  let archive: string;
  let version: string;
  try {
    const root = packageRoot("@sparticuz/chromium");
    archive = join(root, "bin/swiftshader.tar.br");
    version = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
  } catch {
    return undefined;
  }
  const folder = join(cacheFolder(), `swiftshader-${version}`);
  if (existsSync(join(folder, "libvk_swiftshader.so"))) return folder;
  const files = await unpackTar(brotliDecompressSync(readFileSync(archive)));
  const making = `${folder}.${process.pid}`;
  mkdirSync(making, { recursive: true });
  for (const { header, data } of files)
    if (data && /vulkan|swiftshader/.test(header.name))
      writeFileSync(join(making, header.name.replace(/.*\//, "")), data);
  try {
    renameSync(making, folder);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // another process was faster
  }
  return folder;
}

function packageRoot(name: string): string {
  for (let folder = dirname(require.resolve(name)); ; folder = dirname(folder)) {
    const file = join(folder, "package.json");
    if (existsSync(file) && JSON.parse(readFileSync(file, "utf8")).name === name) return folder;
    if (folder === dirname(folder)) throw new Error(`${name} has no package.json`);
  }
}

/** Beside itself Dawn looks for a Vulkan loader: the place for SwiftShader's, where the system has none. */
const lentLoader = () =>
  join(dirname(require.resolve("webgpu/package.json")), "dist/linux-x64/libvulkan.so.1");

let waits = 0;
let since = 0;
const immediate = globalThis.setImmediate;
const lazily = ((f: (...args: any[]) => void, ...args: any[]) =>
  setTimeout(f, pause(performance.now() - since), ...args)) as unknown as typeof setImmediate;

/** Milliseconds to the next look at the device after so many in vain: a fiftieth more of waiting at most, from 1 to 16. */
const pause = (waited: number): number => Math.min(16, Math.max(1, waited / 50));

/**
 * Waits for the device. While a promise is pending, Dawn in Node asks the event loop for another turn without pause
 * and burns a core that a software adapter needs. Slowing `setImmediate` gives it back: the longer the wait, the
 * longer the pauses, as each look at the device costs a tenth of a millisecond.
 */
export async function waiting<T>(pending: Promise<T>): Promise<T> {
  since = performance.now();
  if (waits++ === 0) globalThis.setImmediate = lazily;
  try {
    return await pending;
  } finally {
    if (--waits === 0) globalThis.setImmediate = immediate;
  }
}
