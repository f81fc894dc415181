import { type Case, type Op, type Shapes, size, type Values } from "../../../kernels/op.ts";
import { dtypeOf } from "./sampling.ts";

/** What may stand where a number should. */
const STRANGE = [Number.NaN, Infinity, -Infinity];

/** An element that is replaced. */
interface Place {
  readonly name: string;
  readonly i: number;
}

/**
 * Puts one infinity or NaN into an input, and says which values it may reach: those that change when
 * anything else stands in its place. What comes of these WGSL leaves open; all others must be what they are without it.
 */
export class Intrusion {
  private constructor(
    private readonly place: Place,
    private readonly strange: number,
    /** Numbers that stand in for it, the input's own first. */
    private readonly others: readonly number[],
  ) {}

  /** Returns undefined where no input takes floating point numbers. */
  static draw(op: Op, shapes: Shapes, values: Values, { values: given }: Case<any>, next: () => number) {
    const open = op.inputs.filter(
      (name) => dtypeOf(op, name) === "f32" && size(shapes[name]) > 0 && !given?.[name],
    );
    if (open.length === 0) return undefined;
    const name = open[Math.floor(next() * open.length)];
    const i = Math.floor(next() * values[name].length);
    const own = values[name][i];
    const large = 1e3 * (1 + Math.max(...values[name].map(Math.abs)));
    const signed = values[name].some((v) => v < 0); // else it is a quantity that is never negative
    const others = [own, 2 * own + 0.5, large, ...(signed ? [-large] : [])];
    return new Intrusion({ name, i }, STRANGE[Math.floor(next() * STRANGE.length)], others);
  }

  /** The values with it in them. */
  enter(values: Values): Values {
    return this.#with(values, this.strange);
  }

  /** Bounds, infinite for all values that depend on what stands there; `compute` gives the values. */
  spread(bound: Values, values: Values, compute: (values: Values) => Values): Values {
    const [own, ...others] = [...this.others, this.strange].map((value) =>
      compute(this.#with(values, value)),
    );
    return Object.fromEntries(
      Object.entries(bound).map(([name, list]) => [
        name,
        list.map((b, i) =>
          others.every((other) => Object.is(other[name]?.[i], own[name]?.[i])) ? b : Infinity,
        ),
      ]),
    );
  }

  #with(values: Values, value: number): Values {
    const changed = values[this.place.name].slice();
    changed[this.place.i] = value;
    return { ...values, [this.place.name]: changed };
  }
}
