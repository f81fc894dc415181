// Files as commands and programs in Node read and write them: whole, by their real place, and never over an input.

import { constants, fstatSync, rmSync, type Stats } from "node:fs";
import { access, lstat, mkdir, open, readFile, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { FormatError, ValueError } from "../errors.ts";

/** The bytes of a file. Throws FormatError naming it if it cannot be read. */
export const readBytes = (path: string): Promise<Buffer> =>
  readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new FormatError(`${path}: ${cause.code === "ENOENT" ? "no such file" : cause.message}`, { cause });
  });

/** The bytes of a file, unpacked if they are gzip's. Throws FormatError naming it. */
export async function readUnpacked(path: string): Promise<Buffer> {
  const bytes = await readBytes(path);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw new FormatError(`${path}: cannot be unpacked: ${(cause as Error).message}`, { cause });
  }
}

/** Where a path leads: a place for a plain file, which may not exist yet, or something that is written into directly. */
interface Target {
  readonly path: string;
  readonly stat?: Stats;
  /** A pipe, a device or this process's own output. */
  readonly direct?: "stdout" | "stderr" | "open";
}

/**
 * Writes a file. Links are followed. A plain file is replaced in one step when its content is complete, and keeps its
 * mode; a pipe, a device or what stdout goes to is written into. Folders are made. Nothing else is left where it fails
 * or is interrupted. Throws FormatError naming the path.
 */
export async function writeFile(path: string, content: Uint8Array | string): Promise<void> {
  try {
    const target = await targetOf(path);
    if (target.direct === "stdout" || target.direct === "stderr")
      await print(process[target.direct], content);
    else if (target.direct) await fill(target.path, content);
    else await replace(target, content);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/**
 * Sees to it, before any work is done, that files can be written: makes their folders. Throws FormatError for what
 * cannot be written, ValueError for an output that is one of the inputs, by another name too, or another output.
 */
export async function checkOutputs(
  outputs: readonly (string | undefined)[],
  inputs: readonly (string | undefined)[] = [],
): Promise<void> {
  const taken: (readonly [path: string, Target])[] = [];
  for (const input of inputs)
    if (input !== undefined && (await stat(input).catch(() => undefined)))
      taken.push([input, await targetOf(input)]);
  const [read, written] = [taken.length, [...taken]];
  for (const path of outputs) {
    if (path === undefined) continue;
    const target = await targetOf(path).catch((cause) => {
      throw unwritable(path, cause);
    });
    if (target.direct) continue;
    const clash = written.findIndex(([, other]) => isSame(target, other));
    if (clash >= 0)
      throw new ValueError(
        `${path}: cannot be written: it is ${clash < read ? "an input" : "another output"}, ${written[clash][0]}`,
      );
    written.push([path, target]);
    await makeFolder(dirname(target.path))
      .then(() => access(dirname(target.path), constants.W_OK | constants.X_OK))
      .then(() => (target.stat ? access(target.path, constants.W_OK) : undefined))
      .catch((cause) => {
        throw unwritable(path, cause);
      });
  }
}

const unwritable = (path: string, cause: unknown): FormatError =>
  new FormatError(`${path}: cannot be written: ${(cause as Error).message}`, { cause });

/** Whether both are one plain file, or will be. */
const isSame = (a: Target, b: Target): boolean =>
  a.stat && b.stat ? a.stat.ino === b.stat.ino && a.stat.dev === b.stat.dev : a.path === b.path;

async function targetOf(path: string): Promise<Target> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (!found) return { path: await missing(resolve(path)) };
  if (found.isDirectory()) throw new Error("it is a folder");
  const own = [1, 2].find((descriptor) => isOpenAs(found, descriptor));
  if (own) return { path, stat: found, direct: own === 1 ? "stdout" : "stderr" };
  if (!found.isFile()) return { path, stat: found, direct: "open" };
  return { path: await realpath(path), stat: found };
}

/** Whether a file is what this process has open under a number: /dev/stdout, or the file that a shell directed it to. */
function isOpenAs({ ino, dev }: Stats, descriptor: number): boolean {
  try {
    const own = fstatSync(descriptor);
    return own.ino === ino && own.dev === dev && !own.isCharacterDevice();
  } catch {
    return false; // closed
  }
}

/** The place of a file that does not exist, where links that lead nowhere yet point to. */
async function missing(path: string, links = 0): Promise<string> {
  if (links > 40) throw new Error("too many links");
  const link = await lstat(path).catch(() => undefined);
  if (link?.isSymbolicLink()) return missing(resolve(dirname(path), await readlink(path)), links + 1);
  const folder = await realpath(dirname(path)).catch(() => dirname(path));
  return join(folder, basename(path));
}

/** Makes a folder and those above it. By itself: Node's own recursion never ends under /proc. */
async function makeFolder(path: string): Promise<void> {
  const make = () =>
    mkdir(path).catch(async (error: NodeJS.ErrnoException) => {
      const there = await stat(path).catch(() => undefined);
      if (!there?.isDirectory()) throw error;
    });
  await make().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT" || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await make();
  });
}

const print = (stream: NodeJS.WriteStream, content: Uint8Array | string): Promise<void> =>
  new Promise((done, fail) => {
    stream.write(content, (error) => (error ? fail(error) : done()));
  });

async function fill(path: string, content: Uint8Array | string): Promise<void> {
  const file = await open(path, constants.O_WRONLY);
  try {
    await file.writeFile(content);
  } finally {
    await file.close();
  }
}

async function replace({ path, stat: old }: Target, content: Uint8Array | string): Promise<void> {
  await makeFolder(dirname(path));
  const partial = join(dirname(path), `.${basename(path)}.${process.pid}.partial`);
  const undo = () => rmSync(partial, { force: true });
  const release = onEnd(undo);
  try {
    const file = await open(partial, "w");
    try {
      await file.writeFile(content);
      if (old) await file.chmod(old.mode & 0o7777);
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  } finally {
    release();
  }
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Calls `undo` where the process ends meanwhile, by itself or by a signal that nobody else handles. */
function onEnd(undo: () => void): () => void {
  const handlers = SIGNALS.map((signal) => {
    const handler = () => {
      if (process.listenerCount(signal) > 1) return; // who handles it decides whether the process ends
      undo();
      release();
      process.kill(process.pid, signal);
    };
    process.on(signal, handler);
    return [signal, handler] as const;
  });
  const release = () => {
    process.off("exit", undo);
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
  process.on("exit", undo);
  return release;
}
