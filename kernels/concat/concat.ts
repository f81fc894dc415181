import { channels as arbitraryChannels, axes } from "../draw.ts";
import { elementwise, flat } from "../elementwise.ts";
import { ShapeError } from "../errors.ts";
import { type Op, type Shapes, type Slice, size, type Values } from "../op.ts";
import { remember } from "../remember.ts";
import backward from "./backward.wgsl";
import forward from "./forward.wgsl";
import shape from "./shape.wgsl";

const made = new Map<number, Op<unknown>>();

/**
 * Concatenation of `parts` tensors along their last axis: x1 [n, ..., c1], x2 [n, ..., c2], ... -> y [n, ..., c1 + c2 + ...].
 * The plan lays the parts out inside y where it can, forward and backward, and then nothing is copied.
 * Throws ShapeError where the parts differ in another axis than the last.
 */
export function concat(parts: number): Op<unknown> {
  return remember(made, parts, () => make(Array.from({ length: parts }, (_, i) => `x${i + 1}`)));
}

const channels = (of: readonly number[]) => of[of.length - 1];

function make(inputs: readonly string[]): Op<unknown> {
  const gradients = inputs.map((name) => `d${name}`);
  const first = (t: Shapes, name: string) =>
    inputs.slice(0, inputs.indexOf(name)).reduce((sum, part) => sum + channels(t[part]), 0);
  const kernel = (file: string, wgsl: string, of: string, bind: Record<string, string>) =>
    elementwise<unknown>(`concat/${file}`, wgsl + shape, of, {
      bind,
      uniforms: (_, t) => ({ first: first(t, of) }),
    });
  const slices = (t: Shapes, prefix: string): Slice[] =>
    inputs.map((name) => ({ part: `${prefix}${name}`, whole: `${prefix}y`, offset: first(t, name) }));
  const split = (t: Shapes, y: Float64Array): Values => {
    const width = channels(t.y);
    const part = (name: string) => {
      const [c, from] = [channels(t[name]), first(t, name)];
      return new Float64Array(size(t[name])).map((_, i) => y[Math.floor(i / c) * width + from + (i % c)]);
    };
    return Object.fromEntries(inputs.map((name) => [`d${name}`, part(name)]));
  };

  return {
    name: "concat",
    inputs,
    batched: [...inputs, ...gradients, "y", "dy"],
    cheap: true,
    linear: [inputs],
    shapes(t) {
      if (t.x1.length < 2) throw new ShapeError(`concat: x1 is [${t.x1}] but [n, ..., c] is expected`);
      const leading = (name: string) => String(t[name].slice(0, -1));
      const odd = inputs.find((name) => leading(name) !== leading(inputs[0]));
      if (odd)
        throw new ShapeError(
          `concat: ${odd} is [${t[odd]}] but x1 is [${t.x1}]: only the last axis may differ`,
        );
      return { y: [...t.x1.slice(0, -1), inputs.reduce((sum, name) => sum + channels(t[name]), 0)] };
    },
    cost: { forward: "0", x: "0" },
    flops: () => ({ forward: 0, x: 0 }),
    forward: [flat(...inputs.map((name) => kernel("forward", forward, name, { x: name })))],
    backward: {
      x: [flat(...inputs.map((name) => kernel("backward", backward, name, { dx: `d${name}` })))],
    },
    slices: (t) => ({ forward: slices(t, ""), backward: slices(t, "d") }),
    reference: {
      forward(t, x) {
        const y = new Float64Array(size(t.y));
        for (const name of inputs) {
          const [c, from] = [channels(t[name]), first(t, name)];
          for (let i = 0; i < x[name].length; i++)
            y[Math.floor(i / c) * channels(t.y) + from + (i % c)] = x[name][i];
        }
        return { y };
      },
      backward: (t, { dy }) => split(t, dy),
    },
    bound: {
      forward: (t) => ({ y: new Float64Array(size(t.y)) }),
      backward: (t, { dy }) =>
        split(
          t,
          dy.map(() => 0),
        ),
    },
    arbitrary(draw) {
      const leading = axes(draw, 2).slice(0, -1);
      return {
        shapes: Object.fromEntries(inputs.map((name) => [name, [...leading, arbitraryChannels(draw)]])),
        attrs: {},
      };
    },
    cases: [
      {
        what: "images",
        shapes: Object.fromEntries(inputs.map((name, i) => [name, [2, 3, 3, 3 + 4 * i]])),
        attrs: {},
      },
      {
        what: "matrices",
        shapes: Object.fromEntries(inputs.map((name, i) => [name, [3, 1 + i]])),
        attrs: {},
      },
      {
        what: "several pixels at a step, several steps at a pixel",
        shapes: Object.fromEntries(inputs.map((name, i) => [name, [2, 11, 9, 7 + 26 * i]])),
        attrs: {},
      },
    ],
  };
}
