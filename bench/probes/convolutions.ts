// GFLOP/s of the convolution kernels on shapes of Inception-v4, by algorithm and tile, best of five dispatches each,
// the direct sum's operations whatever the algorithm; `-` where it does not fit the layer.
//   npm run build && node dist/probes/convolutions.js ['{"algorithm":"plain"}' '{"tune":{"ROWS":4,"COLS":4}}' ...]
import { Device } from "../../engine/device/device.ts";
import { withGradients } from "../../engine/graph/autodiff.ts";
import { Graph } from "../../engine/graph/graph.ts";
import type { Choice } from "../../engine/plan/choose.ts";
import { Executable } from "../../engine/plan/executable.ts";
import { plan } from "../../engine/plan/plan.ts";
import { conv2d, size } from "../../kernels/index.ts";

interface Layer {
  readonly side: number;
  readonly window: readonly [number, number];
  readonly from: number;
  readonly to: number;
  readonly stride?: number;
}

const LAYERS: readonly Layer[] = [
  { side: 147, window: [3, 3], from: 32, to: 64 },
  { side: 147, window: [3, 3], from: 64, to: 96, stride: 2 },
  { side: 35, window: [1, 1], from: 384, to: 96 },
  { side: 35, window: [3, 3], from: 192, to: 224 },
  { side: 17, window: [1, 7], from: 192, to: 224 },
  { side: 17, window: [1, 1], from: 1024, to: 384 },
  { side: 8, window: [3, 1], from: 448, to: 512 },
  { side: 8, window: [1, 1], from: 1536, to: 256 },
];
const READS = { forward: ["x", "w", "b"], x: ["dy", "w"], w: ["x", "dy"] } as const;

const device = await Device.open();
const choices: (Choice | undefined)[] =
  process.argv.length > 2 ? process.argv.slice(2).map((text) => JSON.parse(text)) : [undefined];
console.log(device.name);
for (const routine of ["forward", "x", "w"] as const)
  for (const choice of choices) {
    const runs = [];
    for (const layer of LAYERS) runs.push(await measure(layer, routine, choice));
    const measured = runs.filter((run) => run !== undefined);
    if (measured.length === 0) continue;
    const total =
      measured.reduce((sum, { flops }) => sum + flops, 0) /
      measured.reduce((sum, { seconds }) => sum + seconds, 0);
    const each = runs.map((run) => (run ? (run.flops / run.seconds / 1e9).toFixed(1) : "-")).join(" ");
    console.log(
      `${routine.padEnd(7)} ${JSON.stringify(choice) ?? "winners"}: ${(total / 1e9).toFixed(1)} GFLOP/s (${each})`,
    );
  }
device.close();

async function measure(
  { side, window, from, to, stride = 1 }: Layer,
  routine: keyof typeof READS,
  choice: Choice | undefined,
) {
  const pad = window.map((k) => (stride === 1 ? k >> 1 : 0));
  const attrs = { stride: [stride, stride], padding: pad.map((p) => [p, p]) };
  const given = { x: [1, side, side, from], w: [...window, from, to], b: [to] };
  const shapes = withGradients({ ...given, ...conv2d.shapes(given, attrs as never) });
  const algorithms = routine === "forward" ? conv2d.forward : conv2d.backward[routine];
  const algorithm = algorithms.find(({ name }) => name === choice?.algorithm);
  if (choice?.algorithm && !(algorithm && (algorithm.fits?.(shapes, attrs as never) ?? true)))
    return undefined;
  const graph = new Graph();
  const inputs = Object.fromEntries(READS[routine].map((name) => [name, graph.input(name, shapes[name])]));
  const node = {
    op: conv2d,
    routine,
    attrs,
    inputs,
    onto: {},
    shapes,
    phase: "forward",
    label: "conv2d",
  } as const;
  const outputs = graph.emit(node, [routine === "forward" ? "y" : `d${routine}`]);
  const executable = await Executable.load(
    device,
    plan(graph, device.traits, { outputs, choose: () => choice }),
  );
  for (const name of READS[routine])
    executable.write(name, new Float32Array(size(shapes[name])).map(Math.random));
  let seconds = Infinity;
  for (let i = 0; i < 6; i++) {
    const taken = (await executable.profile()).reduce((sum, dispatch) => sum + dispatch.seconds, 0);
    if (i > 0) seconds = Math.min(seconds, taken); // the first compiles
  }
  executable.close();
  return { flops: 2 * size(shapes.y) * window[0] * window[1] * from, seconds };
}
