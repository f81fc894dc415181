// Every planted fault ends as its row, and the run goes on.

import * as assert from "uvu/assert";
import { Device } from "../../engine/device/device.ts";
import { kernel } from "../../engine/tune/kernel/kernel.ts";
import { likeness } from "../../engine/tune/kernel/likeness.ts";
import { routine } from "../../engine/tune/kernel/routine.ts";
import { fillTemplate } from "../../engine/tune/kernel/template.ts";
import { Runner } from "../../engine/tune/runner/runner.ts";
import type { Configuration } from "../../engine/tune/space/space.ts";
import { conv2d } from "../../kernels/conv2d/conv2d.ts";
import { relu, softmaxCrossEntropy } from "../../kernels/index.ts";
import type { Op } from "../../kernels/op.ts";
import { group } from "../harness.ts";
import { FAULTS, planted } from "./planted.ts";

const check = group("tune runner");

/** Timing is not what is tested here. */
const clock = { samples: 3, least: 1e-3 };
const open = () => Device.open();

check.test("every planted fault ends as its row", async () => {
  const runner = new Runner(kernel(planted), { open, clock });
  const row = (configuration: Configuration) => runner.evaluate(configuration);
  try {
    for (const [fault, status, message] of [
      ["wrong", "correctness", /1 of 131072 values wrong; worst at y\[777\]/],
      ["racing", "correctness", /on the same input/],
      ["outside", "correctness", /1 was written to element 131077 of 131072/],
      ["unread", "correctness", /got NaN/],
      ["compile", "compile", /planted\.wgsl:\d+.*const_assert/s],
    ] as const) {
      const made = await row({ FAULT: FAULTS[fault] });
      assert.is(made.status, status, `${fault}: ${JSON.stringify(made)}`);
      assert.match(made.message!, message);
      assert.is(made.objective, undefined);
    }
    const wide = await row({ WG: 4096 });
    assert.is(wide.status, "constraints");
    assert.match(wide.message!, /maxComputeWorkgroupSizeX is \d+ but 4096 is needed/);
    const deep = await row({ PAD: 3000 }); // 48,000 bytes
    assert.is(deep.status, "validation", JSON.stringify(deep));
    assert.is((await row({ NONE: 1 })).status, "constraints");

    const sound = await row({ FAULT: FAULTS.none });
    assert.ok(sound.status === "ok" || sound.status === "unrankable", JSON.stringify(sound));
    assert.ok(sound.error! <= 1 && sound.times.length >= 3);
    assert.is(sound.wgsl!.length, 64);
    assert.ok(sound.metrics!["GFLOP/s"] !== undefined && sound.spent.compilation > 0);
  } finally {
    runner.close();
  }
});

check.test("a lost device ends as its row, and the next configuration has another", async () => {
  let lose = true;
  const runner = new Runner(kernel(planted), {
    open,
    clock,
    onStage: (stage, _, { gpu }) => {
      if (stage === "time" && lose) gpu.destroy();
    },
  });
  try {
    assert.is((await runner.evaluate({ FAULT: 0 })).status, "device_lost");
    lose = false;
    const { status } = await runner.evaluate({ FAULT: 0 });
    assert.ok(status === "ok" || status === "unrankable");
  } finally {
    runner.close();
  }
});

check.test("contenders are ranked on the device", async () => {
  const runner = new Runner(kernel(planted), { open, clock });
  try {
    const { places, samples } = await runner.rank([{ WG: 64 }, { WG: 32 }], { rounds: 4 });
    assert.is(places.length, 2);
    assert.equal(
      samples.map(({ length }) => length),
      [4, 4],
    );
  } finally {
    runner.close();
  }
});

check.test("parameters are constants of the text or of the pipeline", () => {
  const wgsl =
    "const A: u32 = 1u;\nconst B = 2.5f;\n  const C = true;\n@id(3) override D: u32 = 4;\noverride E: f32;";
  const made = fillTemplate("k", wgsl, { A: 7, B: 3, C: false, D: 9 });
  assert.is(
    made.wgsl,
    "const A: u32 = 7u;\nconst B = 3f;\n  const C = false;\n@id(3) override D: u32 = 4;\noverride E: f32;",
  );
  assert.equal(made.constants, { D: 9 });
  assert.match(made.resolved, /^const D: u32 = 9;$/m);
  assert.throws(
    () => fillTemplate("k", wgsl, { F: 1 }),
    /k: parameter F is no const or override.*\(has A, B, C/,
  );
});

check.test("a routine is verified at a likeness and at full size", async () => {
  const shapes = { x: [4, 40, 40, 24] };
  const runner = new Runner(routine({ op: relu, shapes, attrs: {}, seed: 5 }), { open, clock });
  try {
    const sound = await runner.evaluate({ WG: 64 });
    assert.ok(sound.status === "ok" || sound.status === "unrankable", JSON.stringify(sound));
    assert.ok(sound.error! <= 1 && sound.metrics!["GB/s"] > 0);
    assert.is((await runner.evaluate({ NONE: 64 })).status, "constraints");
    assert.is((await runner.evaluate({ WG: 64, algorithm: "none" })).status, "constraints");
  } finally {
    runner.close();
  }
});

/** Leaves out what comes after so many elements, as an index would that overflows. */
const overflowing = (elements: number): Op<unknown> => ({
  ...relu,
  forward: [
    {
      ...relu.forward[0],
      name: "overflowing",
      kernels: relu.forward[0].kernels.map((k) => ({
        ...k,
        source: (k.source as string).replace("= relu(x[", `= select(1.0, 0.0, i > ${elements}u) * relu(x[`),
      })),
    },
    ...relu.forward,
  ],
});

check.test("what goes wrong is seen at a likeness, or at full size if only there", async () => {
  const shapes = { x: [40, 64, 64, 24] };
  for (const [elements, wanted] of [
    [1000, /^x \[2,64,64,24\]: \d+ of \d+ values wrong/],
    [300_000, /^not what the plainest algorithm writes: \d+ of \d+ values wrong/],
  ] as const) {
    const runner = new Runner(routine({ op: overflowing(elements), shapes, attrs: {} }), { open, clock });
    try {
      const { status, message } = await runner.evaluate({ algorithm: "overflowing" });
      assert.is(status, "correctness");
      assert.match(message!, wanted);
    } finally {
      runner.close();
    }
  }
});

check.test("a likeness keeps ties and residue classes", () => {
  const attrs = {
    stride: [1, 1],
    padding: [
      [1, 1],
      [1, 1],
    ],
  };
  const [plain] = conv2d.forward.slice(-1);
  const like = likeness(
    conv2d,
    "forward",
    plain,
    { x: [32, 149, 149, 193], w: [3, 3, 193, 320], b: [320] },
    attrs,
    {},
  );
  assert.equal(like.x.slice(0, 1), [2]);
  assert.is(like.x[3], like.w[2]);
  assert.ok(like.x[1] === like.x[2] && like.x[1] < 149 && like.x[1] % 8 === 149 % 8);
  assert.is(like.x[3] % 8, 193 % 8);
  const labels = likeness(
    softmaxCrossEntropy,
    "forward",
    softmaxCrossEntropy.forward[0],
    { logits: [4096, 1000], labels: [4096] },
    {},
    {},
  );
  assert.is(labels.logits[0], labels.labels[0]);
});

check.run();
