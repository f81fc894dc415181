// Small layers, operations and losses of one's own, and operations alone: values and gradients by hand.
import * as assert from "uvu/assert";
import {
  type Model,
  type Net,
  run,
  ShapeError,
  sgd,
  type Tensor,
  Trainer,
  ValueError,
} from "../../engine/index.ts";
import * as kernels from "../../kernels/index.ts";
import { swish } from "../examples/swish/swish.ts";
import { device, group } from "../harness.ts";
import { fails, imagesOf, LABELS, OPTIONS } from "./small.ts";

const check = group("layers");
const close = (got: ArrayLike<number>, want: ArrayLike<number>, what: string, allowed = 1e-6) => {
  assert.is(got.length, want.length, what);
  for (let i = 0; i < want.length; i++)
    assert.ok(
      Math.abs(got[i] - want[i]) <= allowed * Math.max(1, Math.abs(want[i])),
      `${what}[${i}]: ${got[i]}, want ${want[i]}`,
    );
};
const VALUES = Float32Array.of(-2, -0.5, 0.25, 0, 1, 3);

/** A model's outputs on x [2,3], and the gradient of the mean of `y` with respect to a parameter w [2,3] that is added to it. */
async function through(layer: (net: Net, x: Tensor) => Tensor) {
  const model: Model = (net, x) => {
    const w = net.parameter("w", [2, 3], (shape) => new Float32Array(shape[0] * shape[1]));
    const y = layer(net, net.add(x, w));
    return { loss: net.mean(y), outputs: { y } };
  };
  const trainer = await Trainer.create(device, model, { input: [2, 3], optimizer: sgd(), rate: 0 });
  try {
    // values beyond [-1, 1] are the caller's affair: only arrays of integers are refused
    const { loss, top1 } = await trainer.step({ images: VALUES });
    assert.ok(Number.isNaN(top1));
    const y = (await trainer.read("y")).data;
    close([loss], [y.reduce((a, b) => a + b, 0) / y.length], "loss");
    return { y, dw: (await trainer.variables.get("w", "gradient")).data };
  } finally {
    trainer.close();
  }
}

const sigma = (v: number) => 1 / (1 + Math.exp(-v));
const ELEMENTWISE: [string, (net: Net, x: Tensor) => Tensor, (v: number) => number, (v: number) => number][] =
  [
    ["sigmoid", (net, x) => net.sigmoid(x), sigma, (v) => sigma(v) * (1 - sigma(v))],
    ["tanh", (net, x) => net.tanh(x), Math.tanh, (v) => 1 - Math.tanh(v) ** 2],
    ["multiply", (net, x) => net.multiply(x, x), (v) => v * v, (v) => 2 * v],
    ["add", (net, x) => net.add(x, x), (v) => 2 * v, () => 2],
    ["scale", (net, x) => net.scale(x, -3), (v) => -3 * v, () => -3],
    [
      "an operation of one's own",
      (net, x) => net.apply(swish, { x }).y,
      (v) => v * sigma(v),
      (v) => sigma(v) * (1 + v * (1 - sigma(v))),
    ],
  ];
for (const [name, layer, value, slope] of ELEMENTWISE)
  check.test(name, async () => {
    const { y, dw } = await through(layer);
    close(y, VALUES.map(value), "y", 2e-6);
    close(
      dw,
      VALUES.map((v) => slope(v) / 6),
      "dw",
      2e-6,
    );
  });

check.test("softmax of the last axis", async () => {
  const { y, dw } = await through((net, x) =>
    net.multiply(net.softmax(x), net.input("weights", [2, 3])),
  ).catch((error) => ({ y: undefined, dw: error }));
  assert.is(y, undefined); // an input that is not given
  assert.instance(dw, ValueError);
  const plain = await through((net, x) => net.softmax(x));
  const rows = [VALUES.slice(0, 3), VALUES.slice(3)].flatMap((row) => {
    const e = [...row].map(Math.exp);
    return e.map((v) => v / e.reduce((a, b) => a + b));
  });
  close(plain.y, rows, "y");
  close(plain.dw, new Float32Array(6), "dw"); // each row sums to 1 whatever x is
});

check.test("a matrix product, and mean squared error, with a second input", async () => {
  const model: Model = (net, x) => {
    const w = net.parameter("w", [3, 1], () => Float32Array.of(1, 2, -1));
    const found = net.matmul(x, w);
    return { loss: net.meanSquaredError(found, net.input("target", [2, 1])), outputs: { found } };
  };
  const trainer = await Trainer.create(device, model, {
    input: [2, 3],
    optimizer: sgd({ momentum: 0 }),
    rate: 0.5,
  });
  const { loss } = await trainer.step({ images: [1, 0, 2, 0.5, -1, 1], target: [0, 1] });
  const found = [-1, -2.5];
  close((await trainer.read("found")).data, found, "found");
  close([loss], [(1 + 3.5 ** 2) / 2], "loss");
  const dw = [found[0] * 1 + -3.5 * 0.5, 3.5, found[0] * 2 + -3.5]; // (found - target) . x
  close((await trainer.variables.get("w", "gradient")).data, dw, "dw");
  close(
    (await trainer.variables.get("w")).data,
    [1, 2, -1].map((w, i) => w - 0.5 * dw[i]),
    "w",
  );
  await fails(
    () => trainer.step([1, 0, 2, 0.5, -1, 1], LABELS),
    ShapeError,
    /no input labels \(has images, target\)/,
  );
  const predictor = await trainer.predictor();
  assert.is((await predictor.predict(Float32Array.of(1, 0, 0))).length, 1);
  trainer.close();
});

check.test("a loss of another shape is refused", () =>
  fails(
    () => Trainer.create(device, (_, x) => ({ loss: x }), { input: [2, 3] }),
    ShapeError,
    /model: the loss is \[2,3\] but \[1\] is expected/,
  ),
);

check.test("two dropouts at one path drop apart", async () => {
  const model: Model = (net, x) => {
    const w = net.parameter("w", [1], () => Float32Array.of(1));
    const [a, b] = [net.dropout(x, 0.5), net.dropout(x, 0.5)];
    return { loss: net.multiply(w, w), outputs: { a, b } };
  };
  const trainer = await Trainer.create(device, model, { input: [1, 1000] });
  await trainer.step({ images: new Float32Array(1000).fill(1) });
  const [a, b] = [(await trainer.read("a")).data, (await trainer.read("b")).data];
  const both = a.filter((v, i) => v !== 0 && b[i] !== 0).length;
  for (const [name, kept] of [
    ["a", a.filter(Boolean).length],
    ["b", b.filter(Boolean).length],
  ] as const)
    assert.ok(Math.abs(kept - 500) < 100, `${name} keeps ${kept} of 1000`);
  assert.ok(Math.abs(both - 250) < 80, `${both} are in both`);
  trainer.close();
});

check.test("one operation alone, forward and updating in place", async () => {
  const { y } = await run(device, kernels.relu, { x: { shape: [2, 2], data: [-1, 2, NaN, 0] } });
  assert.equal([...y.data], [0, 2, NaN, 0]);
  assert.equal(y.shape, [2, 2]);
  const { loss, rank } = await run(
    device,
    kernels.softmaxCrossEntropy,
    { logits: { shape: [1, 3], data: [0, 1, 2] }, labels: { shape: [1], data: Uint8Array.of(1) } },
    { smoothing: 0 },
  );
  assert.instance(rank.data, Uint32Array);
  assert.is(rank.data[0], 1);
  close(loss.data, [Math.log(1 + Math.exp(-1) + Math.exp(1))], "loss");
  const w = { shape: [3], data: [1, 1, 1] };
  const updated = await run(
    device,
    kernels.sgd,
    {
      w,
      g: { shape: [3], data: [1, 2, 3] },
      momentum: { shape: [3], data: [0, 0, 0] },
      rate: { shape: [1], data: [0.5] },
    },
    { momentum: 0, nesterov: false, weightDecay: 0 },
  );
  close(updated.w.data, [0.5, 0, -0.5], "w");
  await fails(() => run(device, kernels.relu, { z: w }), ShapeError, /relu: no input z/);
  await fails(
    () => run(device, kernels.relu, { x: { shape: [4], data: [1] } }),
    ShapeError,
    /x: \[4\] takes 4 values but 1/,
  );
});

check.test("what a loss of cross-entropy knows of classes holds for labels by name too", async () => {
  const model: Model = (net, x) => {
    const logits = net.linear("logits", x, 4);
    const { loss } = net.crossEntropy(logits, net.input("truth", [4], "i32"));
    return { loss, outputs: { logits } };
  };
  const trainer = await Trainer.create(device, model, OPTIONS);
  await fails(
    () => trainer.step({ images: imagesOf(), truth: [0, 1, 2, 4] }),
    ValueError,
    /label 4 of image 3/,
  );
  assert.ok((await trainer.step({ images: imagesOf(), truth: LABELS })).loss > 0);
  trainer.close();
});

check.run();
