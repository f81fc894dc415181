import { ValueError } from "../../engine/errors.ts";
import { fromFloat32, type StoredTensor } from "../../engine/io/safetensors.ts";
import { Net, type VariableSpec } from "../../engine/nn/net.ts";
import type { StateDict } from "../../engine/nn/variables.ts";
import {
  type Convention,
  exportWeights,
  guess,
  importWeights,
  type Naming,
  type WeightLayout,
} from "../../models/checkpoints.ts";
import { find, model, netOptions, SMALLEST_IMAGE } from "../../models/index.ts";
import { asState, asTensors, readTensors, writeTensors } from "../command_line/files.ts";

export interface ConvertOptions {
  readonly model: string;
  readonly variant: string;
  readonly to?: string;
  readonly layout?: string;
  readonly width?: number;
  readonly input: string;
  readonly output: string;
}

/** Variables of the network that a file's weights were made for: its classes, width and gammas are read off it. */
export function specsFor(
  name: string,
  variant: string,
  file: StateDict,
  width?: number,
): ReadonlyMap<string, VariableSpec> {
  const seen = guess(file);
  const net = new Net(
    netOptions(name, { variant, width: width ?? seen.width, batchNorm: { scale: seen.scale } }),
  );
  model(name, { variant, classes: seen.classes })(
    net,
    net.input("images", [1, SMALLEST_IMAGE, SMALLEST_IMAGE, 3]),
  );
  return net.variables;
}

/** Converts a weights file; says what it read and wrote. */
export async function convert(options: ConvertOptions): Promise<void> {
  const { name, variant } = find(options.model, options.variant);
  const file = asState(await readTensors(options.input));
  const specs = specsFor(name, variant, file, options.width);
  const { state, convention } = importWeights(name, variant, specs, file);
  const naming = oneOf(
    "--to",
    options.to ?? (convention.naming === "tessera" && convention.layout === "RSCO" ? "public" : "tessera"),
    ["tessera", "public"],
  );
  const layout = oneOf("--layout", options.layout ?? (naming === "tessera" ? "RSCO" : "OIHW"), [
    "RSCO",
    "OIHW",
  ]);
  const to: Convention = { naming: naming as Naming, layout: layout as WeightLayout };
  const tensors = asTensors(exportWeights(name, variant, state, to));
  if (to.naming === "public") complete(tensors);
  await writeTensors(options.output, tensors, { format: "pt", model: name, variant, layout });
  console.log(
    `${options.input}: ${specs.size} tensors of ${name} (${variant}), ${convention.naming} names, ${convention.layout}\n` +
      `${options.output}: ${tensors.size} tensors, ${to.naming} names, ${to.layout}`,
  );
}

/** What a strict load in PyTorch asks for and we may not have: a gamma of ones, and the count of batches. */
function complete(tensors: Map<string, StoredTensor>): void {
  for (const name of [...tensors.keys()]) {
    if (!name.endsWith(".running_var")) continue;
    const counter = { dtype: "I64", shape: [], bytes: new Uint8Array(8) } as const;
    tensors.set(name.replace("running_var", "num_batches_tracked"), counter);
    const [gamma, { shape }] = [name.replace("running_var", "weight"), tensors.get(name)!];
    if (!tensors.has(gamma)) tensors.set(gamma, fromFloat32(shape, new Float32Array(shape[0]).fill(1)));
  }
}

function oneOf(flag: string, value: string, choices: readonly string[]): string {
  if (!choices.includes(value))
    throw new ValueError(`${flag} is ${value} but must be ${choices.join(" or ")}`);
  return value;
}
