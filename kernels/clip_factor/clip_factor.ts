import { ShapeError } from "../errors.ts";
import type { Case, Op } from "../op.ts";
import { LARGEST } from "../rounding.ts";
import { attribute, over, root, stored } from "../running_error.ts";
import forward from "./forward.wgsl";
import shape from "./shape.wgsl";

export interface ClipFactorAttrs {
  /** Largest norm that is left as it is; without it nothing is clipped. */
  readonly limit?: number;
  /** Whether a norm that is not finite makes the factor -1, at which the optimisers change nothing; else it makes it NaN. */
  readonly gate?: boolean;
}

/**
 * What to multiply all gradients by so that their global norm is at most `limit`: squares [1], the sum of the squares
 * of all of them -> norm [1] = sqrt(squares), factor [1] = min(1, limit / norm), 1 where the norm is 0.
 * An infinite or NaN norm makes the factor NaN, so that a run that diverges shows; with `gate` it makes it -1, and the
 * update leaves all as it is.
 * Throws ShapeError where squares is not [1] or the limit not above 0.
 */
export const clipFactor: Op<ClipFactorAttrs> = {
  name: "clip_factor",
  inputs: ["squares"],
  batched: [],
  shapes({ squares }, { limit = LARGEST }) {
    if (String(squares) !== "1")
      throw new ShapeError(`clip_factor: squares is [${squares}] but [1] is expected`);
    if (!(limit > 0)) throw new ShapeError(`clip_factor: limit is ${limit} but a number above 0 is expected`);
    return { norm: [1], factor: [1] };
  },
  cost: { forward: "3" },
  flops: () => ({ forward: 3 }),
  forward: [
    {
      name: "plain",
      kernels: [
        {
          label: "clip_factor/forward",
          source: forward + shape,
          uniforms: (_, { limit = LARGEST, gate = false }) => ({
            limit: Math.min(limit, LARGEST),
            gate: Number(gate),
          }),
          threads: () => [1, 1, 1],
        },
      ],
    },
  ],
  backward: {},
  reference: {
    forward(_, { squares: [squares] }, { limit = LARGEST, gate = false }) {
      const norm = Math.sqrt(squares);
      const of = (factor: number) => ({ norm: Float64Array.of(norm), factor: Float64Array.of(factor) });
      if (!Number.isFinite(norm)) return of(gate ? -1 : Number.NaN);
      return of(norm > limit ? limit / norm : 1);
    },
    backward: () => ({}),
  },
  bound: {
    /** The kernel's formula; a factor is 1 without error where the norm is surely within the limit. */
    forward(_, { squares: [squares] }, attrs) {
      const limit = attribute(Math.min(attrs.limit ?? LARGEST, LARGEST));
      const norm = root(stored(squares));
      const within = norm.value + norm.error < limit.value - limit.error;
      return {
        norm: Float64Array.of(norm.error),
        factor: Float64Array.of(within ? 0 : over(limit, norm).error),
      };
    },
    backward: () => ({}),
  },
  sample: (_, axes, random) => axes.map(() => 30 * random()),
  arbitrary: (draw) => ({
    shapes: { squares: [1] },
    attrs: {
      limit: draw.pick([1, 2, 0.1, 1e-6, 1e30, Number.POSITIVE_INFINITY]),
      gate: draw.pick([false, true]),
    },
  }),
  cases: [
    example("within the limit", 24.9, 5),
    example("beyond the limit", 3721.5, 2),
    example("far beyond the limit", 1e30, 0.1),
    example("no gradient", 0, 1),
    example("no limit", 1e30, Number.POSITIVE_INFINITY),
  ],
};

function example(what: string, squares: number, limit: number): Case<ClipFactorAttrs> {
  return { what, shapes: { squares: [1] }, attrs: { limit }, values: { squares: [squares] } };
}
