// Networks and blocks on a device against PyTorch in float64: values, every gradient, running statistics, one
// optimiser step. tests/goldens/README.md says which weights make such a comparison mean something in float32.

import type { Device } from "../../engine/device/device.ts";
import { type Finding, passes } from "../../engine/gradcheck/report/report.ts";
import { Net } from "../../engine/nn/net.ts";
import type { StateDict } from "../../engine/nn/variables.ts";
import { rmsprop } from "../../engine/optim/optimizers.ts";
import { Trainer } from "../../engine/optim/trainer.ts";
import { median } from "../../engine/statistics/quantiles.ts";
import { exportWeights, importWeights, publicNames } from "../checkpoints.ts";
import { getBlock, getModel, netOptions } from "../registry.ts";
import { type BlockGolden, digest, type Golden, type NetworkGolden } from "./golden.ts";
import { type Along, type Backward, differentiateBlock, evaluateAndDifferentiate } from "./parity.ts";

/** Relative errors allowed; those of gradients and steps are bounded further by what PyTorch's own float32 shows. */
const ALLOWED = {
  logits: 1e-4,
  loss: 1e-5,
  gradient: 1e-3,
  step: 1e-3,
  statistics: 1e-6,
  difference: 5e-3,
} as const;
/** How many times the error of PyTorch's own float32 is allowed. */
const TIMES = 5;
/** Allowed at least: what sums of ten thousand products may err by when an adapter takes them in another order. */
const ORDER = 1e-5;

/** What a gradient may err by where PyTorch's float32 shows an error. */
const besideTorch = (shown: number) => Math.min(ALLOWED.gradient, Math.max(ORDER, TIMES * shown));
/**
 * How far the central difference goes: so far that a network's loss should change by 2^-7, which is 1e4 roundings of
 * it and bends by less than 1e-3; and that a block's weights change by 2^-18, before its relus change sides.
 */
const STEP = { network: (slope: number) => 2 ** -7 / slope, block: () => 2 ** -18 } as const;

/** Makes a finding of an error and what is allowed. */
type Judge = (
  check: string,
  where: string,
  error: number,
  allowed: number,
  beside?: Finding["beside"],
) => Finding;

const judging =
  (subject: string): Judge =>
  (check, where, error, allowed, beside) => {
    const figure = error / allowed;
    const [was, may] = [error, allowed].map((v) => v.toExponential(2));
    const message = `${subject}: ${check}, ${where}: relative error ${was} where ${may} is allowed`;
    return {
      layer: "network",
      subject,
      check,
      figure,
      where,
      beside,
      message: passes(figure) ? undefined : message,
    };
  };

/** Judges a network's evaluation and one training pass. Throws WeightsError where the golden is of another network. */
export async function* verifyNetwork(device: Device, golden: NetworkGolden): AsyncGenerator<Finding> {
  const { network, options, state } = prepareNetwork(golden);
  const { images, labels, torch32 } = golden;
  const along = uphill(golden, [...state.keys()], STEP.network);
  const got = await evaluateAndDifferentiate(device, network, options, state, images, labels, along);
  const judge = judging(networkName(golden));
  const { evalLogits, trainLogits, loss } = got;
  for (const [name, logits] of Object.entries({ eval_logits: evalLogits, train_logits: trainLogits })) {
    const error = relative(logits, golden.stored(name));
    yield judge("logits", name, error, ALLOWED.logits, {
      "relative L2": error,
      "PyTorch float32": torch32[name],
    });
  }
  const off = Math.abs(loss / golden.stored("loss")[0] - 1);
  yield judge("loss", "loss", off, ALLOWED.loss, { "PyTorch float32": torch32.loss });
  yield* verifyBackward(golden, judge, got, [...state.keys()]);
}

/** Judges a network's first step of RMSProp, as the paper takes it. */
export async function* verifyStep(device: Device, golden: NetworkGolden): AsyncGenerator<Finding> {
  const { network, options, state } = prepareNetwork(golden);
  const [n, h, w, c] = golden.images.shape;
  const trainer = await Trainer.create(device, network, {
    input: [n, h, w, c],
    optimizer: rmsprop({ decay: 0.9, momentum: 0.9, epsilon: 1 }),
    rate: 0.045,
    net: options,
  });
  try {
    trainer.variables.load(state);
    await trainer.step(golden.images.data, golden.labels);
    const delta = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    for (const [path, { shape, data }] of await trainer.variables.read())
      delta.set(path, { shape, data: data.map((v, i) => v - state.get(path)!.data[i]) });
    const torch = golden.stored("step32");
    const steps = digests(golden, delta, [...state.keys()]);
    const judge = judging(networkName(golden));
    // a step is known from the weights before and after, which are rounded
    for (const [i, [name]] of golden.parameters.entries()) {
      const found = compare(steps.get(name)!, golden.stored("step"), i, golden.stored("step_scale")[i]);
      const allowed = ALLOWED.step + 4 * torch[i];
      yield judge("optimiser step", name, found.error, allowed, reserved(found, torch[i]));
    }
  } finally {
    trainer.close();
  }
}

/** Judges a block alone. Throws ValueError where there is no such block, WeightsError where the golden is of another. */
export async function* verifyBlock(device: Device, golden: BlockGolden): AsyncGenerator<Finding> {
  const { model: name, variant, path, weights, x, dy } = golden;
  const options = netOptions(name, { variant, batchNorm: { scale: true } });
  const block = getBlock(name, path, variant);
  const net = new Net(options);
  net.block(path, net.input("x", x.shape), block.body);
  const { state } = importWeights(name, variant, net.variables, weights);
  const along = uphill(golden, [...state.keys()], STEP.block);
  const got = await differentiateBlock(device, path, block, options, state, x, dy, along);
  const judge = judging(`${name} ${path.replace(/_1$/, "")}`);
  for (const [check, key, values] of [
    ["output", "y", got.y],
    ["gradients", "dx", got.dx],
  ] as const) {
    const [stored, torch] = [golden.stored(key), golden.stored(`${key}32`)[0]];
    const found = compare(digest(values), stored, 0, stored[0]);
    yield judge(check, key, found.error, besideTorch(torch), reserved(found, torch));
  }
  yield* verifyBackward(golden, judge, got, [...state.keys()]);
}

/** Judges gradients, running statistics and the derivative along a direction. */
function* verifyBackward(
  golden: Golden,
  judge: Judge,
  { gradients, statistics, difference }: Backward,
  paths: readonly string[],
): Iterable<Finding> {
  const [stored, scale, torch] = ["gradient", "gradient_scale", "torch32"].map((key) => golden.stored(key));
  const ours = digests(golden, gradients, paths);
  const allowed = allowances(golden);
  for (const [i, [name]] of golden.parameters.entries()) {
    const found = compare(ours.get(name)!, stored, i, scale[i]);
    yield judge("gradients", name, found.error, allowed[i], reserved(found, torch[i]));
  }
  const running = digests(golden, statistics, paths);
  const [means, means32] = [golden.stored("running"), golden.stored("running32")];
  for (const [i, [name]] of golden.statistics.entries()) {
    const found = compare(running.get(name)!, means, i, means[i * 9]);
    yield judge("running statistics", name, found.error, ALLOWED.statistics, reserved(found, means32[i]));
  }

  yield alongSigns(golden, judge, ours, allowed);
  yield alongGradient(golden, judge, ours, difference!);
}

/**
 * `<gradient, v>` for v the signs of a digest's first projection, times the root mean square of every parameter. A sum
 * of terms of either sign: its error is measured against the root of their summed squares.
 */
function alongSigns(
  golden: Golden,
  judge: Judge,
  gradients: ReadonlyMap<string, Float64Array>,
  allowed: readonly number[],
): Finding {
  const [stored, scale] = ["gradient", "gradient_scale"].map((key) => golden.stored(key));
  const sum = { ours: 0, theirs: 0, squares: 0, allowed: 0 };
  for (const [i, [name]] of golden.parameters.entries()) {
    const { data } = golden.weights.get(name)!;
    const weight = norm(data) / Math.sqrt(data.length);
    sum.ours += weight * gradients.get(name)![1];
    sum.theirs += weight * stored[i * 9 + 1];
    sum.squares += (weight * stored[i * 9]) ** 2;
    sum.allowed += (weight * scale[i] * allowed[i]) ** 2;
  }
  const size = Math.sqrt(sum.squares);
  const error = Math.abs(sum.ours - sum.theirs) / size;
  const where = `${sum.ours.toPrecision(7)}, PyTorch ${sum.theirs.toPrecision(7)}`;
  return judge("directional derivative", where, error, Math.sqrt(sum.allowed) / size, {
    "relative error": error,
  });
}

/** The central difference along our gradient, see `uphill`, against `<gradient, v>` with ours and with PyTorch's. */
function alongGradient(
  golden: Golden,
  judge: Judge,
  gradients: ReadonlyMap<string, Float64Array>,
  difference: number,
): Finding {
  const [stored, scale] = ["gradient", "gradient_scale"].map((key) => golden.stored(key));
  let [ours, theirs] = [0, 0];
  for (const [i, [name]] of golden.parameters.entries()) {
    const got = gradients.get(name)!;
    const factor = norm(golden.weights.get(name)!.data) / scale[i];
    ours += factor * got[0] ** 2;
    theirs += factor * compare(got, stored, i, scale[i]).product;
  }
  const error = larger(Math.abs(difference / ours - 1), Math.abs(difference / theirs - 1));
  const [by, from, truth] = [difference, ours, theirs].map((v) => v.toPrecision(7));
  const where = `${by} by differences, ${from} by the gradient, ${truth} by PyTorch's`;
  return judge("central difference", where, error, ALLOWED.difference, { "relative error": error });
}

/**
 * What each parameter's gradient may err by: five times what PyTorch's own float32 errs in that tensor, or in the
 * median one where luck made it err less, within 1e-5 and 1e-3.
 */
function allowances(golden: Golden): readonly number[] {
  const torch = golden.stored("torch32");
  const [usual, worst] = [median([...torch]), Math.max(...torch)];
  return golden.parameters.map(([, kind], i) => {
    // a shift that a later batch norm removes again has gradient zero: what it errs by is noise
    const shown = ["beta", "bias", "shift"].includes(kind) ? worst : Math.max(torch[i], usual);
    return besideTorch(shown);
  });
}

interface Distance {
  /** Largest difference of norm or projection, over the scale. */
  readonly error: number;
  /** Estimate of the L2 norm of the difference, over the scale. */
  readonly l2: number;
  /** Scalar product of the tensors, by the law of cosines. */
  readonly product: number;
  /** 1 - cosine of the angle between them, unless they are all but zero. */
  readonly turned?: number;
}

/** How far a digest is from row `row` of the stored ones. */
function compare(got: Float64Array, stored: Float64Array, row: number, scale: number): Distance {
  const want = stored.subarray(row * 9, row * 9 + 9);
  const apart = want.map((v, j) => Math.abs(got[j] - v));
  const squared = apart.subarray(1).reduce((sum, v) => sum + v * v, 0) / 8;
  const product = (got[0] ** 2 + want[0] ** 2 - squared) / 2;
  const turned = Math.max(0, squared - (got[0] - want[0]) ** 2) / (2 * got[0] * want[0]);
  return {
    error: apart.reduce(larger) / scale,
    l2: Math.sqrt(squared) / scale,
    product,
    turned: want[0] < scale ? undefined : turned,
  };
}

/** The larger; NaN where one is. */
const larger = (a: number, b: number) => (a >= b ? a : b > a ? b : Number.NaN);

const reserved = ({ l2, turned }: Distance, torch: number): Finding["beside"] => ({
  "relative L2": l2,
  "PyTorch float32": torch,
  ...(turned !== undefined && { "1 - cosine": turned }),
});

const networkName = ({ model: name, variant, width }: NetworkGolden) =>
  `${name} ${variant}${width === 1 ? "" : `, 1/${1 / width} width`}`;

/** Our model and weights for a golden: read as any public checkpoint is. */
function prepareNetwork({ model: name, variant, width, classes, images, weights }: NetworkGolden) {
  const options = netOptions(name, { variant, width, batchNorm: { scale: true } });
  const network = getModel(name, { variant, classes, keep: 1 });
  const net = new Net(options);
  network(net, net.input("images", images.shape));
  const { state } = importWeights(name, variant, net.variables, weights);
  return { options, network, state };
}

/**
 * The direction of the gradient, every parameter's scaled to the norm of its values: a step along it changes all of
 * them by the same fraction. Along random signs the loss of a network changes too little to differ from rounding
 * before relus and pools change sides. `step` is given the derivative along the direction.
 */
function uphill(golden: Golden, paths: readonly string[], step: (slope: number) => number): Along {
  const names = publicNames(golden.model, golden.variant, paths);
  const scale = golden.stored("gradient_scale");
  const factors = new Map(
    golden.parameters.map(([name], i) => [name, norm(golden.weights.get(name)!.data) / scale[i]]),
  );
  return (gradients) => {
    const direction = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    let slope = 0;
    for (const [path, { shape, data }] of gradients) {
      const factor = factors.get(names.get(path)!)!;
      direction.set(path, { shape, data: data.map((v) => v * factor) });
      slope += factor * norm(data) ** 2;
    }
    return { direction, step: step(slope) };
  };
}

/** Digests by public name. */
function digests({ model: name, variant }: Golden, values: StateDict, paths: readonly string[]) {
  const theirs = exportWeights(name, variant, values, { naming: "public", layout: "OIHW" }, paths);
  return new Map([...theirs].map(([name, { data }]) => [name, digest(data)]));
}

const norm = (x: Float32Array): number => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));

const relative = (got: Float32Array, want: Float64Array): number =>
  Math.hypot(...want.map((v, i) => v - got[i])) / Math.hypot(...want);
