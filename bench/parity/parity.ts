import { FormatError } from "../../engine/errors.ts";
import { checkOutputs } from "../../engine/io/files.node.ts";
import { fromFloat32, type StoredTensor, toFloat32, toInt32 } from "../../engine/io/safetensors.ts";
import { exportWeights, guess, importWeights } from "../../models/checkpoints.ts";
import { evaluateAndDifferentiate } from "../../models/gradcheck/parity.ts";
import { getEntry, getModel, netOptions } from "../../models/index.ts";
import { specsOf } from "../../models/weights.ts";
import { openDevice } from "../command_line/open_device.ts";
import { asState, asTensors, readTensors, writeTensors } from "../convert/weights_file.ts";

export interface ParityOptions {
  readonly model: string;
  readonly variant: string;
  readonly weights: string;
  readonly batch: string;
  readonly out: string;
  readonly width?: number;
  readonly adapter?: string;
  readonly json?: boolean;
}

/** Runs a network on given weights and images and writes logits, loss, gradients and new statistics. */
export async function parity(options: ParityOptions): Promise<void> {
  const { name, variant } = getEntry(options.model, options.variant);
  await checkOutputs([options.out], [options.weights, options.batch]);
  const file = asState(await readTensors(options.weights));
  const specs = specsOf(name, variant, file, options.width);
  const { state, convention } = importWeights(name, variant, specs, file);
  const { images, labels } = await readBatch(options.batch);
  const { classes, width, scale } = guess(file);
  const device = await openDevice({ adapter: options.adapter });
  try {
    console.error(
      `${name} (${variant}), ${convention.naming} names, ${convention.layout}, on ${device.name}`,
    );
    const net = netOptions(name, { variant, width: options.width ?? width, batchNorm: { scale } });
    const result = await evaluateAndDifferentiate(
      device,
      getModel(name, { variant, classes, keep: 1 }),
      net,
      state,
      images,
      labels,
    );
    const out = new Map<string, StoredTensor>([
      ["eval_logits", fromFloat32([labels.length, classes], result.evalLogits)],
      ["train_logits", fromFloat32([labels.length, classes], result.trainLogits)],
      ["loss", fromFloat32([1], Float32Array.of(result.loss))],
    ]);
    const paths = [...state.keys()];
    for (const [key, t] of asTensors(exportWeights(name, variant, result.gradients, convention, paths)))
      out.set(`grad.${key}`, t);
    for (const [key, t] of asTensors(exportWeights(name, variant, result.statistics, convention, paths)))
      out.set(key, t);
    await writeTensors(options.out, out, {
      model: name,
      variant,
      naming: convention.naming,
      layout: convention.layout,
    });
    if (options.json)
      console.log(JSON.stringify({ loss: result.loss, file: options.out, tensors: out.size }, null, 2));
    else console.log(`loss ${result.loss}; ${out.size} tensors in ${options.out}`);
  } finally {
    device.close();
  }
}

async function readBatch(path: string) {
  const tensors = await readTensors(path);
  const [images, labels] = ["images", "labels"].map((name) => {
    const t = tensors.get(name);
    if (!t)
      throw new FormatError(`${path}: no tensor ${name} (has ${[...tensors.keys()].join(", ") || "none"})`);
    return t;
  });
  if (images.shape.length !== 4)
    throw new FormatError(`${path}: images are [${images.shape}] but [n,h,w,3] is expected`);
  return { images: { shape: images.shape, data: toFloat32(images) }, labels: toInt32(labels) };
}
