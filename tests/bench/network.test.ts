// Rows of networks: complete, consistent with their plans, not valid where a kernel is wrong, kept when interrupted.
import * as assert from "uvu/assert";
import { paperText } from "../../bench/bench/outputs/paper.ts";
import { layerText, memoryText, networkText } from "../../bench/bench/outputs/terminal.ts";
import { measureNetwork } from "../../bench/measure/network.ts";
import type { NetworkRow } from "../../bench/measure/result.ts";
import { planStep, stepDispatches } from "../../bench/measure/setting.ts";
import { type Algorithm, maxPool2d } from "../../kernels/index.ts";
import { device, group } from "../harness.ts";
import { networkRow, resultOf, spreadOf } from "./results.ts";
import { SMALL } from "./small.ts";

const check = group("bench network");
const SHORT = { samples: 2, profiles: 1, validate: false };
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

check.test("a row is complete and agrees with its plan", async () => {
  const row = (await measureNetwork(device, SMALL, SHORT))!;
  const planned = planStep(SMALL, device.traits);
  const dispatches = stepDispatches(planned);
  assert.is(row.wall.samples.length, 2);
  assert.is(row.variant, "paper x0.125");
  const timed = device.gpu.features.has("timestamp-query");
  if (timed) {
    assert.equal(Object.keys(row.phases), ["forward", "backward", "update"]);
    for (const [phase, { flops, bytes, dispatches: count, device: took }] of Object.entries(row.phases)) {
      const of = dispatches.filter(({ node }) => node.phase === phase);
      assert.is(flops, sum(of.map((d) => d.flops)));
      assert.is(bytes, sum(of.map((d) => d.bytes)));
      assert.is(count, of.length);
      assert.is(took.samples.length, 2);
    }
    assert.equal(
      row.launches.map(({ label, flops }) => [label, flops]),
      dispatches.map(({ label, flops }) => [label, flops]),
    );
    assert.ok(row.launches.every(({ seconds }) => seconds >= 0));
  }
  assert.equal(Object.keys(row.objects), ["CommandEncoder"], "nothing else is made in a steady step");
  assert.ok(row.validity.loss! > 0 && row.validity.norm! > 0);
  assert.is(row.validity.valid, false, "it was not compared");
  assert.is(row.pipelines, new Set(dispatches.map(({ kernel }) => kernel.text)).size);
  assert.equal(JSON.parse(JSON.stringify(row)), row, "it survives being written");
});

check.test("a step that is right is valid, in training and evaluation", async () => {
  for (const mode of ["train", "infer"] as const) {
    const row = (await measureNetwork(device, { ...SMALL, mode }, { samples: 1, profiles: 0 }))!;
    assert.ok(row.validity.valid, row.validity.why);
    assert.match(row.validity.why, /plain kernels at 139x139, batch 1 .*100 % of its FLOPs/);
  }
});

for (const [mode, routine, planted] of [
  ["train", maxPool2d.backward.x, ["at / stride + 1u, count)", "at / stride + 1u, count - 1u)"]],
  ["infer", maxPool2d.forward, ["value > best", "value < best"]],
] as const)
  check.test(
    `${mode}: a wrong kernel makes the row invalid, and its time is never shown without the word`,
    async () => {
      const [right] = routine;
      const [kernel] = right.kernels;
      const source = String(kernel.source).replace(planted[0], planted[1]);
      assert.is.not(source, kernel.source);
      const all = routine as Algorithm<unknown>[];
      all.unshift({ ...right, name: "planted", kernels: [{ ...kernel, source }] } as Algorithm<unknown>);
      try {
        const name = `max_pool2d/${mode === "train" ? "x" : "forward"}`;
        const row = (await measureNetwork(
          device,
          { ...SMALL, mode },
          { samples: 1, profiles: 1, choose: (of) => (of === name ? { algorithm: "planted" } : undefined) },
        ))!;
        assert.not.ok(row.validity.valid, row.validity.why);
        assert.match(row.validity.why, /is off by/);
        assert.match(networkText(resultOf([row])), /NOT VALID/);
        assert.match(layerText(resultOf([row])), /NOT VALID/);
      } finally {
        all.shift();
      }
    },
  );

check.test("an interruption keeps the steps that were taken, and no row without any", async () => {
  const stop = (at: string, done?: number) => {
    const interrupted = new AbortController();
    const onProgress = (doing: string, count?: number) => {
      if (doing === at && count === done) interrupted.abort();
    };
    return { signal: interrupted.signal, onProgress };
  };
  const row = await measureNetwork(device, SMALL, { samples: 9, ...stop("steps", 1) });
  assert.is(row?.wall.samples.length, 2);
  assert.match(row!.validity.why, /interrupted/);
  assert.is(await measureNetwork(device, SMALL, { ...SHORT, ...stop("first step") }), undefined);
});

/** A row as it would be at 299x299, with the time of a step and FLOPs as given. */
function made(network: string, seconds: number, flops: number, valid = true): NetworkRow {
  const spread = { ...spreadOf([seconds]), uncertainty: 0.01 };
  const [launch] = networkRow(network, 1).launches;
  const forward = { ...launch, where: "stem/1", flops: 4e9, bytes: 4e8, seconds: 0.5 };
  return networkRow(network, 1, {
    macs: flops / 6,
    wall: spread,
    phases: { forward: { flops, bytes: 1, dispatches: 100, device: spread } },
    memory: {
      ...{ variables: 1e6, arena: 2e6, other: 1e6, total: 4e6, alive: [1e6, 2e6] },
      peak: { launch: 1, where: "stem/1 conv2d dx", tensors: [{ label: "stem/1 conv2d.y", bytes: 2e6 }] },
    },
    validity: { valid, why: "said" },
    launches: [forward, { ...forward, where: "stem/2", phase: "backward", flops: 8e9, seconds: 1.5 }],
  });
}

check.test("layers are shown by phase, with the costliest and how far it is from the roofs", () => {
  const row = made("inception-v4", 2, 12e9);
  const roofs = { multiplyAdd: 16e9, copy: 1e9, workgroup: 1e9, dispatch: 1e-5 };
  const result = resultOf([row], { roofs });
  const text = layerText(result);
  // 8e9 FLOP / 16e9 FLOP/s = 0.5 s, 4e8 bytes / 1e9 bytes/s = 0.4 s, of 1.5 s
  assert.match(
    text,
    "Most in backward: stem/2, 1,500 ms (75 % of the step), 5.33 GFLOP/s, 33 % of what the roofs allow.",
  );
  assert.match(
    text,
    "Most in forward: stem/1, 500 ms (25 % of the step), 8 GFLOP/s, 80 % of what the roofs allow.",
  );
  assert.match(
    layerText(resultOf([row], { roofs: undefined })),
    /Most in backward: stem\/2, .* GFLOP\/s\.$/m,
  );
  assert.match(layerText(result, { layer: "stem/1" }), /stem\/1 forward conv2d\/forward/);
  assert.not.match(layerText(result, { layer: "stem/1" }), /stem\/2/);
});

check.test("memory is shown with what holds the peak and the largest batch", () => {
  const text = memoryText(resultOf([made("inception-v4", 2, 12e9)]), { largest: [7], in: "1 GB" });
  for (const words of ["4 MB", "stem/1 conv2d dx", "stem/1 conv2d.y", "Largest batch that fits 1 GB: 7."])
    assert.ok(text.includes(words), words);
});

check.test("the paper's claims are held against the figures", () => {
  const claims = (v4: NetworkRow, v2: NetworkRow) => paperText(resultOf([v4, v2])).at(-1)!;
  const v2 = made("inception-resnet-v2", 1, 60e9);
  assert.match(
    claims(made("inception-v4", 1.3, 78e9), v2),
    /so it is here: .* 1\.3 times .*its FLOPs make all of that/,
  );
  assert.match(claims(made("inception-v4", 1.3, 60e9), v2), /its slower FLOP\/s make 100 % of that/);
  assert.match(claims(made("inception-v4", 0.9, 60e9), v2), /not so here/);
  assert.match(claims(made("inception-v4", 1.01, 60e9), v2), /not decided here/);
  assert.match(claims(made("inception-v4", 1.3, 78e9, false), v2), /not all rows are valid/);
  assert.match(
    paperText(resultOf([made("inception-resnet-v1", 1, 37e9)]))[0],
    /^Inception-ResNet-v1 at the cost/,
  );
  assert.equal(paperText(resultOf([])), []);
});

check.run();
