// ONNX Runtime in Node on its WebGPU provider, which brings a Dawn of its own; evaluation only. NCHW, batch norm folded.
import ort from "onnxruntime-node";
import { CLASSES, noise } from "../data.mjs";
import { layers } from "../layers.mjs";
import { nets } from "../nets.mjs";
import { OnnxGraph } from "../onnx.mjs";

const cannot = "evaluates only";
const SETTINGS = {
  executionProviders: ["webgpu"],
  logSeverityLevel: 3,
  extra: { session: { disable_cpu_ep_fallback: "1" } },
};

export async function open(job) {
  return { version: ort.env.versions.node, cannot, work: job.layers ? openLayers(job) : await openNet(job) };
}

/** Runs a model on `x` and reads the first value of its result. */
async function load(model, shape) {
  const session = await ort.InferenceSession.create(model, SETTINGS);
  const x = new ort.Tensor("float32", noise(shape.reduce((a, b) => a * b)), shape);
  return async () => (await session.run({ x })).y.data[0];
}

/** Builder of nets.mjs: shapes [h, w, c] go along with the names. */
class Builder {
  graph = new OnnxGraph();
  weights(shape, fan) {
    return this.graph.constant(
      shape,
      noise(
        shape.reduce((a, b) => a * b),
        Math.sqrt(4 / fan),
      ),
    );
  }
  conv({ name, shape: [h, w, c] }, filters, window, stride = 1, padding = "same", { linear = false } = {}) {
    const pad = window.map((k) => (padding === "same" ? k >> 1 : 0));
    const inputs = [
      name,
      this.weights([filters, c, ...window], window[0] * window[1] * c),
      this.graph.constant([filters], new Float32Array(filters)),
    ];
    const attributes = { kernel_shape: window, strides: [stride, stride], pads: [...pad, ...pad] };
    const y = this.graph.node("Conv", inputs, attributes);
    const size = (side, i) => Math.floor((side + 2 * pad[i] - window[i]) / stride) + 1;
    return { name: linear ? y : this.graph.node("Relu", [y]), shape: [size(h, 0), size(w, 1), filters] };
  }
  maxPool({ name, shape: [h, w, c] }) {
    const y = this.graph.node("MaxPool", [name], { kernel_shape: [3, 3], strides: [2, 2] });
    return { name: y, shape: [(h - 1) >> 1, (w - 1) >> 1, c] };
  }
  avgPool({ name, shape }) {
    return {
      name: this.graph.node("AveragePool", [name], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
      shape,
    };
  }
  concat(list) {
    const name = this.graph.node(
      "Concat",
      list.map((x) => x.name),
      { axis: 1 },
    );
    const [h, w] = list[0].shape;
    return { name, shape: [h, w, list.reduce((sum, { shape }) => sum + shape[2], 0)] };
  }
  residual({ name, shape }, branch, scale) {
    const scaled = this.graph.node("Mul", [branch.name, this.graph.constant([1], Float32Array.of(scale))]);
    return { name: this.graph.node("Relu", [this.graph.node("Add", [name, scaled])]), shape };
  }
  head({ name, shape: [, , c] }, classes) {
    const flat = this.graph.node("Flatten", [this.graph.node("GlobalAveragePool", [name])], { axis: 1 });
    const bias = this.graph.constant([classes], new Float32Array(classes));
    return this.graph.node("Gemm", [flat, this.weights([c, classes], c), bias]);
  }
}

async function openNet({ net, image, batch }) {
  const shape = [batch, 3, image, image];
  const builder = new Builder();
  const logits = nets[net](builder, { name: "x", shape: [image, image, 3] }, CLASSES);
  return { forward: await load(builder.graph.model(shape, logits, [batch, CLASSES]), shape) };
}

function openLayers({ batch, repeat }) {
  const work = {};
  for (const { name, side, from, to, window, stride, padding, out } of layers) {
    let run;
    work[`${name} forward`] = async () => {
      run ??= await prepare();
      let value;
      for (let i = 0; i < repeat; i++) value = await run();
      return value;
    };
    const prepare = () => {
      const shape = [batch, from, side, side];
      const graph = new OnnxGraph();
      const w = graph.constant([to, from, ...window], noise(to * from * window[0] * window[1]));
      const pads = [...padding, ...padding];
      const y = graph.node("Conv", ["x", w], { kernel_shape: window, strides: [stride, stride], pads });
      return load(graph.model(shape, y, [batch, to, ...out]), shape);
    };
  }
  return work;
}
