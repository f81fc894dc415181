import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Op } from "../../../kernels/op.ts";
import { FormatError } from "../../errors.ts";

/**
 * Operations that a module exports, alone or in a list. Throws FormatError naming the file if it does not exist, cannot be
 * loaded, or exports no operation.
 */
export async function operationsOf(path: string): Promise<readonly Op[]> {
  if (!existsSync(path)) throw new FormatError(`${path}: no such file`);
  const url = pathToFileURL(resolve(path)).href;
  const exported = Object.values(await load(path, url)).flat();
  const found = exported.filter(
    (value): value is Op => typeof (value as Op)?.reference?.forward === "function",
  );
  if (found.length === 0) throw new FormatError(`${path}: exports no operation`);
  return found;
}

const load = (path: string, url: string): Promise<object> =>
  import(url).catch((cause: unknown) => {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    const line =
      lineIn(url, error.stack) ?? (error instanceof SyntaxError ? lineIn(path, parsed(path)) : undefined);
    const place = line === undefined ? path : `${path}:${line}`;
    throw new FormatError(`${place}: cannot be loaded: ${error.name}: ${error.message}`, { cause });
  });

/** The line number that a stack first names of a module. */
const lineIn = (file: string, stack = ""): string | undefined =>
  /:(\d+)(:\d+)?\)?$/.exec(stack.split("\n").find((line) => line.includes(file)) ?? "")?.[1];

/** What Node says of a file that it cannot parse: the stack of a syntax error does not name the line. */
const parsed = (path: string): string =>
  spawnSync(process.execPath, ["--check", path], { encoding: "utf8" }).stderr;
