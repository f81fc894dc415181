// README, CONTRIBUTING and docs/: what they name exists, and README stays short.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { group } from "./harness.ts";
import { pagesOf } from "./package/examples.ts";

const check = group("docs");

const pages = ["CONTRIBUTING.md", "CHANGELOG.md", ...pagesOf(".")];

/** The anchor that a heading gets: lower case, spaces as hyphens, no other punctuation. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");

/** Prose without blocks of code. */
const prose = (text: string) => text.replace(/^```[\s\S]*?^```$/gm, "");

/** What the guides make. */
const MADE = /^(kernels\/softsign\/|models\/tiny_inception\.ts|bench\/bench\/outputs\/tsv\.ts)/;

/** Links and paths of a page that lead nowhere. */
function broken(page: string, text: string): string[] {
  const wrong: string[] = [];
  for (const [, target] of prose(text).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^(https?|mailto):/.test(target)) continue;
    const [path, anchor] = target.split("#");
    const at = path === "" ? page : join(dirname(page), path);
    if (!existsSync(at)) wrong.push(`${page}: ${target}`);
    else if (anchor !== undefined) {
      const headings = [...prose(readFileSync(at, "utf8")).matchAll(/^#+ (.*)$/gm)].map(
        ([, heading]) => heading,
      );
      if (!headings.some((heading) => anchorOf(heading) === anchor)) wrong.push(`${page}: ${target}`);
    }
  }
  const folders = "engine|kernels|models|bench|tests|docs";
  for (const [, path] of prose(text).matchAll(new RegExp(`\`((?:${folders})/[\\w./-]*)\``, "g")))
    if (!existsSync(path) && !path.startsWith("docs/api") && !MADE.test(path)) wrong.push(`${page}: ${path}`);
  return wrong;
}

check.test("links, anchors and paths lead somewhere", () => {
  assert.equal(
    pages.flatMap((page) => broken(page, readFileSync(page, "utf8"))),
    [],
  );
  const planted = "[a](docs/none.md) [b](#start) [c](#nowhere) `engine/none.ts` `engine/plan/`";
  assert.equal(broken("README.md", planted), [
    "README.md: docs/none.md",
    "README.md: #nowhere",
    "README.md: engine/none.ts",
  ]);
});

check.test("README has 150 lines at most", () => {
  const lines = readFileSync("README.md", "utf8").trimEnd().split("\n");
  assert.ok(lines.length <= 150, `${lines.length} lines`);
});

check.run();
