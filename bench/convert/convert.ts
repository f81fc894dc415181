import { checkOutputs } from "../../engine/io/files.node.ts";
import type { StoredTensor } from "../../engine/io/safetensors.ts";
import {
  type Convention,
  exportWeights,
  importWeights,
  type Naming,
  type WeightLayout,
} from "../../models/checkpoints.ts";
import { getEntry } from "../../models/index.ts";
import { specsOf, toPublicNames } from "../../models/weights.ts";
import { asState, asTensors, readTensors, writeTensors } from "./weights_file.ts";

export interface ConvertOptions {
  readonly model: string;
  readonly variant: string;
  readonly to?: Naming;
  readonly layout?: WeightLayout;
  readonly width?: number;
  readonly input: string;
  readonly output: string;
  readonly json?: boolean;
}

/** Converts a weights file; prints what it read and wrote. */
export async function convert(options: ConvertOptions): Promise<void> {
  const { input, output, json } = options;
  const { name, variant } = getEntry(options.model, options.variant);
  await checkOutputs([output], [input]);
  const file = asState(await readTensors(input));
  const specs = specsOf(name, variant, file, options.width);
  const { state, convention } = importWeights(name, variant, specs, file);
  const ours = convention.naming === "tessera" && convention.layout === "RSCO";
  const naming = options.to ?? (ours ? "public" : "tessera");
  const to: Convention = { naming, layout: options.layout ?? (naming === "tessera" ? "RSCO" : "OIHW") };
  const tensors = asTensors(
    to.naming === "public"
      ? toPublicNames(name, state, { variant, layout: to.layout })
      : exportWeights(name, variant, state, to),
  );
  if (to.naming === "public") addCounters(tensors);
  await writeTensors(output, tensors, { format: "pt", model: name, variant, layout: to.layout });
  const read = { file: input, tensors: specs.size, ...convention };
  const written = { file: output, tensors: tensors.size, ...to };
  if (json) {
    console.log(JSON.stringify({ model: name, variant, read, written }, null, 2));
    return;
  }
  const line = (of: typeof read) => `${of.tensors} tensors, ${of.naming} names, ${of.layout}`;
  console.log(`${input}: ${name} (${variant}), ${line(read)}\n${output}: ${line(written)}`);
}

/** Adds the counts of batches, which a strict load in PyTorch asks for. */
function addCounters(tensors: Map<string, StoredTensor>): void {
  for (const name of [...tensors.keys()])
    if (name.endsWith(".running_var"))
      tensors.set(name.replace("running_var", "num_batches_tracked"), {
        dtype: "I64",
        shape: [],
        bytes: new Uint8Array(8),
      });
}
