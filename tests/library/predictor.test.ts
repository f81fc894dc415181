// A predictor is of the variables' model or refuses them, takes any number of images, and calls at once keep apart.
import * as assert from "uvu/assert";
import {
  ClosedError,
  Device,
  Predictor,
  ShapeError,
  Trainer,
  type TrainerOptions,
  ValueError,
  WeightsError,
} from "../../engine/index.ts";
import { device, group } from "../harness.ts";
import { CLASSES, classifier, fails, INPUT, imagesOf, LABELS, N, OPTIONS, same } from "./small.ts";

const check = group("predictor");

async function using(
  options: Partial<TrainerOptions>,
  body: (trainer: Trainer) => Promise<void>,
): Promise<void> {
  const trainer = await Trainer.create(device, classifier(), { ...OPTIONS, ...options });
  try {
    await trainer.step(imagesOf(), LABELS);
    await body(trainer);
  } finally {
    trainer.close();
  }
}

check.test("another number of classes, another width, a layer that is not there: WeightsError", () =>
  using({}, async ({ variables }) => {
    const made = (model: any, net = {}) => Predictor.create(device, model, variables, { input: INPUT, net });
    for (const classes of [2, 100, 1000])
      await fails(
        () => made(classifier(classes)),
        WeightsError,
        /logits\/w is \[8,\d+\] in the model but \[8,4\]/,
      );
    await fails(() => made(classifier(), { width: 2 }), WeightsError, /a\/w is/);
    await fails(
      () => made((net: any, x: any) => net.linear("other", net.globalAvgPool(x), 4)),
      WeightsError,
      /other\/w/,
    );
  }),
);

check.test("options of the layers are the variables', and others are refused", () =>
  using({ net: { batchNorm: { scale: true, epsilon: 0.5 } } }, async (trainer) => {
    const { variables } = trainer;
    const of = async (predictor: Promise<Predictor>) => {
      const one = await predictor;
      const logits = await one.predict(imagesOf());
      one.close();
      return logits;
    };
    const right = await of(trainer.predictor());
    assert.ok(same(right, await of(Predictor.create(device, classifier(), variables, { input: INPUT }))));
    const made = (batchNorm: object) =>
      Predictor.create(device, classifier(), variables, { input: INPUT, net: { batchNorm } });
    await fails(() => made({ epsilon: 0.5 }), WeightsError, /batchNorm.scale is false but .* true/);
    await fails(() => made({ scale: true }), WeightsError, /batchNorm.epsilon is 0.001 but .* 0.5/);
  }),
);

check.test("any number of images, each as if alone", () =>
  using({}, async (trainer) => {
    const predictor = await trainer.predictor();
    const images = imagesOf(3, 11);
    const all = await predictor.predict(images);
    assert.is(all.length, 11 * CLASSES);
    for (const i of [0, 5, 10]) {
      const one = await predictor.predict(images.subarray(i * 192, (i + 1) * 192));
      assert.ok(same(one, all.subarray(i * CLASSES, (i + 1) * CLASSES)), `image ${i}`);
    }
    const outputs = await (await trainer.predictor({ input: [3, 8, 8, 3], outputs: ["b"] })).outputs(images);
    assert.equal(outputs.b.shape, [11, 8, 8, 8]);
    assert.equal(outputs.logits.shape, [11, CLASSES]);
    await fails(() => predictor.predict(images.subarray(1)), ShapeError, /multiple of 192/);
    await fails(() => predictor.predict(new Float32Array(0)), ShapeError, /0 values/);
    predictor.close();
  }),
);

check.test("predictions at once are each one's own, and take their images at once", () =>
  using({}, async (trainer) => {
    const predictor = await trainer.predictor();
    const want = [await predictor.predict(imagesOf(1)), await predictor.predict(imagesOf(2))];
    const reused = imagesOf(1);
    const calls = [predictor.predict(reused)];
    reused.set(imagesOf(2));
    calls.push(predictor.predict(reused));
    reused.fill(0);
    for (const [i, logits] of (await Promise.all(calls)).entries()) assert.ok(same(logits, want[i]), `${i}`);
    predictor.close();
  }),
);

check.test("bytes, options and other devices are refused by name; closed is closed", () =>
  using({}, async (trainer) => {
    const predictor = await trainer.predictor();
    await fails(() => predictor.predict(new Uint8Array(N * 192)), ValueError, /images: values in \[-1, 1\]/);
    const under = fails(
      () => predictor.predict(imagesOf()),
      ClosedError,
      /predict: the predictor was closed/,
    );
    predictor.close();
    await under;
    await fails(() => predictor.predict(imagesOf()), ClosedError, /predict: /);
    await fails(() => trainer.predictor({ weights: "average" }), WeightsError, /has no average/);
    await fails(() => trainer.predictor({ weights: "mean" as any }), ValueError, /weights is "mean"/);
    await fails(() => trainer.predictor({ batch: 3 } as any), ValueError, /no option batch/);
    const other = await Device.open({ adapter: "null" });
    await fails(
      () => Predictor.create(other, classifier(), trainer.variables, { input: INPUT }),
      ValueError,
      /another device/,
    );
    other.close();
  }),
);

check.run();
