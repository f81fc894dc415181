// A trainer's state as bytes: a safetensors file of the weights by path, which any reader of weights takes, and beside
// them `<slot>:<path>` for what the optimiser and the averages keep; step, seed and optimiser are in the metadata.
import { FormatError, ValueError } from "../errors.ts";
import {
  fromFloat32,
  readSafetensors,
  type StoredTensor,
  toFloat32,
  writeSafetensors,
} from "../io/safetensors.ts";
import type { StateDict, Variables } from "../nn/variables.ts";

const FORMAT = "tessera trainer";
const VERSION = "1";
/** Slots that a step makes anew. */
const PASSING = ["gradient", "previous"];

/** How far a trainer has come. */
export interface Progress {
  /** Steps taken, skipped ones too. */
  readonly step: number;
  /** Updates of the weights. */
  readonly updates: number;
  readonly seed: number;
  readonly optimizer: string;
}

/** The state of a trainer at one moment. */
export async function saveState(variables: Variables, progress: Progress): Promise<Uint8Array<ArrayBuffer>> {
  const slots = variables.slots.filter((slot) => !PASSING.includes(slot));
  const read = await Promise.all(slots.map((slot) => variables.read(slot)));
  const tensors = new Map<string, StoredTensor>();
  for (const [i, slot] of slots.entries())
    for (const [path, { shape, data }] of read[i])
      tensors.set(slot === "value" ? path : `${slot}:${path}`, fromFloat32(shape, data));
  const { step, updates, seed, optimizer } = progress;
  return writeSafetensors(tensors, {
    format: FORMAT,
    version: VERSION,
    step: String(step),
    updates: String(updates),
    seed: String(seed),
    optimizer,
  });
}

/** A state that was read: how far it had come, and the values of every slot. */
export interface SavedState extends Progress {
  readonly slots: ReadonlyMap<string, StateDict>;
}

/** Reads what `saveState` wrote. Throws FormatError naming what is not as it was written. */
export function readState(bytes: Uint8Array, file = "trainer state"): SavedState {
  const { tensors, metadata } = readSafetensors(bytes, file);
  if (metadata.format !== FORMAT || metadata.version !== VERSION)
    throw new FormatError(
      `${file}: format is ${metadata.format ?? "none"} ${metadata.version ?? ""} but ${FORMAT} ${VERSION} is expected`,
    );
  const whole = (name: string): number => {
    const value = Number(metadata[name]);
    if (!/^\d+$/.test(metadata[name] ?? "") || !Number.isSafeInteger(value))
      throw new FormatError(`${file}: ${name} is ${metadata[name]} but a whole number is expected`);
    return value;
  };
  const slots = new Map<string, Map<string, { shape: readonly number[]; data: Float32Array }>>();
  for (const [name, tensor] of tensors) {
    if (tensor.dtype !== "F32")
      throw new FormatError(`${file}: ${name} is ${tensor.dtype} but F32 is expected`);
    const colon = name.indexOf(":");
    const [slot, path] = colon < 0 ? ["value", name] : [name.slice(0, colon), name.slice(colon + 1)];
    if (!slots.has(slot)) slots.set(slot, new Map());
    slots.get(slot)!.set(path, { shape: tensor.shape, data: toFloat32(tensor) });
  }
  const progress = { step: whole("step"), updates: whole("updates"), seed: whole("seed") };
  return { ...progress, optimizer: metadata.optimizer, slots };
}

/** Writes a state into the variables of a trainer. Throws WeightsError or ValueError, changing nothing, where it does not fit. */
export function restoreState(variables: Variables, state: SavedState, optimizer: string): void {
  if (state.optimizer !== optimizer)
    throw new ValueError(
      `trainer: the optimizer is ${optimizer} but the saved state is ${state.optimizer}'s`,
    );
  const wanted = variables.slots.filter((slot) => !PASSING.includes(slot));
  const lacking = wanted.find((slot) => !state.slots.has(slot));
  const extra = [...state.slots.keys()].find((slot) => !wanted.includes(slot));
  if (lacking !== undefined || extra !== undefined)
    throw new ValueError(
      `trainer: the saved state has ${[...state.slots.keys()].join(", ")} but ${wanted.join(", ")} are expected`,
    );
  for (const slot of wanted) variables.check(state.slots.get(slot)!, slot);
  for (const slot of wanted)
    for (const [path, { data }] of state.slots.get(slot)!) variables.write(path, data, slot);
}
