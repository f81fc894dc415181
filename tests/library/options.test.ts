// Options of optimisers, schedules and layers: unknown names and values outside their range are refused where they enter.
import {
  adamw,
  Net,
  rmsprop,
  ShapeError,
  sgd,
  staircase,
  ValueError,
  varianceScaling,
} from "../../engine/index.ts";
import { group } from "../harness.ts";
import { fails } from "./small.ts";

const check = group("options");
const x = () => {
  const net = new Net({ training: true });
  return { net, x: net.input("x", [2, 8, 8, 3]) };
};
const layer = (trace: (net: Net, x: any) => unknown) => () => {
  const made = x();
  return trace(made.net, made.x);
};
const any = (value: unknown) => value as any;

const cases: [string, () => unknown, typeof ValueError | typeof ShapeError, RegExp][] = [
  ["rmsprop: epsilon", () => rmsprop({ epsilon: NaN }), ValueError, /rmsprop: epsilon is NaN/],
  ["rmsprop: decay", () => rmsprop({ decay: 1 }), ValueError, /rmsprop: decay is 1 .* below 1/],
  [
    "rmsprop: unknown",
    () => rmsprop(any({ lr: 1 })),
    ValueError,
    /rmsprop: there is no option lr \(has decay,/,
  ],
  ["sgd: weightDecay", () => sgd({ weightDecay: -1 }), ValueError, /sgd: weightDecay is -1/],
  ["sgd: nesterov", () => sgd(any({ nesterov: 1 })), ValueError, /sgd: nesterov is 1 but one of true, false/],
  ["adamw: beta2", () => adamw({ beta2: 1.5 }), ValueError, /adamw: beta2 is 1.5/],
  ["staircase: every", () => staircase({ every: 0 }), ValueError, /staircase: every is 0/],
  ["staircase: rate", () => staircase({ every: 1, rate: NaN }), ValueError, /staircase: rate is NaN/],
  ["varianceScaling", () => varianceScaling(-1), ValueError, /varianceScaling: factor is -1/],
  ["net: unknown", () => new Net(any({ train: true })), ValueError, /net: there is no option train/],
  ["net: width", () => new Net({ width: 0 }), ValueError, /net: width is 0/],
  ["net: epsilon", () => new Net({ batchNorm: { epsilon: -1 } }), ValueError, /batchNorm.epsilon is -1/],
  ["input", layer((net) => net.input("y", [0, 3])), ValueError, /y is \[0,3\]/],
  ["input: type", layer((net) => net.input("y", [3], any("f64"))), ValueError, /dtype is "f64"/],
  [
    "padding",
    layer((net, x) => net.conv2d("c", x, 4, 3, any({ padding: "SAME" }))),
    ValueError,
    /c conv2d: padding is "SAME" but "same", "valid"/,
  ],
  [
    "padding below 0",
    layer((net, x) => net.conv2d("c", x, 4, 3, { padding: [-1, 0] })),
    ValueError,
    /padding is/,
  ],
  ["filters", layer((net, x) => net.conv2d("c", x, 0, 3)), ValueError, /filters is 0/],
  ["window", layer((net, x) => net.maxPool(x, 2.5)), ValueError, /max_pool2d: window is 2.5/],
  ["stride", layer((net, x) => net.avgPool(x, 3, { stride: 0 })), ValueError, /stride is 0/],
  [
    "layer: unknown",
    layer((net, x) => net.conv2d("c", x, 4, 3, any({ strides: 2 }))),
    ValueError,
    /no option strides/,
  ],
  [
    "rank",
    layer((net, x) => net.conv2d("c", net.globalAvgPool(x), 4, 3)),
    ShapeError,
    /x is \[2,3\] but 4 axes/,
  ],
  ["keep", layer((net, x) => net.dropout(x, 0)), ValueError, /dropout: keep is 0/],
  ["units", layer((net, x) => net.linear("l", x, -1)), ValueError, /units is -1/],
  [
    "smoothing",
    layer((net, x) => net.crossEntropy(net.globalAvgPool(x), net.input("l", [2], "i32"), { smoothing: 2 })),
    ValueError,
    /smoothing is 2/,
  ],
  ["concat", layer((net) => net.concat()), ShapeError, /concat: no tensors/],
];
for (const [what, call, type, says] of cases) check.test(what, () => fails(call, type, says));

check.run();
