// What a step takes in device memory, from its plans alone: against what a trainer allocates, and batches that fit.
import * as assert from "uvu/assert";
import { largestBatch, memoryOf, planFitting } from "../../bench/measure/memory.ts";
import { plannedRow } from "../../bench/measure/network.ts";
import { planStep, stepDispatches } from "../../bench/measure/setting.ts";
import { stepSubjectOf } from "../../bench/measure/subject.ts";
import { LimitError } from "../../engine/errors.ts";
import { device, group } from "../harness.ts";
import { SMALL } from "./small.ts";

const check = group("bench memory");
const { traits } = device;

for (const mode of ["train", "infer"] as const)
  check.test(`${mode}: what is said is what is allocated`, async () => {
    const setting = { ...SMALL, mode };
    const planned = planStep(setting, traits);
    const memory = memoryOf(planned);
    const subject = await stepSubjectOf(device, setting);
    const results = subject.parts.flatMap(({ plan }) => [...plan.outputs.values()]);
    const staging = results.reduce((sum, { storage }) => sum + storage.bytes, 0);
    const held = subject.parts.reduce((sum, { bytes }) => sum + bytes, subject.variables.bytes);
    subject.close();
    assert.is(memory.total, held + staging);
    assert.is(memory.total, memory.variables + memory.arena + memory.other);
    assert.is(memory.alive.length, stepDispatches(planned).length);
    const most = Math.max(...memory.alive);
    assert.is(memory.alive[memory.peak.launch], most);
    assert.ok(most <= memory.arena);
    const together = memory.peak.tensors.reduce((sum, { bytes }) => sum + Math.ceil(bytes / 256) * 256, 0);
    assert.is(together, most);
    const sizes = memory.peak.tensors.map(({ bytes }) => bytes);
    assert.equal(
      sizes,
      [...sizes].sort((a, b) => b - a),
    );
  });

check.test("the largest batch is the last that fits, and the error names it", () => {
  const at = (batch: number) => memoryOf(planStep({ ...SMALL, batch }, traits)).total;
  const capacity = at(11);
  assert.is(largestBatch(SMALL, traits, capacity), 11);
  assert.is(largestBatch(SMALL, traits, capacity - 1), 10);
  assert.is(memoryOf(planFitting({ ...SMALL, batch: 11 }, traits, capacity)).total, capacity);
  assert.throws(
    () => planFitting({ ...SMALL, batch: 12 }, traits, capacity),
    (error: Error) =>
      error instanceof LimitError &&
      error.message ===
        `inception-resnet-v1: a batch of 12 at 75x75 takes ${at(12)} bytes where there are ${capacity}; the largest batch that fits is 11`,
  );
  assert.is(largestBatch(SMALL, traits, 1e6), 0);
  assert.throws(() => planFitting(SMALL, traits, 1e6), /not even one image fits/);
});

check.test("an adapter's limits bound the batch where its memory is unknown", () => {
  const narrow = { ...traits, maxBufferBytes: 2 ** 20, maxBindingBytes: 2 ** 20 };
  const largest = largestBatch(SMALL, narrow, Infinity);
  assert.ok(largest > 1);
  planStep({ ...SMALL, batch: largest }, narrow);
  assert.throws(
    () => planFitting({ ...SMALL, batch: largest + 1 }, narrow, Infinity),
    new RegExp(
      `a batch of ${largest + 1} at 75x75 does not fit: .*; the largest batch that fits is ${largest}`,
    ),
  );
});

/** What timm prints: millions of parameters with a gamma to each batch norm, GMACs, M activations; ours after it. */
const PRINTED = [
  { network: "inception-v4", variant: "paper", timm: ["42.68", "12.28", "15.09"] },
  { network: "inception-resnet-v2", variant: "slim", timm: ["55.84", "13.18", "25.06"] },
];
for (const { network, variant, timm } of PRINTED)
  check.test(`${network} ${variant}: parameters, multiply-adds and activations are timm's`, () => {
    const setting = { ...SMALL, network, variant, mode: "infer", image: 299, batch: 1, net: {} } as const;
    const { parameters, timmMacs, activations } = plannedRow(setting, planStep(setting, traits));
    const figures = [parameters / 1e6, timmMacs / 1e9, activations / 1e6];
    assert.equal(
      figures.map((figure) => figure.toFixed(2)),
      timm,
    );
  });

check.run();
