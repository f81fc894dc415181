// Tessera and its peers on one adapter: `npm start -- --help` says how.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Engine } from "./child.mjs";
import { CLASSES } from "./data.mjs";
import { findDriver, openTessera } from "./dawn.mjs";
import { layerFlops, layers, routines } from "./layers.mjs";
import { count, nets } from "./nets.mjs";
import { print, rowsOf } from "./report.mjs";

const ENGINES = ["tessera", "tfjs", "onnxruntime", "jax"];
const HELP = `npm start -- [options]
  --net NAME        ${Object.keys(nets).join(", ")} (inception-v4)
  --image SIDE      pixels, 75 or more (299)
  --batch N         images of a step (1)
  --steps N         warm runs of each, after the first (2)
  --forward-only    evaluation alone, no training step
  --layers          single convolutions, forward and both gradients, instead of a network
  --repeat N        with --layers: runs between two waits for the device (4)
  --engines A,B     of ${ENGINES.join(", ")} (all but jax)
  --apart           each engine to its end before the next starts: less memory, but the machine may change meanwhile
  --json            print the result as JSON and nothing else
  --out FILE        write the result as JSON, with every single time
ADAPTER names the adapter, as for Tessera.`;

const OPTIONS = {
  net: { type: "string", default: "inception-v4" },
  image: { type: "string", default: "299" },
  batch: { type: "string", default: "1" },
  steps: { type: "string", default: "2" },
  repeat: { type: "string", default: "4" },
  engines: { type: "string", default: "tessera,tfjs,onnxruntime" },
  json: { type: "boolean", default: false },
  out: { type: "string" },
  "forward-only": { type: "boolean", default: false },
  layers: { type: "boolean", default: false },
  apart: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
};

function refuse(message) {
  console.error(`peers: ${message}`);
  process.exit(2);
}

function whole(values, name, least) {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < least)
    refuse(`--${name} is ${values[name]} but a whole number of at least ${least} is expected`);
  return value;
}

function readArguments() {
  let values;
  try {
    ({ values } = parseArgs({ options: OPTIONS }));
  } catch (error) {
    refuse(`${error.message.split("\n")[0]}\n${HELP}`);
  }
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const engines = values.engines.split(",");
  const unknown = engines.find((name) => !ENGINES.includes(name));
  if (unknown !== undefined)
    refuse(`--engines has ${unknown || "an empty name"} (has ${ENGINES.join(", ")})`);
  if (!(values.net in nets)) refuse(`no net ${values.net} (has ${Object.keys(nets).join(", ")})`);
  return {
    ...values,
    engines: [...new Set(engines)],
    image: whole(values, "image", 75),
    batch: whole(values, "batch", 1),
    steps: whole(values, "steps", 1),
    repeat: whole(values, "repeat", 1),
  };
}

/** What every engine is asked for, each with its FLOPs. */
function workOf({ net, image, batch, layers: single, ...options }, { census, model, netOptions }) {
  if (single) {
    const each = layers.flatMap((layer) =>
      routines.map((routine) => [`${layer.name} ${routine}`, layerFlops(layer, batch)]),
    );
    return { flops: Object.fromEntries(each) };
  }
  const { macs, parametersWithoutGamma: parameters } = census(model(net), image, netOptions(net));
  const peers = count(net, image, CLASSES);
  if (peers.macs !== macs || peers.parameters !== parameters)
    refuse(
      `${net}: Tessera has ${parameters} parameters and ${macs} multiply-adds, the peers' ${peers.parameters} and ${peers.macs}`,
    );
  const forward = 2 * macs * batch;
  const flops = options["forward-only"] ? { forward } : { forward, step: 3 * forward };
  return { flops, counts: peers };
}

/** One engine: opened, then every piece of work for the first time. */
async function open(engine, { flops }) {
  await engine.ask("open");
  for (const what of Object.keys(flops)) await engine.time(what);
}

const options = readArguments();
const tessera = await openTessera().catch((error) => refuse(error.message));
const work = workOf(options, tessera.models);
const { adapter, kind, implementation } = tessera;
console.error(`${adapter} (${kind}), ${implementation}`);
const job = { ...options, adapter, kind, whats: Object.keys(work.flops) };
const env = { ...process.env, ...(await findDriver(kind)) };
const engines = options.engines.map((name) => new Engine(name, job, env));

let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM"])
  process.on(signal, () => {
    if (interrupted) process.exit(130);
    interrupted = true;
    for (const engine of engines) engine.fail("interrupted");
  });
process.on("exit", () => {
  for (const engine of engines) engine.kill();
});

const round = async (engine) => {
  for (const what of job.whats) await engine.time(what);
};
for (const engine of engines) {
  await open(engine, work);
  if (!options.apart) continue;
  for (let i = 0; i < options.steps; i++) await round(engine);
  await engine.close();
}
if (!options.apart) {
  for (let i = 0; i < options.steps; i++) for (const engine of engines) await round(engine);
  for (const engine of engines) await engine.close();
}

const rows = rowsOf(engines, work.flops);
const { net, image, batch } = options;
const title = options.layers ? `convolutions, batch ${batch}` : `${net}, ${image}x${image}, batch ${batch}`;
const versions = Object.fromEntries(engines.map(({ name, version }) => [name, version]));
const what = options.layers ? { layers } : { net, image, counts: work.counts };
const text = JSON.stringify({ adapter, implementation, versions, batch, ...what, rows }, null, 2);
if (options.json) console.log(text);
else {
  console.log(`\n${title}, on ${adapter}\n`);
  print(rows);
}
if (options.out) writeFileSync(options.out, `${text}\n`);
process.exit(interrupted ? 130 : 0);
