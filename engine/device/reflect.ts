import { ResourceType, WgslReflect } from "wgsl_reflect/wgsl_reflect.module.js";
import type { Kernel, Tune } from "../../kernels/op.ts";
import { remember } from "../../kernels/remember.ts";
import { TuneError } from "../errors.ts";

export interface Binding {
  readonly index: number;
  readonly type: "uniform" | "storage" | "read-only-storage";
  /** Elements of the tensor in one of the array: 4 where it is bound as vec4f. Tensors start at whole ones. */
  readonly width: number;
}

/** What the engine knows of a kernel, all of it read from its text. */
export interface Reflected {
  readonly entry: string;
  readonly workgroupSize: readonly [number, number, number];
  /** Bytes of workgroup memory its arrays take. */
  readonly workgroupBytes: number;
  readonly bindings: ReadonlyMap<string, Binding>;
  /** Byte offset and scalar type of every field of the uniform struct `shape`, and its padded size. */
  readonly uniform: {
    readonly size: number;
    readonly fields: ReadonlyMap<string, { offset: number; type: string }>;
  };
  /** Fields of `shape` that the kernel uses; a struct that an operation's kernels share may have more. */
  readonly uses: ReadonlySet<string>;
  /** Adapter features its `enable` directives ask for. */
  readonly features: readonly string[];
}

export interface Tunable {
  readonly value: number;
  readonly choices: readonly number[];
}

const TUNABLE = /^const (\w+): u32 = (\d+)u;\s*\/\/ @tune ([\d ]+)$/gm;
const SHARED = /\bvar<workgroup>\s+\w+\s*:\s*array<(\w+),\s*(\w+)>/g;
const ENABLED: Readonly<Record<string, string>> = { subgroups: "subgroups", f16: "shader-f16" };

/** The tunables a kernel declares: name, default and the values worth trying. */
export function tunables({ source }: Kernel<any>): ReadonlyMap<string, Tunable> {
  if (typeof source !== "string") return new Map(Object.entries(source.tunables));
  return new Map(
    [...source.matchAll(TUNABLE)].map(([, name, value, list]) => [
      name,
      { value: Number(value), choices: list.trim().split(/\s+/).map(Number) },
    ]),
  );
}

/** Every tunable of the kernel at its value in `set`, or else at its default; a name it lacks is a TuneError. */
export function settings(kernel: Kernel<any>, set: Tune = {}): Tune {
  const known = tunables(kernel);
  const unknown = Object.keys(set).find((name) => !known.has(name));
  if (unknown !== undefined)
    throw new TuneError(
      `${kernel.label}: no tunable ${unknown} (has ${[...known.keys()].join(", ") || "none"})`,
    );
  return Object.fromEntries([...known].map(([name, { value }]) => [name, set[name] ?? value]));
}

/** The kernel's WGSL with its tunables set: the numbers are rewritten and nothing else. */
export function specialise({ source }: Kernel<any>, tune: Tune): string {
  if (typeof source !== "string") return source.print(tune);
  return source.replace(TUNABLE, (line, name, value) => line.replace(`= ${value}u;`, `= ${tune[name]}u;`));
}

const reflections = new Map<string, Reflected>();

/** Reads bindings, uniform layout and workgroup size from WGSL text; remembered by the text. */
export function reflect(label: string, wgsl: string): Reflected {
  return remember(reflections, wgsl, () => parse(label, wgsl));
}

function parse(label: string, wgsl: string): Reflected {
  const info = new WgslReflect(declarations(wgsl));
  if (info.entry.compute.length !== 1)
    throw new TuneError(`${label}: want one @compute entry, found ${info.entry.compute.length}`);
  const [entry] = info.entry.compute;
  const bindings = new Map<string, Binding>();
  for (const v of [...info.uniforms, ...info.storage]) {
    const type =
      v.resourceType === ResourceType.Uniform
        ? "uniform"
        : v.access === "read_write"
          ? "storage"
          : "read-only-storage";
    const width = Number(/^vec(\d)/.exec(v.format?.name ?? "")?.[1] ?? 1);
    bindings.set(v.name, { index: v.binding, type, width });
  }
  const struct = info.uniforms.find(({ name }: { name: string }) => name === "shape");
  const members =
    (struct as { members?: { name: string; offset: number; type: { name: string } }[] })?.members ?? [];
  const fields = new Map(members.map((m) => [m.name, { offset: m.offset, type: m.type.name }]));
  const features = [...wgsl.matchAll(/^enable ([\w, ]+);/gm)].flatMap(([, names]) =>
    names.split(/\s*,\s*/).map((name) => ENABLED[name] ?? name),
  );
  return {
    entry: entry.name,
    workgroupSize: entry.workgroupSize as unknown as [number, number, number],
    workgroupBytes: [...wgsl.matchAll(SHARED)].reduce((sum, of) => sum + bytesOf(wgsl, of[1], of[2]), 0),
    bindings,
    uniform: { size: struct?.size ?? 0, fields },
    uses: new Set([...wgsl.matchAll(/\bshape\.(\w+)/g)].map(([, field]) => field)),
    features,
  };
}

/** The text without the bodies of its functions, which hold nothing that is read and most of what is parsed. */
function declarations(wgsl: string): string {
  const code = wgsl.replace(/\/\/.*/g, "");
  let text = "";
  let kept = 0;
  for (const { index } of code.matchAll(/\bfn \w+\s*\(/g)) {
    const open = code.indexOf("{", index);
    if (index < kept || open < 0) continue;
    text += `${code.slice(kept, open)}{}`;
    kept = end(code, open);
  }
  return text + code.slice(kept);
}

/** Where the block that opens there ends. */
function end(code: string, open: number): number {
  let depth = 0;
  for (let i = open; i < code.length; i++) {
    if (code[i] === "{") depth++;
    else if (code[i] === "}" && --depth === 0) return i + 1;
  }
  return code.length;
}

/** Bytes of an array of four-byte scalars or vectors of them; `count` is a number or the name of a constant. */
function bytesOf(wgsl: string, type: string, count: string): number {
  const value = new RegExp(`^const ${count}\\b[^=]*=\\s*(\\d+)`, "m").exec(wgsl)?.[1] ?? count;
  const scalars = { "2": 2, "3": 4, "4": 4 }[/^vec(\d)/.exec(type)?.[1] ?? ""] ?? 1;
  return 4 * scalars * Number.parseInt(value, 10);
}

/** Whether the kernel can take this binding's tensor from inside a wider one. */
export const takesSlice = ({ uses }: Reflected, binding: string): boolean =>
  uses.has(`${binding}_offset`) && uses.has(`${binding}_stride`);

/** Whether the kernel can add onto its outputs. */
export const accumulates = ({ uses }: Reflected): boolean => uses.has("accumulate");
