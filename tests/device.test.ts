// Devices: options, what the process sees of them, what is left when they are closed, and calls on one that is gone.
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import * as assert from "uvu/assert";
import { Device } from "../engine/device/device.ts";
import {
  GPUBufferUsage as BUFFER,
  GPUMapMode as MAP,
  GPUShaderStage as STAGE,
} from "../engine/device/flags.ts";
import { reflect } from "../engine/device/reflect.ts";
import { SWITCHES } from "../engine/device/switches.ts";
import { Timestamps } from "../engine/device/timestamps.ts";
import * as errors from "../engine/errors.ts";
import { Trainer } from "../engine/optim/trainer.ts";
import { device, group } from "./harness.ts";

const { ClosedError, DeviceLostError, ValueError } = errors;
const check = group("device");
const library = new URL("../index.js", import.meta.url).href;

/** Runs a module that has the library as `T` in a process of its own; `print(value)` is what comes back. */
function inProcess(code: string, env: Record<string, string | undefined> = {}) {
  const module = `const T = await import(${JSON.stringify(library)});
    const print = (value) => console.log("@" + JSON.stringify(value));
    const model = (net, x) => net.linear("logits", net.globalAvgPool(net.unit("a", x, 8, 3)), 4);
    const train = async (device) => {
      const trainer = await T.Trainer.create(device, model, { input: [8, 16, 16, 3] });
      const { loss } = await trainer.step(new Float32Array(8 * 768), new Int32Array(8));
      trainer.close();
      return loss;
    };
    ${code}
    process.exit();`;
  const args = ["--expose-gc", "--input-type=module", "-e", module];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  const lines = stdout.split("\n").filter((line) => line.startsWith("@"));
  return { stdout, stderr, printed: lines.map((line) => JSON.parse(line.slice(1))) };
}

async function raised(act: () => unknown): Promise<Error> {
  try {
    await act();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

const WGSL = `@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1) fn main() { y[0] = 1.0; }`;

/** Every call on a device that reaches its GPU, and how its error begins. */
const calls = (on: Device, buffer: GPUBuffer): readonly [begins: string, act: () => unknown][] => [
  ["twice", () => on.compile("twice", WGSL, reflect("twice", WGSL))],
  ["weights", () => on.buffer("weights", 16, BUFFER.STORAGE)],
  ["read weights", () => on.staging("read weights", 16)],
  ["images", () => on.write(buffer, 0, new Float32Array(4), "images")],
  ["read kept", () => on.download(buffer, 0, 16)],
  ["run", () => on.settle("run", on.gpu.queue.onSubmittedWorkDone())],
  ["step", () => on.check("step")],
  ["timestamps", () => Timestamps.create(on, 1)],
];

const keep = (on: Device) => on.buffer("kept", 16, BUFFER.STORAGE | BUFFER.COPY_SRC | BUFFER.COPY_DST);

check.test("after close every call is a ClosedError that names it; to close twice is no error", async () => {
  const other = await Device.open();
  const kept = await keep(other);
  const trainer = await Trainer.create(other, (n, x) => n.linear("a", n.globalAvgPool(x), 3), {
    input: [2, 8, 8, 3],
  });
  const pending = raised(() => other.download(kept, 0, 16));
  other.close();
  other.close();
  assert.instance(await pending, ClosedError);
  assert.instance(await raised(() => trainer.step(new Float32Array(384), Int32Array.of(0, 1))), ClosedError);
  for (const [begins, act] of calls(other, kept)) {
    const error = await raised(act);
    assert.instance(error, ClosedError, begins);
    assert.is(error.message, `${begins}: the device was closed`);
  }
  assert.is(other.name, device.name);
});

check.test(
  "a device that is destroyed or lost is a DeviceLostError in every call, pending ones too",
  async () => {
    const other = await Device.open();
    const kept = await keep(other);
    const pending = calls(other, kept)
      .slice(4, 6)
      .map(([, act]) => raised(act));
    other.gpu.destroy();
    for (const error of await Promise.all(pending)) assert.instance(error, DeviceLostError);
    for (const [begins, act] of calls(other, kept)) {
      const error = await raised(act);
      assert.instance(error, DeviceLostError, begins);
      assert.match(error.message, new RegExp(`^${begins}: .+ was lost: device was destroyed$`, "i"));
    }
    other.close();
    assert.instance(await raised(() => other.check("step")), ClosedError);
  },
);

check.test("a buffer that is closed while it is read is a ClosedError; the device works on", async () => {
  const kept = await keep(device);
  const staging = await device.staging("staging", 16);
  const pending = raised(() => device.download(kept, 0, 16, staging));
  staging.destroy();
  const error = await pending;
  assert.instance(error, ClosedError);
  assert.is(error.message, "read kept: its buffer was closed meanwhile");
  assert.is((await device.download(kept, 0, 16)).byteLength, 16);
  kept.destroy();
});

check.test("names of errors outlive a bundler that minifies", async () => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("../../engine/errors.ts", import.meta.url))],
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
  });
  const bundled = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
  assert.is(Object.keys(bundled).length, Object.keys(errors).length);
  for (const [name, Kind] of Object.entries(bundled) as [string, new (message: string) => Error][]) {
    const error = new Kind("what is wrong");
    assert.is(error.name, name);
    assert.is(error.stack!.split("\n")[0], `${name}: what is wrong`);
  }
});

check.test("options are refused by name", async () => {
  const rows: readonly [options: unknown, says: RegExp][] = [
    [{ winners: {} }, /^Device\.open: the option winners is now called tuningTable$/],
    [
      { adaptor: "llvmpipe" },
      /no option adaptor \(has adapter, features, limits, tuningTable, globals, quiet\)/,
    ],
    [{ adapter: 1 }, /^Device\.open: adapter is 1 but part of an adapter's name is expected$/],
    [{ adapter: "" }, /adapter is ""/],
    [{ adapter: null }, /adapter is null/],
    [{ features: "subgroups" }, /features is "subgroups" but a list/],
    [{ limits: { maxBufferSize: NaN } }, /limits is an object but an object of numbers/],
    [{ limits: [1] }, /limits is \[1\]/],
    [{ tuningTable: 3 }, /tuningTable is 3 but a tuning table or its path/],
    [{ globals: "no" }, /globals is "no" but true or false/],
    ["llvmpipe", /the argument is "llvmpipe" but an object of options/],
    [null, /the argument is null/],
  ];
  for (const [options, says] of rows) {
    const error = await raised(() => Device.open(options as object));
    assert.instance(error, ValueError);
    assert.match(error.message, says);
  }
  (await Device.open({ adapter: "null", features: undefined, limits: undefined })).close();
});

check.test("an environment variable's old name is read with one warning", () => {
  const open = `print(await T.Device.open({ adapter: "null" }).catch((error) => error.message));`;
  const old = inProcess(open + open, { WINNERS: "/nowhere.json", TUNING_TABLE: undefined });
  assert.match(old.printed[0], /^\/nowhere\.json: cannot be read/);
  assert.is(old.stderr.match(/WINNERS is now called TUNING_TABLE/g)?.length, 1);
  const both = inProcess(open, { WINNERS: "/nowhere.json", TUNING_TABLE: "/new.json" });
  assert.match(both.printed[0], /^\/new\.json/);
  assert.not.match(both.stderr, /WINNERS/);
});

check.test("the docs have the table of environment variables as it is in the code", () => {
  const pages = readdirSync("docs").filter((name) => name.endsWith(".md"));
  const rows = ["README.md", ...pages.map((name) => join("docs", name))]
    .flatMap((page) => readFileSync(page, "utf8").split("\n"))
    .map((line) => line.replace(/\s+/g, " "));
  for (const [name, { values, does }] of Object.entries(SWITCHES))
    assert.ok(rows.includes(`| \`${name}\` | ${values} | ${does} |`), name);
});

check.test("what Dawn does not start with is a ValueError", () => {
  const open = `print(await T.Device.open({ adapter: "null" }).catch((error) => [error.name, error.message]));`;
  const { printed } = inProcess(open, { DAWN: "toggles" });
  assert.is(printed[0][0], "ValueError");
  assert.match(printed[0][1], /^Dawn does not start with backend=null toggles: /);
});

check.test("an error that no scope caught is thrown by the next call, and Dawn prints nothing", () => {
  const { stdout, stderr, printed } = inProcess(`
    const device = await T.Device.open();
    device.gpu.createBuffer({ size: 16, usage: 0xffff });
    await device.settle("run", device.gpu.queue.onSubmittedWorkDone()).catch(({ name, message }) => print([name, message.split("\\n")[0]]));
    device.check("step");
    device.gpu.createBuffer({ size: 16, usage: 0xffff });
    device.close();
    await new Promise((then) => setTimeout(then, 20));`);
  assert.equal(printed, [["ValidationError", "run: Value 65535 is invalid for WGPUBufferUsage."]]);
  assert.is(stdout.trim().split("\n").length, 1, stdout);
  assert.not.match(stderr, /65535/);
});

check.test("adapters of two drivers in one process, in any order; the environment stays", () => {
  for (const order of [
    [null, "swiftshader", null],
    ["swiftshader", null, "swiftshader"],
  ]) {
    const { printed } = inProcess(`
      const before = JSON.stringify(process.env);
      const open = [];
      for (const adapter of ${JSON.stringify(order)}) {
        open.push(await T.Device.open(adapter ? { adapter } : {}));
        print([adapter, open.at(-1).name, open.at(-1).kind, JSON.stringify(process.env) === before]);
      }
      for (const device of [open[1], open[2]]) print(Number.isFinite(await train(device)));`);
    for (const [adapter, name, kind, same] of printed.slice(0, 3)) {
      if (adapter) assert.is(kind, "swiftshader");
      else assert.is(name, device.name);
      assert.ok(same);
    }
    assert.equal(printed.slice(3), [true, true]);
  }
});

const GLOBALS = `
  const names = () => Object.getOwnPropertyNames(globalThis).filter((name) => name.startsWith("GPU")).length;
  const before = [process.env.LP_NUM_THREADS, names()];
  const { setImmediate } = globalThis;
  const { promisify } = await import("node:util");
  let replaced = 0, cleared = true, order = [];
  const watch = setInterval(() => {
    if (globalThis.setImmediate === setImmediate) return;
    replaced++;
    clearImmediate(globalThis.setImmediate(() => { cleared = false; }));
    promisify(globalThis.setImmediate)("value").then((value) => order.push(value));
  }, 1);`;
const AFTER = `
  clearInterval(watch);
  await new Promise((then) => setTimeout(then, 50));
  print({ replaced, cleared, order: order.every((value) => value === "value") && order.length === replaced,
    restored: globalThis.setImmediate === setImmediate, threads: before[0] === process.env.LP_NUM_THREADS,
    names: names() - before[1] });`;

check.test("setImmediate is replaced while a software adapter is waited for, for Dawn alone", () => {
  const work =
    "const device = await T.Device.open(); print(device.software); await train(device); device.close();";
  const { printed } = inProcess(GLOBALS + work + AFTER);
  const [software, { replaced, names, ...rest }] = printed;
  assert.is(replaced > 0, software);
  assert.ok(names > 0);
  assert.equal(rest, { cleared: true, order: true, restored: true, threads: true });
});

check.test("with globals: false nothing of the process changes, and the engine works", () => {
  const { printed } = inProcess(`${GLOBALS}
    const device = await T.Device.open({ globals: false });
    print(Number.isFinite(await train(device)));
    const predictor = await T.Predictor.create(device, model, await variables(), { input: [1, 16, 16, 3] });
    print((await predictor.predict(new Float32Array(768))).length);
    async function variables() { return (await T.Trainer.create(device, model, { input: [8, 16, 16, 3] })).variables; }
    print((await T.describeDevice(device)).adapter);
    device.close();
    ${AFTER}`);
  assert.equal(printed, [
    true,
    4,
    device.name,
    { replaced: 0, cleared: true, order: true, restored: true, threads: true, names: 0 },
  ]);
});

check.test(
  "quiet throws away what native code prints while an adapter is looked for, and nothing else",
  () => {
    const module = `const T = await import(${JSON.stringify(library)});
    const { writeSync } = await import("node:fs");
    const { withoutStderr } = await import(${JSON.stringify(library.replace("index.js", "engine/device/stderr.node.js"))});
    writeSync(2, "before");
    if (withoutStderr(() => { writeSync(2, "hidden"); return 7; }) === 7) writeSync(2, ", 7");
    try { withoutStderr(() => { throw new Error(", thrown"); }); } catch (error) { writeSync(2, error.message); }
    (await T.Device.open({ quiet: true })).close();
    writeSync(2, ", after");
    process.exit();`;
    const dir = mkdtempSync(join(tmpdir(), "tessera-stderr-"));
    const stderr = openSync(join(dir, "stderr"), "w"); // a pipe of Node's is a socket, which cannot be opened again
    try {
      const args = ["--input-type=module", "-e", module];
      spawnSync(process.execPath, args, { stdio: ["ignore", "ignore", stderr] });
      assert.is(readFileSync(join(dir, "stderr"), "utf8"), "before, 7, thrown, after");
    } finally {
      closeSync(stderr);
      rmSync(dir, { recursive: true });
    }
  },
);

check.test("WebGPU's flags are those of its specification", () => {
  const rows = [
    [BUFFER, GPUBufferUsage],
    [MAP, GPUMapMode],
    [STAGE, GPUShaderStage],
  ] as const;
  for (const [ours, theirs] of rows)
    for (const [name, value] of Object.entries(ours)) assert.is(value, (theirs as any)[name], name);
});

check.test("nothing is left of a device that was closed", () => {
  const { printed } = inProcess(`
    const left = [], memory = [];
    const once = async (trained) => {
      const device = await T.Device.open();
      left.push(new WeakRef(device), new WeakRef(device.gpu));
      if (trained) await train(device);
      device.close();
    };
    for (let i = 0; i <= 60; i++) {
      await once(i < 3);
      if (i % 20) continue;
      for (let k = 0; k < 3; k++) { gc(); await new Promise((then) => setTimeout(then, 20)); }
      memory.push(process.memoryUsage().rss / 2 ** 20);
    }
    print([left.filter((one) => one.deref()).length, memory[3] - memory[1]]);`);
  const [alive, grown] = printed[0];
  assert.is(alive, 0);
  assert.ok(grown < 40, `${grown} MiB more after 60 devices than after 20`);
});
check.run();
