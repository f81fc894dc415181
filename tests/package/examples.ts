// The examples of README and docs: every block of code in TypeScript is a module that runs, unless it says `fragment`.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Example {
  /** Such as `docs_tuning_2`: the second of docs/tuning.md. */
  readonly name: string;
  /** Such as `docs/tuning.md:40`. */
  readonly place: string;
  readonly code: string;
}

/** The examples of a page. */
export function examplesOf(root: string, page: string): readonly Example[] {
  const lines = readFileSync(join(root, page), "utf8").split("\n");
  const found: Example[] = [];
  for (let i = 0; i < lines.length; i++) {
    if (!/^```(ts|js)$/.test(lines[i])) continue;
    const end = lines.indexOf("```", i);
    const name = `${page.replace(/\.md$/, "").replace(/\W/g, "_")}_${found.length + 1}`;
    found.push({
      name,
      place: `${page}:${i + 1}`,
      code: `${lines.slice(i + 1, end).join("\n")}\nexport {};\n`,
    });
    i = end;
  }
  return found;
}

/** README and the pages of docs, without the reference that is generated. */
export const pagesOf = (root: string): readonly string[] => [
  "README.md",
  ...readdirSync(join(root, "docs"), { recursive: true })
    .map((path) => join("docs", String(path)))
    .filter((path) => path.endsWith(".md") && !path.startsWith(join("docs", "api")))
    .sort(),
];
