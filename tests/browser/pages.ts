import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import * as assert from "uvu/assert";
import { launch } from "./launch.ts";

/** Opens pages, given as HTML, in a browser's tab, and fails where one says anything or asks for something outside itself. */
export async function inBrowser(body: (tab: Page, open: (html: string) => Promise<void>) => Promise<void>) {
  const folder = mkdtempSync(join(tmpdir(), "tessera-page-"));
  const browser = await launch();
  try {
    const tab = await browser.newPage();
    const heard: string[] = [];
    tab.on("pageerror", (error) => heard.push(error.message));
    tab.on("console", (message) => heard.push(message.text()));
    tab.on("request", (request) => request.url().startsWith("http") && heard.push(request.url()));
    let pages = 0;
    await body(tab, async (html) => {
      const file = join(folder, `${pages++}.html`);
      writeFileSync(file, html);
      await tab.goto(pathToFileURL(file).href);
      assert.equal(heard, []);
    });
    assert.equal(heard, []);
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
}
