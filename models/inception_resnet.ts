import type { Tensor } from "../engine/graph/graph.ts";
import { xavier } from "../engine/nn/initialisers.ts";
import type { Outputs } from "../engine/nn/model.ts";
import type { Net } from "../engine/nn/net.ts";
import { auxiliary, HALVE, head, outputs, reductionA, stem, VALID } from "./blocks.ts";
import type { ModelEntry } from "./entry.ts";
import {
  checkInceptionOptions,
  INCEPTION_DEFAULTS,
  type InceptionOptions,
  SMALLEST_IMAGE,
} from "./inception_options.ts";

/** Filters of one network's blocks; the last of each list is the branch's output. */
interface Widths {
  readonly a: readonly (readonly number[])[];
  readonly b: readonly (readonly number[])[];
  readonly c: readonly (readonly number[])[];
  readonly reductionA: readonly number[];
  readonly reductionB: readonly (readonly number[])[];
}

/** Figures 10 to 13, and table 1 for reduction A. */
const V1: Widths = {
  a: [[32], [32, 32], [32, 32, 32]],
  b: [[128], [128, 128, 128]],
  c: [[192], [192, 192, 192]],
  reductionA: [192, 192, 256, 384],
  reductionB: [
    [256, 384],
    [256, 256],
    [256, 256, 256],
  ],
};

/** Figures 16 to 19, and table 1 for reduction A. */
const V2: Widths = {
  a: [[32], [32, 32], [32, 48, 64]],
  b: [[192], [128, 160, 192]],
  c: [[192], [192, 224, 256]],
  reductionA: [256, 256, 384, 384],
  reductionB: [
    [256, 384],
    [256, 288],
    [256, 288, 320],
  ],
};

/**
 * Inception-ResNet-v1 (arXiv 1602.07261, figure 15): images [n,299,299,3] -> logits [n,classes].
 * Variant `facenet` adds a last linear block, and a bottleneck of 512 with batch norm before the logits.
 */
export function inceptionResnetV1(net: Net, images: Tensor, options: InceptionOptions): Outputs {
  const facenet = options.variant === "facenet";
  let x = net.block("stem", images, (at, x) => at.unit("6", plainStem(at, x), 256, 3, HALVE)); // 35x35x256
  x = trunk(net, x, V1, options, facenet).x; // 8x8x1792
  if (!facenet) return outputs(head(net, x, options));
  const features = net.dropout(net.globalAvgPool(x), options.keep);
  const embedding = net.batchNorm(
    "bottleneck",
    net.linear("bottleneck", features, net.scaled(512), { bias: false }),
  );
  return outputs(net.linear("logits", embedding, options.classes));
}

/**
 * Inception-ResNet-v2 (arXiv 1602.07261, figure 15 with the depths 384, 1152, 2144): images [n,299,299,3] -> logits
 * [n,classes]. Variant `slim` is the network of the public weights: another stem, 10/20/10 blocks, a last 1x1 unit.
 */
export function inceptionResnetV2(net: Net, images: Tensor, options: InceptionOptions): Outputs {
  const slim = options.variant === "slim";
  let x = slim ? slimStem(net, images) : net.block("stem", images, (at, x) => stem(at, x)); // 35x35x384, slim 320
  const { x: last, grid17 } = trunk(net, x, V2, options, slim);
  const aux =
    options.auxiliary && net.training ? auxiliary(net.at("auxiliary"), grid17, options.classes) : undefined;
  x = slim ? net.block("conv_7b", last, (at, x) => at.unit("1", x, 1536, 1)) : last;
  return outputs(head(net, x, options), aux);
}

/** The blocks between stem and head. `linearEnd`: the last block C has scale 1 and no relu. */
function trunk(
  net: Net,
  input: Tensor,
  widths: Widths,
  { repeats: [a, b, c], scales }: InceptionOptions,
  linearEnd: boolean,
) {
  let x = input;
  for (let i = 1; i <= a; i++)
    x = net.block(`inception_resnet_a_${i}`, x, (at, x) => residual(at, x, widths.a, [3, 3], scales[0]));
  x = net.block("reduction_a", x, (at, x) => reductionA(at, x, widths.reductionA)); // 17x17
  for (let i = 1; i <= b; i++)
    x = net.block(`inception_resnet_b_${i}`, x, (at, x) => residual(at, x, widths.b, [1, 7], scales[1]));
  const grid17 = x;
  x = net.block("reduction_b", x, (at, x) => reductionB(at, x, widths.reductionB)); // 8x8
  for (let i = 1; i <= c; i++) {
    const end = linearEnd && i === c;
    x = net.block(`inception_resnet_c_${i}`, x, (at, x) =>
      residual(at, x, widths.c, [1, 3], end ? 1 : scales[2], !end),
    );
  }
  return { x, grid17 };
}

/**
 * Figures 10, 11, 13, 16, 17, 19: branches of a 1x1 and then `window`, turned over from one to the next; joined,
 * expanded linearly to the depth of x, scaled and added.
 */
function residual(
  net: Net,
  x: Tensor,
  branches: Widths["a"],
  window: readonly [number, number],
  scale: number,
  relu = true,
): Tensor {
  const outputs = branches.map((filters, i) =>
    filters.reduce((y, f, j) => {
      const turned = j % 2 === 1 ? window : ([window[1], window[0]] as const);
      return net.unit(`branch_${i + 1}/${j + 1}`, y, f, j === 0 ? 1 : turned);
    }, x),
  );
  const expansion = net.conv2d("expansion", net.concat(...outputs), x.shape[3], 1);
  return net.residual(x, expansion, scale, { relu });
}

/** Figures 12 and 18: 17x17 -> 8x8. */
function reductionB(net: Net, x: Tensor, branches: Widths["a"]): Tensor {
  const outputs = branches.map((filters, i) =>
    filters.reduce((y, f, j) => {
      const last = j === filters.length - 1;
      return net.unit(`branch_${i + 1}/${j + 1}`, y, f, j === 0 ? 1 : 3, last ? HALVE : {});
    }, x),
  );
  return net.concat(...outputs, net.maxPool(x, 3, HALVE));
}

/** Figure 14 without its last unit: 299x299x3 -> 71x71x192. */
function plainStem(net: Net, images: Tensor): Tensor {
  let x = net.unit("1", images, 32, 3, HALVE); // 149x149x32
  x = net.unit("2", x, 32, 3, VALID); // 147x147x32
  x = net.unit("3", x, 64, 3); // 147x147x64
  x = net.maxPool(x, 3, HALVE); // 73x73x64
  x = net.unit("4", x, 80, 1); // 73x73x80
  return net.unit("5", x, 192, 3, VALID); // 71x71x192
}

/** TF-slim's stem and Mixed_5b: 299x299x3 -> 35x35x320. */
function slimStem(net: Net, images: Tensor): Tensor {
  const x = net.block("stem", images, (at, x) => at.maxPool(plainStem(at, x), 3, HALVE)); // 35x35x192
  return net.block("mixed_5b", x, (at, x) => {
    const two = at.unit("branch_2/2", at.unit("branch_2/1", x, 48, 1), 64, 5);
    let three = at.unit("branch_3/1", x, 64, 1);
    three = at.unit("branch_3/2", three, 96, 3);
    three = at.unit("branch_3/3", three, 96, 3);
    return at.concat(
      at.unit("branch_1/1", x, 96, 1),
      two,
      three,
      at.unit("branch_4/1", at.avgPool(x, 3), 64, 1),
    );
  });
}

const RESNET_V1: ModelEntry<InceptionOptions> = {
  name: "inception-resnet-v1",
  variant: "paper",
  trace: inceptionResnetV1,
  defaults: { ...INCEPTION_DEFAULTS, repeats: [5, 10, 5] },
  check: checkInceptionOptions,
  smallestImage: SMALLEST_IMAGE,
  net: { initialiser: xavier(), batchNorm: { decay: 0.995 } },
};
const RESNET_V2: ModelEntry<InceptionOptions> = {
  ...RESNET_V1,
  name: "inception-resnet-v2",
  trace: inceptionResnetV2,
  net: { initialiser: xavier(), batchNorm: { decay: 0.9997 }, decayBiases: true },
};
const repeating = (
  entry: ModelEntry<InceptionOptions>,
  variant: string,
  repeats: InceptionOptions["repeats"],
) => ({
  ...entry,
  variant,
  defaults: { ...entry.defaults, repeats },
});

/** The Inception-ResNets as in the paper, and as facenet and TF-slim published their weights. */
export const INCEPTION_RESNETS: readonly ModelEntry[] = [
  RESNET_V1,
  repeating(RESNET_V1, "facenet", [5, 10, 6]),
  RESNET_V2,
  repeating(RESNET_V2, "slim", [10, 20, 10]),
];
