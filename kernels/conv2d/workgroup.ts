import type { Generator, Tune } from "../op.ts";
import { addOnto, BACKWARD_W, BACKWARD_X, FORWARD, INSIDE, PHASE, PHASE_PIXEL } from "./print.ts";
import { type Form, print, TUNABLES } from "./workgroup_tile.ts";

// Convolution and its gradients as products of matrices by tiles in workgroup memory, for GPUs. Forward, a depth is a tap
// and an input channel, so that the three channels of a first layer fill the tiles; backward to x, a tap of the phase and
// an output channel; backward to w, a pixel.

const weights = ({ VEC }: Tune) => (VEC === 4 ? "vec4f" : "f32");

/** Where the window of a pixel starts, and the first row of its image. */
const PIXEL = "struct Pixel { row: i32, col: i32, image: i32 }\n\n";

/** The element under a tap in an image of `high` by `wide`; taps go forth or back from a pixel. */
const underTap = (tensor: string, high: string, wide: string, sign: "+" | "-") =>
  `let row = side.row ${sign} i32(k.high);
let col = side.col ${sign} i32(k.middle);
if (row < 0 || row >= i32(${high}) || col < 0 || col >= i32(${wide})) { return NONE; }
return base + u32((side.image + row) * i32(${wide}) + col) * shape.${tensor}_stride + k.low;`;

const forwardForm = (tune: Tune): Form => {
  const { VEC, WINDOW } = tune;
  const rows = (i: string) => `min(first_row + ${i}, rows - 1u)`;
  return {
    formula: FORWARD,
    rows: "pixels",
    cols: "output channels",
    bindings: `@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // n h wd c
@group(0) @binding(2) var<storage, read> w: array<${weights(tune)}>;      // r s c o
@group(0) @binding(3) var<storage, read> b: array<f32>;        // o
@group(0) @binding(4) var<storage, read_write> y: array<f32>;  // n p q o`,
    functions: WINDOW
      ? `${PIXEL}fn window(pixel: u32) -> Pixel {
  return Pixel(
    i32(pixel / shape.q % shape.p * shape.stride_h) - i32(shape.top),
    i32(pixel % shape.q * shape.stride_w) - i32(shape.left),
    i32(pixel / (shape.q * shape.p) * shape.h),
  );
}

`
      : "",
    prologue: `  let rows = shape.n * shape.p * shape.q;
  let cols = shape.o;
${WINDOW ? "  let radix = vec3u(shape.r, shape.s, shape.c);\n  let depth = shape.r * shape.s * shape.c;" : "  let depth = shape.c;"}`,
    a: {
      name: "x",
      along: "depth",
      ...(WINDOW
        ? {
            type: "Pixel",
            side: (i) => `window(${rows(i)})`,
            at: underTap("x", "shape.h", "shape.wd", "+"),
          }
        : { type: "u32", side: rows, at: "return base + side * shape.x_stride + k;" }),
      digits: WINDOW === 1,
      padded: WINDOW === 1,
      base: "shape.x_offset",
      vectors: false,
    },
    b: {
      name: "w",
      along: "side",
      type: "u32",
      side: (i) => `first_col + ${i}`,
      at: `return base + k * shape.o + min(side, shape.o - ${VEC}u);`,
      digits: false,
      padded: false,
      base: "0u",
      vectors: VEC === 4,
    },
    at: "shape.y_offset + row * shape.y_stride",
    put: (value) => `y[at + col] = ${value} + b[col];`,
  };
};

const backwardXForm = (tune: Tune): Form => {
  const { VEC, WINDOW } = tune;
  const rows = (i: string) => `min(first_row + ${i}, rows - 1u)`;
  return {
    formula: BACKWARD_X,
    rows: "pixels of one phase",
    cols: "input channels",
    bindings: `@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> dy: array<f32>;        // n p q o
@group(0) @binding(2) var<storage, read> w: array<${weights(tune)}>;       // r s c o
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // n h wd c`,
    functions: WINDOW
      ? `${PIXEL}fn meeting(pixel: u32, high: u32, wide: u32, p0: u32, q0: u32) -> Pixel {
  return Pixel(
    i32(pixel / wide % high + p0),
    i32(pixel % wide + q0),
    i32(pixel / (wide * high) * shape.p),
  );
}

`
      : "",
    prologue: WINDOW
      ? `${PHASE}
  let rows = pixels;
  let cols = shape.c;
  // the taps of the phase, down and across
  let down = (max(shape.r, phase_h) - phase_h + shape.stride_h - 1u) / shape.stride_h;
  let across = (max(shape.s, phase_w) - phase_w + shape.stride_w - 1u) / shape.stride_w;
  let depth = down * across * shape.o;
  let radix = vec3u(select(0u, down, depth > 0u), across, shape.o);`
      : `  let rows = shape.n * shape.h * shape.wd;
  let cols = shape.c;
  let depth = shape.o;`,
    a: {
      name: "dy",
      along: "depth",
      ...(WINDOW
        ? {
            type: "Pixel",
            side: (i) => `meeting(${rows(i)}, high, wide, p0, q0)`,
            at: underTap("dy", "shape.p", "shape.q", "-"),
          }
        : { type: "u32", side: rows, at: "return base + side * shape.dy_stride + k;" }),
      digits: WINDOW === 1,
      padded: WINDOW === 1,
      base: "shape.dy_offset",
      vectors: false,
    },
    b: {
      name: "w",
      along: "depth",
      type: "u32",
      side: (i) => `min(first_col + ${i}, cols - 1u)`,
      at: WINDOW
        ? "return base + ((k.high * shape.stride_h * shape.s + k.middle * shape.stride_w) * shape.c + side) * shape.o + k.low;"
        : "return base + side * shape.o + k;",
      digits: WINDOW === 1,
      padded: false,
      base: WINDOW ? "(phase_h * shape.s + phase_w) * shape.c * shape.o" : "0u",
      vectors: VEC === 4,
    },
    at: WINDOW ? PHASE_PIXEL : "shape.dx_offset + row * shape.dx_stride",
    put: addOnto("dx"),
  };
};

/** The steps of a part; group.z counts the taps of the parts. */
const SHARE = `  let share = (all + shape.parts - 1u) / shape.parts;
  let first = min(all, group.z / (shape.r * shape.s) * share);
  let steps = min(all, first + share) - first;`;

/** To dw itself, or to one of the parts of a sum that another kernel adds up. */
const backwardWForm = ({ VEC, WINDOW }: Tune, to: "dw" | "partial"): Form => {
  const channels = (of: string) => `min(side, shape.${of} - ${VEC}u)`;
  const operand = {
    along: "side",
    type: "u32",
    digits: WINDOW === 1,
    padded: false,
    vectors: false,
  } as const;
  return {
    formula:
      to === "dw"
        ? BACKWARD_W
        : [...BACKWARD_W, "in parts of that sum: partial[part,r,s,c,o]; group.z is (part*R + r)*S + s"],
    rows: "input channels",
    cols: "output channels",
    bindings: `@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // n h wd c
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // n p q o
@group(0) @binding(3) var<storage, read_write> ${to}: array<f32>;  // ${to === "dw" ? "" : "part "}r s c o`,
    functions: "",
    share: to === "dw" ? undefined : SHARE,
    prologue: `  let rows = shape.c;
  let cols = shape.o;
${
  WINDOW
    ? `  let r = group.z / shape.s${to === "dw" ? "" : " % shape.r"};
  let s = group.z % shape.s;
${INSIDE}
  let high = max(p_from, p_to) - p_from;
  let wide = max(q_from, q_to) - q_from;
  let depth = shape.n * high * wide;
  let radix = vec3u(select(0u, shape.n, depth > 0u), high, wide);`
    : "  let depth = shape.n * shape.p * shape.q;"
}`,
    a: {
      ...operand,
      name: "x",
      side: (i) => `first_row + ${i}`,
      at: `return base + ${WINDOW ? "((k.high * shape.h + k.middle * shape.stride_h) * shape.wd + k.low * shape.stride_w)" : "k"} * shape.x_stride + ${channels("c")};`,
      base: WINDOW
        ? "shape.x_offset + ((p_from * shape.stride_h + r - shape.top) * shape.wd + q_from * shape.stride_w + s - shape.left) * shape.x_stride"
        : "shape.x_offset",
    },
    b: {
      ...operand,
      name: "dy",
      side: (i) => `first_col + ${i}`,
      at: `return base + ${WINDOW ? "((k.high * shape.p + k.middle) * shape.q + k.low)" : "k"} * shape.dy_stride + ${channels("o")};`,
      base: WINDOW ? "shape.dy_offset + (p_from * shape.q + q_from) * shape.dy_stride" : "shape.dy_offset",
    },
    at: "(group.z * shape.c + row) * shape.o",
    put: addOnto(to),
  };
};

const generator = (form: (tune: Tune) => Form): Generator => ({
  tunables: TUNABLES,
  print: (tune) => print(tune, form(tune)),
});

export const forward = generator(forwardForm);
export const backwardX = generator(backwardXForm);
export const backwardW = generator((tune) => backwardWForm(tune, "dw"));
export const backwardWParts = generator((tune) => backwardWForm(tune, "partial"));
