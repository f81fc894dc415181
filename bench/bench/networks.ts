// What `tessera bench` does with networks: measures one after the other, tells what came out, keeps it on Ctrl-C.

import { Presets, SingleBar } from "cli-progress";
import type { Command } from "commander";
import type { Traits } from "../../engine/device/traits.ts";
import { ValueError } from "../../engine/errors.ts";
import { getEntry, listEntries } from "../../models/index.ts";
import { interruptible } from "../command_line/interrupt.ts";
import { openDevice } from "../command_line/open_device.ts";
import { suggestion } from "../command_line/suggest.ts";
import { hostOf } from "../measure/host.ts";
import { capacityOf, largestBatch, planFitting } from "../measure/memory.ts";
import { measureNetwork, plannedRow } from "../measure/network.ts";
import { type Host, type NetworkRow, type Result, resultOf } from "../measure/result.ts";
import { measureRoofs } from "../measure/roofs.ts";
import { planStep, type Setting, stepDispatches } from "../measure/setting.ts";
import { paperText } from "./outputs/paper.ts";
import { formatBytes } from "./outputs/summary.ts";
import { isIn, layerText, memoryText, networkText, rooflineText } from "./outputs/terminal.ts";
import { checkResultFiles, deliver, optionsGiven } from "./result_files.ts";

/** The paper's networks. */
export const NETWORKS = listEntries()
  .filter(({ variant }) => variant === "paper")
  .map(({ name }) => name);

export interface SizeOptions {
  readonly variant: string;
  readonly image: number;
  readonly batch?: number;
  readonly fit?: boolean;
  /** Bytes of device memory. */
  readonly memory?: number;
  readonly width: number;
  readonly seed: number;
  readonly adapter?: string;
  readonly infer?: boolean;
}

export interface BenchStepOptions extends SizeOptions {
  readonly time?: number;
  readonly samples?: number;
  readonly precision?: number;
  readonly validate: boolean;
  readonly profiles?: number;
}

/** Measures steps of networks and prints them side by side. */
export async function steps(
  mode: Setting["mode"],
  names: readonly string[],
  options: BenchStepOptions,
  command: Command,
): Promise<void> {
  await checkResultFiles(command);
  const networks = named(names.length > 0 ? names : NETWORKS, options);
  const args = [mode === "train" ? "step" : "infer", ...networks, ...optionsGiven(command)];
  await measureAll(mode, networks, args, options, (result) =>
    deliver(result, command, () => [networkText(result), ...paperText(result)].join("\n")),
  );
}

/** Measures a network and prints what its blocks and layers cost. Throws ValueError where it has no such layer. */
export async function layersOf(
  network: string,
  layer: string | undefined,
  options: BenchStepOptions & { readonly top: number },
  command: Command,
): Promise<void> {
  await checkResultFiles(command);
  const args = ["layers", network, ...(layer === undefined ? [] : [layer]), ...optionsGiven(command)];
  const show = (result: Result) =>
    deliver(result, command, () => layerText(result, { layer, top: options.top }));
  await measureAll(modeOf(options), named([network], options), args, options, show, layer);
}

/** Measures a network and prints what the adapter can do at most, and how far the kernels of a step are from it. */
export async function rooflineOf(
  network: string,
  options: BenchStepOptions & { readonly top: number },
  command: Command,
): Promise<void> {
  await checkResultFiles(command);
  const args = ["roofline", network, ...optionsGiven(command)];
  await measureAll(modeOf(options), named([network], options), args, options, (result) =>
    deliver(result, command, () => rooflineText(result, options.top)),
  );
}

const modeOf = ({ infer }: SizeOptions): Setting["mode"] => (infer ? "infer" : "train");

/** Prints what steps take in device memory. Nothing is run. */
export async function memoryNeeds(
  names: readonly string[],
  options: SizeOptions,
  command: Command,
): Promise<void> {
  await checkResultFiles(command);
  const wanted = named(names, options);
  const device = await openDevice({ adapter: options.adapter });
  try {
    const { traits } = device;
    const capacity = options.memory ?? capacityOf(traits);
    const networks: NetworkRow[] = [];
    const largest: number[] = [];
    for (const network of wanted) {
      const asked = settingOf(network, modeOf(options), options);
      const most = largestBatch(asked, traits, capacity);
      const setting = options.fit ? fitted(asked, most, options) : asked;
      networks.push(plannedRow(setting, planFitting(setting, traits, capacity)));
      largest.push(most);
    }
    const args = ["memory", ...wanted, ...optionsGiven(command)];
    const result = resultOf(args, await hostOf(device), { networks });
    await deliver(result, command, () => memoryText(result, { largest, in: capacityText(traits, capacity) }));
  } finally {
    device.close();
  }
}

const capacityText = ({ name }: Traits, capacity: number): string =>
  Number.isFinite(capacity)
    ? `${formatBytes(capacity)} on ${name}`
    : `the limits of ${name}, which does not tell how much memory it has (--memory does)`;

/** The networks asked for. Throws ValueError where there is no such network or variant. */
function named(names: readonly string[], { variant }: SizeOptions): readonly string[] {
  const networks = names.includes("all") ? NETWORKS : names;
  for (const name of networks) getEntry(name, variant);
  return networks;
}

function settingOf(network: string, mode: Setting["mode"], options: SizeOptions): Setting {
  const { variant, image, batch = 1, seed, width } = options;
  return { network, variant, mode, image, batch, seed, ...(width !== 1 && { net: { width } }) };
}

/** The setting at the largest batch that fits, unless a smaller one is given or none fits. */
const fitted = (setting: Setting, largest: number, { batch = largest }: SizeOptions): Setting =>
  largest === 0 ? setting : { ...setting, batch: Math.min(batch, largest) };

/**
 * Measures every network on a device of its own, so that none finds what another has made, and tells what was found by
 * then where it is interrupted.
 */
const measureAll = (
  mode: Setting["mode"],
  names: readonly string[],
  args: readonly string[],
  options: BenchStepOptions,
  show: (result: Result) => Promise<void>,
  layer?: string,
): Promise<void> =>
  interruptible(async (signal) => {
    const networks: NetworkRow[] = [];
    let host: Host | undefined;
    let roofs: Pick<Result, "roofs" | "readings"> | undefined;
    for (const network of names) {
      const device = await openDevice({ adapter: options.adapter });
      try {
        const capacity = options.memory ?? capacityOf(device.traits);
        const asked = settingOf(network, mode, options);
        const setting = options.fit
          ? fitted(asked, largestBatch(asked, device.traits, capacity), options)
          : asked;
        if (layer !== undefined) checkLayer(setting, device.traits, layer);
        host ??= await hostOf(device);
        const row = await withBar(network, (onProgress) =>
          measureNetwork(device, setting, { ...options, capacity, signal, onProgress }),
        );
        if (row) networks.push(row);
        if (row && !signal.aborted) roofs ??= await measureRoofs(device, { signal });
      } catch (error) {
        if (networks.length === 0) throw error;
        const { name, message } = error as Error; // of one network: the others' rows stay
        console.error(`${name}: ${message}`);
        process.exitCode = 2;
      } finally {
        device.close();
      }
      if (signal.aborted) break;
    }
    const interrupted = signal.aborted ? { interrupted: true } : {};
    await show(resultOf(args, host!, { networks, ...roofs, ...interrupted }));
  });

/** Throws ValueError naming what there is. */
function checkLayer(setting: Setting, traits: Traits, layer: string): void {
  const paths = stepDispatches(planStep(setting, traits)).map(({ node }) => node.label.split(" ")[0]);
  if (paths.some((path) => isIn(path, layer))) return;
  const block = layer.split("/")[0];
  const inside = paths.filter((path) => isIn(path, block));
  const offered = new Set(inside.length > 0 ? inside : paths.map((path) => path.split("/")[0]));
  throw new ValueError(`${setting.network} has no layer ${layer}${suggestion(layer, offered)}`);
}

/** What a network goes through, as far as it can be said beforehand. */
const STAGES = ["planning", "compiling", "first step", "steps", "comparing with plain kernels"];

/** Shows on stderr what is being done, where that is a terminal. */
async function withBar<T>(
  network: string,
  body: (onProgress: (doing: string, done?: number, of?: number) => void) => Promise<T>,
): Promise<T> {
  const bar = new SingleBar(
    {
      format: `${network.padEnd(20)} {bar} {doing}`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  );
  bar.start(STAGES.length, 0, { doing: "" });
  try {
    return await body((doing, done, of) => {
      const count = done === undefined ? "" : ` ${done}${of === undefined ? "" : ` of ${of}`}`;
      bar.update(Math.max(0, STAGES.indexOf(doing)), { doing: `${doing}${count}` });
    });
  } finally {
    bar.stop();
  }
}
