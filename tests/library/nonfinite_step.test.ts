// A gradient that is not finite: the step says so and changes nothing, or is left out, or goes on, as asked.
import * as assert from "uvu/assert";
import { NonFiniteError, rmsprop, Trainer, type TrainerOptions } from "../../engine/index.ts";
import { device, group } from "../harness.ts";
import { classifier, fails, imagesOf, LABELS, N, OPTIONS, same } from "./small.ts";

const check = group("non-finite steps");
const BAD = imagesOf().map((v, i) => (i === 100 ? NaN : v));

async function using(
  options: Partial<TrainerOptions>,
  body: (trainer: Trainer) => Promise<void>,
): Promise<void> {
  const trainer = await Trainer.create(device, classifier(), { ...OPTIONS, average: 0.9, ...options });
  try {
    await trainer.step(imagesOf(), LABELS);
    await body(trainer);
  } finally {
    trainer.close();
  }
}

const stateOf = async ({ variables }: Trainer) => {
  const slots = variables.slots.filter((slot) => slot !== "gradient" && slot !== "previous");
  const read = await Promise.all(slots.map(async (slot) => [...(await variables.read(slot))]));
  return new Map(
    read.flatMap((entries, i) => entries.map(([path, { data }]) => [`${path}.${slots[i]}`, data] as const)),
  );
};

for (const clip of [undefined, 1])
  for (const microBatches of [1, 2])
    check.test(`throws and is as before: clip ${clip}, ${microBatches} micro-batches`, () =>
      using({ clip, microBatches }, async (trainer) => {
        const before = await stateOf(trainer);
        await fails(() => trainer.step(BAD, LABELS), NonFiniteError, /^step 1: the gradient's norm is NaN/);
        for (const [name, data] of await stateOf(trainer)) assert.ok(same(data, before.get(name)!), name);
        assert.is(trainer.steps, 1);
        const other = await Trainer.create(device, classifier(), {
          ...OPTIONS,
          average: 0.9,
          clip,
          microBatches,
        });
        await other.step(imagesOf(), LABELS);
        assert.equal(await trainer.step(imagesOf(2), LABELS), await other.step(imagesOf(2), LABELS));
        other.close();
      }),
    );

check.test("skips the update and counts the step", () =>
  using({ onNonFinite: "skip" }, async (trainer) => {
    const before = await stateOf(trainer);
    const { skipped, norm, loss, step } = await trainer.step(BAD, LABELS);
    assert.equal([skipped, step, Number.isNaN(norm), Number.isNaN(loss)], [true, 1, true, true]);
    for (const [name, data] of await stateOf(trainer)) assert.ok(same(data, before.get(name)!), name);
    const next = await trainer.step(imagesOf(2), LABELS);
    assert.equal([next.step, next.skipped, Number.isFinite(next.loss)], [2, undefined, true]);
  }),
);

check.test("goes on, and the weights show it", () =>
  using({ onNonFinite: "continue" }, async (trainer) => {
    const { norm, loss } = await trainer.step(BAD, LABELS);
    assert.is(norm, undefined); // nothing is clipped, so none is computed
    assert.ok(Number.isNaN(loss));
    const { data } = await trainer.variables.get("a/w");
    assert.ok(data.some(Number.isNaN));
  }),
);

for (const [path, value] of [
  ["a/w", NaN],
  ["a/beta", NaN],
  ["b/w", Infinity],
  ["b/beta", -Infinity],
] as const)
  check.test(`${value} in ${path} shows in the loss and in evaluation`, () =>
    using({ optimizer: rmsprop() }, async (trainer) => {
      const { data } = await trainer.variables.get(path);
      trainer.variables.write(
        path,
        data.map((v, i) => (i === 3 ? value : v)),
      );
      const predictor = await trainer.predictor();
      const logits = await predictor.predict(imagesOf());
      predictor.close();
      if (value !== -Infinity)
        assert.ok(
          logits.every((v) => !Number.isFinite(v)),
          `${logits}`,
        );
      const outcome = await trainer.step(imagesOf(), LABELS).catch((error) => error);
      if (value !== -Infinity) assert.instance(outcome, NonFiniteError);
    }),
  );

check.test("a logit that is not finite counts as wrong", async () => {
  const model = (net: any, x: any) => net.linear("logits", x, 4, { bias: true });
  const trainer = await Trainer.create(device, model, { input: [N, 3], onNonFinite: "skip" });
  trainer.variables.write("logits/bias", [0, NaN, 0, 0]);
  const { top1, top5, loss } = await trainer.step(new Float32Array(12), LABELS);
  assert.equal([top1, top5, Number.isNaN(loss)], [0, 0, true]);
  trainer.close();
});

check.run();
