import type { Generator, Tune } from "../op.ts";
import { comment, each, type Formula, lines, range, store, zeroed } from "./print.ts";

// A product of two matrices by tiles in workgroup memory. The sum is one over a `depth`: the workgroup owns BM rows by
// BN columns of the result and takes BK of the depth a step. Its invocations fetch the next tiles of both operands, four
// neighbours in memory at a time, while they multiply those fetched before; each owns TM rows by TN columns in named
// registers. Tiles have two places that take turns, so that one barrier a step is enough.
// VEC = 4: the four neighbours are of one pixel, and weights are read as vectors; 1: any number of channels.
// WINDOW = 0: a 1x1 window that skips and pads nothing; rows, columns and depth are then plain pixels and channels.

export const TUNABLES: Generator["tunables"] = {
  BM: { value: 64, choices: [32, 64, 128] },
  BN: { value: 32, choices: [32, 64, 128] },
  BK: { value: 8, choices: [8, 16, 32] },
  TM: { value: 4, choices: [4, 8] },
  TN: { value: 4, choices: [4, 8] },
  VEC: { value: 1, choices: [1, 4] },
  WINDOW: { value: 1, choices: [0, 1] },
};

/** What is multiplied: rows of the result by depth, or depth by columns. */
export interface Operand {
  readonly name: string;
  /** What neighbours in memory differ in: the depth, or the row or column of the result. */
  readonly along: "depth" | "side";
  /** Position on its side of element `i` of the operand's tile: a statement's right side; `type` is its type. */
  readonly side: (i: string) => string;
  readonly type: "u32" | "Pixel";
  /** Whether the depth is counted in digits below `radix`, or is a plain number below `depth`. */
  readonly digits: boolean;
  /** Statements that return the element of the tensor for `base`, `side` and `k`; NONE where `padded` with zeros. */
  readonly at: string;
  readonly padded: boolean;
  /** Element that `at` counts from. */
  readonly base: string;
  /** Bound as vectors of four. */
  readonly vectors: boolean;
}

/** A kernel's text but for what the tiles need. */
export interface Form {
  readonly formula: Formula;
  readonly rows: string;
  readonly cols: string;
  readonly bindings: string;
  readonly a: Operand;
  readonly b: Operand;
  /** Functions that the operands use. */
  readonly functions: string;
  /** Statements that make `rows`, `cols`, `depth`, and `radix` if there are digits. */
  readonly prologue: string;
  /** The steps of BK that are this workgroup's: statements that make `first` and `steps`, from `all`. */
  readonly share?: string;
  readonly at: string;
  readonly put: (value: string) => string;
}

const XYZW = ["x", "y", "z", "w"];

const DIGITS = `// a depth: row and column of a tap and a channel, or an image and row and column of a pixel
struct Digits { high: u32, middle: u32, low: u32 }

fn digits(k: u32, radix: vec3u) -> Digits {
  return Digits(k / radix.z / radix.y, k / radix.z % radix.y, k % radix.z);
}

// the depth \`by\` further on; divides only where a digit is full
fn advance(k: Digits, by: u32, radix: vec3u) -> Digits {
  var to = Digits(k.high, k.middle, k.low + by);
  if (to.low >= radix.z) {
    to.middle += to.low / radix.z;
    to.low %= radix.z;
  }
  if (to.middle >= radix.y) {
    to.high += to.middle / radix.y;
    to.middle %= radix.y;
  }
  return to;
}
`;

/** The functions that fetch four neighbours of an operand; zeros beyond the depth. */
const fetching = ({ name, along, type, digits, at, padded, vectors }: Operand, { VEC }: Tune) => {
  const end = digits ? "radix" : "depth";
  const parameters = `base: u32, side: ${type}, k: ${digits ? "Digits" : "u32"}`;
  const all = `${parameters}, ${end}: ${digits ? "vec3u" : "u32"}`;
  const past = digits ? "k.high >= radix.x" : "k >= depth";
  const elements = (zero: string, value: string) => `  if (${past}) { return ${zero}; }
  let at = at_${name}(base, side, k);
${padded ? `  if (at == NONE) { return ${zero}; }\n` : ""}  return ${value};`;
  const four = vectors
    ? `${name}[at / 4u]`
    : `vec4f(${name}[at], ${name}[at + 1u], ${name}[at + 2u], ${name}[at + 3u])`;
  const neighbour = (i: number) => {
    if (i === 0) return "side, k";
    if (along === "side") return `side + ${i}u, k`;
    return digits ? `side, advance(k, ${i}u, radix)` : `side, k + ${i}u`;
  };
  const ones = range(4).map((i) => `one_${name}(base, ${neighbour(i)}, ${end})`);
  return `fn at_${name}(${parameters}) -> u32 {
${lines(2, at.split("\n"))}
}

${
  VEC === 4
    ? `fn fetch_${name}(${all}) -> vec4f {
${elements("vec4f()", four)}
}`
    : `fn one_${name}(${all}) -> f32 {
${elements("0.0", `${name}[at]`)}
}

fn fetch_${name}(${all}) -> vec4f {
  return vec4f(
    ${ones.join(",\n    ")},
  );
}`
}
`;
};

/** An operand's tile: `extent` by BK, in vectors of four. */
class Tile {
  private readonly count: number;
  private readonly vectors: number;
  private readonly across: number;
  private readonly pitch: number;
  readonly size: number;

  constructor(
    readonly operand: Operand,
    private readonly tune: Tune,
    private readonly extent: number,
    /** Rows or columns that an invocation owns, and the index that says which. */
    private readonly each: number,
    private readonly lane: string,
  ) {
    const { BK, BM, BN, TM, TN } = tune;
    const deep = operand.along === "depth";
    this.count = (BM / TM) * (BN / TN);
    this.vectors = (extent * BK) / 4;
    this.across = (deep ? BK : extent) / 4;
    // one more than a row along the depth has: invocations read a column, which is then in different banks
    this.pitch = this.across + (deep ? 1 : 0);
    this.size = this.pitch * (deep ? extent : BK);
  }

  declare(): string {
    const { name } = this.operand;
    return `var<workgroup> tile_${name}: array<vec4f, ${2 * this.size}>;`;
  }

  private fetches(): number[] {
    return range(Math.ceil(this.vectors / this.count));
  }

  private fetch(i: number): string {
    const { name, digits } = this.operand;
    return `fetch_${name}(${name}_base, ${name}_side_${i}, ${name}_k_${i}, ${digits ? "radix" : "depth"})`;
  }

  /** Which vectors of the tile this invocation fetches, and the first of them. */
  begin(): string {
    const { name, along, digits, side, base } = this.operand;
    return lines(2, [
      `let ${name}_base = ${base};`,
      ...this.fetches().flatMap((i) => {
        const id = `(index + ${i * this.count}u)`;
        const [row, vector] = [`${id} / ${this.across}u`, `${id} % ${this.across}u * 4u`];
        const [beside, deep] = along === "depth" ? [row, vector] : [vector, row];
        const k = `first * ${this.tune.BK}u + ${deep}`;
        return [
          `let ${name}_side_${i} = ${side(beside)};`,
          `var ${name}_k_${i} = ${digits ? `digits(${k}, radix)` : k};`,
          `var ${name}_${i} = ${this.fetch(i)};`,
        ];
      }),
    ]);
  }

  /** Puts what was fetched into the tile. */
  put(): string {
    const { name } = this.operand;
    const padding = this.pitch - this.across;
    return lines(
      4,
      this.fetches().map((i) => {
        const id = i === 0 ? "index" : `(index + ${i * this.count}u)`;
        const at = padding ? `${id} + ${id} / ${this.across}u` : id;
        const write = `tile_${name}[half * ${this.size}u + ${at}] = ${name}_${i};`;
        return (i + 1) * this.count <= this.vectors ? write : `if (${id} < ${this.vectors}u) { ${write} }`;
      }),
    );
  }

  next(): string {
    const { name, digits } = this.operand;
    const { BK } = this.tune;
    return lines(
      4,
      this.fetches().flatMap((i) => {
        const k = `${name}_k_${i}`;
        return [
          `${k} = ${digits ? `advance(${k}, ${BK}u, radix)` : `${k} + ${BK}u`};`,
          `${name}_${i} = ${this.fetch(i)};`,
        ];
      }),
    );
  }

  /** The i-th row or column of an invocation: neighbours take neighbouring vectors of the tile. */
  place(i: string): string {
    const step = this.extent / this.each;
    return this.operand.along === "depth"
      ? `${this.lane} + ${i} * ${step}u`
      : `${this.lane} * 4u + ${i} / 4u * ${step * 4}u + ${i} % 4u`;
  }

  /** Reads its rows or columns at four depths. */
  read(): string {
    const { name, along } = this.operand;
    const step = this.extent / this.each;
    const from = `${name}_half`;
    return lines(
      6,
      along === "depth"
        ? range(this.each).map(
            (i) => `let ${name}_at_${i} = tile_${name}[${from} + ${i * step * this.pitch}u + k];`,
          )
        : range(4).map((k) =>
            range(this.each / 4)
              .map(
                (g) =>
                  `let ${name}_at_${g}_${k} = tile_${name}[${from} + (k * 4u + ${k}u) * ${this.pitch}u + ${g * step}u];`,
              )
              .join(" "),
          ),
    );
  }

  /** Where in the tile an invocation's first row or column is. */
  half(): string {
    const { name, along } = this.operand;
    const lane = along === "depth" ? `${this.lane} * ${this.pitch}u` : this.lane;
    return `    let ${name}_half = half * ${this.size}u + ${lane};`;
  }

  /** The factor of the i-th row or column at the k-th of four depths. */
  factor(i: number, k: number): string {
    const { name, along } = this.operand;
    return along === "depth"
      ? `${name}_at_${i}.${XYZW[k]}`
      : `${name}_at_${Math.floor(i / 4)}_${k}.${XYZW[i % 4]}`;
  }
}

export function print(tune: Tune, form: Form): string {
  const { BM, BN, BK, TM, TN } = tune;
  const a = new Tile(form.a, tune, BM, TM, "line");
  const b = new Tile(form.b, tune, BN, TN, "column");
  const tile = { height: TM, width: TN };
  const both = (text: (tile: Tile) => string) => [a, b].map(text).join("\n");
  const padded = form.a.padded || form.b.padded;
  return `${comment(form.formula)}
// One workgroup computes ${BM} ${form.rows} by ${BN} ${form.cols}, one invocation ${TM} by ${TN} of them.

${form.bindings}

// two tiles of each operand, that take turns
${both((side) => side.declare())}
${padded ? "\nconst NONE = 0xffffffffu;  // no element: zero\n" : ""}
${form.a.digits || form.b.digits ? `${DIGITS}\n` : ""}${form.functions}${both((side) => fetching(side.operand, tune))}
@compute @workgroup_size(${BN / TN}, ${BM / TM})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let column = local.x;
  let line = local.y;
  let first_row = group.y * ${BM}u;
  let first_col = group.x * ${BN}u;
${form.prologue}
  let all = (depth + ${BK - 1}u) / ${BK}u;
${form.share ?? "  let first = 0u;\n  let steps = all;"}
${both((side) => side.begin())}
${zeroed(tile)}
  for (var step = 0u; step < steps; step++) {
    let half = step % 2u;
${both((side) => side.put())}
    workgroupBarrier();
${both((side) => side.next())}
${both((side) => side.half())}
    for (var k = 0u; k < ${BK / 4}u; k++) {
${both((side) => side.read())}
${range(4)
  .map((k) =>
    each(6, tile, (i, j) => `acc_${i}_${j} = fma(${a.factor(i, k)}, ${b.factor(j, k)}, acc_${i}_${j});`),
  )
  .join("\n")}
    }
  }
${store({
  ...tile,
  first: "first_row",
  row: a.place("i"),
  rows: "rows",
  col: `first_col + ${b.place("j")}`,
  cols: "cols",
  at: form.at,
  put: form.put,
})}
}
`;
}
