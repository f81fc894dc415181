import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "playwright-core";
import * as assert from "uvu/assert";
import { launch } from "./launch.ts";

const PAGE = '<script type="module" src="/page.js"></script>';

/**
 * Opens a page in Chromium, which by default runs `/page.js`, with the scripts that `read` gives by path, where memory may
 * be shared. Fails where the page reports an error.
 */
export async function inServedPage(
  read: (path: string) => string | Uint8Array | undefined,
  body: (page: Page) => Promise<void>,
  html = PAGE,
): Promise<void> {
  const server = createServer((request, response) => {
    const path = new URL(request.url!, "http://page").pathname;
    const script = path === "/" ? undefined : read(path);
    response.setHeader("cross-origin-opener-policy", "same-origin");
    response.setHeader("cross-origin-embedder-policy", "require-corp");
    if (path === "/") response.setHeader("content-type", "text/html").end(html);
    else if (script === undefined) response.writeHead(404).end();
    else response.setHeader("content-type", "text/javascript").end(script);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const browser = await launch();
  const faults: string[] = [];
  try {
    const page = await browser.newPage();
    const failed = new Promise<never>((_, reject) =>
      page.on("pageerror", (error) => {
        faults.push(error.message);
        reject(error);
      }),
    );
    failed.catch(() => {}); // seen below, or by what waits for the page
    page.on("console", (message) => {
      if (message.type() === "error" && !/favicon/.test(message.location().url)) faults.push(message.text());
    });
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await Promise.race([body(page), failed]);
    assert.equal(faults, []);
  } finally {
    await browser.close();
    server.close();
  }
}
