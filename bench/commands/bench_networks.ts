// What `tessera bench` does with networks: measures one after the other, tells what came out, keeps it on Ctrl-C.

import { Presets, SingleBar } from "cli-progress";
import { Device } from "../../engine/device/device.ts";
import { ValueError } from "../../engine/errors.ts";
import type { Traits } from "../../engine/plan/choose.ts";
import { entries, find } from "../../models/index.ts";
import { hostOf } from "../measure/host.ts";
import { capacityOf, largestBatch, planFitting } from "../measure/memory.ts";
import { measureNetwork, plannedRow } from "../measure/network.ts";
import type { Host, NetworkRow, Result, Roofs } from "../measure/result.ts";
import { measureRoofs } from "../measure/roofs.ts";
import { dispatchesOf, planStep, type Setting } from "../measure/setting.ts";
import { paperText } from "../outputs/paper.ts";
import { bytesTold } from "../outputs/summary.ts";
import { isIn, layerText, memoryText, networkText } from "../outputs/table.ts";
import { WRITERS } from "../outputs/writers.ts";
import { writeWhole } from "./files.ts";
import { interruptible } from "./interrupt.ts";

/** The paper's networks. */
export const NETWORKS = entries.filter(({ variant }) => variant === "paper").map(({ name }) => name);

/** Files by the writers' names; true is stdout. */
type Written = Readonly<Record<string, string | true | undefined>>;

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

export interface StepOptions extends SizeOptions {
  readonly time?: number;
  readonly samples?: number;
  readonly precision?: number;
  readonly validate: boolean;
}

/** Measures steps of networks and prints them side by side. */
export const steps = (mode: Setting["mode"], names: readonly string[], options: StepOptions): Promise<void> =>
  interruptible(async (signal) => {
    const networks = named(names, options);
    const command = [mode === "train" ? "step" : "infer", ...networks, ...flags(options)];
    const result = await measureAll(mode, networks, command, options, signal);
    await tell(result, options as unknown as Written, () =>
      [networkText(result), ...paperText(result)].join("\n"),
    );
  });

/** Measures a network and prints what its blocks and layers cost. Throws ValueError where it has no such layer. */
export const layersOf = (
  network: string,
  layer: string | undefined,
  options: StepOptions & { readonly top: number },
): Promise<void> =>
  interruptible(async (signal) => {
    const mode = options.infer ? "infer" : "train";
    const networks = named([network], options);
    const command = [
      "layers",
      network,
      ...(layer === undefined ? [] : [layer]),
      ...flags(options),
      "--top",
      String(options.top),
      ...(options.infer ? ["--infer"] : []),
    ];
    const result = await measureAll(mode, networks, command, options, signal, layer);
    const told = result.networks.map((row) => layerText(row, result.roofs, { layer, top: options.top }));
    await tell(result, options as unknown as Written, () => told.join("\n"));
  });

/** Prints what steps take in device memory. Nothing is run. */
export async function memoryNeeds(names: readonly string[], options: SizeOptions): Promise<void> {
  const mode = options.infer ? "infer" : "train";
  const networks = named(names, options);
  const device = await Device.open({ adapter: options.adapter });
  try {
    const { traits } = device;
    const capacity = options.memory ?? capacityOf(traits);
    const rows: NetworkRow[] = [];
    const told: string[] = [];
    for (const network of networks) {
      const setting = fitted(settingOf(network, mode, options), traits, capacity, options);
      const planned = planFitting(setting, traits, capacity);
      const row = plannedRow(setting, planned);
      rows.push(row);
      const largest = largestBatch(setting, traits, capacity);
      told.push(memoryText(row, { largest, in: room(traits, capacity) }));
    }
    const command = ["memory", ...networks, ...flags(options), ...(options.infer ? ["--infer"] : [])];
    const host = await hostOf(device);
    await tell(resultOf(command, host, rows), options as unknown as Written, () => told.join("\n\n"));
  } finally {
    device.close();
  }
}

const room = ({ name }: Traits, capacity: number): string =>
  Number.isFinite(capacity)
    ? `${bytesTold(capacity)} on ${name}`
    : `the limits of ${name}, which does not tell how much memory it has (--memory does)`;

/** The networks asked for. Throws ValueError where there is no such network or variant. */
function named(names: readonly string[], { variant }: SizeOptions): readonly string[] {
  const networks = names.includes("all") ? NETWORKS : names;
  for (const name of networks) find(name, variant);
  return networks;
}

function settingOf(network: string, mode: Setting["mode"], options: SizeOptions): Setting {
  const { variant, image, batch = 1, seed, width } = options;
  return { network, variant, mode, image, batch, seed, ...(width !== 1 && { net: { width } }) };
}

/** The setting at the largest batch that fits, where that is asked for and none that fits is given. */
function fitted(setting: Setting, traits: Traits, capacity: number, { fit, batch }: SizeOptions): Setting {
  if (!fit) return setting;
  const largest = largestBatch(setting, traits, capacity);
  return largest === 0 ? setting : { ...setting, batch: Math.min(batch ?? largest, largest) };
}

/** The options that count, as they can be given again. */
function flags(options: SizeOptions & Partial<StepOptions>): string[] {
  const { variant, image, batch, fit, memory, width, seed, adapter, time, samples, precision } = options;
  const given = { variant, image, batch, memory, width, seed, adapter, time, samples, precision };
  return [
    ...Object.entries(given).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, String(value)],
    ),
    ...(fit ? ["--fit"] : []),
    ...(options.validate === false ? ["--no-validate"] : []),
  ];
}

const resultOf = (
  command: readonly string[],
  host: Host,
  networks: readonly NetworkRow[],
  more: Pick<Result, "roofs" | "interrupted"> = {},
): Result => ({
  format: "tessera bench result",
  version: 1,
  command,
  host,
  networks,
  kernels: [],
  ...more,
});

/** Every network on a device of its own, so that none finds what another has made. */
async function measureAll(
  mode: Setting["mode"],
  networks: readonly string[],
  command: readonly string[],
  options: StepOptions,
  signal: AbortSignal,
  layer?: string,
): Promise<Result> {
  const rows: NetworkRow[] = [];
  let host: Host | undefined;
  let roofs: Roofs | undefined;
  for (const network of networks) {
    const device = await Device.open({ adapter: options.adapter });
    try {
      const capacity = options.memory ?? capacityOf(device.traits);
      const setting = fitted(settingOf(network, mode, options), device.traits, capacity, options);
      if (layer !== undefined) checkLayer(setting, device.traits, layer);
      host ??= await hostOf(device);
      const row = await withBar(network, (onProgress) =>
        measureNetwork(device, setting, { ...options, capacity, signal, onProgress }),
      );
      if (row) rows.push(row);
      if (row && !signal.aborted) roofs ??= (await measureRoofs(device)).roofs;
    } catch (error) {
      if (rows.length === 0) throw error;
      const { name, message } = error as Error; // of one network: the others' rows stay
      console.error(`${name}: ${message}`);
      process.exitCode = 1;
    } finally {
      device.close();
    }
    if (signal.aborted) break;
  }
  const interrupted = signal.aborted ? { interrupted: true } : {};
  return resultOf(command, host!, rows, { ...(roofs && { roofs }), ...interrupted });
}

/** Throws ValueError naming what there is. */
function checkLayer(setting: Setting, traits: Traits, layer: string): void {
  const paths = dispatchesOf(planStep(setting, traits)).map(({ node }) => node.label.split(" ")[0]);
  if (paths.some((path) => isIn(path, layer))) return;
  const block = layer.split("/")[0];
  const inside = paths.filter((path) => isIn(path, block));
  const offered = new Set(inside.length > 0 ? inside : paths.map((path) => path.split("/")[0]));
  throw new ValueError(`${setting.network} has no layer ${layer} (has ${[...offered].join(", ")})`);
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

/** Writes the files that are asked for, and prints the rest unless stdout is taken. */
async function tell(result: Result, files: Written, text: () => string): Promise<void> {
  let taken = false;
  for (const { name, text: write } of WRITERS) {
    const file = files[name];
    if (file === undefined) continue;
    if (file === true || file === "-") {
      taken = true;
      process.stdout.write(write(result));
    } else await writeWhole(file, () => write(result));
  }
  if (taken) return;
  const { adapter, kind, implementation } = result.host;
  console.log(`${adapter} (${kind}), ${implementation}\n`);
  console.log(result.networks.length > 0 ? text() : "Nothing was measured.");
}
