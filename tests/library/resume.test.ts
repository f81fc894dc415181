// Saved and loaded, a trainer goes on with the same bits; what does not fit is refused.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import {
  adamw,
  FormatError,
  type Optimizer,
  readSafetensors,
  rmsprop,
  sgd,
  staircase,
  Trainer,
  type TrainerOptions,
  ValueError,
  WeightsError,
  writeSafetensors,
} from "../../engine/index.ts";
import { device, group } from "../harness.ts";
import { classifier, fails, imagesOf, LABELS, OPTIONS, same } from "./small.ts";

const check = group("resume");
const OPTIMIZERS: Record<string, () => Optimizer> = { adamw, rmsprop, sgd };
const all = (optimizer: Optimizer): TrainerOptions => ({
  ...OPTIONS,
  optimizer,
  rate: staircase({ rate: 0.02, every: 2 }),
  average: 0.99,
  clip: 1,
  microBatches: 2,
});

for (const [name, optimizer] of Object.entries(OPTIMIZERS))
  check.test(`${name}, with dropout, a schedule, averages and micro-batches`, async () => {
    const trainer = await Trainer.create(device, classifier(), { ...all(optimizer()), seed: 7 });
    for (const seed of [1, 2, 3]) await trainer.step(imagesOf(seed), LABELS);
    const bytes = await trainer.save();
    const resumed = await Trainer.load(device, classifier(), all(optimizer()), bytes);
    assert.is(resumed.steps, 3);
    for (const seed of [4, 5])
      assert.equal(await resumed.step(imagesOf(seed), LABELS), await trainer.step(imagesOf(seed), LABELS));
    for (const slot of trainer.variables.slots) {
      const [a, b] = await Promise.all([trainer.variables.read(slot), resumed.variables.read(slot)]);
      for (const [path, { data }] of a) assert.ok(same(data, b.get(path)!.data), `${path}.${slot}`);
    }
    assert.ok(same(await trainer.save(), await resumed.save()));
    trainer.close();
    resumed.close();
  });

check.test("a state of another model, optimizer, seed or kind is refused", async () => {
  const trainer = await Trainer.create(device, classifier(), { ...OPTIONS, optimizer: adamw() });
  await trainer.step(imagesOf(), LABELS);
  const bytes = await trainer.save();
  trainer.close();
  const load = (options: Partial<TrainerOptions>, from = bytes, classes = 4) =>
    Trainer.load(device, classifier(classes), { ...OPTIONS, optimizer: adamw(), ...options }, from);
  await fails(
    () => load({ optimizer: sgd() }),
    ValueError,
    /optimizer is sgd but the saved state is adamw's/,
  );
  await fails(() => load({ seed: 5 }), ValueError, /seed is 5 but the saved state has 0/);
  await fails(() => load({ average: 0.9 }), ValueError, /but .*average/);
  await fails(() => load({}, bytes, 5), WeightsError, /logits\/w: the model has \[8,5\] .* \[8,4\]/);
  await fails(() => load({}, bytes.slice(0, 100)), FormatError, /header/);
  const { tensors, metadata } = readSafetensors(bytes);
  const changed = (other: Record<string, string>) => writeSafetensors(tensors, { ...metadata, ...other });
  await fails(() => load({}, changed({ format: "weights" })), FormatError, /format is weights/);
  await fails(() => load({}, changed({ step: "-1" })), FormatError, /step is -1/);
  const lacking = new Map([...tensors].filter(([name]) => name !== "adamw.mean:a/w"));
  await fails(() => load({}, writeSafetensors(lacking, metadata)), WeightsError, /missing a\/w/);
});

check.test("a saved state is a file of weights too", async () => {
  const trainer = await Trainer.create(device, classifier(), OPTIONS);
  const { tensors } = readSafetensors(await trainer.save());
  const values = await trainer.variables.read();
  for (const [path, { shape }] of values) assert.equal(tensors.get(path)?.shape, shape);
  trainer.close();
});

check.test("weights that fit are loaded, and what did not fit is reported", async () => {
  const [four, five] = await Promise.all(
    [4, 5].map((classes) => Trainer.create(device, classifier(classes), { ...OPTIONS, seed: classes })),
  );
  const weights = new Map(await four.variables.read());
  weights.set("extra/w", { shape: [1], data: Float32Array.of(1) });
  weights.delete("b/beta");
  await fails(() => five.variables.load(weights), WeightsError, /missing b\/beta; unknown extra\/w/);
  const report = five.variables.load(weights, { strict: false });
  assert.equal(report.missing, ["b/beta"]);
  assert.equal(report.unknown, ["extra/w"]);
  assert.equal(
    report.mismatched.map(({ path, model, weights }) => [path, model, weights]),
    [
      ["logits/w", [8, 5], [8, 4]],
      ["logits/bias", [5], [4]],
    ],
  );
  assert.ok(report.loaded.includes("a/w"));
  const loaded = await five.variables.get("a/w");
  assert.ok(same(loaded.data, weights.get("a/w")!.data));
  four.close();
  five.close();
});

check.test("the example of a network, an operation and a loss of one's own", () => {
  const example = fileURLToPath(new URL("../examples/own_network/own_network.js", import.meta.url));
  const printed = execFileSync(process.execPath, [example], { encoding: "utf8" });
  assert.match(
    printed,
    /resumed to the same bits: true\nhidden \[64,16\], gradient \[2,16\], frozen bias 0\n$/,
  );
});

check.run();
