// Tessera itself, by its public interface.

import { labels, noise, RMSPROP } from "../data.mjs";
import { importTessera } from "../dawn.mjs";
import { layers } from "../layers.mjs";

const { engine, kernels, models } = await importTessera();
const { Device, Executable, Graph, Net, plan, Predictor, rmsprop, Trainer, Variables } = engine;
const version = "this checkout";

export async function open(job) {
  const device = await Device.open();
  return { version, ...(job.layers ? await openLayers(device, job) : await openNet(device, job)) };
}

async function openNet(device, job) {
  const { batch, image, whats } = job;
  const input = [batch, image, image, 3];
  const model = models.model(job.net, { keep: 1 });
  const net = models.netOptions(job.net);
  const images = noise(batch * image * image * 3);
  const { rate, ...rule } = RMSPROP;
  const trainer =
    whats.includes("step") &&
    (await Trainer.create(device, model, { input, net, rate, optimizer: rmsprop(rule) }));
  const variables = trainer ? trainer.variables : await untrained(device, model, { input, net });
  const predictor = await Predictor.create(device, model, variables, { input, net });
  const work = { forward: async () => (await predictor.predict(images))[0] };
  if (trainer) work.step = async () => (await trainer.step(images, labels(batch))).loss;
  return { work };
}

function untrained(device, model, { input, net }) {
  const traced = new Net({ ...net, training: false });
  model(traced, traced.input("images", input));
  return Variables.create(device, traced.variables);
}

async function openLayers(device, { batch, repeat }) {
  const work = {};
  for (const layer of layers)
    for (const routine of ["forward", "dx", "dw"]) {
      let executable;
      work[`${layer.name} ${routine}`] = async () => {
        executable ??= await load(device, layer, routine, batch);
        for (let i = 0; i < repeat; i++) executable.run();
        const [result] = executable.plan.outputs.keys();
        return (await executable.read(result))[0];
      };
    }
  return { work };
}

/** One routine of one convolution as a plan of its own. */
async function load(device, { side, from, to, window, stride, padding, out }, routine, batch) {
  const graph = new Graph();
  const given = { x: [batch, side, side, from], w: [...window, from, to], b: [to], dy: [batch, ...out, to] };
  const reads = { forward: ["x", "w", "b"], dx: ["dy", "w"], dw: ["x", "dy"] }[routine];
  const inputs = Object.fromEntries(reads.map((name) => [name, graph.input(name, given[name])]));
  const attrs = { stride: [stride, stride], padding: padding.map((p) => [p, p]) };
  const shapes = { ...given, y: given.dy, dx: given.x, dw: given.w };
  const made = { forward: ["forward", "y"], dx: ["x", "dx"], dw: ["w", "dw"] }[routine];
  const node = {
    op: kernels.conv2d,
    routine: made[0],
    attrs,
    inputs,
    onto: {},
    shapes,
    phase: "forward",
    label: "conv2d",
  };
  const outputs = graph.emit(node, [made[1]]);
  const executable = await Executable.load(device, plan(graph, device.traits, { outputs }));
  for (const name of reads) executable.write(name, noise(given[name].reduce((a, b) => a * b)));
  return executable;
}
