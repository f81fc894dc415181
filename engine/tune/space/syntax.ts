import { FormatError } from "../../errors.ts";
import type { Value } from "./space.ts";

/** Operators by how tightly they bind, loosest first; `**` binds its left side tighter than a sign, and to the right. */
export const COMPARISONS = ["==", "!=", "<", "<=", ">", ">=", "in", "not in"] as const;
export const SUMS = ["+", "-"] as const;
export const PRODUCTS = ["*", "/", "//", "%"] as const;
export type ComparisonNode = (typeof COMPARISONS)[number];
export type Arithmetic = (typeof SUMS)[number] | (typeof PRODUCTS)[number] | "**";

/** An expression of Python's, as a tree. */
export type Expression =
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "list"; readonly items: readonly Expression[] }
  | {
      readonly kind: "comprehension";
      readonly each: Expression;
      readonly name: string;
      readonly over: Expression;
      readonly where?: Expression;
    }
  | { readonly kind: "sign"; readonly operator: "-" | "+"; readonly operand: Expression }
  | { readonly kind: "not"; readonly operand: Expression }
  | {
      readonly kind: "arithmetic";
      readonly operator: Arithmetic;
      readonly left: Expression;
      readonly right: Expression;
    }
  /** Holds where every operand stands so to the next: `a <= b < c`. */
  | {
      readonly kind: "comparison";
      readonly operators: readonly ComparisonNode[];
      readonly operands: readonly Expression[];
    }
  | {
      readonly kind: "logic";
      readonly operator: "and" | "or";
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: "conditional";
      readonly test: Expression;
      readonly yes: Expression;
      readonly no: Expression;
    }
  | { readonly kind: "call"; readonly name: string; readonly operands: readonly Expression[] }
  | { readonly kind: "item"; readonly of: Expression; readonly index: Expression };

interface Token {
  readonly kind: "number" | "string" | "word" | "sign" | "end";
  readonly text: string;
  /** Counted from 1. */
  readonly column: number;
}

const TOKEN =
  /(?<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<word>[A-Za-z_]\w*)|(?<sign>\*\*|\/\/|&&|\|\||[=!<>]=|[-+*/%<>!()[\],])/y;
const RESERVED = ["and", "or", "not", "in", "if", "else", "for", "True", "False", "true", "false"];

function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (let place = 0; ; ) {
    while (/\s/.test(text[place] ?? "")) place++;
    if (place === text.length) return [...found, { kind: "end", text: "", column: place + 1 }];
    TOKEN.lastIndex = place;
    const match = TOKEN.exec(text);
    const [kind, word] = Object.entries(match?.groups ?? {}).find(([, part]) => part !== undefined) ?? [];
    if (kind === undefined || word === undefined)
      throw new FormatError(
        `expression ${text}: column ${place + 1}: expected a value, a name or an operator but found ${text[place]}`,
      );
    found.push({ kind: kind as Token["kind"], text: word, column: place + 1 });
    place += word.length;
  }
}

/**
 * Parses an expression of Python's: numbers, strings, True, False, names, lists and comprehensions, items, calls,
 * + - * / // % **, comparisons (chained, and `in`), and, or, not, `a if c else b`; also C's && || ! true false.
 * `!` binds as in C, `not` as in Python. Throws FormatError with the text, the column and what was expected.
 */
export function parse(text: string): Expression {
  const parser = new Parser(text);
  const expression = parser.expression();
  parser.end();
  return expression;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(readonly text: string) {
    this.#tokens = tokens(text);
  }

  get #next(): Token {
    return this.#tokens[this.#at];
  }

  #refuse(expected: string): never {
    const { text, column } = this.#next;
    throw new FormatError(
      `expression ${this.text}: column ${column}: expected ${expected} but found ${text || "the end"}`,
    );
  }

  /** Whether the next token is one of these words or signs; takes it if so. */
  #take(...words: readonly string[]): string | undefined {
    const { kind, text } = this.#next;
    if ((kind !== "word" && kind !== "sign") || !words.includes(text)) return undefined;
    this.#at++;
    return text;
  }

  #expect(word: string): void {
    if (!this.#take(word)) this.#refuse(word);
  }

  #name(): string {
    const { kind, text } = this.#next;
    if (kind !== "word" || RESERVED.includes(text)) this.#refuse("a name");
    this.#at++;
    return text;
  }

  end(): void {
    if (this.#next.kind !== "end") this.#refuse("an operator or the end");
  }

  expression(): Expression {
    const yes = this.#or();
    if (!this.#take("if")) return yes;
    const test = this.#or();
    this.#expect("else");
    return { kind: "conditional", test, yes, no: this.expression() };
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#take("or", "||")) left = { kind: "logic", operator: "or", left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.#take("and", "&&")) left = { kind: "logic", operator: "and", left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    return this.#take("not") ? { kind: "not", operand: this.#not() } : this.#comparison();
  }

  #comparison(): Expression {
    const operands = [this.#sum()];
    const operators: ComparisonNode[] = [];
    for (;;) {
      const operator = this.#take(...COMPARISONS) ?? (this.#take("not") && this.#notIn());
      if (!operator)
        return operators.length === 0 ? operands[0] : { kind: "comparison", operators, operands };
      operators.push(operator as ComparisonNode);
      operands.push(this.#sum());
    }
  }

  #notIn(): ComparisonNode {
    this.#expect("in");
    return "not in";
  }

  #sum(): Expression {
    return this.#leftToRight(SUMS, () => this.#leftToRight(PRODUCTS, () => this.#sign()));
  }

  #leftToRight(operators: readonly Arithmetic[], operand: () => Expression): Expression {
    let left = operand();
    for (;;) {
      const operator = this.#take(...operators) as Arithmetic | undefined;
      if (!operator) return left;
      left = { kind: "arithmetic", operator, left, right: operand() };
    }
  }

  #sign(): Expression {
    const operator = this.#take("-", "+", "!");
    if (operator === "!") return { kind: "not", operand: this.#sign() };
    if (operator) return { kind: "sign", operator: operator as "-" | "+", operand: this.#sign() };
    const left = this.#item();
    return this.#take("**") ? { kind: "arithmetic", operator: "**", left, right: this.#sign() } : left;
  }

  #item(): Expression {
    let of = this.#primary();
    while (this.#take("[")) {
      of = { kind: "item", of, index: this.expression() };
      this.#expect("]");
    }
    return of;
  }

  #primary(): Expression {
    const { kind, text } = this.#next;
    if (this.#take("(")) {
      const inner = this.expression();
      if (this.#take(",")) return { kind: "list", items: [inner, ...this.#items(")")] };
      this.#expect(")");
      return inner;
    }
    if (this.#take("[")) return this.#list();
    if (this.#take("True", "true")) return { kind: "value", value: true };
    if (this.#take("False", "false")) return { kind: "value", value: false };
    if (kind === "number" || kind === "string") {
      this.#at++;
      return { kind: "value", value: kind === "number" ? Number(text) : unquoted(text) };
    }
    if (kind !== "word" || RESERVED.includes(text)) this.#refuse("a value, a name or (");
    this.#at++;
    return this.#take("(")
      ? { kind: "call", name: text, operands: this.#items(")") }
      : { kind: "name", name: text };
  }

  #list(): Expression {
    if (this.#take("]")) return { kind: "list", items: [] };
    const each = this.expression();
    if (this.#take("for")) return this.#comprehension(each);
    if (this.#take(",")) return { kind: "list", items: [each, ...this.#items("]")] };
    this.#expect("]");
    return { kind: "list", items: [each] };
  }

  #comprehension(each: Expression): Expression {
    const name = this.#name();
    this.#expect("in");
    const over = this.#or();
    const where = this.#take("if") ? this.#or() : undefined;
    this.#expect("]");
    return { kind: "comprehension", each, name, over, ...(where && { where }) };
  }

  /** Expressions between commas, the last of which may stand before nothing, up to the bracket that ends them. */
  #items(end: string): Expression[] {
    const items: Expression[] = [];
    while (!this.#take(end)) {
      items.push(this.expression());
      if (this.#take(",")) continue;
      this.#expect(end);
      break;
    }
    return items;
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };
const unquoted = (text: string) =>
  text.slice(1, -1).replace(/\\(.)/gs, (_, letter) => ESCAPES[letter] ?? letter);

/** A value as Python writes it. */
export function literal(value: Value): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  return typeof value === "string" ? quoted(value) : String(value);
}

const quoted = (text: string) =>
  `"${text.replace(/[\\"\n\t\r]/g, (letter) => `\\${Object.entries(ESCAPES).find(([, of]) => of === letter)?.[0] ?? letter}`)}"`;

/** How tightly what an expression is made of binds: an operand that binds less needs parentheses. */
const BINDING = {
  conditional: 0,
  or: 1,
  and: 2,
  not: 3,
  comparison: 4,
  sum: 5,
  product: 6,
  sign: 7,
  power: 8,
  atom: 9,
};

function binding(expression: Expression): number {
  switch (expression.kind) {
    case "conditional":
    case "not":
    case "comparison":
    case "sign":
      return BINDING[expression.kind];
    case "logic":
      return BINDING[expression.operator];
    case "arithmetic":
      if (expression.operator === "**") return BINDING.power;
      return (SUMS as readonly string[]).includes(expression.operator) ? BINDING.sum : BINDING.product;
    case "value":
      return typeof expression.value === "number" && expression.value < 0 ? BINDING.sign : BINDING.atom;
    default:
      return BINDING.atom;
  }
}

/** The text of an expression, as Python writes it, with no more parentheses than it needs. */
export function printExpression(expression: Expression): string {
  const at = binding(expression);
  const inner = (of: Expression, least: number) =>
    binding(of) < least ? `(${printExpression(of)})` : printExpression(of);
  switch (expression.kind) {
    case "value":
      return literal(expression.value);
    case "name":
      return expression.name;
    case "list":
      return `[${expression.items.map(printExpression).join(", ")}]`;
    case "comprehension": {
      const where = expression.where ? ` if ${inner(expression.where, BINDING.or)}` : "";
      return `[${printExpression(expression.each)} for ${expression.name} in ${inner(expression.over, BINDING.or)}${where}]`;
    }
    case "sign":
      return `${expression.operator}${inner(expression.operand, at)}`;
    case "not":
      return `not ${inner(expression.operand, at)}`;
    case "arithmetic": {
      const power = expression.operator === "**";
      const left = inner(expression.left, power ? BINDING.atom : at);
      return `${left} ${expression.operator} ${inner(expression.right, power ? BINDING.sign : at + 1)}`;
    }
    case "comparison": {
      const [first, ...others] = expression.operands.map((of) => inner(of, at + 1));
      return others.reduce((text, other, i) => `${text} ${expression.operators[i]} ${other}`, first);
    }
    case "logic":
      return `${inner(expression.left, at)} ${expression.operator} ${inner(expression.right, at + 1)}`;
    case "conditional": {
      const [yes, test] = [expression.yes, expression.test].map((of) => inner(of, BINDING.or));
      return `${yes} if ${test} else ${printExpression(expression.no)}`;
    }
    case "call":
      return `${expression.name}(${expression.operands.map(printExpression).join(", ")})`;
    case "item":
      return `${inner(expression.of, BINDING.atom)}[${printExpression(expression.index)}]`;
  }
}
