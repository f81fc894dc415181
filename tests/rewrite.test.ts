// What the plan makes of a graph before it chooses kernels: the same values in other ways, with less kept.
import * as assert from "uvu/assert";
import type { Traits } from "../engine/device/traits.ts";
import { LimitError } from "../engine/errors.ts";
import { interpret } from "../engine/gradcheck/functions/interpreter.ts";
import { gradients } from "../engine/graph/autodiff.ts";
import type { Tensor } from "../engine/graph/graph.ts";
import { constant, xavier } from "../engine/nn/initialisers.ts";
import { Net } from "../engine/nn/net.ts";
import { Variables } from "../engine/nn/variables.ts";
import { planTraining } from "../engine/optim/training_plan.ts";
import { Executable } from "../engine/plan/executable.ts";
import { type PlanOptions, plan } from "../engine/plan/plan.ts";
import { commute } from "../engine/plan/rewrite/commute.ts";
import { fuse } from "../engine/plan/rewrite/fuse.ts";
import { live } from "../engine/plan/rewrite/uses.ts";
import { stream } from "../engine/random.ts";
import { size } from "../kernels/index.ts";
import { census, getModel, netOptions } from "../models/index.ts";
import { device, group } from "./harness.ts";
import { LAVAPIPE } from "./plans.ts";

const check = group("rewrite");
const INPUT = [2, 7, 6, 8];

/** Loss and gradients of a body in float64, and the operations of its forward pass in order. */
function traced(
  body: (net: Net, x: Tensor) => Tensor,
  rewrite: boolean,
  kept: "nothing" | "pools" = "nothing",
) {
  const net = new Net({ training: true, initialiser: xavier() });
  const x = net.input("images", INPUT);
  const { loss } = net.crossEntropy(
    net.linear("logits", net.globalAvgPool(body(net, x)), 3),
    net.input("labels", [INPUT[0]], "i32"),
  );
  const pools = net.graph.nodes.filter(({ op }) => op.name === "avg_pool2d").map(({ outputs }) => outputs.y);
  if (rewrite) commute(net.graph, kept === "pools" ? pools : []);
  const order = net.graph.nodes.map(({ label }) => label);
  const parameters = [...net.variables.values()].filter(({ trainable }) => trainable);
  const wanted = parameters.map(({ path, shape }) => net.graph.variable(path, shape));
  const found = gradients(net.graph, loss, wanted);
  const random = stream(1, "images");
  const weights = [...net.variables.values()].map(
    ({ path, shape }) => [path, xavier()(shape, stream(2, path))] as const,
  );
  const images = Float64Array.from({ length: size(INPUT) }, () => 2 * random() - 1);
  const value = interpret(net.graph, { images, labels: [2, 0], ...Object.fromEntries(weights) });
  return { order, values: [loss, ...wanted.map((t) => found.get(t)!)].map((t) => [...value(t)]) };
}

check.test("a narrowing 1x1 convolution comes before the average pool that it follows", () => {
  for (const window of [3, [2, 5]] as const) {
    const body = (net: Net, x: Tensor) =>
      net.unit("b", net.relu(net.conv2d("a", net.avgPool(x, window), 5, 1)), 4, 3);
    const [before, after] = [traced(body, false), traced(body, true)];
    assert.equal(before.order.slice(0, 2), ["avg_pool2d", "a conv2d"]);
    assert.equal(after.order.slice(0, 2), ["a conv2d", "avg_pool2d"]);
    for (const [i, want] of before.values.entries())
      for (const [j, v] of want.entries()) {
        const got = after.values[i][j];
        assert.ok(Math.abs(got - v) <= 1e-13, `value ${i}, ${j}: ${got} for ${v}`);
      }
  }
});

const UNMOVED: Readonly<Record<string, (net: Net, x: Tensor) => Tensor>> = {
  "as many channels out as in": (net, x) => net.conv2d("a", net.avgPool(x, 3), 8, 1),
  "a window of 3x1": (net, x) => net.conv2d("a", net.avgPool(x, 3), 4, [3, 1]),
  "a strided convolution": (net, x) => net.conv2d("a", net.avgPool(x, 3), 4, 1, { stride: 2 }),
  "a padded convolution": (net, x) => net.conv2d("a", net.avgPool(x, 3), 4, 1, { padding: [1, 0] }),
  "a pool that makes images smaller": (net, x) =>
    net.conv2d("a", net.avgPool(x, 3, { padding: "valid" }), 4, 1),
  "a pool that two read": (net, x) => {
    const y = net.avgPool(x, 3);
    return net.concat(net.conv2d("a", y, 4, 1), y);
  },
  "a maximum": (net, x) => net.conv2d("a", net.maxPool(x, 3), 4, 1),
};
for (const [what, body] of Object.entries(UNMOVED))
  check.test(`${what}: nothing is moved`, () => {
    assert.equal(traced(body, true).order, traced(body, false).order);
  });

check.test("a pool that is asked for stays", () => {
  const body = (net: Net, x: Tensor) => net.conv2d("a", net.avgPool(x, 3), 5, 1);
  assert.equal(traced(body, true, "pools").order, traced(body, false).order);
});

/** Two blocks on a stem, with branches joined and a residual sum: what the plan fuses and computes again. */
function blocks(net: Net, x: Tensor): Tensor {
  let y = net.unit("stem/1", x, 12, 3);
  y = net.unit("stem/2", y, 16, [1, 3]);
  for (const name of ["block_1", "block_2"]) {
    const at = net.at(name);
    const two = at.unit("two/2", at.unit("two/1", y, 6, 1), 8, 3);
    y = at.concat(at.unit("one", y, 8, 1), two, at.unit("three", at.avgPool(y, 3), 4, 1), at.maxPool(y, 3));
    const joined = at.concat(at.unit("four", y, 6, 1), at.unit("five", y, 6, 3));
    y = at.residual(y, at.conv2d("expansion", joined, y.shape[3], 1), 0.2);
  }
  return y;
}

/** One training pass over `blocks` on the device: loss, gradients, running statistics, and its plan. */
async function pass(options: PlanOptions, traits: Traits = device.traits) {
  const net = new Net({ training: true, batchNorm: { scale: true, decay: 0.5 } });
  const x = blocks(net, net.input("images", INPUT));
  const y = net.linear("logits", net.globalAvgPool(x), 3);
  const { loss } = net.crossEntropy(y, net.input("labels", [INPUT[0]], "i32"));
  commute(net.graph, [y]);
  const outputs: Record<string, Tensor> = { loss };
  const parameters = [...net.variables.values()].filter(({ trainable }) => trainable);
  const wanted = parameters.map(({ path, shape }) => net.graph.variable(path, shape));
  for (const [{ label }, dx] of gradients(net.graph, loss, wanted)) outputs[label] = dx;
  const made = plan(net.graph, traits, { outputs, ...options });
  const variables = await Variables.create(device, net.variables);
  for (const { path, shape } of net.variables.values())
    if (path.endsWith("beta")) variables.write(path, constant(1)(shape, stream(3, path)));
  const executable = await Executable.load(device, made, (v) => variables.place(v));
  try {
    const random = stream(4, "images");
    executable.poison();
    executable.write(
      "images",
      Float32Array.from({ length: size(INPUT) }, () => 2 * random() - 1),
    );
    executable.write("labels", Int32Array.of(2, 0));
    executable.run();
    const values = new Map<string, Float32Array>();
    for (const name of Object.keys(outputs)) values.set(name, await executable.read(name));
    const state = await variables.read();
    for (const [path, { data }] of state) if (/mean|variance/.test(path)) values.set(path, data);
    return { values, made, bytes: executable.bytes };
  } finally {
    executable.close();
    variables.close();
  }
}

type Pass = Awaited<ReturnType<typeof pass>>;

/** Throws unless all that a pass leaves agrees within rounding. */
function agree(got: Pass, want: Pass): void {
  assert.equal([...got.values.keys()], [...want.values.keys()]);
  for (const [name, values] of want.values) {
    const error = Math.hypot(...values.map((v, i) => v - got.values.get(name)![i]));
    const norm = Math.max(1e-3, Math.hypot(...values));
    assert.ok(error <= 1e-5 * norm, `${name}: relative L2 error ${error / norm}`);
  }
}

const labels = ({ made }: Pass) => made.dispatches.map(({ label }) => label.split("/")[0]);

check.test("fused or not, computed again or kept: the same values, statistics updated once", async () => {
  const plain = await pass({ fuse: false, recompute: false });
  const fused = await pass({ recompute: false });
  const usual = await pass({});
  for (const one of [fused, usual, await pass({ fuse: false })]) agree(one, plain);
  assert.not(labels(usual).some((op) => op === "batch_norm" || op === "relu"));
  const [all, less, least] = [plain, fused, usual].map(({ made }) => made.memory().arena);
  assert.ok(least < less && less <= all, `${least}, ${less}, ${all} bytes`);
});

check.test("fused where a binding does not hold the batch: the same values", async () => {
  const small = { ...device.traits, name: "a small adapter", maxBindingBytes: 12288 };
  const split = await pass({}, small);
  agree(split, await pass({ fuse: false, recompute: false }));
  assert.ok(split.made.dispatches.every(({ bindings }) => bindings.every(({ bytes }) => bytes <= 12288)));
});

/** Operations of a net after fusion, in order. */
function fused(training: boolean, body: (net: Net, x: Tensor) => readonly Tensor[], traits = device.traits) {
  const net = new Net({ training });
  const wanted = new Set(body(net, net.input("images", INPUT)));
  const nodes = fuse(net.graph, live(net.graph.nodes, wanted), wanted, traits);
  assert.ok([...wanted].every((t) => nodes.some(({ outputs }) => Object.values(outputs).includes(t))));
  return nodes.map(({ op }) => op.name);
}

/** A unit's parts. */
function unit(net: Net, x: Tensor) {
  const conv = net.conv2d("a", x, 4, 1, { bias: false });
  const norm = net.batchNorm("a", conv);
  return { conv, norm, y: net.relu(norm) };
}

check.test("what is fused, and what stays because it is asked for or read by others", () => {
  const apart = ["conv2d", "batch_norm", "relu"];
  const together = ["conv2d_moments", "batch_norm_relu"];
  assert.equal(
    fused(true, (net, x) => [unit(net, x).y]),
    together,
  );
  assert.equal(
    fused(true, (net, x) => Object.values(unit(net, x)).filter((_, i) => i !== 1)),
    together,
  );
  for (const training of [true, false]) {
    assert.equal(
      fused(training, (net, x) => Object.values(unit(net, x))),
      apart,
    );
    const sum = fused(training, (net, x) => {
      const { norm, y } = unit(net, x);
      return [net.residual(norm, y, 1)];
    });
    assert.equal(sum, [...apart, "scale_add_relu"]);
  }
  assert.equal(
    fused(false, (net, x) => [unit(net, x).y]),
    ["conv2d_batch_norm_relu"],
  );
  assert.equal(
    fused(true, (net, x) => [net.relu(net.batchNorm("a", net.avgPool(x, 3)))]),
    ["avg_pool2d", "moments", "batch_norm_relu"],
  );
  const small = { ...device.traits, maxBindingBytes: 2048 };
  assert.equal(
    fused(true, (net, x) => [unit(net, x).y], small),
    ["conv2d", "moments", "batch_norm_relu"],
  );
});

check.test("a convolution takes the residual sum that alone reads it", () => {
  const conv = (net: Net, x: Tensor) => net.conv2d("a", x, 8, 1);
  const alone = fused(false, (net, x) => [net.residual(x, conv(net, x), 0.2)]);
  assert.equal(alone, ["conv2d_residual"]);
  const apart = ["conv2d", "scale_add_relu"];
  const asked = fused(false, (net, x) => {
    const r = conv(net, x);
    return [r, net.residual(x, r, 0.2)];
  });
  assert.equal(asked, apart);
  const twice = fused(false, (net, x) => {
    const r = conv(net, x);
    return [net.residual(r, r, 0.2)];
  });
  assert.equal(twice, apart);
});

check.test("inference, fused or not: the same logits", async () => {
  const net = new Net({ training: false, batchNorm: { scale: true } });
  const y = blocks(net, net.input("images", INPUT));
  const variables = await Variables.create(device, net.variables);
  const random = stream(5, "variables");
  for (const { path, shape } of net.variables.values())
    if (!path.endsWith("/w"))
      variables.write(
        path,
        Float32Array.from({ length: size(shape) }, () => 0.5 + random()),
      );
  const images = Float32Array.from({ length: size(INPUT) }, () => 2 * random() - 1);
  const results: Float32Array[] = [];
  try {
    for (const fuse of [true, false]) {
      const made = plan(net.graph, device.traits, { outputs: { y }, fuse });
      const executable = await Executable.load(device, made, (v) => variables.place(v));
      executable.poison();
      executable.write("images", images);
      executable.run();
      results.push(await executable.read("y"));
      executable.close();
    }
  } finally {
    variables.close();
  }
  const [got, want] = results;
  const error = Math.hypot(...want.map((v, i) => v - got[i])) / Math.hypot(...want);
  assert.ok(error < 1e-6, `relative L2 error ${error}`);
});

for (const name of ["inception-v4", "inception-resnet-v1", "inception-resnet-v2"])
  check.test(
    `${name} at 299: little is kept beside the convolutions' outputs, and placed without gaps`,
    () => {
      const least = 4 * census(getModel(name), 299).activations;
      for (const batch of [1, 8, 32]) {
        const options = { input: [batch, 299, 299, 3] as const, net: netOptions(name) };
        const { arena, lowerBound } = planTraining(getModel(name), LAVAPIPE, options).pass.memory();
        assert.ok(arena <= 1.05 * lowerBound, `batch ${batch}: ${arena} bytes, ${lowerBound} alive`);
        // the temporaries of a stem's Winograd convolutions lie beside its outputs
        assert.ok(arena <= 1.2 * batch * least, `batch ${batch}: ${arena} bytes, ${batch * least} put out`);
      }
    },
  );

check.test("a budget is kept to, and says what it cannot", async () => {
  const usual = await pass({});
  const { total } = usual.made.memory();
  assert.is(usual.bytes, total);
  const least = await rejection(() => pass({ memory: { most: 1, reserved: 1000 } }));
  assert.instance(least, LimitError);
  const bytes = Number(
    /^memory: 1 bytes are allowed but a step takes (\d+) at least$/.exec(least.message)?.[1],
  );
  assert.ok(bytes - 1000 < total, `${bytes} beside ${total}`);
  let before = Infinity;
  for (const most of [total, bytes - 1000]) {
    const within = await pass({ memory: { most, reserved: 0 } });
    agree(within, usual);
    assert.ok(within.bytes <= most && within.bytes < before, `${within.bytes} of ${most} bytes`);
    before = within.bytes;
  }
});

async function rejection(work: () => Promise<unknown>): Promise<Error> {
  try {
    await work();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

check.run();
