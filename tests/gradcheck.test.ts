// The gradient check itself: functions of layers pass, and every kind of fault that it exists for is found.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import * as assert from "uvu/assert";
import { type GradcheckInput, gradcheck, type Traceable } from "../engine/gradcheck/functions/gradcheck.ts";
import { checkOp } from "../engine/gradcheck/operations/check_op.ts";
import { identities } from "../engine/gradcheck/operations/identities.ts";
import { races } from "../engine/gradcheck/operations/races.ts";
import { attempt, parseTrial } from "../engine/gradcheck/operations/trial.ts";
import { type Finding, passes } from "../engine/gradcheck/report/report.ts";
import { constant } from "../engine/nn/initialisers.ts";
import { stream } from "../engine/random.ts";
import {
  batchNormRelu,
  conv2d,
  moments,
  type Op,
  ops,
  relu,
  softmaxCrossEntropy,
  sum,
} from "../kernels/index.ts";
import { size } from "../kernels/op.ts";
import { swish, swishWrong } from "./examples/swish/swish.ts";
import { device, group } from "./harness.ts";

const check = group("gradcheck");

const values = (shape: readonly number[], seed: number): GradcheckInput => {
  const next = stream(seed);
  return { shape, data: Float32Array.from({ length: size(shape) }, () => 2 * next() - 1) };
};

/** A residual block with a branch of two units, pooled. */
const block: Traceable = (net, x) => {
  const branch = net.concat(net.unit("a", x, 3, 1), net.unit("b", x, 2, [1, 3]));
  const y = net.residual(x, net.conv2d("expansion", branch, x.shape[3], 1), 0.2, { relu: false });
  return net.globalAvgPool(y);
};
const options = { device, net: { training: true, batchNorm: { scale: true } } };

check.test("a block by its whole Jacobian, and along directions", async () => {
  const inputs = [values([2, 4, 5, 3], 1)];
  const whole = await gradcheck(block, inputs, options);
  const checks = whole.rows.map(({ subject, check }) => `${subject} ${check}`);
  for (const name of ["input 0", "a/w", "a/beta", "a/gamma", "b/w", "expansion/w", "expansion/bias"])
    assert.ok(checks.includes(`${name} jacobian`), `${name} is not among ${checks}`);
  assert.match(`${whole}`, /^input 0 jacobian: error \/ bound [\d.e-]+ at .*, \d+ cases?$/m);
  assert.is(inspect(whole), `${whole}`);
  const fast = await gradcheck(block, inputs, { ...options, fastMode: true });
  assert.ok(fast.rows.some(({ check }) => check === "along a direction"));
});

check.test(
  "through moments: what is a function of another input has its share in that one's gradient",
  async () => {
    const attrs = { rows: 4, groups: 1, epsilon: 0.1, decay: 0.9 };
    const fused: Traceable = (net, x) => {
      const c = [x.shape[3]];
      const inputs = {
        x,
        moments: net.graph.apply(moments, { x }, attrs).moments,
        gamma: net.parameter("gamma", c, constant(0.9)),
        beta: net.parameter("beta", c, constant(0.2)),
        running_mean: net.state("mean", c, constant(0)),
        running_var: net.state("variance", c, constant(1)),
      };
      return net.graph.apply(batchNormRelu, inputs, attrs).y;
    };
    const { shape, data } = values([2, 3, 5, 3], 7);
    const clear = Array.from(data, (v) => v + Math.sign(v)); // of the kink
    const report = await gradcheck(fused, [{ shape, data: clear }], options);
    const checks = report.rows.map(({ subject, check }) => `${subject} ${check}`);
    for (const name of ["input 0", "gamma", "beta"]) assert.ok(checks.includes(`${name} jacobian`), name);
  },
);

check.test(
  "outputs computed again that differ in a bit are seen, and so is what else is written",
  async () => {
    const algorithm = batchNormRelu.recompute!.routine.at(-1)!;
    const [kernel] = algorithm.kernels;
    const again = (change: (wgsl: string) => string, writes = ["y"]): Op => {
      const source = change(kernel.source as string);
      return {
        ...batchNormRelu,
        recompute: { writes, routine: [{ ...algorithm, kernels: [{ ...kernel, source }] }] },
      };
    };
    assert.equal(await failures(again((wgsl) => wgsl)), []);
    const unfused = again((wgsl) =>
      wgsl.replace("fma(normal, scale, shift)", "fma(normal, scale * 1.0000001, shift)"),
    );
    const [failure] = await failures(unfused);
    assert.match(failure.message ?? "", /values wrong; worst at y/);
    const [other] = await failures(again((wgsl) => wgsl, []));
    assert.match(other.message ?? "", /writes y but is to write/);
  },
);

check.test("several outputs, one of them alone, and an input that reaches none", async () => {
  const both: Traceable = (net, x) => [net.relu(net.residual(x, x, 2, { relu: false })), net.avgPool(x, 3)];
  const report = await gradcheck(both, [values([1, 3, 3, 2], 3), values([2, 2], 4)], options);
  assert.ok(report.rows.some(({ check }) => check === "output 1 alone"));
});

check.test("a wrong gradient raises, with input, index, values and what is allowed", async () => {
  const wrong: Traceable = (net, x) => net.graph.apply(swishWrong, { x }).y;
  let message = "";
  await gradcheck(wrong, [values([2, 3], 5)], options).catch((error) => {
    message = `${error.name} ${error.message}`;
  });
  assert.match(
    message,
    /^GradcheckError gradcheck: input 0: jacobian: \d+ of 36 values wrong; worst at input 0\[\d,\d\]/,
  );
  const report = await gradcheck(wrong, [values([2, 3], 5)], {
    ...options,
    fastMode: true,
    raiseException: false,
  });
  assert.is(report.passed, false);
  await gradcheck((net, x) => net.graph.apply(swish, { x }).y, [values([2, 3], 5)], options);
});

check.test("bad input is refused with both values", async () => {
  const refused = async (fn: Traceable, inputs: GradcheckInput[]) =>
    gradcheck(fn, inputs, options).then(
      () => "nothing",
      (error: Error) => error.message,
    );
  assert.match(
    await refused(block, [{ shape: [2, 3], data: [1] }]),
    /input 0 is \[2,3\] but 1 values are given/,
  );
  assert.match(await refused(block, [values([8, 32, 32, 3], 1)]), /at most 4096 .* use fastMode/);
});

check.test(
  "an operation of one's own passes, and its wrong twin is caught with a case that repeats it",
  async () => {
    const right = await checkOp(swish, { device, fuzz: 20, tunables: "all" });
    assert.equal(right.failures, []);
    const wrong = await checkOp(swishWrong, { device, fuzz: 20 });
    const failed = new Set(wrong.failures.map(({ check }) => check));
    assert.equal([...failed], ["dx elementwise"]);
    const smallest = wrong.failures[wrong.failures.length - 1];
    assert.ok(smallest.map && smallest.message && smallest.repro);
    const { op, trial } = parseTrial(smallest.repro, [swish, swishWrong]);
    assert.equal(trial.shapes, { x: [1, 1] }); // shrunk
    const again = await attempt(device, op, trial);
    assert.is(again?.message, smallest.message);
  },
);

/** The operation with the text of one kernel changed. */
function altered(op: Op, label: string, change: (wgsl: string) => string): Op {
  const routine = (list: Op["forward"]) =>
    list
      .filter(({ kernels }) => kernels.every(({ source }) => typeof source === "string"))
      .map((algorithm) => ({
        ...algorithm,
        kernels: algorithm.kernels.map((kernel) => {
          if (kernel.label !== label) return kernel;
          const source = change(kernel.source as string);
          assert.is.not(source, kernel.source, "the text to change is not there");
          return { ...kernel, source };
        }),
      }));
  const backward = Object.fromEntries(Object.entries(op.backward).map(([key, list]) => [key, routine(list)]));
  return { ...op, forward: routine(op.forward), backward };
}

const failures = async (op: Op): Promise<readonly Finding[]> =>
  (await checkOp(op, { device, cases: op.cases.slice(0, 3), repeats: 2 })).failures;

check.test("a write beyond the tensor is seen though the adapter hides it", async () => {
  const unguarded = altered(relu, "relu/forward", (wgsl) =>
    wgsl.replace(/min\((.*), shape\.pixels.*\)/, "$1"),
  );
  const [failure] = await failures(unguarded);
  assert.match(failure.message ?? "", /was written \d+ elements after its start, outside it/);
});

check.test("a result that depends on what was in memory is seen", async () => {
  const dirty = altered(relu, "relu/backward", (wgsl) => wgsl.replace("shape.accumulate != 0u", "true"));
  assert.ok((await failures(dirty)).length > 0);
});

check.test("an algorithm is judged by the bound that it states itself", async () => {
  const stated = (factor: number): Op => ({
    ...conv2d,
    forward: conv2d.forward
      .filter(({ name }) => name === "winograd_4x4")
      .map((algorithm) => ({
        ...algorithm,
        bound: (...given) => ({ y: algorithm.bound!(...given).y.map((b) => factor * b) }),
      })),
    backward: {},
    cases: conv2d.cases.filter(({ what }) => what === "3x3 same"),
  });
  const kernels = async (op: Op) =>
    (await failures(op)).filter(({ check }) => check === "forward winograd_4x4").length;
  assert.is(await kernels(stated(1)), 0);
  assert.ok((await kernels(stated(0))) > 0);
});

check.test("a removed barrier is a race, on any adapter; those that are there are enough", () => {
  const unordered = altered(softmaxCrossEntropy, "softmax_cross_entropy/rows", (wgsl) =>
    wgsl.replace("workgroupBarrier();", ""),
  );
  assert.match([...races(device, unordered)][0].message ?? "", /Data race on 'tops'/);
  const loop = altered(sum, "sum/forward", (wgsl) => wgsl.replace("workgroupBarrier();", ""));
  assert.match([...races(device, loop)][0].message ?? "", /Data race on 'sums'/);
  const found = ops.flatMap((op) => [...races(device, op)]);
  assert.ok(found.length >= 2 && found.every(({ figure }) => passes(figure)));
});

check.test("one wrong element in a large convolution breaks its adjoint identity", async () => {
  const use = {
    attrs: {
      stride: [1, 1],
      padding: [
        [1, 1],
        [1, 1],
      ],
    },
    shapes: { x: [1, 35, 35, 64], w: [3, 3, 64, 96], b: [96] },
    where: "a layer",
  };
  const judged = async (op: Op) => {
    const found: Finding[] = [];
    for await (const finding of identities(device, { ...use, op })) found.push(finding);
    return found.map(({ check, figure }) => [check, passes(figure)]);
  };
  const right = [
    ["adjoint in x, b", true],
    ["adjoint in w, b", true],
  ];
  assert.equal(await judged(conv2d), right);
  const wrong = altered(conv2d, "conv2d/backward_x", (wgsl) =>
    wgsl.replace(/dx\[at\] = sum;/, "dx[at] = select(sum, 0.0, at == 4321u);"),
  );
  assert.equal(await judged(wrong), [
    ["adjoint in x, b", false],
    ["adjoint in w, b", true],
  ]);
});

check.test("a case that cannot be read says what is wrong with it", () => {
  const refused = (text: string) => {
    try {
      parseTrial(text, ops);
    } catch (error) {
      return (error as Error).message;
    }
    return "nothing";
  };
  assert.match(refused("{"), /the case is not JSON/);
  assert.match(refused('{"op":"conv3d"}'), /op is "conv3d" but one of .*conv2d/);
  assert.match(refused('{"op":"relu","routine":"y"}'), /routine is "y" but one of forward, x is expected/);
});
const cli = fileURLToPath(new URL("../cli.js", import.meta.url));
const tessera = (...args: string[]) =>
  spawnSync(process.execPath, [cli, "gradcheck", ...args], { encoding: "utf8" });

check.test("the command fails with a line that repeats the failure, and twice with the same figures", () => {
  const module = fileURLToPath(new URL("../examples/swish.js", import.meta.url));
  const [once, again] = [1, 2].map(() => tessera(module, "--fuzz", "3", "--json"));
  assert.is(once.status, 1, once.stderr);
  assert.is(once.stdout, again.stdout);
  const { rows, failures } = JSON.parse(once.stdout);
  const failed = rows.filter(({ figure }: Finding) => !passes(figure));
  assert.equal(
    [...new Set(failed.map(({ subject, check }: Finding) => `${subject} ${check}`))],
    ["swish_wrong dx elementwise"],
  );
  const repeated = tessera("repro", failures[0].repro);
  assert.is(repeated.status, 1, repeated.stderr);
  assert.match(repeated.stdout, /swish_wrong dx elementwise: error \/ bound .*\n\d+ of \d+ values wrong/);
  assert.is(tessera("repro", failures[0].repro.replace("swish_wrong", "swish")).status, 0);
});
check.run();
