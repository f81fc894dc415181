// Just enough of WGSL's grammar to find operators and what they operate on.

export interface Token {
  readonly text: string;
  /** Where it lies in the text: [from, to). */
  readonly from: number;
  readonly to: number;
}

// comments; templated types; names with their members; numbers; operators, longest first
const LEXEME =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|(?:bitcast|array|ptr|atomic|vec[234])<[\w, ]+>|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|0[xX][\da-fA-F.]+(?:p[+-]?\d+)?[iufh]?|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?[iufh]?|<<=|>>=|&&|\|\||==|!=|<=|>=|<<|>>|\+\+|--|->|[-+*/%&|^]=|[^\s\w]/g;

/** Tokens of the text, comments left out. */
export const tokenise = (wgsl: string): Token[] =>
  [...wgsl.matchAll(LEXEME)]
    .filter(([text]) => !/^\/[/*]/.test(text))
    .map(({ 0: text, index }) => ({ text, from: index, to: index + text.length }));

const OPEN = "([{";
const CLOSE = ")]}";

/** Of every bracket, the index of the one that goes with it. */
export function brackets(tokens: readonly Token[]): ReadonlyMap<number, number> {
  const pairs = new Map<number, number>();
  const opened: number[] = [];
  for (const [i, { text }] of tokens.entries()) {
    if (OPEN.includes(text)) opened.push(i);
    if (!CLOSE.includes(text)) continue;
    const from = opened.pop();
    if (from === undefined) throw new Error(`WGSL: "${text}" at ${tokens[i].from} closes nothing`);
    pairs.set(from, i).set(i, from);
  }
  return pairs;
}

const LEVELS = ["||", "&&", "|", "^", "&", "== != < > <= >=", "<< >>", "+ -", "* / %"];
const PRECEDENCE = new Map(
  LEVELS.flatMap((level, i) => level.split(" ").map((operator) => [operator, i] as const)),
);

/** The tokens of one text, and the expressions they make. */
export class Syntax {
  readonly tokens: readonly Token[];
  readonly pairs: ReadonlyMap<number, number>;

  constructor(readonly wgsl: string) {
    this.tokens = tokenise(wgsl);
    this.pairs = brackets(this.tokens);
  }

  at(i: number): string {
    return this.tokens[i]?.text ?? "";
  }

  /** The text of tokens [from, to). */
  text(from: number, to: number): string {
    return from < to ? this.wgsl.slice(this.tokens[from].from, this.tokens[to - 1].to) : "";
  }

  /** Whether the token stands between two operands. */
  isBinary(i: number): boolean {
    return (
      PRECEDENCE.has(this.at(i)) && /^[\w)\].]/.test(this.at(i - 1).slice(-1)) && this.at(i - 1) !== "return"
    );
  }

  /** First token of the left operand of the binary operator at `i`, and the one after its right operand. */
  operands(i: number): [from: number, to: number] {
    const own = PRECEDENCE.get(this.at(i))!;
    const ends = (j: number, most: number) =>
      /^([,;:]|return|.*=)$/.test(this.at(j)) && !PRECEDENCE.has(this.at(j))
        ? true
        : this.isBinary(j) && PRECEDENCE.get(this.at(j))! <= most;
    let from = i;
    while (from > 0 && !OPEN.includes(this.at(from - 1)) && !ends(from - 1, own - 1))
      from = CLOSE.includes(this.at(from - 1)) ? this.pairs.get(from - 1)! : from - 1;
    let to = i + 1;
    while (to < this.tokens.length && !CLOSE.includes(this.at(to)) && this.at(to) !== "{" && !ends(to, own))
      to = OPEN.includes(this.at(to)) ? this.pairs.get(to)! + 1 : to + 1;
    return [from, to];
  }

  /** Ranges of the arguments between the bracket at `open` and the one that closes it. */
  arguments(open: number): [from: number, to: number][] {
    const close = this.pairs.get(open)!;
    const list: [number, number][] = [];
    let from = open + 1;
    for (let i = from; i <= close; i++) {
      if (OPEN.includes(this.at(i))) i = this.pairs.get(i)!;
      else if (i === close || this.at(i) === ",") {
        if (i > from) list.push([from, i]);
        from = i + 1;
      }
    }
    return list;
  }

  /** Token ranges between the braces of every function. */
  bodies(): [from: number, to: number][] {
    const list: [number, number][] = [];
    for (let i = 0; i < this.tokens.length; i++) {
      if (this.at(i) !== "fn") continue;
      while (this.at(i) !== "{") i++;
      list.push([i + 1, this.pairs.get(i)!]);
      i = this.pairs.get(i)!;
    }
    return list;
  }

  /** The statement, or part of a loop's head, that a token is in, and how many tokens of it come before. */
  statement(i: number): { text: string; before: number } {
    const ends = (j: number) => /^[;{}]$/.test(this.at(j));
    let [from, to] = [i, i];
    while (from > 0 && !ends(from - 1)) from--;
    while (to < this.tokens.length && !ends(to)) to++;
    return { text: this.text(from, to), before: i - from };
  }
}
