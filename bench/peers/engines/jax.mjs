// jax-js on its WebGPU backend: single convolutions, NCHW.

import { noise } from "../data.mjs";
import { openDawn } from "../dawn.mjs";
import { layers } from "../layers.mjs";

const version = "0.1.25";

export async function open(job) {
  if (!job.layers)
    return {
      version,
      cannot: "networks are not written for it here, single convolutions are (--layers)",
      work: {},
    };
  await openDawn(job);
  const jax = await import("@jax-js/jax");
  const devices = await jax.init("webgpu");
  if (!devices.includes("webgpu")) throw new Error("jax: its WebGPU backend does not start");
  jax.defaultDevice("webgpu");
  const work = {};
  for (const layer of layers)
    for (const [routine, run] of Object.entries(routinesOf(jax, layer, job)))
      work[`${layer.name} ${routine}`] = run;
  return { version, work };
}

function routinesOf({ lax, numpy, jit, vjp }, layer, { batch, repeat }) {
  const { side, from, to, window, stride, padding, out } = layer;
  const shapes = { x: [batch, from, side, side], w: [to, from, ...window], dy: [batch, to, ...out] };
  const pads = padding.map((p) => [p, p]);
  const conv = (x, w) => lax.convGeneralDilated(x, w, [stride, stride], pads);
  const arrays = {};
  const array = (name) => {
    const shape = shapes[name];
    arrays[name] ??= numpy.array(noise(shape.reduce((a, b) => a * b)), { shape });
    return arrays[name].ref;
  };
  const gradient = (at) => (x, w, dy) => {
    const f = at === 0 ? (x) => conv(x, w) : (w) => conv(x, w);
    const [y, back] = vjp(f, [at === 0 ? x : w]);
    y.dispose();
    return back(dy)[0];
  };
  const repeated = (f, names) => {
    const compiled = jit(f);
    return async () => {
      let last;
      for (let i = 0; i < repeat; i++) {
        last?.dispose();
        last = compiled(...names.map(array));
      }
      return (await last.data())[0];
    };
  };
  return {
    forward: repeated(conv, ["x", "w"]),
    dx: repeated(gradient(0), ["x", "w", "dy"]),
    dw: repeated(gradient(1), ["x", "w", "dy"]),
  };
}
