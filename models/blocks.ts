import type { Tensor } from "../engine/graph/graph.ts";
import type { Outputs } from "../engine/nn/model.ts";
import type { Net } from "../engine/nn/net.ts";

// What the three networks share. Figures are those of arXiv 1602.07261; branches stand in the order in which their
// outputs are concatenated, which is that of the public checkpoints. `V` in the paper is `valid` here.

export const VALID = { padding: "valid" } as const;
/** Stride 2 without padding: how every grid of these networks is halved. */
export const HALVE = { stride: 2, padding: "valid" } as const;

/** Figure 3, the stem of Inception-v4 and Inception-ResNet-v2: 299x299x3 -> 35x35x384. */
export function stem(net: Net, images: Tensor, slim = false): Tensor {
  let x = net.unit("1", images, 32, 3, HALVE); // 149x149x32
  x = net.unit("2", x, 32, 3, VALID); // 147x147x32
  x = net.unit("3", x, 64, 3); // 147x147x64
  x = net.concat(net.maxPool(x, 3, HALVE), net.at("4").unit("branch_2/1", x, 96, 3, HALVE)); // 73x73x160
  x = net.concat(shortBranch(net.at("5/branch_1"), x), longBranch(net.at("5/branch_2"), x, slim)); // 71x71x192
  return net.concat(net.at("6").unit("branch_1/1", x, 192, 3, HALVE), net.maxPool(x, 3, HALVE)); // 35x35x384
}

function shortBranch(net: Net, x: Tensor): Tensor {
  return net.unit("2", net.unit("1", x, 64, 1), 96, 3, VALID);
}

function longBranch(net: Net, x: Tensor, slim: boolean): Tensor {
  let y = net.unit("1", x, 64, 1);
  y = net.unit("2", y, 64, slim ? [1, 7] : [7, 1]);
  y = net.unit("3", y, 64, slim ? [7, 1] : [1, 7]);
  return net.unit("4", y, 96, 3, VALID);
}

/** Figure 7, 35x35 -> 17x17, with the filters k, l, m, n of table 1. */
export function reductionA(net: Net, x: Tensor, [k, l, m, n]: readonly number[]): Tensor {
  let y = net.unit("branch_2/1", x, k, 1);
  y = net.unit("branch_2/2", y, l, 3);
  y = net.unit("branch_2/3", y, m, 3, HALVE);
  return net.concat(net.unit("branch_1/1", x, n, 3, HALVE), y, net.maxPool(x, 3, HALVE));
}

/** Global average pool, dropout, fully connected: logits [n,classes]. */
export function head(net: Net, x: Tensor, { classes, keep }: { classes: number; keep: number }): Tensor {
  return net.linear("logits", net.dropout(net.globalAvgPool(x), keep), classes);
}

/** TF-slim's auxiliary classifier on the last 17x17 grid, in training only. */
export function auxiliary(net: Net, x: Tensor, classes: number): Tensor {
  let y = net.avgPool(x, 5, { stride: 3, padding: "valid" }); // 5x5
  y = net.unit("1", y, 128, 1);
  y = net.unit("2", y, 768, [y.shape[1], y.shape[2]], VALID); // 1x1
  return net.linear("logits", y, classes);
}

/** Logits, with those of the auxiliary head where the net is training and has one. */
export const outputs = (logits: Tensor, auxiliary?: Tensor): Outputs => ({ logits, auxiliary });
