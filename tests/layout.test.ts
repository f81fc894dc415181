// The house: imports run kernels <- engine <- models <- bench, and what is portable imports no Node.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { accumulates, reflect, settings, specialise, takesSlice } from "../engine/device/reflect.ts";
import { bound } from "../engine/graph/autodiff.ts";
import { batched, ops, routines } from "../kernels/index.ts";
import { group } from "./harness.ts";

const check = group("house");
const LAYERS = ["kernels", "engine", "models", "bench"];

const files = (folder: string) =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))
    .map((path) => join(folder, path));
const imports = (file: string) =>
  [...readFileSync(file, "utf8").matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map(
    ([, target]) => target,
  );

for (const [rank, layer] of LAYERS.entries())
  check.test(`${layer} imports only from itself and what is below`, () => {
    for (const file of files(layer))
      for (const target of imports(file)) {
        const reached = LAYERS.indexOf(join(file, "..", target).split("/")[0]);
        if (target.startsWith(".") && reached > rank) assert.unreachable(`${file} imports ${target}`);
      }
  });

check.test("kernels, models and the portable engine import no Node", () => {
  const portable = ["kernels", "engine", "models"]
    .flatMap(files)
    .filter((file) => !file.endsWith(".node.ts"));
  for (const file of portable)
    for (const target of imports(file))
      if (/^node:|\.node\.ts$|^(sharp|webgpu)$/.test(target)) assert.unreachable(`${file} imports ${target}`);
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
