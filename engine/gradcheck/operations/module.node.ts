import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Op } from "../../../kernels/op.ts";
import { FormatError } from "../../errors.ts";

/** Operations that a module exports, alone or in a list. Throws FormatError where there is no file or it exports none. */
export async function operationsOf(path: string): Promise<readonly Op[]> {
  if (!existsSync(path)) throw new FormatError(`${path}: no such file`);
  const exported = Object.values(await import(pathToFileURL(resolve(path)).href)).flat();
  const found = exported.filter(
    (value): value is Op => typeof (value as Op)?.reference?.forward === "function",
  );
  if (found.length === 0) throw new FormatError(`${path}: exports no operation`);
  return found;
}
