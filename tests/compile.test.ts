// Every kernel at every value of every tunable compiles, on the backend that needs no adapter.

import * as assert from "uvu/assert";
import { Device } from "../engine/device/device.ts";
import { reflect, settings, specialise, tunables } from "../engine/device/reflect.ts";
import { ShaderError } from "../engine/errors.ts";
import { ops, routines } from "../kernels/index.ts";
import type { Kernel } from "../kernels/op.ts";
import { group } from "./harness.ts";

const nothing = await Device.open({ adapter: "null" });
const check = group("compile");

const kernels = new Map<string, Kernel<any>>();
for (const op of ops)
  for (const { kernels: list } of Object.values(routines(op)).flat())
    for (const k of list) kernels.set(k.label, k);

for (const kernel of kernels.values())
  check.test(kernel.label, async () => {
    const sets = [
      {},
      ...[...tunables(kernel)].flatMap(([name, { choices }]) => choices.map((value) => ({ [name]: value }))),
    ];
    for (const set of sets) {
      const text = specialise(kernel, settings(kernel, set));
      const reflected = reflect(kernel.label, text);
      const invocations = reflected.workgroupSize.reduce((a, b) => a * b, 1);
      const { maxInvocations, maxWorkgroupBytes, maxBindings } = nothing.traits; // the least that WebGPU promises
      const storage = [...reflected.bindings.values()].filter(({ type }) => type !== "uniform").length;
      if (invocations > maxInvocations || reflected.workgroupBytes > maxWorkgroupBytes) continue;
      if (storage > maxBindings) continue;
      await nothing.compile(kernel.label, text, reflected);
    }
  });

check.test("an error names file, line and source line", async () => {
  const kernel = kernels.get("relu/forward")!;
  const text = specialise(kernel, settings(kernel)).replace("let first = group.x", "let first = nowhere.x");
  const line = text.split("\n").findIndex((l) => l.includes("nowhere")) + 1;
  try {
    await nothing.compile(kernel.label, text, reflect(kernel.label, text));
    assert.unreachable("compiled");
  } catch (error) {
    assert.instance(error, ShaderError);
    assert.match(
      (error as Error).message,
      new RegExp(`^${kernel.label}\\.wgsl:${line}:\\d+: .*nowhere`, "s"),
    );
    assert.ok((error as Error).message.includes("let first = nowhere.x"));
  }
});
check.run();
