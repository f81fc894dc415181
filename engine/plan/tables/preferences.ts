// Which algorithm and tunables a routine takes on an adapter, from what was measured there.
import type { Shapes } from "../../../kernels/op.ts";
import type { Traits } from "../../device/traits.ts";
import type { Choice } from "../../device/tuning_table.ts";
import {
  type Condition,
  type Fact,
  parseTuningTable,
  type Rule,
  type TuningTable,
} from "../../device/tuning_table.ts";
import cpu from "./cpu.json";
import gpu from "./gpu.json";
import lavapipe from "./lavapipe.json";
import swiftshader from "./swiftshader.json";

/** The tables that come with the engine: those of an adapter before those of a class. */
export const SHIPPED: readonly TuningTable[] = Object.entries({ lavapipe, swiftshader, cpu, gpu }).map(
  ([name, json]) => parseTuningTable(`tables/${name}.json`, json),
);

/** A choice, and the rule that made it. */
export interface Preference extends Choice {
  readonly why: string;
}

/**
 * What the tables prefer for a problem, first to last: the caller's own table, then the adapter's, then its class's; in
 * each the exact problem before the rules. A fused operation such as `conv2d_moments` takes the rules of its own name,
 * then those of `conv2d`.
 */
export function* preferences(
  traits: Traits,
  routine: string,
  shapes: Shapes,
  attrs: unknown,
): Iterable<Preference> {
  const facts = factsOf(traits, shapes, attrs);
  const key = problemKey(shapes, attrs);
  for (const table of traits.tuningTable ? [traits.tuningTable, ...SHIPPED] : SHIPPED) {
    if (!applies(table, traits)) continue;
    for (const name of names(routine)) {
      const exact = table.problems[name]?.[key];
      if (exact) yield { ...exact, why: `${table.path}: ${name}, this problem` };
      for (const [i, rule] of (table.routines[name] ?? []).entries())
        if (holds(rule, facts)) yield { ...rule, why: `${table.path}: ${name}[${i}]` };
    }
  }
}

/** Names a problem in a table: the shapes of its tensors without gradients, and its attributes. */
export function problemKey(shapes: Shapes, attrs: unknown): string {
  const tensors = Object.entries(shapes)
    .filter(([name]) => !(name.startsWith("d") && name.slice(1) in shapes))
    .map(([name, shape]) => `${name} ${shape.join("x")}`);
  const sorted = (_: string, value: unknown) =>
    value && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return `${tensors.sort().join(", ")} ${JSON.stringify(attrs ?? {}, sorted)}`;
}

/** Whether a table is for the adapter. */
export const applies = (table: TuningTable, traits: Traits): boolean =>
  (!table.adapter || table.adapter.test(traits.name)) &&
  (!table.class || table.class === traits.class || (table.class === "gpu" && traits.class !== "cpu"));

/** `conv2d_moments/forward`, then `conv2d/forward`. */
function* names(routine: string): Iterable<string> {
  const [op, kind] = routine.split("/");
  for (let end = op.length; end > 0; end = op.lastIndexOf("_", end - 1)) yield `${op.slice(0, end)}/${kind}`;
}

/** What rules can ask of a problem; a fact that it does not have is undefined and meets no condition. */
export function factsOf(
  { subgroupSize }: Traits,
  { x, w, y }: Shapes,
  attrs: unknown,
): Readonly<Record<Fact, string | number | undefined>> {
  const { window, stride } = (attrs ?? {}) as Partial<Record<string, readonly number[]>>;
  const weights = w?.length > 1 ? w : undefined;
  const by = (steps: readonly number[] | undefined) => (steps?.length ? steps.join("x") : undefined);
  return {
    window: by(window ?? weights?.slice(0, -2)),
    stride: by(stride),
    inputs: weights?.at(-2) ?? x?.at(-1),
    outputs: weights?.at(-1) ?? y?.at(-1),
    pixels: y?.slice(0, -1).reduce((a, b) => a * b, 1),
    images: y?.[0],
    subgroupSize,
  };
}

const holds = ({ when = {} }: Rule, facts: ReturnType<typeof factsOf>): boolean =>
  Object.entries(when).every(([fact, condition]) => meets(facts[fact as Fact], condition));

function meets(value: string | number | undefined, condition: Condition): boolean {
  if (value === undefined) return false;
  if (Array.isArray(condition)) return condition.includes(value);
  if (typeof condition !== "object") return value === condition;
  const { least = -Infinity, most = Infinity } = condition as { least?: number; most?: number };
  return Number(value) >= least && Number(value) <= most;
}
