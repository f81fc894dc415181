// The layout: imports run kernels <- engine <- models <- bench, inside engine/ one way between its folders and never in
// circles, and what is portable imports no Node.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { accumulates, reflect, settings, specialise, takesSlice } from "../engine/device/reflect.ts";
import { bound } from "../engine/graph/signature.ts";
import { batched, ops, routines } from "../kernels/index.ts";
import { group } from "./harness.ts";
import { circles, fileNeeds, grouped, imports, sources, wrongArrows } from "./imports.ts";

const check = group("layout");
const LAYERS = ["kernels", "engine", "models", "bench"];

for (const [rank, layer] of LAYERS.entries())
  check.test(`${layer} imports only from itself and what is below`, () => {
    for (const file of sources(layer))
      for (const target of imports(file)) {
        const reached = LAYERS.indexOf(join(file, "..", target).split("/")[0]);
        if (target.startsWith(".") && reached > rank) assert.unreachable(`${file} imports ${target}`);
      }
  });

/** The folders of engine/, each with those it may import. Files of engine/ itself are below all; its index above all. */
const ORDER = ["device", "graph", "plan", "nn", "optim", "gradcheck", "tune"];
const BASE = ["statistics", "random", "io", "data"];
const BELOW = {
  ...Object.fromEntries(BASE.map((folder) => [folder, [] as string[]])),
  ...Object.fromEntries(ORDER.map((folder, rank) => [folder, [...BASE, ...ORDER.slice(0, rank)]])),
};
const ENGINE = fileNeeds("engine");
const partOf = (file: string) => file.split("/").slice(1, -1)[0];
/** Entries and the files of engine/ itself count for themselves. */
const nodeOf = (file: string) => (/^engine\/[^/]+$|\/index(\.node)?\.ts$/.test(file) ? file : dirname(file));

check.test("inside engine/ every folder imports only what is below it", () => {
  assert.equal(
    [...new Set([...ENGINE.keys()].map(partOf))].filter((part) => part && !(part in BELOW)),
    [],
  );
  assert.equal(wrongArrows(ENGINE, partOf, BELOW), []);
  const planted = new Map([...ENGINE, ["engine/device/device.ts", ["engine/plan/plan.ts"]]]);
  assert.equal(wrongArrows(planted, partOf, BELOW), ["engine/device/device.ts -> engine/plan/plan.ts"]);
});

check.test("inside engine/ no files and no folders import each other in a circle", () => {
  assert.equal(circles(ENGINE), []);
  assert.equal(circles(grouped(ENGINE, nodeOf)), []);
  const planted = new Map([...ENGINE, ["engine/device/reflect.ts", ["engine/device/device.ts"]]]);
  assert.equal(circles(planted), [["engine/device/device.ts", "engine/device/reflect.ts"]]);
});

check.test("in models/ no files import each other in a circle", () => {
  assert.equal(circles(fileNeeds("models")), []);
});

check.test("kernels, models and the portable engine import no Node", () => {
  const portable = ["kernels", "engine", "models"]
    .flatMap(sources)
    .filter((file) => !file.endsWith(".node.ts"));
  for (const file of portable)
    for (const target of imports(file))
      if (/^node:|\.node\.ts$|^(sharp|webgpu)$/.test(target)) assert.unreachable(`${file} imports ${target}`);
});

/** Names that a file exports where it declares them. */
const declared = (text: string): string[] =>
  [
    ...text.matchAll(
      /^export (?:abstract |async )*(?:function\*?|class|interface|type|const|let|enum) (\w+)/gm,
    ),
  ].map(([, name]) => name);

/** Names that several files export, with those files; a module for Node and its twin for browsers count as one. */
function ambiguous(files: ReadonlyMap<string, string>): string[] {
  const places = new Map<string, Set<string>>();
  for (const [file, text] of files)
    for (const name of declared(text))
      places.set(
        name,
        (places.get(name) ?? new Set()).add(
          /^engine\/device\/p\w+\.(node|browser)\.ts$/.test(file) ? "platform" : file,
        ),
      );
  return [...places]
    .filter(([, files]) => files.size > 1)
    .map(([name, files]) => `${name}: ${[...files].join(", ")}`);
}

check.test("a name that engine/ or bench/ exports means one thing", () => {
  const files = new Map(
    ["engine", "bench"].flatMap(sources).map((file) => [file, readFileSync(file, "utf8")]),
  );
  assert.equal(ambiguous(files), []);
  files.set("bench/planted.ts", "export interface Verdict {}\n");
  assert.equal(ambiguous(files), ["Verdict: engine/statistics/ratio.ts, bench/planted.ts"]);
});

check.test("arrays reach a buffer by Device.write alone, which copies what is shared between threads", () => {
  const writers = LAYERS.flatMap(sources).filter((file) =>
    readFileSync(file, "utf8").includes(".writeBuffer("),
  );
  assert.equal(writers, ["engine/device/device.ts"]);
});

check.test("WebGPU's flags are taken from flags.ts, as Node has no such globals", () => {
  for (const file of LAYERS.flatMap(sources)) {
    const text = readFileSync(file, "utf8");
    const uses = /^[^*/]*\bGPU(BufferUsage|MapMode|ShaderStage)\./m.test(text);
    if (uses && !imports(file).some((target) => target.endsWith("flags.ts")))
      assert.unreachable(`${file} does not import flags.ts`);
  }
});

check.test("every folder of kernels is in the list of operations", () => {
  const folders = readdirSync("kernels", { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  const labels = ops
    .flatMap((op) => Object.values(routines(op)).flat())
    .flatMap(({ kernels }) => kernels.map(({ label }) => label.split("/")[0]));
  assert.equal(
    folders.filter((name) => !labels.includes(name)),
    [],
  );
});

const kernelsOf = (op: (typeof ops)[number]) =>
  Object.values(routines(op))
    .flat()
    .flatMap(({ kernels }) => kernels);

check.test("every kernel that writes a gradient can add onto one", () => {
  for (const op of ops)
    for (const kernel of kernelsOf(op)) {
      const reflected = reflect(kernel.label, specialise(kernel, settings(kernel)));
      const gradients = [...reflected.bindings].filter(
        ([binding, { type }]) =>
          type === "storage" &&
          op.inputs.includes(bound(kernel, binding).replace(/^d/, "")) &&
          bound(kernel, binding).startsWith("d"),
      );
      if (gradients.length > 0) assert.ok(accumulates(reflected), kernel.label);
    }
});

check.test("every kernel takes images from inside wider ones", () => {
  for (const op of ops) {
    const images = op.cases[0].shapes[op.inputs[0]]?.length === 4;
    for (const kernel of images ? kernelsOf(op) : []) {
      const reflected = reflect(kernel.label, specialise(kernel, settings(kernel)));
      for (const binding of reflected.bindings.keys())
        if (/^d?[xyrab]\d*$/.test(binding) && batched(op, op.cases[0].attrs).includes(bound(kernel, binding)))
          assert.ok(takesSlice(reflected, binding) || op.name === "linear", `${kernel.label}: ${binding}`);
    }
  }
});

check.run();
