// The engine in real Chromium, on SwiftShader, against the same on Node's SwiftShader.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { Device } from "../../engine/device/device.ts";
import { device, group } from "../harness.ts";
import { destroyed, type Findings, handedOver, scenario } from "./scenario.ts";
import { inServedPage } from "./served.ts";

const bundle = fileURLToPath(new URL("../../browser", import.meta.url));
const check = group("browser");

const scriptAt = (path: string) => {
  const file = join(bundle, path);
  return file.startsWith(bundle) && existsSync(file) ? readFileSync(file) : undefined;
};

/** Opens the tests' page. */
const inPage = (body: (run: (name: string) => Promise<unknown>) => Promise<void>): Promise<void> =>
  inServedPage(scriptAt, async (page) => {
    await page.waitForFunction("globalThis.runScenario");
    await body((name) => page.evaluate(`${name}()`));
  });

check.test("operations, a network and training steps equal Node's", () =>
  inPage(async (run) => {
    const there = (await run("runScenario")) as Findings;
    assert.match(there.adapter, /swiftshader/i);
    const swiftshader = await Device.open({ adapter: "swiftshader" });
    try {
      const here = await scenario(swiftshader);
      assert.is(there.cases, here.cases);
      assert.equal(there.worst, here.worst);
      assert.equal(there.logits, here.logits);
      assert.equal(there.losses, here.losses);
      assert.equal(there.weights, here.weights);
    } finally {
      swiftshader.close();
    }
  }),
);

check.test("a device that is destroyed in a step is a DeviceLostError, as in Node", () =>
  inPage(async (run) => {
    const expected = new Array(6).fill("DeviceLostError");
    assert.equal(await run("runDestroyed"), expected);
    const other = await Device.open();
    assert.equal(await destroyed(other), expected);
    other.close();
  }),
);

check.test("arrays over shared and resizable memory train as any other", () =>
  inPage(async (run) => {
    const [loss, ...others] = (await run("runHandedOver")) as number[];
    assert.ok(loss > 0);
    assert.equal(others, [loss, loss, loss]);
    const [here, ...same] = await handedOver(device);
    assert.equal(same, [here, here, here]);
  }),
);
check.run();
