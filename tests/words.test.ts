// The words of the code and its docs: those that were replaced do not come back.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { group } from "./harness.ts";

const check = group("words");

/** Words and phrases of earlier versions, each with what is said today. */
const REPLACED: readonly (readonly [words: RegExp, today: string])[] = [
  [/\btold\w*\b|\b[a-z]+Told\b/, "format..., shown, by default"],
  [/\bwinners\b(?! is now called|" in options)/, "tuning table, the best"],
  [/\bbesides\b/i, "reserved, beside"],
  [/\brooms?\b/i, "the folder of an operation, space, memory"],
  [/\bhouse\b/i, "layout"],
  [/\bstretch(es)?\b/i, "submission, part"],
  [/so-manieth/, "its number"],
  [/whole in fours/i, "whole_vec4"],
  [/cannot be had so/, "is not possible that way"],
  [/came of it are/, "predicted and achieved"],
];

/** Files that say what was renamed, and this one. */
const EXCEPT = ["CHANGELOG.md", "tests/words.test.ts", "tests/device.test.ts"];

function texts(): string[] {
  const folders = ["engine", "kernels", "models", "bench", "tests", "docs"];
  const inside = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true }).map((path) => join(folder, String(path))),
  );
  return ["README.md", "CONTRIBUTING.md", ...inside].filter(
    (path) =>
      /\.(ts|mjs|wgsl|md|py)$/.test(path) &&
      !/node_modules|^docs\/api|^bench\/(peers|results)/.test(path) &&
      !EXCEPT.includes(path),
  );
}

/** Lines with a word that was replaced, as `path:line: word`. */
const found = (path: string, text: string): string[] =>
  text.split("\n").flatMap((line, i) =>
    REPLACED.flatMap(([words, today]) => {
      const word = words.exec(line)?.[0];
      return word ? [`${path}:${i + 1}: ${word} (today: ${today})`] : [];
    }),
  );

check.test("words that were replaced do not come back", () => {
  assert.equal(
    texts().flatMap((path) => found(path, readFileSync(path, "utf8"))),
    [],
  );
  assert.equal(found("x.ts", "const a = 1;\nconst bytesTold = (n) => n;"), [
    "x.ts:2: bytesTold (today: format..., shown, by default)",
  ]);
});

check.run();
