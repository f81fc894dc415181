// Which file imports which: what the layout's tests ask.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The source files below a folder, declarations apart. */
export const sources = (folder: string): string[] =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))
    .map((path) => join(folder, path));

/** What a file imports or re-exports, types included, as it is written there. */
export const imports = (file: string): string[] =>
  [...readFileSync(file, "utf8").matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map(
    ([, target]) => target,
  );

/** For each node the nodes it needs. */
export type Needs = ReadonlyMap<string, readonly string[]>;

/** The files below a folder, each with those of the same folder that it imports. */
export function fileNeeds(folder: string): Needs {
  const all = sources(folder);
  return new Map(
    all.map((file) => [
      file,
      imports(file)
        .filter((target) => target.startsWith("."))
        .map((target) => join(dirname(file), target))
        .filter((target) => all.includes(target)),
    ]),
  );
}

/** The same between folders; `nodeOf` says which node a file belongs to. */
export function grouped(needs: Needs, nodeOf: (file: string) => string): Needs {
  const groups = new Map<string, string[]>();
  for (const [file, targets] of needs) {
    const from = nodeOf(file);
    const others = targets.map(nodeOf).filter((to) => to !== from);
    groups.set(from, [...(groups.get(from) ?? []), ...others]);
  }
  return groups;
}

/** The nodes that reach themselves, in groups that reach each other (Tarjan, 1972). */
export function circles(needs: Needs): string[][] {
  const [index, low, stack, found] = [
    new Map<string, number>(),
    new Map<string, number>(),
    [] as string[],
    [] as string[][],
  ];
  const visit = (node: string) => {
    index.set(node, index.size);
    low.set(node, index.get(node)!);
    stack.push(node);
    for (const next of needs.get(node) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(node, Math.min(low.get(node)!, low.get(next)!));
    }
    if (low.get(node) !== index.get(node)) return;
    const circle = stack.splice(stack.indexOf(node));
    if (circle.length > 1 || needs.get(node)?.includes(node)) found.push(circle.sort());
  };
  for (const node of needs.keys()) if (!index.has(node)) visit(node);
  return found;
}

/** Imports from one folder of `below` into another that is not below it, as `from -> to`. */
export const wrongArrows = (
  needs: Needs,
  folderOf: (file: string) => string | undefined,
  below: Readonly<Record<string, readonly string[]>>,
): string[] =>
  [...needs].flatMap(([file, targets]) =>
    targets
      .filter((target) => {
        const [from, to] = [folderOf(file), folderOf(target)];
        return from && to && from !== to && !below[from]?.includes(to);
      })
      .map((target) => `${file} -> ${target}`),
  );
