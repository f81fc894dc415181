// TensorFlow.js on its WebGPU backend. Evaluation is convolution, bias and relu fused, as its converter leaves them;
// training is composed of what it has gradients for.

import { BATCH_NORM_EPSILON, CLASSES, labels, noise, RMSPROP } from "../data.mjs";
import { openDawn } from "../dawn.mjs";
import { layers } from "../layers.mjs";
import { nets } from "../nets.mjs";

let tf;

export async function open(job) {
  await openDawn(job);
  tf = (await import("@tensorflow/tfjs")).default;
  await import("@tensorflow/tfjs-backend-webgpu");
  if (!(await tf.setBackend("webgpu"))) throw new Error("tfjs: its WebGPU backend does not start");
  return { version: tf.version.tfjs, ...(job.layers ? openLayers(job) : openNet(job)) };
}

/** Builder of nets.mjs on TF.js tensors; `variables` grows on the first pass and is read in the same order after it. */
class Builder {
  at = 0;
  constructor(variables, training) {
    this.variables = variables;
    this.training = training;
  }
  variable(shape, deviation) {
    const { variables } = this;
    if (this.at === variables.length)
      variables.push(tf.variable(deviation ? tf.randomNormal(shape, 0, deviation) : tf.zeros(shape)));
    return variables[this.at++];
  }
  conv(x, filters, window, stride = 1, padding = "same", { linear = false } = {}) {
    const fan = window[0] * window[1] * x.shape[3];
    const w = this.variable([...window, x.shape[3], filters], Math.sqrt(2 / fan));
    const bias = this.variable([filters]);
    return this.unit(x, w, bias, stride, padding, linear);
  }
  unit(x, filter, bias, strides, pad, linear) {
    if (!this.training)
      return tf.fused.conv2d({ x, filter, strides, pad, bias, activation: linear ? "linear" : "relu" });
    const y = tf.conv2d(x, filter, strides, pad);
    if (linear) return tf.add(y, bias);
    const { mean, variance } = tf.moments(y, [0, 1, 2]);
    return tf.relu(tf.batchNorm(y, mean, variance, bias, tf.onesLike(bias), BATCH_NORM_EPSILON));
  }
  maxPool = (x) => tf.maxPool(x, 3, 2, "valid");
  avgPool = (x) => tf.avgPool(x, 3, 1, "same");
  concat = (list) => tf.concat(list, 3);
  residual = (x, branch, scale) => tf.relu(tf.add(x, tf.mul(branch, scale)));
  head(x, classes) {
    const pooled = tf.mean(x, [1, 2]);
    const w = this.variable([pooled.shape[1], classes], 0.01);
    return tf.add(tf.matMul(pooled, w), this.variable([classes]));
  }
}

function openNet({ net, image, batch }) {
  const images = noise(batch * image * image * 3);
  const variables = [];
  const upload = () => tf.tensor4d(images, [batch, image, image, 3]);
  const logits = (training) => nets[net](new Builder(variables, training), upload(), CLASSES);
  const target = tf.oneHot(tf.tensor1d(labels(batch), "int32"), CLASSES);
  const { rate, decay, momentum, epsilon } = RMSPROP;
  const optimizer = tf.train.rmsprop(rate, decay, momentum, epsilon);
  const loss = () => tf.losses.softmaxCrossEntropy(target, logits(true));
  const read = async (made) => {
    const tensor = tf.tidy(made);
    const [value] = await tensor.data();
    tensor.dispose();
    return value;
  };
  const minimize = () => optimizer.minimize(loss, true);
  return { work: { forward: () => read(() => logits(false)), step: () => read(minimize) } };
}

function openLayers({ batch, repeat }) {
  const work = {};
  for (const { name, side, from, to, window, stride, out } of layers) {
    const x = noiseOf([batch, side, side, from]);
    const w = noiseOf([...window, from, to]);
    const dy = noiseOf([batch, ...out, to]);
    const pad = stride === 1 ? "same" : "valid";
    const attributes = { strides: [stride, stride], pad, dataFormat: "NHWC", dimRoundingMode: undefined };
    const run = (kernel, inputs, more) => () =>
      tf.engine().runKernel(kernel, inputs(), { ...attributes, ...more });
    const made = {
      forward: () => tf.conv2d(x(), w(), stride, pad),
      dx: run("Conv2DBackpropInput", () => ({ dy: dy(), filter: w() }), {
        inputShape: [batch, side, side, from],
      }),
      dw: run("Conv2DBackpropFilter", () => ({ x: x(), dy: dy() }), { filterShape: [...window, from, to] }),
    };
    for (const [routine, make] of Object.entries(made))
      work[`${name} ${routine}`] = () => repeated(make, repeat);
  }
  return { work };
}

/** A tensor of noise, uploaded when it is first asked for. */
function noiseOf(shape) {
  let tensor;
  return () => {
    tensor ??= tf.keep(tf.tensor(noise(shape.reduce((a, b) => a * b)), shape));
    return tensor;
  };
}

/** Reads the last result: it is there only once all of them are. */
async function repeated(make, times) {
  for (let i = 1; i < times; i++) make().dispose();
  const last = make();
  const [value] = await last.data();
  last.dispose();
  return value;
}
