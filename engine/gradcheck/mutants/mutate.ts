// Seeds faults in WGSL: the faults people make in kernels. Checks that let one pass have a hole.

import { Syntax } from "./tokens.ts";

/** A text with one fault in it. */
export interface Mutant {
  /** `<operator>@<line>:<column>`: the same for the same text. */
  readonly id: string;
  readonly operator: string;
  /** Line of the fault, counted from 1. */
  readonly line: number;
  readonly before: string;
  readonly after: string;
  /** The whole text with the fault in it. */
  readonly wgsl: string;
}

/** Tokens [from, to) replaced by a text. */
type Edit = readonly [operator: string, from: number, to: number, text: string];
/** The faults that can be made at a token. */
type Operator = (code: Syntax, i: number) => readonly Edit[];

const one = (name: string, table: Readonly<Record<string, string>>): Operator => {
  const entries = new Map(Object.entries(table));
  return (code, i) => {
    const to = entries.get(code.at(i));
    return to === undefined ? [] : [[name, i, i + 1, to]];
  };
};

/** The same for operators between two operands. */
const binary =
  (operator: Operator): Operator =>
  (code, i) =>
    code.isBinary(i) && !addsNothing(code, i) ? operator(code, i) : [];

/** `+ 0u`, as generators print it: a mutant of it is no fault. */
const addsNothing = (code: Syntax, i: number): boolean =>
  /^[-+]$/.test(code.at(i)) && /^0u?$/.test(code.at(i + 1));

const index: Operator = (code, i) => {
  if (code.at(i) !== "[") return [];
  const close = code.pairs.get(i)!;
  const inner = code.text(i + 1, close);
  return /^\d+u?$/.test(inner) ? [] : [["index off by one", i, close + 1, `[(${inner}) + 1]`]];
};

const branch: Operator = (code, i) => {
  if (code.at(i) !== "if") return [];
  const close = code.pairs.get(i + 1)!;
  const condition = (start: string): string => `(${start} (${code.text(i + 2, close)}))`;
  if (/^(return|continue|break)$/.test(code.at(close + 2)) && code.at(close + 3) === ";")
    return [["guard dropped", i + 1, close + 1, condition("false &&")]];
  return [
    ["branch never taken", i + 1, close + 1, condition("false &&")],
    ["branch always taken", i + 1, close + 1, condition("true ||")],
  ];
};

const select: Operator = (code, i) => {
  if (code.at(i) !== "select") return [];
  const [no, yes, condition] = code.arguments(i + 1);
  const put = (a: string, b: string, c: string) => `(${a}, ${b}, ${c})`;
  const [a, b, c] = [no, yes, condition].map(([from, to]) => code.text(from, to));
  const edit = (name: string, text: string): Edit => [name, i + 1, code.pairs.get(i + 1)! + 1, text];
  return [
    edit("select always the second", put(a, b, "true")),
    edit("select always the first", put(a, b, "false")),
    ...(condition[1] - condition[0] === 1 ? [edit("select the other", put(b, a, c))] : []),
  ];
};

const fused: Operator = (code, i) => {
  if (code.at(i) !== "fma") return [];
  const [a, b, c] = code.arguments(i + 1).map(([from, to]) => code.text(from, to));
  const end = code.pairs.get(i + 1)! + 1;
  return [
    ["accumulator lost", i, end, `((${a}) * (${b}))`],
    ["sign", i, end, `fma(-(${a}), ${b}, ${c})`],
    ["left factor dropped", i, end, `fma(1.0, ${b}, ${c})`],
    ["right factor dropped", i, end, `fma(${a}, 1.0, ${c})`],
  ];
};

const operands: Operator = (code, i) => {
  const kind = code.at(i);
  if (!/^([-+*/%&|^]|&&|\|\|)$/.test(kind) || !code.isBinary(i) || addsNothing(code, i)) return [];
  const [from, to] = code.operands(i);
  const what = /[-+]/.test(kind) ? "term" : /[*/%]/.test(kind) ? "factor" : "operand";
  const edits: Edit[] = [[`right ${what} dropped`, i, to, ""]];
  if (!/[-/%]/.test(kind)) edits.push([`left ${what} dropped`, from, i + 1, ""]);
  else
    edits.push(["operands swapped", from, to, `((${code.text(i + 1, to)}) ${kind} (${code.text(from, i)}))`]);
  return edits;
};

const unary: Operator = (code, i) =>
  /^[-!]$/.test(code.at(i)) && !code.isBinary(i) ? [["sign", i, i + 1, ""]] : [];

const lastIteration: Operator = (code, i) => {
  if (!/^[<>]$/.test(code.at(i)) || !isLoopCondition(code, i)) return [];
  return [["last iteration dropped", i, i + 1, `${code.at(i) === "<" ? "+" : "-"} 1 ${code.at(i)}`]];
};

/** Whether a token is in the middle part of a loop's head. */
function isLoopCondition(code: Syntax, i: number): boolean {
  const head = i - code.statement(i).before;
  return code.at(head - 1) === ";" && /^for\b/.test(code.statement(head - 1).text);
}

const constant: Operator = (code, i) => {
  const [, digits, suffix] = /^(0[xX][\da-fA-F]+|\d+)([iu]?)$/.exec(code.at(i)) ?? [];
  if (digits) {
    const value = Number(digits);
    const hex = /x/i.test(digits);
    const next = value === 1 ? 0 : (value + 1) % 2 ** 32;
    return [["constant", i, i + 1, (hex ? `0x${next.toString(16)}` : `${next}`) + suffix]];
  }
  if (!/^\d*\.\d*f?$/.test(code.at(i)) || code.at(i) === ".") return [];
  return [["constant", i, i + 1, Number.parseFloat(code.at(i)) === 1 ? "0.0" : "1.0"]];
};

const barrier: Operator = (code, i) =>
  /Barrier$/.test(code.at(i)) && code.at(i + 1) === "(" ? [["barrier removed", i, i + 3, ""]] : [];

/** What a field of `shape`, or an axis of an invocation's number, is mistaken for: the first that there is. */
const AXES = new Map<string, readonly string[]>(
  Object.entries({
    h: ["wd"],
    wd: ["h"],
    p: ["q"],
    q: ["p"],
    r: ["s"],
    s: ["r"],
    c: ["o"],
    o: ["c", "k"],
    n: ["h", "k"],
    k: ["n"],
    top: ["left"],
    left: ["top"],
    stride_h: ["stride_w"],
    stride_w: ["stride_h"],
    pixels: ["channels"],
    channels: ["pixels"],
    images: ["pixels"],
    rows: ["blocks"],
    blocks: ["rows"],
    x: ["y"],
    y: ["x"],
    z: ["y"],
  }),
);

const axes: Operator = (code, i) => {
  const [, struct, field] = /^(\w+)\.(\w+)$/.exec(code.at(i)) ?? [];
  const there = (name: string) =>
    struct === "shape" ? new RegExp(`\\b${name}: [fiu]32`).test(code.wgsl) : /^[xyz]$/.test(name);
  const other = AXES.get(field)?.find(there);
  return other && there(field) ? [["axes swapped", i, i + 1, `${struct}.${other}`]] : [];
};

/** Offset or stride of the next binding that the text speaks of. */
const binding: Operator = (code, i) => {
  const [, field] = /^shape\.\w+?_(offset|stride)$/.exec(code.at(i)) ?? [];
  if (!field) return [];
  const all = [...new Set(code.wgsl.match(new RegExp(`\\bshape\\.\\w+?_${field}\\b`, "g")))];
  const next = all[(all.indexOf(code.at(i)) + 1) % all.length];
  return next === code.at(i) ? [] : [[`another binding's ${field}`, i, i + 1, next]];
};

const OPERATORS: readonly Operator[] = [
  index,
  branch,
  select,
  binary(
    one("comparison at its edge", { "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==" }),
  ),
  lastIteration,
  binary(one("sign", { "+": "-", "-": "+" })),
  unary,
  one("sign", { "+=": "-=", "-=": "+=" }),
  binary(
    one("operator", { "*": "+", "/": "%", "%": "/", "<<": ">>", ">>": "<<", "&": "|", "|": "&", "^": "&" }),
  ),
  one("accumulator lost", { "+=": "=", "-=": "=", "|=": "=", "*=": "=" }),
  one("every second iteration", { "++": " += 2" }),
  fused,
  operands,
  one("function", { min: "max", max: "min", inverseSqrt: "sqrt", sqrt: "", exp: "", log: "" }),
  constant,
  barrier,
  axes,
  binding,
];

/** Of one statement that a generator repeats with other numbers, so many of each mutant are kept. */
const KEPT = 3;

/**
 * Every fault of the operators above in the functions of a kernel's text, in the order of the text; of mutants that
 * differ in numbers only, the first, one in the middle and the last. Deterministic. A text may turn out not to compile.
 */
export function mutants(wgsl: string): Mutant[] {
  const code = new Syntax(wgsl);
  const patterns = new Map<string, [at: number, edit: Edit][]>();
  for (const [first, end] of code.bodies())
    for (let i = first; i < end; i++)
      for (const edit of OPERATORS.flatMap((operator) => operator(code, i))) {
        const [name, from, to, text] = edit;
        const pattern = `${name}: ${code.statement(i).text}: ${code.text(from, to)} -> ${text}`.replace(
          /\d+/g,
          "#",
        );
        patterns.set(pattern, [...(patterns.get(pattern) ?? []), [i, edit]]);
      }
  const few = [...patterns.values()].flatMap((list) =>
    list.length <= KEPT ? list : [list[0], list[list.length >> 1], list[list.length - 1]],
  );
  const made = new Map<string, Mutant>();
  for (const [at, edit] of few.sort((a, b) => a[0] - b[0])) {
    const mutant = apply(code, at, edit);
    if (mutant.before !== mutant.after && !made.has(mutant.wgsl)) made.set(mutant.wgsl, mutant);
  }
  return [...made.values()];
}

function apply({ wgsl, tokens }: Syntax, at: number, [operator, first, end, text]: Edit): Mutant {
  const [from, to] = [tokens[first].from, tokens[end - 1].to];
  const lineStart = wgsl.lastIndexOf("\n", from - 1) + 1;
  const newline = wgsl.indexOf("\n", to);
  const lineEnd = newline < 0 ? wgsl.length : newline;
  const before = wgsl.slice(lineStart, lineEnd);
  const after = wgsl.slice(lineStart, from) + text + wgsl.slice(to, lineEnd);
  const start = wgsl.lastIndexOf("\n", tokens[at].from - 1) + 1;
  const line = wgsl.slice(0, start).split("\n").length;
  return {
    id: `${operator}@${line}:${tokens[at].from - start + 1}`,
    operator,
    line,
    before: before.trim(),
    after: after.trim(),
    // what the kernel can do, the engine reads off the fields of `shape` that its text names: so the comment
    wgsl: `${wgsl.slice(0, lineStart)}${after}${wgsl.slice(lineEnd)}\n// was: ${before.replace(/\s+/g, " ")}\n`,
  };
}
