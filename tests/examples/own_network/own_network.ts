// A network of one's own, with an operation and a loss of its own: trained, saved, resumed, and read by name.
import { adamw, Device, type Net, type Runnable, type Tensor, Trainer } from "tessera-gpu";

const HEAD = `struct Shape { count: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;`;
const MAIN = "@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u)";
const FORWARD = `${HEAD}
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
${MAIN} { if (id.x < shape.count) { y[id.x] = x[id.x] * x[id.x]; } }`;
const BACKWARD = `${HEAD}
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
${MAIN} {
  if (id.x >= shape.count) { return; }
  dx[id.x] = 2 * x[id.x] * dy[id.x] + select(0.0, dx[id.x], shape.accumulate != 0u);
}`;
const count = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const kernel = (label: string, source: string) => ({
  label: `square/${label}`,
  source,
  uniforms: ({ x }: Record<string, readonly number[]>) => ({ count: count(x) }),
  threads: ({ x }: Record<string, readonly number[]>) => [count(x), 1, 1] as const,
});

/** y = x * x, element by element. */
const square: Runnable = {
  name: "square",
  inputs: ["x"],
  batched: [],
  shapes: ({ x }) => ({ y: x }),
  flops: ({ x }) => ({ forward: count(x), x: 2 * count(x) }),
  forward: [{ name: "plain", kernels: [kernel("forward", FORWARD)] }],
  backward: { x: [{ name: "plain", kernels: [kernel("backward", BACKWARD)] }] },
};

/** From points [n,2] to their distance from the origin, learned with a mean of fourth powers as its loss. */
function distance(net: Net, points: Tensor) {
  const { y } = net.apply(square, { x: points });
  const hidden = net.at("hidden").tanh(net.linear("hidden", y, 16));
  const found = net.linear("distance", hidden, 1);
  const off = net.add(found, net.scale(net.input("target", found.shape), -1));
  const squares = net.apply(square, { x: off }).y;
  return { loss: net.mean(net.apply(square, { x: squares }).y), outputs: { found } };
}

const points = Float32Array.from({ length: 128 }, (_, i) => Math.sin(i * i));
const target = Float32Array.from({ length: 64 }, (_, i) => Math.hypot(points[2 * i], points[2 * i + 1]));
const batch = { images: points, target };

const device = await Device.open();
const options = {
  input: [64, 2],
  optimizer: adamw(),
  rate: 0.01,
  freeze: ["distance/bias"],
  outputs: ["hidden"],
};
const trainer = await Trainer.create(device, distance, options);
for (let step = 0; step < 100; step++) await trainer.step(batch);

const resumed = await Trainer.load(device, distance, options, await trainer.save());
const [next, same] = [await trainer.step(batch), await resumed.step(batch)];
const hidden = await trainer.read("hidden"); // an activation [64,16]
const gradient = await trainer.variables.get("hidden/w", "gradient"); // [2,16]
const frozen = await trainer.variables.get("distance/bias"); // still 0
console.log(`loss ${next.loss.toExponential(1)}, resumed to the same bits: ${next.loss === same.loss}`);
console.log(`hidden [${hidden.shape}], gradient [${gradient.shape}], frozen bias ${frozen.data[0]}`);
device.close();
