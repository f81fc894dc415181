import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { unpackTar } from "modern-tar";
import { cacheFolder } from "../cache.node.ts";

const require = createRequire(import.meta.url);

/** Whether the dynamic linker finds a Vulkan loader. */
export function hasLoader(): boolean {
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
  return [...named, ...folders].some((folder) => isFilled(join(folder, "libvulkan.so.1")));
}

function isFilled(path: string): boolean {
  const file = statSync(path, { throwIfNoEntry: false });
  return file?.isFile() === true && file.size > 0;
}

/**
 * Makes the SwiftShader of the npm package `@sparticuz/chromium` ready. Returns the JSON file that names the driver to
 * a Vulkan loader, or says why there is none.
 */
export async function prepareSwiftShader(): Promise<{ driver: string } | { missing: string }> {
  if (process.platform !== "linux" || process.arch !== "x64")
    return { missing: `for Linux x64 only, this is ${process.platform} ${process.arch}` };
  const folder = await unpackSwiftShader();
  if (!folder) return { missing: "not installed" };
  const loader = loaderBesideDawn();
  if (!hasLoader() && !isFilled(loader))
    writeFileSync(loader, readFileSync(join(folder, "libvulkan.so.1")), { mode: 0o755 });
  return { driver: join(folder, "vk_swiftshader_icd.json") };
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

/** Dawn looks for a Vulkan loader beside itself: SwiftShader's is put there where the system has none. */
const loaderBesideDawn = () =>
  join(dirname(require.resolve("webgpu/package.json")), "dist/linux-x64/libvulkan.so.1");
