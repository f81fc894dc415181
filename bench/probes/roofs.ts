// The two roofs of an adapter: fused multiply-adds in registers, and a copy. Best of twenty dispatches each.
//   npm run build && node dist/probes/roofs.js
import { Device } from "../../engine/device/device.ts";
import { reflect } from "../../engine/device/reflect.ts";
import { Timestamps } from "../../engine/device/timestamps.ts";
import { Graph } from "../../engine/graph/graph.ts";
import { Executable } from "../../engine/plan/executable.ts";
import { plan } from "../../engine/plan/plan.ts";
import { copy } from "../../kernels/index.ts";
import fma from "./fma.wgsl";

const device = await Device.open();
console.log(device.name);
console.log(`multiply-add ${((await multiplyAdds()) / 1e9).toFixed(1)} GFLOP/s`);
console.log(`copy ${((await copied()) / 1e9).toFixed(2)} GB/s, read and written`);
device.close();

async function multiplyAdds(): Promise<number> {
  const count = 64 * 1024;
  const { pipeline, layout } = await device.compile("probes/fma", fma, reflect("probes/fma", fma));
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const x = await device.buffer("x", 8, usage);
  const y = await device.buffer("y", count * 4, usage);
  device.gpu.queue.writeBuffer(x, 0, new Float32Array([0.999, 0.001]));
  const entries = [x, y].map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = device.gpu.createBindGroup({ layout, entries });
  const timestamps = await Timestamps.create(device, 1);
  const seconds = await best(async () => {
    const [taken] = await timestamps.measure(1, (pass) => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(count / 64);
    });
    return taken;
  });
  for (const made of [x, y, timestamps]) "close" in made ? made.close() : made.destroy();
  return (2 * 8 * 8 * 512 * count) / seconds;
}

async function copied(): Promise<number> {
  const shape = [1, 256, 256, 64];
  const graph = new Graph();
  const { y } = graph.apply(copy, { x: graph.input("x", shape) });
  const executable = await Executable.load(device, plan(graph, device.traits, { outputs: { y } }));
  executable.write("x", new Float32Array(256 * 256 * 64).fill(1));
  const seconds = await best(async () => (await executable.profile())[0].seconds);
  executable.close();
  return (2 * 4 * 256 * 256 * 64) / seconds;
}

async function best(measure: () => Promise<number>): Promise<number> {
  await measure(); // the first compiles
  let least = Infinity;
  for (let i = 0; i < 20; i++) least = Math.min(least, await measure());
  return least;
}
