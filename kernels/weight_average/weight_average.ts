import { bank } from "../bank.ts";
import { elements } from "../draw.ts";
import { flat } from "../elementwise.ts";
import { ShapeError } from "../errors.ts";
import { type Case, type Op, size } from "../op.ts";
import { filled } from "../rounding.ts";
import { minus, stored, times } from "../running_error.ts";
import shape from "./shape.wgsl";
import update from "./update.wgsl";

/**
 * Running average of weights, in place: `average = decay * average + (1 - decay) * w`, computed as
 * `average -= (1 - decay) * (average - w)`, which float32 keeps exact where the weights stand still.
 * average, w of one shape; decay [1], in [0, 1]; factor [1] (optional, 1), the one of the update: below 0, nothing
 * changes. Throws ShapeError where shapes differ.
 */
export const weightAverage: Op<unknown> = {
  name: "weight_average",
  inputs: ["average", "w", "decay", "factor"],
  optional: () => ({ factor: { shape: [1], value: 1 } }),
  batched: [],
  shapes({ average, w, decay, factor }) {
    if (String(w) !== String(average))
      throw new ShapeError(`weight_average: w is [${w}] but average is [${average}]`);
    for (const [name, shape] of Object.entries({ decay, factor }))
      if (String(shape) !== "1")
        throw new ShapeError(`weight_average: ${name} is [${shape}] but [1] is expected`);
    return {};
  },
  cost: { forward: "3 w" },
  flops: ({ w }) => ({ forward: 3 * size(w) }),
  forward: [flat(bank("weight_average/update", update + shape, () => ({})))],
  backward: {},
  reference: {
    forward: (_, { average, w, decay: [decay], factor: [factor] }) => ({
      average: factor < 0 ? average : average.map((v, i) => decay * v + (1 - decay) * w[i]),
    }),
    backward: () => ({}),
  },
  bound: {
    /** The kernel's formula. */
    forward(_, { average, w, decay, factor }) {
      if (factor[0] < 0) return { average: filled(average.length, 0) };
      const gain = minus({ value: 1, error: 0 }, stored(decay[0]));
      const of = (v: number, i: number) =>
        minus(stored(v), times(gain, minus(stored(v), stored(w[i])))).error;
      return { average: average.map(of) };
    },
    backward: () => ({}),
  },
  confined: ["decay", "factor"],
  sample: (input, axes, random) =>
    Float64Array.from({ length: size(axes) }, () =>
      input === "decay" || input === "factor" ? random() : 2 * random() - 1,
    ),
  arbitrary(draw) {
    const bank = [elements(draw)];
    return {
      shapes: { average: bank, w: bank, decay: [1], ...(draw.pick([false, true]) && { factor: [1] }) },
      attrs: {},
    };
  },
  cases: [
    example("one parameter", 1, 0.9997),
    example("a bank longer than a small grid", 9001, 0.9),
    example("the first steps", 67, 2 / 11),
    example("a slow average", 131, 0.9999),
    example("a factor of 0", 5, 0.5, 0),
    example("a factor below 0", 9001, 0.9, -1),
  ],
};

function example(what: string, count: number, decay: number, factor = 1): Case<unknown> {
  return {
    what,
    shapes: { average: [count], w: [count], decay: [1], factor: [1] },
    attrs: {},
    values: { decay: [decay], factor: [factor] },
  };
}
