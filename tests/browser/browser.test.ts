// The engine in real Chromium, on SwiftShader, against the same on Node's SwiftShader.
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { Device } from "../../engine/device/device.ts";
import { device, group } from "../harness.ts";
import { launch } from "./launch.ts";
import { destroyed, type Findings, handedOver, scenario } from "./scenario.ts";

const bundle = fileURLToPath(new URL("../../browser", import.meta.url));
const check = group("browser");

/** Opens the page in Chromium, where memory may be shared, and fails where it says anything. */
async function inPage(body: (run: (name: string) => Promise<unknown>) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    const file = join(bundle, new URL(request.url!, "http://page").pathname);
    response.setHeader("cross-origin-opener-policy", "same-origin");
    response.setHeader("cross-origin-embedder-policy", "require-corp");
    if (request.url === "/")
      response.setHeader("content-type", "text/html").end('<script type="module" src="/page.js"></script>');
    else if (file.startsWith(bundle) && existsSync(file)) {
      response.setHeader("content-type", "text/javascript");
      createReadStream(file).pipe(response);
    } else response.writeHead(404).end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const browser = await launch();
  const faults: string[] = [];
  try {
    const page = await browser.newPage();
    page.on("pageerror", (error) => faults.push(error.message));
    page.on(
      "console",
      (message) =>
        message.type() === "error" && !/favicon/.test(message.location().url) && faults.push(message.text()),
    );
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction("globalThis.runScenario");
    await body((name) => page.evaluate(`${name}()`));
    assert.equal(faults, []);
  } finally {
    await browser.close();
    server.close();
  }
}

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
