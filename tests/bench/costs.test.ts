// What operations say they cost, against counts of every addition, product, comparison, root and exponential in plain
// loops over their formulas; what plans make of it; what networks cost in all, as others have published it.
import * as assert from "uvu/assert";
import { launchDispatches } from "../../engine/gradcheck/operations/launch.ts";
import { problemShapes } from "../../engine/gradcheck/operations/problem.ts";
import { Graph, type Node } from "../../engine/graph/graph.ts";
import { withGradients } from "../../engine/graph/signature.ts";
import { planTraining } from "../../engine/optim/training_plan.ts";
import { plan } from "../../engine/plan/plan.ts";
import { concat, ops, relu, rmsprop, size } from "../../kernels/index.ts";
import { type Op, routines, type Shape, type Shapes } from "../../kernels/op.ts";
import { census, getModel, Net, netOptions } from "../../models/index.ts";
import { group } from "../harness.ts";
import { LAVAPIPE } from "../plans.ts";

const check = group("costs");

/** Counts so many operations each time. */
type Count = (operations: number) => void;
type Hand = (t: Shapes, attrs: any, count: Count) => void;

/** Calls `body` once for every element. */
function each(shape: Shape, body: () => void): void {
  const [first, ...rest] = shape;
  if (first === undefined) body();
  else for (let i = 0; i < first; i++) each(rest, body);
}
const perElement =
  (tensor: string, operations: number | ((attrs: any) => number)): Hand =>
  (t, attrs, count) =>
    each(t[tensor], () => count(typeof operations === "number" ? operations : operations(attrs)));
const all =
  (...hands: readonly Hand[]): Hand =>
  (t, attrs, count) => {
    for (const hand of hands) hand(t, attrs, count);
  };
const nothing: Hand = () => {};

/** A product and an addition for every tap of every output and input channel, those on padding too. */
const products: Hand = ({ y, w: [r, s, c] }, _, count) =>
  each(y, () => {
    for (let u = 0; u < r; u++)
      for (let v = 0; v < s; v++)
        for (let m = 0; m < c; m++) {
          count(1); // times
          count(1); // plus
        }
  });
const matrix: Hand = ({ y, w: [k] }, _, count) => each([...y, k], () => count(2));
const window =
  (perTap: number, perOutput: number): Hand =>
  ({ y }, { window: [r, s] }, count) =>
    each(y, () => {
      for (let tap = 0; tap < r * s; tap++) count(perTap);
      count(perOutput);
    });

const convolution = {
  forward: all(products, perElement("y", 1)), // and the bias
  x: products,
  w: products,
  b: perElement("y", 1),
};
const bias = convolution.forward;
/** A mean, deviations from it, their sum, and their squares' sum. */
const moments = 1 + 1 + 1 + 2;
const masked = ({ relu }: { relu: boolean }) => (relu ? 1 : 0);
const scaled = (attrs: { relu: boolean }) => masked(attrs) + 1;

const HANDS: Readonly<Record<string, Readonly<Record<string, Hand>>>> = {
  // gradient 1, first moment 3, second 4, step 5, decay and update 4
  adamw: { forward: perElement("w", 17) },
  add: { forward: perElement("a", 1), a: nothing, b: nothing },
  avg_pool2d: { forward: window(1, 1), x: window(1, 1) },
  batch_norm: {
    // the moments; centred, scaled twice, shifted
    forward: perElement("x", ({ training }) => (training ? moments : 0) + 4),
    // normalised 2, summed 1, multiplied and summed 2; normalised 2, centred 1, less the slope 2, scaled 1
    x: perElement("x", 11),
  },
  batch_norm_relu: {
    forward: perElement("x", 4 + 1),
    recompute: perElement("x", 4 + 1),
    // as above, and in both passes y again and its sign: 3 each
    x: perElement("x", 11 + 2 * 3),
  },
  cast_f16: { forward: nothing },
  cast_f32: { forward: nothing },
  clip_factor: { forward: (_, __, count) => count(3) }, // root, comparison, division
  concat: { forward: nothing, x: nothing },
  conv2d: convolution,
  // less the mean, scaled and shifted, compared
  conv2d_batch_norm_relu: {
    forward: all(
      bias,
      perElement("y", ({ relu = true }) => 3 + masked({ relu })),
    ),
  },
  conv2d_moments: { ...convolution, forward: all(bias, perElement("y", moments)) },
  conv2d_residual: {
    forward: all(
      bias,
      perElement("y", (attrs) => 1 + scaled(attrs)),
    ),
    x: all(products, perElement("y", scaled)),
    w: all(products, perElement("y", scaled)),
    b: perElement("y", (attrs) => 1 + scaled(attrs)),
    shortcut: perElement("y", masked),
  },
  copy: { forward: nothing, x: nothing },
  dropout: { forward: perElement("x", 1), x: perElement("x", 1) },
  fill: { forward: nothing },
  global_avg_pool: { forward: all(perElement("x", 1), perElement("y", 1)), x: perElement("y", 1) },
  linear: { forward: all(matrix, perElement("y", 1)), x: matrix, w: matrix, b: perElement("y", 1) },
  max_pool2d: { forward: window(1, 0), x: perElement("y", 1) },
  mean: { forward: perElement("x", 1), x: perElement("x", 1) },
  // distance, square, sum; distance, scaled twice
  mean_squared_error: { forward: perElement("x", 3), x: perElement("x", 3), target: perElement("x", 3) },
  moments: { forward: perElement("x", moments) },
  multiply: { forward: perElement("a", 1), a: perElement("a", 1), b: perElement("a", 1) },
  relu: { forward: perElement("x", 1), x: perElement("x", 1) },
  // gradient 3, mean square 4, its root 2, scaled 1, momentum 3, update 1
  rmsprop: { forward: perElement("w", 14) },
  scale: { forward: perElement("x", 1), x: perElement("x", 1) },
  scale_add_relu: { forward: perElement("x", (attrs) => 1 + scaled(attrs)), "x r": perElement("x", scaled) },
  // gradient 3, momentum 2, update 2
  sgd: { forward: perElement("w", ({ nesterov }) => (nesterov ? 9 : 7)) },
  // exponential, comparison, sum, quotient; 1 less y, two products
  sigmoid: { forward: perElement("x", 4), x: perElement("x", 3) },
  // the greatest, the difference, its exponential, a sum, a quotient; a product and a sum, a difference, a product
  softmax: { forward: perElement("x", 5), x: perElement("x", 4) },
  softmax_cross_entropy: {
    // of a logit the greatest, the label's, the difference, its exponential, two sums; of a row the mean
    forward: all(perElement("logits", 6), perElement("losses", 1)),
    logits: perElement("logits", 4),
  },
  sum: {
    forward: perElement("x", ({ squares }) => (squares ? 2 : 1)),
    x: perElement("x", ({ squares }) => (squares ? 2 : 0)),
  },
  // twice x, its exponential, a difference, a sum, a quotient; a square, 1 less it, a product
  tanh: { forward: perElement("x", 5), x: perElement("x", 3) },
  weight_average: { forward: perElement("w", 3) },
};

/** Small enough to be counted one by one. */
const SMALL = 20_000;

for (const op of ops)
  check.test(`${op.name} of ${op.inputs.length}: FLOPs as counted by hand, shared among its kernels`, () => {
    const hands = HANDS[op.name];
    assert.ok(hands, `no count of ${op.name}`);
    for (const [i, example] of op.cases.entries()) {
      const shapes = withGradients(problemShapes(op, example));
      const said = op.flops(shapes, example.attrs);
      for (const routine of Object.keys(routines(op))) {
        const hand = hands[op.name === "concat" && routine !== "forward" ? "x" : routine];
        assert.ok(hand, `no count of ${op.name}/${routine}`);
        let counted = 0;
        if ((said[routine] ?? 0) < 1e6) {
          hand(shapes, example.attrs, (operations) => {
            counted += operations;
          });
          assert.is(said[routine] ?? 0, counted, `${op.name}/${routine}, ${example.what}`);
        }
        if (i < 3 && size(Object.values(shapes)[0]) < SMALL)
          sharedAmongKernels(op, routine, shapes, example.attrs);
      }
    }
  });

/** Every algorithm's dispatches have the operation's FLOPs in all, none fewer than none. */
function sharedAmongKernels(op: Op, routine: string, shapes: Shapes, attrs: unknown): void {
  const want = op.flops(shapes, attrs)[routine] ?? 0;
  for (const { name, fits } of routines(op)[routine]) {
    if (fits && !fits(shapes, attrs)) continue;
    const flops = launchDispatches(LAVAPIPE, op, attrs, shapes, routine, name).map(
      (dispatch) => dispatch.flops,
    );
    const sum = flops.reduce((total, one) => total + one, 0);
    assert.ok(Math.abs(sum - want) <= 1e-9 * want, `${op.name}/${routine} ${name}: ${sum}, want ${want}`);
    assert.ok(
      flops.every((one) => one >= 0),
      `${op.name}/${routine} ${name}: ${flops}`,
    );
  }
}

const find = (name: string): Op => ops.find((op) => op.name === name)!;

/** FLOPs by the last part of the kernel's label. */
function byKernel(name: string, routine: string, algorithm: string, inputs: Shapes, attrs: unknown) {
  const op = find(name);
  const shapes = withGradients(problemShapes(op, { shapes: inputs, attrs }));
  const found = launchDispatches(LAVAPIPE, op, attrs, shapes, routine, algorithm);
  return Object.fromEntries(found.map(({ label, flops }) => [label.slice(label.indexOf("/") + 1), flops]));
}

const SAME = {
  stride: [1, 1],
  padding: [
    [1, 1],
    [1, 1],
  ],
};

check.test("a transpose has no FLOPs, the convolution behind it all of them", () => {
  const inputs = { x: [1, 8, 8, 32], w: [3, 3, 32, 32] };
  const { transpose_w, ...rest } = byKernel("conv2d", "x", "transposed", inputs, SAME);
  assert.is(transpose_w, 0);
  assert.equal(Object.values(rest), [2 * 64 * 32 * 9 * 32]);
});

check.test("a finish has a few for each of its sums", () => {
  const x = [2, 64, 64, 16];
  const one = [16];
  const inputs = { x, beta: one, running_mean: one, running_var: one };
  const attrs = { training: true, epsilon: 1e-3, decay: 0.9 };
  const { statistics, finish, normalise } = byKernel("batch_norm", "forward", "training", inputs, attrs);
  assert.is(normalise, 4 * size(x));
  assert.ok(finish > 0 && finish < 0.1 * size(x), `${finish}`);
  assert.is(statistics + finish, 5 * size(x));
});

check.test("Winograd's transforms have what their matrices take: F(2x2, 3x3) by hand", () => {
  const inputs = { x: [1, 8, 8, 32], w: [3, 3, 32, 64] };
  const flops = byKernel("conv2d", "forward", "winograd_2x2", inputs, SAME);
  const tiles = 4 * 4;
  // B of points 0, 1, -1 and infinity: four rows of two terms each, so 4 + 4 sums of four; A: three terms in each of two rows
  assert.is(flops.winograd_2x2_input, tiles * 32 * 32);
  assert.is(flops.winograd_2x2_output, tiles * 64 * (4 * 4 + 2 * 4));
  const sum = Object.values(flops).reduce((total, one) => total + one, 0);
  assert.is(sum, 64 * 64 * (2 * 9 * 32 + 1));
});

check.test("split over the batch, FLOPs and bytes of the images stay the same in all", () => {
  const graph = new Graph();
  const { y } = graph.apply(relu, { x: graph.input("x", [5, 16, 16, 8]) });
  const sums = [LAVAPIPE, { ...LAVAPIPE, maxBindingBytes: 2 * 4 * 16 * 16 * 8 + 300 }].map((traits) => {
    const { dispatches } = plan(graph, traits, { outputs: { y } });
    const sum = (of: "flops" | "bytes") => dispatches.reduce((total, one) => total + one[of], 0);
    return { count: dispatches.length, flops: sum("flops"), bytes: sum("bytes") };
  });
  const elements = 5 * 16 * 16 * 8;
  assert.equal(sums, [
    { count: 1, flops: elements, bytes: 8 * elements },
    { count: 3, flops: elements, bytes: 8 * elements },
  ]);
});

check.test("a slice of a wider tensor has its own bytes, what is updated is read and written", () => {
  const graph = new Graph();
  const op = concat(2);
  const [x0, x1] = [4, 60].map((channels, i) => graph.input(`x${i}`, [1, 4, 4, channels]));
  const parts = [x0, x1].map((x) => graph.apply(relu, { x }).y);
  const { y } = graph.apply(op, Object.fromEntries(op.inputs.map((name, i) => [name, parts[i]])));
  const { dispatches } = plan(graph, LAVAPIPE, { outputs: { y } });
  assert.equal(
    dispatches.map(({ bytes }) => bytes),
    [4, 60].map((channels) => 2 * 4 * 16 * channels),
  );
  const [n, one] = [[64], [1]];
  const inputs = { w: n, g: n, mean_square: n, momentum: n, rate: one, factor: one };
  const [{ attrs }] = rmsprop.cases;
  const shapes = withGradients(problemShapes(rmsprop, { shapes: inputs, attrs }));
  const [{ name }] = rmsprop.forward;
  const [{ bytes }] = launchDispatches(LAVAPIPE, rmsprop, attrs, shapes, "forward", name);
  assert.is(bytes, 4 * (7 * 64 + 2)); // reads four, writes three
});

/** Multiply-adds of convolutions and fully connected layers of one image, and values of their parameters. */
function forwardCost(name: string, variant: string) {
  const net = new Net(netOptions(name, { variant, batchNorm: { scale: true } }));
  getModel(name, { variant })(net, net.input("images", [1, 299, 299, 3]));
  const of = (...names: readonly string[]) => net.graph.nodes.filter(({ op }) => names.includes(op.name));
  const flops = (node: Node) => node.op.flops(node.shapes, node.attrs).forward;
  const layers = of("conv2d", "linear");
  const macs = layers.reduce((sum, node) => sum + (flops(node) - size(node.shapes.y)) / 2, 0);
  const normalised = of("batch_norm").reduce((sum, { shapes: { x } }) => sum + size(x), 0);
  const parameters = [...net.variables.values()]
    .filter(({ trainable }) => trainable)
    .reduce((sum, { shape }) => sum + size(shape), 0);
  return {
    parameters: (parameters / 1e6).toFixed(2),
    macs: (macs / 1e9).toFixed(3),
    // timm's figure has two for each value that is batch-normalised
    timm: ((macs + 2 * normalised) / 1e9).toFixed(2),
  };
}

check.test("Inception-v4 and Inception-ResNet-v2 cost what timm's tables print", () => {
  assert.equal(forwardCost("inception-v4", "paper"), { parameters: "42.68", macs: "12.254", timm: "12.28" });
  const v2 = forwardCost("inception-resnet-v2", "slim");
  assert.equal(v2, { parameters: "55.84", macs: "13.156", timm: "13.18" });
});

check.test("backward is twice the forward less the first layer's gradient to the image", () => {
  const name = "inception-v4";
  const { pass } = planTraining(getModel(name), LAVAPIPE, { input: [1, 299, 299, 3], net: netOptions(name) });
  const products = (routine: string) =>
    pass.dispatches
      .filter(({ node }) => node.shapes.w && node.routine === routine)
      .reduce((sum, { flops }) => sum + flops, 0);
  const forward = 2 * census(getModel(name), 299, netOptions(name)).macs;
  const first = 2 * 149 * 149 * 32 * 9 * 3;
  assert.is(Math.round(products("w")), forward);
  assert.is(Math.round(products("x")), forward - first);
});
check.run();
