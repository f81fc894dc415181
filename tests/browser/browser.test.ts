// The engine in real Chromium, on SwiftShader, against the same on Node's SwiftShader.
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { Device } from "../../engine/device/device.ts";
import { group } from "../harness.ts";
import { launch } from "./launch.ts";
import { type Findings, scenario } from "./scenario.ts";

const bundle = fileURLToPath(new URL("../../browser", import.meta.url));
const check = group("browser");

check.test("operations, a network and training steps equal Node's", async () => {
  const server = createServer((request, response) => {
    const file = join(bundle, new URL(request.url!, "http://page").pathname);
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
    const there = (await page.evaluate("runScenario()")) as Findings;
    assert.match(there.adapter, /swiftshader/i);
    assert.equal(faults, []);

    const device = await Device.open({ adapter: "swiftshader" });
    try {
      const here = await scenario(device);
      assert.is(there.cases, here.cases);
      assert.equal(there.worst, here.worst);
      assert.equal(there.logits, here.logits);
      assert.equal(there.losses, here.losses);
      assert.equal(there.weights, here.weights);
    } finally {
      device.close();
    }
  } finally {
    await browser.close();
    server.close();
  }
});
check.run();
