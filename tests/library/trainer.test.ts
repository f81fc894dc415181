// What a trainer takes, refuses and gives back, and that calls at once run one after the other.
import * as assert from "uvu/assert";
import {
  ClosedError,
  ShapeError,
  sgd,
  Trainer,
  type TrainerOptions,
  ValueError,
} from "../../engine/index.ts";
import { device, group } from "../harness.ts";
import { CLASSES, classifier, fails, imagesOf, LABELS, N, OPTIONS, same } from "./small.ts";

const check = group("trainer");
const create = (options: Partial<TrainerOptions> = {}) =>
  Trainer.create(device, classifier(), { ...OPTIONS, optimizer: sgd(), rate: 0.1, ...options });

/** A trainer for the length of a test. */
async function using(
  options: Partial<TrainerOptions>,
  body: (trainer: Trainer) => Promise<void>,
): Promise<void> {
  const trainer = await create(options);
  try {
    await body(trainer);
  } finally {
    trainer.close();
  }
}

check.test("steps at once run in order, each with its own loss", () =>
  using({}, async (trainer) => {
    const batches = [1, 2, 3].map((seed) => imagesOf(seed));
    const together = await Promise.all(batches.map((images) => trainer.step(images, LABELS)));
    const alone = await create();
    const apart = [];
    for (const images of batches) apart.push(await alone.step(images, LABELS));
    alone.close();
    assert.equal(together, apart);
    assert.equal(
      together.map(({ step }) => step),
      [0, 1, 2],
    );
  }),
);

for (const microBatches of [1, 2])
  check.test(`what a step takes it takes at once (${microBatches} micro-batches)`, () =>
    using({ microBatches }, async (trainer) => {
      const other = await create({ microBatches });
      const [images, labels] = [imagesOf(), LABELS.slice()];
      const steps = [trainer.step(images, labels), trainer.step(images, labels)];
      images.fill(0.5);
      labels.fill(99); // a label out of range
      const want = [await other.step(imagesOf(), LABELS), await other.step(imagesOf(), LABELS)];
      assert.equal(await Promise.all(steps), want);
      const [a, b] = await Promise.all([trainer.variables.read(), other.variables.read()]);
      for (const [path, { data }] of a) assert.ok(same(data, b.get(path)!.data), path);
      other.close();
    }),
  );

check.test("labels and images of other array types are the same numbers", () =>
  using({}, async (trainer) => {
    const first = await trainer.step(imagesOf(), LABELS);
    const shared = new Float32Array(new SharedArrayBuffer(4 * N * 192));
    shared.set(imagesOf());
    const variants: [any, any][] = [
      [Float64Array.from(imagesOf()), [...LABELS]],
      [[...imagesOf()], Uint8Array.from(LABELS)],
      [shared, Float32Array.from(LABELS)],
      [imagesOf(), BigInt64Array.from([0n, 1n, 2n, 3n])],
      [imagesOf(), new Int32Array(new SharedArrayBuffer(16)).map((_, i) => i)],
    ];
    for (const [images, labels] of variants)
      await using({}, async (other) => {
        assert.is((await other.step(images, labels)).loss, first.loss);
      });
  }),
);

check.test("what a step refuses leaves the trainer whole", () =>
  using({}, async (trainer) => {
    const before = await trainer.variables.read();
    const images = imagesOf();
    const step = trainer.step.bind(trainer) as (...given: unknown[]) => unknown;
    await fails(
      () => step(new Uint8Array(N * 192), LABELS),
      ValueError,
      /images: values in \[-1, 1\].*Uint8Array/,
    );
    await fails(() => step("x", LABELS), ValueError, /images: .*"x" is given/);
    await fails(() => step(images), ValueError, /labels: .*undefined/);
    await fails(() => step(images.subarray(1), LABELS), ShapeError, /images: \[4,8,8,3\] takes 768 .* 767/);
    await fails(() => step(images, [0, 1]), ShapeError, /labels: \[4\] takes 4 values but 2/);
    await fails(
      () => step(images, [0, 1, 2, CLASSES]),
      ValueError,
      /label 4 of image 3 is outside the 4 classes/,
    );
    await fails(() => step(images, [0, 1, 2, 1.5]), ValueError, /labels: value 1.5 at index 3/);
    await fails(() => step({ images, target: LABELS }), ShapeError, /no input target \(has images, labels\)/);
    for (const [path, { data }] of await trainer.variables.read())
      assert.ok(same(data, before.get(path)!.data), path);
    const { step: number, loss } = await trainer.step(images, LABELS);
    assert.is(number, 0);
    assert.ok(Number.isFinite(loss));
  }),
);

check.test("a closed trainer refuses by name, and close ends what is under way", async () => {
  const trainer = await create();
  await trainer.step(imagesOf(), LABELS);
  const under = [trainer.step(imagesOf(), LABELS), trainer.step(imagesOf(), LABELS)].map((step) =>
    fails(() => step, ClosedError, /^step: the trainer was closed$/),
  );
  const reads = [trainer.variables.read(), trainer.variables.get("a/w"), trainer.save()].map((read) =>
    fails(() => read, ClosedError, /: the (trainer was|variables were) closed$/),
  );
  trainer.close();
  trainer.close();
  await Promise.all([...under, ...reads]);
  await fails(() => trainer.variables.write("a/w", [0]), ClosedError, /^write a\/w: /);
  await fails(() => trainer.step(imagesOf(), LABELS), ClosedError, /^step: /);
  await fails(() => trainer.save(), ClosedError, /^save: /);
  await fails(() => trainer.profile(), ClosedError, /^profile: /);
  await fails(() => trainer.read("logits"), ClosedError, /^read: /);
  await fails(() => trainer.predictor(), ClosedError, /^predictor: /);
});

const refused: [string, unknown, typeof ValueError | typeof ShapeError, RegExp][] = [
  ["rate", NaN, ValueError, /trainer: rate is NaN/],
  ["rate", -1, ValueError, /rate is -1/],
  ["rate", null, ValueError, /rate is null/],
  ["average", 5, ValueError, /average is 5 .*below 1/],
  ["seed", 1.5, ValueError, /seed is 1.5 .*4294967295/],
  ["seed", 2 ** 32, ValueError, /seed is 4294967296/],
  ["smoothing", 1, ValueError, /smoothing is 1/],
  ["clip", 0, ValueError, /clip is 0/],
  ["microBatches", 3, ShapeError, /batch of 4 does not divide into 3/],
  ["microBatches", 1.5, ValueError, /microBatches is 1.5/],
  ["input", [0, 8, 8, 3], ValueError, /input is \[0,8,8,3\]/],
  ["input", [4, 8, 8.5, 3], ValueError, /input is/],
  ["memory", 0, ValueError, /memory is 0/],
  ["onNonFinite", "ignore", ValueError, /onNonFinite is "ignore" but one of "throw", "skip", "continue"/],
  ["optimizer", sgd, ValueError, /optimizer is the function sgd/],
  ["freeze", "a/*", ValueError, /freeze is "a\/\*" but a list/],
  ["freeze", ["c/*"], ValueError, /no variable matches c\/\* \(such as a\/w/],
  ["outputs", ["c"], ValueError, /no layer, block or output c \(such as/],
  ["averge", 0.9, ValueError, /no option averge \(has input,.* average,/],
  ["net", { width: 0 }, ValueError, /width is 0/],
  ["net", { batchNorm: { eps: 1 } }, ValueError, /batchNorm: there is no option eps/],
];
for (const [name, value, type, says] of refused)
  check.test(`the option ${name} is not ${JSON.stringify(value) ?? String(value)}`, () =>
    fails(() => create({ [name]: value } as Partial<TrainerOptions>), type, says),
  );

check.test("a model must be straight code that returns what a model returns", async () => {
  const made = (model: any) => () => Trainer.create(device, model, OPTIONS);
  await fails(
    made(async () => 1),
    ValueError,
    /promise.*cannot be async/,
  );
  await fails(
    made(() => undefined),
    ValueError,
    /must return logits/,
  );
  await fails(
    made(() => ({ logits: 3 })),
    ValueError,
    /must return logits/,
  );
  await fails(made("inception-v4"), ValueError, /a function is expected but string/);
  await fails(made(classifier(0)), ValueError, /logits linear: units is 0/);
  await fails(made(classifier(2.5)), ValueError, /units is 2.5/);
  await fails(made(classifier(4, 2)), ValueError, /dropout: keep is 2/);
});

check.test("a schedule's rate is judged at its step, and a rate can be set", () =>
  using({ rate: (step) => (step === 1 ? NaN : 0.1) }, async (trainer) => {
    assert.is((await trainer.step(imagesOf(), LABELS)).rate, 0.1);
    await fails(() => trainer.step(imagesOf(), LABELS), ValueError, /rate at step 1 is NaN/);
    trainer.rate = 0.25;
    assert.is((await trainer.step(imagesOf(), LABELS)).rate, 0.25);
    await fails(
      () => {
        trainer.rate = -1;
      },
      ValueError,
      /rate is -1/,
    );
    assert.is(trainer.rate, 0.25);
  }),
);

check.test("layers, gradients and variables are read by name", () =>
  using({ outputs: ["a", "logits"] }, async (trainer) => {
    await fails(() => trainer.read("a"), ValueError, /no step was taken of which to read a/);
    await trainer.step(imagesOf(), LABELS);
    const a = await trainer.read("a");
    assert.equal(a.shape, [N, 8, 8, 8]);
    assert.ok(a.data.some((v) => v > 0) && a.data.every((v) => v >= 0));
    assert.equal((await trainer.read("logits")).shape, [N, CLASSES]);
    const gradient = await trainer.variables.get("logits/bias", "gradient");
    const sum = gradient.data.reduce((x, y) => x + y);
    assert.ok(gradient.data.some((v) => v !== 0) && Math.abs(sum) < 1e-6, `${sum}`); // softmax minus labels
    await fails(() => trainer.read("b"), ShapeError, /no output b \(has a, logits/);
  }),
);

check.test("a frozen layer keeps its bits, statistics too", () =>
  using({ freeze: ["a/*", /^logits\/bias$/], average: 0.9 }, async (trainer) => {
    const before = await trainer.variables.read();
    for (const seed of [1, 2]) await trainer.step(imagesOf(seed), LABELS);
    for (const slot of ["value", "average"])
      for (const [path, { data }] of await trainer.variables.read(slot)) {
        const frozen = path.startsWith("a/") || path === "logits/bias";
        assert.is(same(data, before.get(path)!.data), frozen, `${path}.${slot}`);
      }
  }),
);

check.test("all frozen leaves nothing to train", () =>
  fails(() => create({ freeze: ["*"] }), ShapeError, /no trainable variable/),
);

check.test("inputs of any rank", async () => {
  const input = [6, 5] as const;
  const trainer = await Trainer.create(device, (net, x) => net.linear("logits", x, 3), { input, rate: 0.1 });
  const x = Float32Array.from({ length: 30 }, (_, i) => Math.cos(i));
  const { loss } = await trainer.step(x, [0, 1, 2, 0, 1, 2]);
  assert.ok(loss > 0);
  trainer.close();
});

check.run();
