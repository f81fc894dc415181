// `bench peers`: other engines on the same adapter, in the same run.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ValueError } from "../../engine/errors.ts";
import { checkOutputs } from "../../engine/io/files.node.ts";
import { runNode } from "../command_line/run_node.ts";

export interface PeersFlags {
  readonly net: string;
  readonly image: number;
  readonly batch: number;
  readonly steps: number;
  readonly repeat: number;
  readonly engines: string;
  readonly json?: boolean;
  readonly out?: string;
  readonly forwardOnly?: boolean;
  readonly layers?: boolean;
  readonly apart?: boolean;
  readonly adapter?: string;
}

/** Runs the comparison in `bench/peers`, which has dependencies of its own. */
export async function peers(options: PeersFlags): Promise<void> {
  await checkOutputs([options.out]);
  const folder = peersFolder();
  if (!folder)
    throw new ValueError(
      "peers: the other engines are not part of the package: in a checkout of tessera, `cd bench/peers && npm ci`",
    );
  if (!existsSync(join(folder, "node_modules")))
    throw new ValueError(
      `peers: the other engines are not installed in ${folder}: \`cd bench/peers && npm ci\``,
    );
  if (options.adapter) process.env.ADAPTER = options.adapter;
  const { net, image, batch, steps, engines, repeat, out } = options;
  const args = Object.entries({ net, image, batch, steps, engines, repeat, out })
    .filter(([, value]) => value !== undefined)
    .flatMap(([name, value]) => [`--${name}`, String(value)]);
  const flags = {
    "--forward-only": options.forwardOnly,
    "--layers": options.layers,
    "--apart": options.apart,
    "--json": options.json,
  };
  for (const [flag, given] of Object.entries(flags)) if (given) args.push(flag);
  process.exitCode = await runNode([join(folder, "compare.mjs"), ...args]);
}

/** Their folder, which only a checkout has. */
function peersFolder(): string | undefined {
  for (let at = dirname(fileURLToPath(import.meta.url)); at !== dirname(at); at = dirname(at)) {
    const folder = join(at, "bench/peers");
    if (existsSync(join(folder, "compare.mjs"))) return folder;
  }
  return undefined;
}
