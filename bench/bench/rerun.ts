// `bench rerun`: the command of a result once more, and both compared.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FormatError, NoAdapterError } from "../../engine/errors.ts";
import { checkOutputs, writeFile } from "../../engine/io/files.node.ts";
import { openDevice } from "../command_line/open_device.ts";
import { runNode } from "../command_line/run_node.ts";
import { compareResults } from "../measure/compare.ts";
import { readResult } from "../measure/read_result.ts";
import type { Host } from "../measure/result.ts";
import { finish, type VerdictFlags } from "./compare.ts";
import { OUTPUTS } from "./result_files.ts";

/** Runs `program bench` with the command of a result and compares. */
export async function rerun(
  path: string,
  options: VerdictFlags & { out?: string },
  program: string,
): Promise<void> {
  await checkOutputs([options.out], [path]);
  const before = await readResult(path);
  const folder = mkdtempSync(join(tmpdir(), "tessera-rerun-"));
  const out = join(folder, "result.json");
  try {
    const command = [...(await onAdapter(before.command, before.host)), "--out", out];
    console.error(`tessera bench ${command.join(" ")}`);
    const code = await runNode([program, "bench", ...command], { quiet: options.json });
    if (!existsSync(out))
      throw new FormatError(`${path}: its command, run again, ended with ${code} and wrote no result`);
    const after = await readResult(out);
    if (options.out !== undefined) await writeFile(options.out, readFileSync(out));
    await finish(compareResults(before, after, [path, options.out ?? "this run"], options), {
      ...options,
      out: undefined,
    });
    if (code === 130) process.exitCode = 130;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The command without its outputs, on the adapter it was run on where this is here; a note where it is not. */
export async function onAdapter(command: readonly string[], host: Host): Promise<readonly string[]> {
  const kept: string[] = [];
  for (let i = 0; i < command.length; i++) {
    const [name, value] = command[i].split("=");
    if (name === "--adapter" || OUTPUTS.includes(name)) {
      if (value === undefined && /^(-$|[^-])/.test(command[i + 1] ?? "")) i++;
    } else kept.push(command[i]);
  }
  const names: Readonly<Record<string, string>> = { lavapipe: "llvmpipe", swiftshader: "swiftshader" };
  const wanted = names[host.kind] ?? host.adapter;
  const found = await openDevice({ adapter: wanted }).catch((error) => {
    if (error instanceof NoAdapterError) return undefined;
    throw error;
  });
  found?.close();
  if (found) return [...kept, "--adapter", wanted];
  console.error(`it was measured on ${host.adapter}, which is not here: it is run on what is`);
  return kept;
}
