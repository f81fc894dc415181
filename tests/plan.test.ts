// Plans of small graphs against the float64 interpreter: concatenations as views, sums of gradients, tensors split
// over the batch, memory reused by lifetime.
import * as assert from "uvu/assert";
import type { Traits } from "../engine/device/traits.ts";
import { LimitError } from "../engine/errors.ts";
import { interpret } from "../engine/gradcheck/functions/interpreter.ts";
import { gradients } from "../engine/graph/autodiff.ts";
import { Graph, type Tensor } from "../engine/graph/graph.ts";
import { constant, xavier } from "../engine/nn/initialisers.ts";
import { Net } from "../engine/nn/net.ts";
import { Variables } from "../engine/nn/variables.ts";
import { Executable } from "../engine/plan/executable.ts";
import { type Plan, plan } from "../engine/plan/plan.ts";
import { stream } from "../engine/random.ts";
import { concat, relu, size, sum } from "../kernels/index.ts";
import { device, group } from "./harness.ts";

const check = group("plan");
const INPUT = [4, 7, 7, 3];
const LABELS = Int32Array.of(2, 0, 1, 2);

type Body = (net: Net, x: Tensor) => Tensor;

/** Bodies from an image to [n,classes] features that stress one thing each. */
const BODIES: Readonly<Record<string, Body>> = {
  "branches joined": (net, x) =>
    net.concat(net.unit("a", x, 5, 1), net.unit("b", x, 7, 3), net.avgPool(x, 3)),
  "a concatenation inside a concatenation": (net, x) =>
    net.concat(net.concat(net.unit("a", x, 4, 1), net.unit("b", x, 3, 1)), net.unit("c", x, 2, 3)),
  "a part that others read too": (net, x) => {
    const a = net.unit("a", x, 4, 1);
    return net.concat(a, net.unit("b", a, 5, 3));
  },
  "channels read in fours, joined where no four begins": (net, x) => {
    const small = net.maxPool(x, 3, { stride: 2 });
    const a = net.unit("a", small, 28, 1);
    const y = net.concat(net.unit("b", small, 3, 1), a);
    return net.concat(net.conv2d("c", a, 32, 1), net.conv2d("d", y, 4, 1));
  },
  "a tensor joined with itself": (net, x) => {
    const a = net.unit("a", x, 4, 1);
    return net.concat(a, a);
  },
  "joined parts that are all read later": (net, x) => {
    const [a, b] = [net.unit("a", x, 4, 1), net.unit("b", x, 3, 1)];
    const y = net.concat(a, b);
    return net.concat(net.conv2d("c", y, 4, 1), net.conv2d("d", a, 4, 1), net.conv2d("e", b, 4, 1));
  },
  "a dense block": (net, x) => {
    const parts = [net.unit("a", x, 4, 1)];
    for (let i = 0; i < 3; i++) parts.push(net.conv2d(`b${i}`, net.concat(...parts), 3, 3));
    return net.concat(...parts);
  },
  "a tensor joined with itself and read later": (net, x) => {
    const a = net.unit("a", x, 4, 1);
    return net.concat(net.conv2d("b", net.concat(a, a), 3, 1), net.conv2d("c", a, 4, 1));
  },
  "a concatenation of what made one": (net, x) => {
    const q = net.conv2d("q", x, 4, 1);
    const p = net.conv2d("p", q, 4, 1);
    return net.concat(q, net.concat(p, net.conv2d("r", x, 4, 1)));
  },
  "the input joined": (net, x) => net.concat(x, net.unit("a", x, 4, 3)),
  "one tensor read by many": (net, x) => {
    const a = net.unit("a", x, 6, 3);
    const r = net.conv2d("r", net.concat(net.unit("b", a, 3, 1), net.unit("c", a, 4, [1, 3])), 6, 1);
    return net.residual(net.residual(a, r, 0.3), a, 0.5, { relu: false });
  },
  "shared weights": (net, x) => {
    const a = net.unit("a", x, 3, 1);
    return net.concat(net.conv2d("shared", a, 4, 3), net.conv2d("shared", net.relu(a), 4, 3));
  },
  "a dead branch": (net, x) => {
    net.unit("dead", x, 64, 3);
    return net.unit("a", x, 4, 3, { stride: 2, padding: "valid" });
  },
  "max pools, even strides": (net, x) =>
    net.concat(
      net.maxPool(x, 3, { stride: 2 }),
      net.unit("a", x, 4, 3, { stride: 2 }),
      net.maxPool(x, [2, 3], { stride: 2 }),
    ),
};

interface Built {
  readonly net: Net;
  readonly loss: Tensor;
  readonly found: Map<Tensor, Tensor>;
}

function build(body: Body): Built {
  const net = new Net({ training: true, initialiser: xavier(), batchNorm: { scale: true } });
  const x = body(net, net.input("images", INPUT));
  const logits = net.linear("logits", net.globalAvgPool(x), 3);
  const { loss } = net.crossEntropy(logits, net.input("labels", [INPUT[0]], "i32"));
  const parameters = [...net.variables.values()]
    .filter((s) => s.trainable)
    .map(({ path, shape }) => net.graph.variable(path, shape));
  return { net, loss, found: gradients(net.graph, loss, parameters) };
}

/** First values that keep relus away from their kink: shifts around 1. */
function values(net: Net): Map<string, Float32Array> {
  const shifted = (path: string) => (path.endsWith("beta") ? constant(1) : xavier());
  return new Map(
    [...net.variables.values()].map(({ path, shape, initial }) => {
      const pick = path.endsWith("beta") || path.endsWith("/w") ? shifted(path) : initial;
      return [path, pick(shape, stream(1, path))];
    }),
  );
}

/** Plans, runs and compares loss and every gradient with the interpreter. */
async function agrees({ net, loss, found }: Built, traits: Traits, slices = true): Promise<Plan> {
  const random = stream(2, "images");
  const images = Float32Array.from({ length: size(INPUT) }, () => 2 * random() - 1);
  const weights = values(net);
  const given = { images, labels: LABELS, ...Object.fromEntries(weights) };
  const outputs = Object.fromEntries([
    ["loss", loss],
    ...[...found].map(([x, dx]) => [x.label, dx]),
  ]) as Record<string, Tensor>;
  const made = plan(net.graph, traits, { outputs, slices });
  const variables = await Variables.create(device, net.variables);
  for (const [path, data] of weights) variables.write(path, data);
  const executable = await Executable.load(device, made, (v) => variables.place(v));
  try {
    executable.poison();
    executable.write("images", images);
    executable.write("labels", LABELS);
    executable.run();
    const want = interpret(net.graph, given);
    for (const [name, tensor] of Object.entries(outputs)) {
      const [got, exact] = [await executable.read(name), want(tensor)];
      const norm = Math.hypot(...exact);
      const error = Math.hypot(...exact.map((v, i) => v - got[i])) / Math.max(norm, 1e-3);
      if (!(error < 2e-5)) throw new Error(`${name}: relative L2 error ${error} of norm ${norm}`);
    }
  } finally {
    executable.close();
    variables.close();
  }
  return made;
}

for (const [what, body] of Object.entries(BODIES)) {
  check.test(what, async () => {
    await agrees(build(body), device.traits);
  });
  check.test(`${what}, copied`, async () => {
    await agrees(build(body), device.traits, false);
  });
  check.test(`${what}, split over the batch`, async () => {
    // one image of the widest tensors fits a binding, two do not
    const small = { ...device.traits, name: "a small adapter", maxBindingBytes: 4096 };
    const made = await agrees(build(body), small);
    const whole = plan(build(body).net.graph, device.traits, { outputs: {} });
    assert.ok(made.dispatches.length > whole.dispatches.length);
    assert.ok(made.dispatches.every(({ bindings }) => bindings.every(({ bytes }) => bytes <= 4096)));
  });
}

check.test("a requested gradient is not grown by what lies in it", async () => {
  const graph = new Graph();
  const x = graph.input("x", [1, 2, 2, 3]);
  const relus = (t: Tensor, times: number): Tensor =>
    times ? relus(graph.apply(relu, { x: t }).y, times - 1) : t;
  const a = relus(x, 1);
  const y = graph.apply(concat(2), { x1: a, x2: relus(x, 2) }).y;
  const y2 = graph.apply(concat(2), { x1: y, x2: relus(a, 2) }).y;
  const found = gradients(graph, graph.apply(sum, { x: y2 }, { squares: false }).y, [y, x, a]);
  const outputs = { x, dy: found.get(y)!, dx: found.get(x)!, da: found.get(a)! };
  const executable = await Executable.load(device, plan(graph, device.traits, { outputs }));
  const ones = new Float32Array(12).fill(1);
  executable.write("x", ones);
  executable.run();
  assert.equal(await executable.read("x"), ones);
  assert.equal(await executable.read("dy"), new Float32Array(24).fill(1));
  assert.equal(await executable.read("da"), new Float32Array(12).fill(2));
  assert.equal(await executable.read("dx"), new Float32Array(12).fill(3));
  executable.close();
});

check.test("concatenation launches nothing, forward or backward", () => {
  const { net, loss, found } = build(BODIES["branches joined"]);
  const outputs = { loss, ...Object.fromEntries([...found.values()].map((t, i) => [String(i), t])) };
  const labels = (slices: boolean) =>
    plan(net.graph, device.traits, { outputs, slices }).dispatches.filter(({ label }) =>
      label.startsWith("concat/"),
    ).length;
  assert.is(labels(true), 0);
  assert.is(labels(false), 6);
});

check.test("without subgroups of one size convolutions take tiles of registers", () => {
  const { net, loss, found } = build(BODIES["branches joined"]);
  const outputs = { loss, ...Object.fromEntries([...found.values()].map((t, i) => [String(i), t])) };
  const chosen = (traits: Partial<Traits>) => {
    const { dispatches } = plan(net.graph, { ...device.traits, ...traits }, { outputs });
    const convolutions = dispatches.filter(({ label }) => /^conv2d\/(forward|backward_[xw])/.test(label));
    return [...new Set(convolutions.map(({ algorithm }) => algorithm))];
  };
  assert.equal(chosen({ subgroupSize: 0 }), ["registers"]);
  assert.equal(chosen({ features: new Set() }), ["registers"]);
  assert.equal(chosen({ subgroupSize: 8, features: new Set(["subgroups"]) }), ["broadcast"]);
});

check.test("a dead branch launches nothing", () => {
  const { net, loss } = build(BODIES["a dead branch"]);
  const made = plan(net.graph, device.traits, { outputs: { loss } });
  assert.not(made.dispatches.some(({ node }) => node.label.includes("dead")));
});

check.test("nothing that is alive at once overlaps, and no page is read and written at once", () => {
  for (const body of Object.values(BODIES)) {
    const { net, loss, found } = build(body);
    const outputs = { loss, ...Object.fromEntries([...found.values()].map((t, i) => [String(i), t])) };
    const made = plan(net.graph, device.traits, { outputs });
    const arena = made.storages.filter(({ kind, last }) => kind === "arena" && last >= 0);
    for (const a of arena)
      for (const b of arena) {
        const together = a !== b && a.page === b.page && a.first <= b.last && b.first <= a.last;
        if (together)
          assert.ok(
            a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset,
            `${a.label} and ${b.label}`,
          );
      }
    for (const { bindings, node } of made.dispatches) {
      const pages = (writes: boolean) =>
        bindings.filter((x) => x.writes === writes && x.storage.kind === "arena").map((x) => x.storage.page);
      assert.not(
        pages(true).some((page) => pages(false).includes(page)),
        node.label,
      );
    }
    const { arena: bytes, lowerBound } = made.memory();
    assert.ok(bytes >= lowerBound && lowerBound > 0);
  }
});

check.test("what cannot be split is a LimitError naming the operation and both values", () => {
  const { net, loss } = build(BODIES["branches joined"]);
  const tiny = { ...device.traits, name: "a tiny adapter", maxBindingBytes: 512 };
  assert.throws(
    () => plan(net.graph, tiny, { outputs: { loss } }),
    (error: Error) =>
      error instanceof LimitError &&
      /conv2d.*binds \d+ bytes where a tiny adapter allows 512/.test(error.message),
  );
});

check.run();
