import type { Tensor } from "../engine/graph/graph.ts";
import { varianceScaling } from "../engine/nn/initialisers.ts";
import type { Outputs } from "../engine/nn/model.ts";
import type { Net } from "../engine/nn/net.ts";
import { auxiliary, HALVE, head, outputs, reductionA, stem } from "./blocks.ts";
import type { ModelEntry } from "./entry.ts";
import {
  checkInceptionOptions,
  INCEPTION_DEFAULTS,
  type InceptionOptions,
  SMALLEST_IMAGE,
} from "./inception_options.ts";

/**
 * Inception-v4 (arXiv 1602.07261, figure 9): images [n,299,299,3] -> logits [n,classes].
 * Variant `slim` has the branch order of the public weights: some 1x7 and 7x1 change places.
 */
export function inceptionV4(net: Net, images: Tensor, options: InceptionOptions): Outputs {
  const slim = options.variant === "slim";
  const [a, b, c] = options.repeats;
  let x = net.block("stem", images, (at, x) => stem(at, x, slim)); // 35x35x384
  for (let i = 1; i <= a; i++) x = net.block(`inception_a_${i}`, x, inceptionA);
  x = net.block("reduction_a", x, (at, x) => reductionA(at, x, [192, 224, 256, 384])); // 17x17x1024
  for (let i = 1; i <= b; i++) x = net.block(`inception_b_${i}`, x, (at, x) => inceptionB(at, x, slim));
  const aux =
    options.auxiliary && net.training ? auxiliary(net.at("auxiliary"), x, options.classes) : undefined;
  x = net.block("reduction_b", x, reductionB); // 8x8x1536
  for (let i = 1; i <= c; i++) x = net.block(`inception_c_${i}`, x, (at, x) => inceptionC(at, x, slim));
  return outputs(head(net, x, options), aux);
}

/** Figure 4: 35x35x384 -> 35x35x384. */
function inceptionA(net: Net, x: Tensor): Tensor {
  const one = net.unit("branch_1/1", x, 96, 1);
  const two = net.unit("branch_2/2", net.unit("branch_2/1", x, 64, 1), 96, 3);
  let three = net.unit("branch_3/1", x, 64, 1);
  three = net.unit("branch_3/2", three, 96, 3);
  three = net.unit("branch_3/3", three, 96, 3);
  return net.concat(one, two, three, net.unit("branch_4/1", net.avgPool(x, 3), 96, 1));
}

/** Figure 5: 17x17x1024 -> 17x17x1024. The figure's second 1x7 of the third branch is read as 7x1. */
function inceptionB(net: Net, x: Tensor, slim: boolean): Tensor {
  const [across, down]: [1 | 7, 1 | 7][] = slim
    ? [
        [7, 1],
        [1, 7],
      ]
    : [
        [1, 7],
        [7, 1],
      ];
  const one = net.unit("branch_1/1", x, 384, 1);
  let two = net.unit("branch_2/1", x, 192, 1);
  two = net.unit("branch_2/2", two, 224, [1, 7]);
  two = net.unit("branch_2/3", two, 256, [7, 1]);
  let three = net.unit("branch_3/1", x, 192, 1);
  three = net.unit("branch_3/2", three, 192, across);
  three = net.unit("branch_3/3", three, 224, down);
  three = net.unit("branch_3/4", three, 224, across);
  three = net.unit("branch_3/5", three, 256, down);
  return net.concat(one, two, three, net.unit("branch_4/1", net.avgPool(x, 3), 128, 1));
}

/** Figure 8: 17x17x1024 -> 8x8x1536. */
function reductionB(net: Net, x: Tensor): Tensor {
  const one = net.unit("branch_1/2", net.unit("branch_1/1", x, 192, 1), 192, 3, HALVE);
  let two = net.unit("branch_2/1", x, 256, 1);
  two = net.unit("branch_2/2", two, 256, [1, 7]);
  two = net.unit("branch_2/3", two, 320, [7, 1]);
  two = net.unit("branch_2/4", two, 320, 3, HALVE);
  return net.concat(one, two, net.maxPool(x, 3, HALVE));
}

/** Figure 6: 8x8x1536 -> 8x8x1536. `2a` and `2b` read the same tensor. */
function inceptionC(net: Net, x: Tensor, slim: boolean): Tensor {
  const one = net.unit("branch_1/1", x, 256, 1);
  const two = net.unit("branch_2/1", x, 384, 1);
  let three = net.unit("branch_3/1", x, 384, 1);
  three = net.unit("branch_3/2", three, 448, slim ? [3, 1] : [1, 3]);
  three = net.unit("branch_3/3", three, 512, slim ? [1, 3] : [3, 1]);
  return net.concat(
    one,
    net.unit("branch_2/2a", two, 256, [1, 3]),
    net.unit("branch_2/2b", two, 256, [3, 1]),
    net.unit("branch_3/4a", three, 256, [1, 3]),
    net.unit("branch_3/4b", three, 256, [3, 1]),
    net.unit("branch_4/1", net.avgPool(x, 3), 256, 1),
  );
}

const ENTRY: ModelEntry<InceptionOptions> = {
  name: "inception-v4",
  variant: "paper",
  trace: inceptionV4,
  defaults: { ...INCEPTION_DEFAULTS, repeats: [4, 7, 3] },
  check: checkInceptionOptions,
  smallestImage: SMALLEST_IMAGE,
  net: { initialiser: varianceScaling(2), batchNorm: { decay: 0.9997 } },
};

/** Inception-v4 as in the paper, and in the branch order of the public weights of TF-slim. */
export const INCEPTION_V4: readonly ModelEntry[] = [ENTRY, { ...ENTRY, variant: "slim" }];
