import { columnInside, type Epilogue, tileOf } from "../conv2d/broadcast.ts";
import { type Conv2dAttrs, conv2d, example, outputShape } from "../conv2d/conv2d.ts";
import { broadcasting, forward, renamed } from "../conv2d/epilogue.ts";
import { FORWARD, range } from "../conv2d/print.ts";
import { type MomentsAttrs, moments, momentsOf, reference } from "../moments/moments.ts";
import { type Case, type Kernel, type Op, type Shapes, size, type Tune, type Values } from "../op.ts";
import { withRelu } from "../relu/append.ts";
import { ofParts } from "./bound.ts";

/** Parts of 16 pixels of all images: what the tiles of every subgroup size are made of. */
export const PARTS: MomentsAttrs = { rows: 16, groups: 1 };
const { rows: ROWS } = PARTS;

/** A tile of whole parts. */
const tall = (tune: Tune): Tune => ({
  ...tune,
  ROWS: (Math.ceil((tune.ROWS * tune.LANES) / ROWS) * ROWS) / tune.LANES,
});

/** Moments of column j of the part that begins `first` rows down the tile, in the two passes of kernel moments. */
const ofColumn = (tune: Tune, first: number, j: number) => {
  const at = (first / ROWS) * tileOf(tune).width + j;
  const terms = range(ROWS).map((i) => `select(0.0, acc_${first + i}_${j}, ${i}u < rows)`);
  const row = (i: number) => [
    `let d_${i} = select(0.0, acc_${first + i}_${j} - rough, ${i}u < rows);`,
    `rest += d_${i};`,
    `squares = fma(d_${i}, d_${i}, squares);`,
  ];
  return [
    "{",
    `  let rough = (${terms.join(" + ")}) / f32(rows);`,
    "  var rest = 0.0;",
    "  var squares = 0.0;",
    ...range(ROWS).map((i) => `  ${row(i).join(" ")}`),
    `  mean[${at}] = rough + rest / f32(rows);`,
    `  deviation[${at}] = relu(squares - rest * rest / f32(rows));`,
    "}",
  ];
};

const epilogue: Epilogue = {
  formula: [
    ...FORWARD,
    `moments[0,k,0,o] = mean of y[n,p,q,o] over the pixels of part k, ${ROWS} in a row or what is left of all images`,
    "moments[0,k,1,o] = sum over the same pixels of (y[n,p,q,o] - moments[0,k,0,o])^2",
  ],
  reads: { b: "o" },
  writes: { moments: "1 k 2 o" },
  append: withRelu,
  sums(tune) {
    const { height, width } = tileOf(tune);
    const [rows, columns] = [range(height), range(width)];
    const parts = range(rows.length / ROWS);
    return [
      ...columns.map((j) => `let b_of_${j} = b[${columnInside(tune, j)}];`),
      ...rows.map((i) => columns.map((j) => `acc_${i}_${j} += b_of_${j};`).join(" ")),
      `var mean: array<f32, ${parts.length * width}>;`,
      `var deviation: array<f32, ${parts.length * width}>;`,
      ...parts.flatMap((part) => [
        "{",
        `  let rows = min(${ROWS}u, pixels - min(pixels, pixel + ${part * ROWS}u));`,
        ...columns.flatMap((j) => ofColumn(tune, part * ROWS, j).map((line) => `  ${line}`)),
        "}",
      ]),
    ];
  },
  column: (tune) => [
    `for (var part = 0u; part * ${ROWS}u < rows; part++) {`,
    `  let at = (pixel / ${ROWS}u + part) * 2u * shape.o + col;`,
    `  moments[at] = mean[part * ${tileOf(tune).width}u + j];`,
    `  moments[at + shape.o] = deviation[part * ${tileOf(tune).width}u + j];`,
    "}",
  ],
  value: "sum",
};

/** The kernel that reads y once more. */
const apart = moments.forward[0].kernels.map((kernel): Kernel<Conv2dAttrs> => {
  const { uniforms, threads, ...rest } = renamed(kernel, { x: "y" });
  return {
    ...rest,
    flops: ({ y }) => moments.flops({ x: y }, PARTS).forward,
    uniforms: (t, _, tune) => uniforms(t, PARTS, tune),
    threads: (t, _, tune) => threads(t, PARTS, tune),
  };
});

function bound(t: Shapes, v: Values, attrs: Conv2dAttrs, convolution: typeof conv2d.bound.forward): Values {
  const { y } = conv2d.reference.forward(t, v, attrs);
  const error = convolution(t, v, attrs).y;
  return { y: error, moments: ofParts(t, y, error, PARTS.rows) };
}

/**
 * Convolution that leaves the moments of its output: `y = conv2d(x, w, b)` and for every 16 consecutive pixels of all
 * images, by channel, the mean of y and the sum of squared deviations from it, as `moments` makes them of y.
 * x [n,h,wd,c], w [r,s,c,o], b [o] (optional) -> y [n,p,q,o], moments [1, ceil(n*p*q/16), 2, o].
 * The gradients are conv2d's: no gradient comes by way of the moments. Parts run on from image to image, so a batch
 * cannot be computed a few images at a time: it is for tensors that one binding holds.
 * Throws ShapeError where conv2d would.
 */
export const conv2dMoments: Op<Conv2dAttrs> = {
  name: "conv2d_moments",
  inputs: conv2d.inputs,
  optional: conv2d.optional,
  batched: [],
  linear: conv2d.linear,
  shapes(t, attrs) {
    const y = outputShape("conv2d_moments", t, attrs);
    return { y, moments: momentsOf(y, PARTS) };
  },
  cost: { ...conv2d.cost, forward: "2 y r s c + 6 y" },
  flops(t, attrs) {
    const own = conv2d.flops(t, attrs);
    return { ...own, forward: own.forward + moments.flops({ x: t.y }, PARTS).forward };
  },

  forward: forward(
    broadcasting("conv2d_moments/forward_broadcast", epilogue, () => ({}), tall),
    {
      kernels: apart,
      bound,
      tune: ({ y }, _, subgroupSize) => moments.forward[0].tune?.({ x: y }, PARTS, subgroupSize) ?? {},
    },
  ),
  backward: conv2d.backward,

  reference: {
    forward(t, v, attrs) {
      const { y } = conv2d.reference.forward(t, v, attrs);
      return { y, moments: reference(t, y, PARTS) };
    },
    backward: conv2d.reference.backward,
  },
  bound: {
    forward: (t, v, attrs) => bound(t, v, attrs, conv2d.bound.forward),
    backward: conv2d.bound.backward,
  },

  arbitrary: conv2d.arbitrary,
  cases: [
    example("1x1, a part across images", [2, 5, 5, 8], [1, 1, 16]),
    example("3x3 same, channels over one tile", [1, 6, 7, 5], [3, 3, 67], { pad: [1, 1] }),
    example("one part, whole", [1, 4, 4, 3], [1, 1, 9]),
    example("3x3 stride 2, pixels over one tile, the last part of one", [3, 23, 13, 2], [3, 3, 5], {
      stride: 2,
    }),
    meanFarFromZero(example("mean 100, deviation 0.1", [2, 7, 7, 4], [1, 1, 9])),
    example("one pixel, one channel", [1, 1, 1, 1], [1, 1, 1]),
  ],
};

/** What rounding leaves in the mean is then more than the bound allows. */
function meanFarFromZero({ shapes, ...rest }: Case<Conv2dAttrs>): Case<Conv2dAttrs> {
  const value = (length: number, at: (i: number) => number) => Array.from({ length }, (_, i) => at(i));
  return {
    ...rest,
    shapes,
    values: {
      w: value(size(shapes.w), (i) => 0.1 * Math.sin(i * i)),
      b: value(size(shapes.b), (i) => 100 + i / 7),
    },
  };
}
