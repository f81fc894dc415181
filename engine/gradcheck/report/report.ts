// What a gradient check found. Figures are errors over what is allowed, so that 1 is the limit for all of them.

import type { Shape } from "../../../kernels/op.ts";

/** The layers of a check, from the formula to the whole network; each trusts the one before. */
export const LAYERS = {
  reference: "float64 references against differences and PyTorch",
  kernel: "kernels against their float64 reference",
  identity: "identities at the sizes of the networks",
  network: "blocks and networks against PyTorch in float64",
} as const;
export type Layer = keyof typeof LAYERS;

/** What a finding is about; findings of one subject and check make one row of a report. */
export interface FindingKey {
  readonly layer: Layer;
  /** Operation, block or network. */
  readonly subject: string;
  /** What is judged of it: a kernel (`forward broadcast`), an identity (`adjoint of x`), a quantity (`gradients`). */
  readonly check: string;
}

/** The elements of one tensor that was judged: errors over their bounds, in row-major order. */
export interface ErrorMap {
  readonly name: string;
  readonly shape: Shape;
  readonly ratios: Float64Array;
}

/** One judgement. */
export interface Finding extends FindingKey {
  /** Largest error over what is allowed; above 1, or NaN, is a failure. */
  readonly figure: number;
  /** Case, tensor and index of that error. */
  readonly where: string;
  /** Further figures of interest, by heading, such as PyTorch's own float32 error. */
  readonly beside?: Readonly<Record<string, number>>;
  /** Of a failure: what is wrong, with both values. */
  readonly message?: string;
  /** Of a failure: the case as text that `repro` takes. */
  readonly repro?: string;
  /** Of a failure: where in the tensor the errors are. */
  readonly map?: ErrorMap;
}

/** All findings of one subject and check. */
export interface ReportRow extends FindingKey {
  /** Judgements made. */
  readonly cases: number;
  /** Largest figure, where it was found, and what was found beside it. */
  readonly figure: number;
  readonly where: string;
  readonly beside: Readonly<Record<string, number>>;
}

/** A figure that must not exceed 1; NaN does. */
export const passes = (figure: number): boolean => figure <= 1;

/** Collects findings into rows, in the order in which subjects first appear, layer by layer. */
export class Report {
  readonly failures: Finding[] = [];
  #rows = new Map<string, ReportRow>();

  add(finding: Finding): void {
    const { layer, subject, check, figure, where, beside = {} } = finding;
    const key = `${layer} ${subject} ${check}`;
    const row = this.#rows.get(key);
    const worse = !row || !(figure <= row.figure);
    const worst = worse ? { figure: Number.isNaN(figure) ? Infinity : figure, where, beside } : row;
    const { figure: most, where: at, beside: extra } = worst;
    const cases = (row?.cases ?? 0) + 1;
    this.#rows.set(key, { layer, subject, check, cases, figure: most, where: at, beside: extra });
    if (!passes(figure)) this.failures.push(finding);
  }

  get rows(): readonly ReportRow[] {
    const order = Object.keys(LAYERS);
    return [...this.#rows.values()].sort((a, b) => order.indexOf(a.layer) - order.indexOf(b.layer));
  }

  get passed(): boolean {
    return this.failures.length === 0 && this.#rows.size > 0;
  }

  /** A line a row, then the message of every failure. */
  toString(): string {
    const lines = this.rows.map(
      ({ subject, check, cases, figure, where }) =>
        `${subject} ${check}: error / bound ${figure.toPrecision(2)} at ${where}, ${cases} ${cases === 1 ? "case" : "cases"}`,
    );
    const failed = this.failures.map(
      ({ subject, check, message }) => `FAILED ${subject} ${check}: ${message}`,
    );
    return [this.passed ? "passed" : "not passed", ...lines, ...failed].join("\n");
  }

  /** What `console.log` prints in Node. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}
