// The table of FLOPs in docs/costs.md, made from what the operations state, and those formulas in numbers.

import { type Op, ops, routines, type Shapes, size } from "../kernels/index.ts";

export const COSTS = "docs/costs.md";
const [START, END] = ["<!-- costs: npm run docs:costs -->\n", "<!-- end of costs -->\n"];

/** One row an operation: the formula of its forward pass and those of its gradients. */
function table(): string {
  const named = [...new Map(ops.map((op) => [op.name, op])).values()];
  const rows = named.map((op) => {
    const keys = Object.keys(op.backward);
    const formula = (key: string) => op.cost?.[key] ?? "";
    const same = keys.every((key) => formula(key) === formula(keys[0]));
    const gradients = same
      ? `${keys.map((key) => key.replaceAll(" ", " and ")).join(", ")}: ${formula(keys[0])}`
      : keys.map((key) => `${key}: ${formula(key)}`).join("<br>");
    const recompute = op.cost?.recompute ? `; recompute: ${op.cost.recompute}` : "";
    return `| ${op.name} | ${formula("forward")}${recompute} | ${keys.length > 0 ? gradients : "none"} |`;
  });
  return ["| operation | forward | gradients |", "| --- | --- | --- |", ...rows, ""].join("\n");
}

/** The page with the table made anew. Throws where the page has no place for it. */
export function withTable(page: string): string {
  const [from, to] = [page.indexOf(START), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${COSTS}: no lines ${START}and ${END}`);
  return page.slice(0, from + START.length) + table() + page.slice(to);
}

/** FLOPs that a routine may have by its formula, one number for each alternative. */
export function byFormula(op: Op, routine: string, shapes: Shapes, attrs: any): number[] {
  const [r, s, c] = shapes.w?.length === 4 ? shapes.w : (attrs?.window ?? []);
  const named: Record<string, number | undefined> = { r, s, c, k: shapes.w?.[0] };
  const value = (word: string) => {
    const known = /^\d+$/.test(word) ? Number(word) : shapes[word] ? size(shapes[word]) : named[word];
    if (known === undefined) throw new Error(`${op.name}/${routine}: ${word} stands for nothing`);
    return known;
  };
  const formula = op.cost?.[routine];
  if (formula === undefined) throw new Error(`${op.name}/${routine}: no formula of its cost`);
  return formula.split("; ").map((alternative) => {
    const terms = alternative.replace(/ (without|with|of|by) .*/, "").split(" + ");
    return terms.reduce((sum, term) => sum + term.split(" ").reduce((p, word) => p * value(word), 1), 0);
  });
}

/** Names of everything that a formula must be stated for. */
export const routinesOf = (op: Op): string[] => Object.keys(routines(op));
