// Counts and shapes of the networks against the published ones and those derived from the paper.
import * as assert from "uvu/assert";
import { census, getModel, listEntries } from "../models/index.ts";
import { group } from "./harness.ts";

const check = group("models");

interface Expected {
  readonly name: string;
  readonly options?: object;
  readonly classes?: number;
  readonly image?: number;
  readonly parameters: number;
  readonly withoutGamma: number;
  readonly convolutions: number;
  readonly channels: number;
  readonly macs: number;
  readonly activations: number;
}

// prettier: one network a line. Sources: timm's tables (inception_v4 42.68 M, 12.28 GMACs with 2 per batch-norm output;
// inception_resnet_v2 55.84 M, 13.18), facenet-pytorch 23,482,624 without logits, osmr 23,995,624 with; the rest by hand
// from the paper's figures.
const EXPECTED: readonly Expected[] = [
  {
    name: "inception-v4 paper",
    parameters: 42_679_816,
    withoutGamma: 42_648_232,
    convolutions: 149,
    channels: 31_584,
    macs: 12_253.97,
    activations: 15_090_184,
  },
  {
    name: "inception-v4 paper",
    classes: 1001,
    parameters: 42_681_353,
    withoutGamma: 42_649_769,
    convolutions: 149,
    channels: 31_584,
    macs: 12_253.98,
    activations: 15_090_185,
  },
  {
    name: "inception-v4 slim",
    parameters: 42_679_816,
    withoutGamma: 42_648_232,
    convolutions: 149,
    channels: 31_584,
    macs: 12_253.97,
    activations: 15_090_184,
  },
  {
    name: "inception-v4 slim",
    options: { auxiliary: true },
    parameters: 46_039_280,
    withoutGamma: 46_006_800,
    convolutions: 151,
    channels: 32_480,
    macs: 12_260.48,
    activations: 15_095_152,
  },
  {
    name: "inception-resnet-v1 paper",
    parameters: 22_756_328,
    withoutGamma: 22_742_808,
    convolutions: 127,
    channels: 13_520,
    macs: 6_206.36,
    activations: 13_134_648,
  },
  {
    name: "inception-resnet-v1 paper",
    classes: 1001,
    parameters: 22_758_121,
    withoutGamma: 22_744_601,
    convolutions: 127,
    channels: 13_520,
    macs: 6_206.36,
    activations: 13_134_649,
  },
  {
    name: "inception-resnet-v1 facenet",
    parameters: 23_995_624,
    withoutGamma: 23_980_824,
    convolutions: 132,
    channels: 14_800,
    macs: 6_308.24,
    activations: 13_299_000,
  },
  {
    name: "inception-resnet-v1 facenet",
    classes: 8631,
    image: 160,
    parameters: 27_910_327,
    withoutGamma: 27_895_527,
    convolutions: 132,
    channels: 14_800,
    macs: 1_422.08,
    activations: 3_128_631,
  },
  {
    name: "inception-resnet-v1 facenet",
    classes: 10575,
    image: 160,
    parameters: 28_907_599,
    withoutGamma: 28_892_799,
    convolutions: 132,
    channels: 14_800,
    macs: 1_423.08,
    activations: 3_130_575,
  },
  {
    name: "inception-resnet-v2 paper",
    parameters: 32_433_928,
    withoutGamma: 32_417_496,
    convolutions: 132,
    channels: 16_432,
    macs: 9_257.95,
    activations: 17_138_520,
  },
  {
    name: "inception-resnet-v2 paper",
    options: { repeats: [10, 20, 10] },
    parameters: 55_284_488,
    withoutGamma: 55_255_816,
    convolutions: 242,
    channels: 28_672,
    macs: 14_142.01,
    activations: 27_194_440,
  },
  {
    name: "inception-resnet-v2 slim",
    parameters: 55_843_464,
    withoutGamma: 55_813_192,
    convolutions: 244,
    channels: 30_272,
    macs: 13_155.79,
    activations: 25_059_976,
  },
  {
    name: "inception-resnet-v2 slim",
    classes: 1001,
    parameters: 55_845_001,
    withoutGamma: 55_814_729,
    convolutions: 244,
    channels: 30_272,
    macs: 13_155.8,
    activations: 25_059_977,
  },
  {
    name: "inception-resnet-v2 slim",
    options: { auxiliary: true },
    parameters: 59_211_120,
    withoutGamma: 59_179_952,
    convolutions: 246,
    channels: 31_168,
    macs: 13_162.5,
    activations: 25_064_944,
  },
];

for (const want of EXPECTED) {
  const [name, variant] = want.name.split(" ");
  const { classes = 1000, image = 299, options = {} } = want;
  check.test(
    `${want.name} ${JSON.stringify(options)} ${classes} classes at ${image}: parameters, MACs, activations`,
    () => {
      const got = census(getModel(name, { variant, classes, ...options }), image, { training: true });
      assert.is(got.parameters, want.parameters);
      assert.is(got.parametersWithoutGamma, want.withoutGamma);
      assert.is(got.convolutions, want.convolutions);
      assert.is(got.batchNormChannels, want.channels);
      assert.is(Math.round(got.macs / 1e4) / 100, want.macs);
      assert.is(got.activations, want.activations);
    },
  );
}

/** Depths on the three grids, and how many blocks each has. */
const TRUNKS: Readonly<
  Record<string, readonly [family: string, depths: readonly number[], counts: readonly number[]]>
> = {
  "inception-v4 paper": ["inception", [384, 1024, 1536], [4, 7, 3]],
  "inception-v4 slim": ["inception", [384, 1024, 1536], [4, 7, 3]],
  "inception-resnet-v1 paper": ["inception_resnet", [256, 896, 1792], [5, 10, 5]],
  "inception-resnet-v1 facenet": ["inception_resnet", [256, 896, 1792], [5, 10, 6]],
  "inception-resnet-v2 paper": ["inception_resnet", [384, 1152, 2144], [5, 10, 5]],
  "inception-resnet-v2 slim": ["inception_resnet", [320, 1088, 2080], [10, 20, 10]],
};

function blocksOf(name: string): [string, number[]][] {
  const [family, depths, counts] = TRUNKS[name];
  const trunk = [35, 17, 8].flatMap((side, i): [string, number[]][] => {
    const shape = [side, side, depths[i]];
    const blocks = Array.from({ length: counts[i] }, (_, k): [string, number[]] => [
      `${family}_${"abc"[i]}_${k + 1}`,
      shape,
    ]);
    return [[["stem", "reduction_a", "reduction_b"][i], shape], ...blocks];
  });
  if (name !== "inception-resnet-v2 slim") return trunk;
  return [["stem", [35, 35, 192]], ["mixed_5b", [35, 35, 320]], ...trunk.slice(1), ["conv_7b", [8, 8, 1536]]];
}

for (const { name, variant } of listEntries())
  check.test(`${name} ${variant}: the shape after every block`, () => {
    const want = blocksOf(`${name} ${variant}`);
    assert.equal([...census(getModel(name, { variant })).blocks], want);
  });

check.test("grids at other image sizes", () => {
  for (const [image, grids] of [
    [75, [7, 3, 1]],
    [160, [17, 8, 3]],
    [224, [25, 12, 5]],
  ] as const) {
    const { blocks } = census(getModel("inception-v4"), image);
    assert.equal(
      ["stem", "reduction_a", "reduction_b"].map((block) => blocks.get(block)![0]),
      grids,
    );
  }
});

check.run();
