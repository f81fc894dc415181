// What the generators of convolution kernels print alike.

export const range = (n: number) => Array.from({ length: n }, (_, i) => i);

export const lines = (depth: number, list: readonly string[]) =>
  list.map((line) => " ".repeat(depth) + line).join("\n");

/** A kernel's formula, line by line. */
export type Formula = readonly string[];
export const comment = (formula: Formula) => formula.map((line) => `// ${line}`).join("\n");

export const FORWARD: Formula = [
  "y[n,p,q,o] = b[o] + sum over r,s,c of x[n, p*stride_h - top + r, q*stride_w - left + s, c] * w[r,s,c,o]",
];

export const BACKWARD_X: Formula = [
  "dx[n,h,wd,c] = sum over r,s,o of dy[n,p,q,o] * w[r,s,c,o],",
  "where p*stride_h = h + top - r and q*stride_w = wd + left - s have whole solutions.",
  "group.z is the phase (h + top) % stride_h, (wd + left) % stride_w: its pixels meet the same taps.",
];

export const BACKWARD_W: Formula = [
  "dw[r,s,c,o] = sum over n,p,q of x[n, p*stride_h - top + r, q*stride_w - left + s, c] * dy[n,p,q,o],",
  "over the pixels whose tap is inside x.",
];

/** Of backward to x: where the pixels of a phase start and how many there are; `high` by `wide` in an image. */
export const PHASE = `  let phase_h = group.z / shape.stride_w;
  let phase_w = group.z % shape.stride_w;
  let h0 = (phase_h + shape.stride_h - shape.top % shape.stride_h) % shape.stride_h;
  let w0 = (phase_w + shape.stride_w - shape.left % shape.stride_w) % shape.stride_w;
  if (h0 >= shape.h || w0 >= shape.wd) { return; }
  let high = (shape.h - h0 + shape.stride_h - 1u) / shape.stride_h;
  let wide = (shape.wd - w0 + shape.stride_w - 1u) / shape.stride_w;
  let pixels = shape.n * high * wide;
  // the output that the first of them meets at the phase's first tap
  let p0 = (h0 + shape.top) / shape.stride_h;
  let q0 = (w0 + shape.left) / shape.stride_w;`;

/** Element of dx where pixel `row` of the phase starts. */
export const PHASE_PIXEL =
  "shape.dx_offset + ((row / (wide * high) * shape.h + row / wide % high * shape.stride_h + h0) * shape.wd + row % wide * shape.stride_w + w0) * shape.dx_stride";

/** Of backward to w, for the tap r, s: the outputs with 0 <= p*stride - pad + tap < extent, `high` by `wide` in an image. */
export const INSIDE = `  let p_from = (max(shape.top, r) - r + shape.stride_h - 1u) / shape.stride_h;
  let q_from = (max(shape.left, s) - s + shape.stride_w - 1u) / shape.stride_w;
  let p_to = min(shape.p, (max(shape.h + shape.top, r) - r + shape.stride_h - 1u) / shape.stride_h);
  let q_to = min(shape.q, (max(shape.wd + shape.left, s) - s + shape.stride_w - 1u) / shape.stride_w);`;

/** Named accumulators `acc_<row>_<col>`. */
interface Accumulators {
  readonly height: number;
  readonly width: number;
  /** f32 by default. */
  readonly type?: string;
}

/** Statements for every accumulator, a row of them in a line. */
export const each = (
  depth: number,
  { height, width }: Accumulators,
  statement: (i: number, j: number) => string,
) =>
  lines(
    depth,
    range(height).map((i) =>
      range(width)
        .map((j) => statement(i, j))
        .join(" "),
    ),
  );

export const zeroed = (tile: Accumulators) =>
  each(2, tile, (i, j) => `var acc_${i}_${j} = ${tile.type ?? "f32"}();`);

/** The accumulators as an array, `tile`, in runs of `vec` columns. */
export const spilled = (of: Accumulators, vec = 1) => {
  const runs = { ...of, width: of.width / vec };
  const value = (i: number, j: number) =>
    vec === 1
      ? `acc_${i}_${j}`
      : `vec${vec}f(${range(vec)
          .map((k) => `acc_${i}_${j * vec + k}`)
          .join(", ")})`;
  return `  var tile: array<${vec === 1 ? (of.type ?? "f32") : `vec${vec}f`}, ${runs.height * runs.width}>;
${each(2, runs, (i, j) => `tile[${i * runs.width + j}] = ${value(i, j)};`)}`;
};

/** Where accumulators go. */
interface Target extends Accumulators {
  /** The first row, and the i-th from there where they do not follow one another. */
  readonly first: string;
  readonly row?: string;
  readonly rows: string;
  /** Neighbouring columns that are stored at once; one by default. */
  readonly vec?: number;
  /** The j-th column, or where the j-th run of them starts. */
  readonly col: string;
  readonly cols: string;
  /** Element of the result where the columns of `row` start. */
  readonly at: string;
  /** Stores the value of `col`, `at` being known. */
  readonly put: (value: string) => string;
}

/**
 * Stores what is inside the result. The accumulators go through an array, for a loop whose end the driver does not
 * know: a store for each takes a CPU driver twenty times as long to compile.
 */
export const store = ({ vec = 1, ...target }: Target) => `${spilled(target, vec)}
  for (var i = 0u; i < min(${target.height}u, ${target.rows} - ${target.first}); i++) {
    let row = ${target.first} + ${target.row ?? "i"};
${target.row ? `    if (row >= ${target.rows}) { break; }\n` : ""}    let at = ${target.at};
    for (var j = 0u; j < ${target.width / vec}u; j++) {
      let col = ${target.col};
      if (col < ${target.cols}) { ${target.put(`tile[i * ${target.width / vec}u + j]`)} }
    }
  }`;

/** Writes a value of `col`, or of the run that starts there, or adds it onto what is there. */
export const addOnto =
  (tensor: string, vec = 1) =>
  (value: string) => {
    const to = `${tensor}[${runAt("at + col", vec)}]`;
    return `var sum = ${value}; if (shape.accumulate != 0u) { sum += ${to}; } ${to} = sum;`;
  };

/** Where element `at` of a tensor is, or the run that starts there, if the tensor is bound in runs of `vec`. */
export const runAt = (at: string, vec: number) => (vec === 1 ? at : `(${at}) / ${vec}u`);
