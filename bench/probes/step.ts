// Where a training step's time goes: first step, warm steps, device time by phase and by kernel, CPU time of this process
// and of its main thread (Linux), and GPU objects made in a warm step. Command encoders are the only objects that WebGPU
// wants new ones of in every step.
//   npm run build && node dist/probes/step.js inception-v4 [image 299] [batch 1] [steps 3]
import { readFileSync } from "node:fs";
import { Device } from "../../engine/device/device.ts";
import { Trainer } from "../../engine/optim/trainer.ts";
import { size } from "../../kernels/index.ts";
import { model, netOptions } from "../../models/index.ts";

const [name = "inception-v4", image = "299", batch = "1", steps = "3"] = process.argv.slice(2);
const input = [Number(batch), Number(image), Number(image), 3] as const;
const device = await Device.open();
console.log(`${device.name}: ${name}, ${image}x${image}, batch ${batch}`);

const started = performance.now();
const trainer = await Trainer.create(device, model(name), { input, net: netOptions(name) });
const seconds = (from: number) => ((performance.now() - from) / 1000).toFixed(2);
console.log(`ready ${seconds(started)} s, device memory ${(trainer.bytes / 1e6).toFixed(0)} MB`);
const images = new Float32Array(size(input)).map((_, i) => Math.sin(i * i));
const labels = new Int32Array(input[0]).map((_, i) => i % 1000);

const objects = countObjects(device.gpu);
const times: number[] = [];
for (let i = 0; i <= Number(steps); i++) {
  const [from, cpu, main, made] = [performance.now(), process.cpuUsage(), mainThread(), { ...objects }];
  const { loss } = await trainer.step(images, labels);
  const wall = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const fresh = Object.entries(objects).flatMap(([what, n]) =>
    n > (made[what] ?? 0) ? `${what} ${n - (made[what] ?? 0)}` : [],
  );
  console.log(
    `${i === 0 ? "first" : "warm"} step ${wall.toFixed(3)} s, CPU of all threads ${((user + system) / 1e6).toFixed(2)} s, of the main thread ${(mainThread() - main).toFixed(2)} s (${(((mainThread() - main) / wall) * 100).toFixed(1)} %), loss ${loss.toFixed(4)}, made: ${fresh.join(", ") || "nothing"}`,
  );
  if (i > 0) times.push(wall);
}
times.sort((a, b) => a - b);
console.log(`median ${times[times.length >> 1]?.toFixed(3)} s`);

const profile = await trainer.profile();
const rows = new Map<string, { count: number; seconds: number; flops: number; bytes: number }>();
for (const [phase, dispatches] of Object.entries(profile)) {
  let total = 0;
  for (const { dispatch, seconds } of dispatches) {
    total += seconds;
    const row = rows.get(dispatch.label) ?? { count: 0, seconds: 0, flops: 0, bytes: 0 };
    row.count++;
    row.seconds += seconds;
    row.flops += dispatch.flops;
    row.bytes += dispatch.bytes;
    rows.set(dispatch.label, row);
  }
  console.log(`${phase.padEnd(8)} ${total.toFixed(3)} s in ${dispatches.length} dispatches`);
}
for (const [label, row] of [...rows].sort(([, a], [, b]) => b.seconds - a.seconds))
  console.log(
    `${(row.seconds * 1e3).toFixed(1).padStart(8)} ms ${String(row.count).padStart(4)}x ${(row.flops / row.seconds / 1e9).toFixed(1).padStart(6)} GFLOP/s ${(row.bytes / row.seconds / 1e9).toFixed(2).padStart(6)} GB/s  ${label}`,
  );
trainer.close();
device.close();

/** CPU seconds of the main thread so far, to a hundredth; NaN where there is no /proc. */
function mainThread(): number {
  try {
    const stat = readFileSync(`/proc/self/task/${process.pid}/stat`, "utf8");
    const [user, system] = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(11, 13);
    return (Number(user) + Number(system)) / 100;
  } catch {
    return NaN;
  }
}

/** Counts what is made on a device from here on, by kind. */
function countObjects(gpu: GPUDevice): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const method of [
    "createBuffer",
    "createBindGroup",
    "createBindGroupLayout",
    "createPipelineLayout",
    "createShaderModule",
    "createComputePipeline",
    "createComputePipelineAsync",
    "createQuerySet",
    "createCommandEncoder",
  ] as const) {
    const made = gpu[method].bind(gpu) as (...args: unknown[]) => unknown;
    Object.defineProperty(gpu, method, {
      value: (...args: unknown[]) => {
        counts[method.slice(6)] = (counts[method.slice(6)] ?? 0) + 1;
        return made(...args);
      },
    });
  }
  return counts;
}
