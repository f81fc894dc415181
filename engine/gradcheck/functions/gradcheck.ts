import { type DType, type Shape, size } from "../../../kernels/op.ts";
import { Device } from "../../device/device.ts";
import { GradcheckError, ShapeError, ValueError } from "../../errors.ts";
import { pullback } from "../../graph/autodiff.ts";
import type { Tensor } from "../../graph/graph.ts";
import { Net } from "../../nn/net.ts";
import type { NetOptions } from "../../nn/net_options.ts";
import { Variables } from "../../nn/variables.ts";
import { Executable } from "../../plan/executable.ts";
import { plan } from "../../plan/plan.ts";
import { stream } from "../../random.ts";
import { derivative, dot } from "../operations/differences.ts";
import { stored } from "../operations/sampling.ts";
import { worstError } from "../report/judge.ts";
import { type Finding, Report } from "../report/report.ts";
import { interpret } from "./interpreter.ts";

/** A function of traced tensors. Layers of the net may be used: their parameters are checked like inputs. */
export type Traceable = (net: Net, ...inputs: Tensor[]) => Tensor | readonly Tensor[];

/** Values of an input in row-major order. Only float32 inputs have gradients. */
export interface GradcheckInput {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
  readonly dtype?: DType;
}

/** Options by the names of torch.autograd.gradcheck. */
export interface GradcheckOptions {
  /** Device to compute gradients on; else one is opened, by part of the adapter's name if given, and closed again. */
  readonly device?: Device;
  readonly adapter?: string;
  /**
   * Step of the differences, which are taken of the float64 references and extrapolated: 2^-10, where float64 serves
   * them best. It must not carry an input over a kink.
   */
  readonly eps?: number;
  /** Allowed is atol + rtol * |derivative|: 1e-5 and 1e-3. */
  readonly atol?: number;
  readonly rtol?: number;
  /** Derivatives along random directions in place of whole Jacobians. */
  readonly fastMode?: boolean;
  /** Largest difference between two runs of the same gradient: 0. */
  readonly nondetTol?: number;
  /** Whether an output without a gradient counts as one with zeros: checked unless false. */
  readonly checkUndefinedGrad?: boolean;
  /** Throw GradcheckError at a failure (the default), or return the report with it. */
  readonly raiseException?: boolean;
  readonly seed?: number;
  /** Options of the net: training, width, batch norm. */
  readonly net?: NetOptions;
}

/** Rows or columns of a Jacobian beyond which only `fastMode` is sensible. */
const LARGEST = 4096;
/** Random directions of fast mode. */
const DIRECTIONS = 3;

/**
 * Compares the gradients that the device computes for a function, forward kernels and backward kernels and all that
 * autodiff and the plan do between them, with extrapolated central differences of the function itself, interpreted in
 * float64 by the references of its operations.
 * Throws GradcheckError at the first failure unless `raiseException` is false, ShapeError where an operation has no
 * gradient, ValueError where a Jacobian is too large.
 */
export async function gradcheck(
  fn: Traceable,
  inputs: readonly GradcheckInput[],
  options: GradcheckOptions = {},
): Promise<Report> {
  const device = options.device ?? (await Device.open({ adapter: options.adapter }));
  const report = new Report();
  try {
    const traced = await Traced.create(device, fn, inputs, options);
    try {
      for await (const finding of findings(traced, options)) report.add(finding);
    } finally {
      traced.close();
    }
  } finally {
    if (!options.device) device.close();
  }
  const [failure] = report.failures;
  if (failure && (options.raiseException ?? true))
    throw new GradcheckError(`gradcheck: ${failure.subject}: ${failure.check}: ${failure.message}`);
  return report;
}

async function* findings(traced: Traced, options: GradcheckOptions): AsyncGenerator<Finding> {
  const { nondetTol = 0, checkUndefinedGrad = true, seed = 1 } = options;
  yield* traced.values(options);
  const dy = traced.cotangents(() => 0);
  const next = stream(seed);
  for (const d of dy) for (let i = 0; i < d.length; i++) d[i] = Math.fround(2 * next() - 1);
  const [once, again] = [await traced.pull(dy), await traced.pull(dy)];
  for (const [name, dx] of once)
    yield traced.finding(name, "deterministic", again.get(name)!, dx, (_) => nondetTol);
  if (checkUndefinedGrad) yield* undefinedGradients(traced, dy);
  if (options.fastMode) yield* along(traced, dy, once, options);
  else yield* jacobians(traced, options);
}

/** Zeros give zeros, and of several outputs one alone gives what it gives beside zeros. */
async function* undefinedGradients(traced: Traced, dy: readonly Float32Array[]): AsyncGenerator<Finding> {
  const none = dy.map((d) => new Float32Array(d.length));
  for (const [name, dx] of await traced.pull(none))
    yield traced.finding(name, "zero gradient", dx, new Float64Array(dx.length), () => 0);
  if (dy.length < 2) return;
  for (const [k, d] of dy.entries()) {
    const beside = await traced.pull(none.map((zeros, i) => (i === k ? d : zeros)));
    const alone = await traced.pull(dy, k);
    for (const [name, dx] of beside) {
      const got = alone.get(name) ?? new Float64Array(dx.length);
      yield traced.finding(name, `output ${k} alone`, got, dx, (v) => 1e-6 + 1e-4 * Math.abs(v));
    }
  }
}

/** `<dy, J v>` by differences against `<J^T dy, v>` for random v. */
async function* along(
  traced: Traced,
  dy: readonly Float32Array[],
  gradients: ReadonlyMap<string, Float64Array>,
  { eps, atol = 1e-5, rtol = 1e-3, seed = 1 }: GradcheckOptions,
): AsyncGenerator<Finding> {
  const next = stream(seed + 1);
  for (const [name, dx] of gradients)
    for (let k = 0; k < DIRECTIONS; k++) {
      const v = dx.map(() => 2 * next() - 1);
      const numeric = derivative((h) => {
        const y = traced.evaluate(name, (x, i) => x + h * v[i]);
        return y.reduce((sum, values, i) => sum + dot(values, dy[i]), 0);
      }, eps);
      // the sum of terms of random sign is as large as the root of their squares
      const magnitude = Math.sqrt(dx.reduce((sum, g, i) => sum + (g * v[i]) ** 2, 0));
      const allowed = atol + rtol * magnitude;
      yield traced.finding(name, "along a direction", [dot(dx, v)], [numeric], () => allowed);
    }
}

/** Every derivative of every output with respect to every input. */
async function* jacobians(
  traced: Traced,
  { eps, atol = 1e-5, rtol = 1e-3 }: GradcheckOptions,
): AsyncGenerator<Finding> {
  const outputs = traced.cotangents(() => 0);
  const columns = [...traced.sizes.values()].reduce((a, b) => a + b, 0);
  const rows = outputs.reduce((n, { length }) => n + length, 0);
  if (Math.max(rows, columns) > LARGEST)
    throw new ValueError(
      `gradcheck: a Jacobian of ${rows} outputs by ${columns} inputs where at most ${LARGEST} are compared one by one: use fastMode`,
    );
  const analytic = new Map([...traced.sizes].map(([name, n]) => [name, new Float64Array(rows * n)]));
  for (let k = 0, row = 0; k < outputs.length; k++)
    for (let i = 0; i < outputs[k].length; i++, row++) {
      outputs[k][i] = 1;
      for (const [name, dx] of await traced.pull(outputs)) analytic.get(name)!.set(dx, row * dx.length);
      outputs[k][i] = 0;
    }
  for (const [name, n] of traced.sizes) {
    const numeric = new Float64Array(rows * n);
    for (let j = 0; j < n; j++)
      for (const [row, d] of column(traced, name, j, rows, eps).entries()) numeric[row * n + j] = d;
    const allowed = (v: number) => atol + rtol * Math.abs(v);
    yield traced.finding(name, "jacobian", analytic.get(name)!, numeric, allowed, [rows, n]);
  }
}

/** Derivatives of all outputs with respect to element `j` of an input. */
function column(traced: Traced, name: string, j: number, rows: number, eps?: number): Float64Array {
  const seen = new Map<number, Float64Array>();
  const at = (h: number) => {
    const flat = new Float64Array(rows);
    let start = 0;
    for (const values of traced.evaluate(name, (x, i) => (i === j ? x + h : x))) {
      flat.set(values, start);
      start += values.length;
    }
    seen.set(h, flat);
    return flat;
  };
  const value = (h: number, row: number) => (seen.get(h) ?? at(h))[row];
  return Float64Array.from({ length: rows }, (_, row) => derivative((h) => value(h, row), eps));
}

/** A traced function with its values: on the device, and in float64. */
class Traced {
  /** Elements of every input and parameter that has a gradient. */
  readonly sizes = new Map<string, number>();
  #passes = new Map<number | "all", Executable>();

  private constructor(
    private readonly device: Device,
    private readonly trace: () => { net: Net; x: Tensor[]; y: readonly Tensor[] },
    private readonly variables: Variables,
    private readonly given: Readonly<Record<string, Float64Array>>,
    private readonly dtypes: Readonly<Record<string, DType>>,
  ) {}

  static async create(
    device: Device,
    fn: Traceable,
    inputs: readonly GradcheckInput[],
    { net: netOptions, seed = 1 }: GradcheckOptions,
  ): Promise<Traced> {
    for (const [k, { shape, data }] of inputs.entries())
      if (data.length !== size(shape))
        throw new ShapeError(`gradcheck: input ${k} is [${shape}] but ${data.length} values are given`);
    const trace = () => {
      const net = new Net(netOptions);
      const x = inputs.map(({ shape, dtype }, k) => net.input(`input ${k}`, shape, dtype));
      const made = fn(net, ...x);
      return { net, x, y: (Array.isArray(made) ? made : [made]) as readonly Tensor[] };
    };
    const { net } = trace();
    const variables = await Variables.create(device, net.variables, { seed });
    const given: Record<string, Float64Array> = {};
    const dtypes: Record<string, DType> = {};
    for (const [k, { data, dtype = "f32" }] of inputs.entries()) {
      given[`input ${k}`] = Float64Array.from(data, dtype === "f32" ? Math.fround : (v) => v);
      dtypes[`input ${k}`] = dtype;
    }
    for (const { path, shape, initial } of net.variables.values())
      given[path] = Float64Array.from(initial(shape, stream(seed, path)));
    const traced = new Traced(device, trace, variables, given, dtypes);
    for (const [k, { shape, dtype = "f32" }] of inputs.entries())
      if (dtype === "f32") traced.sizes.set(`input ${k}`, size(shape));
    for (const { path, shape, trainable } of net.variables.values())
      if (trainable) traced.sizes.set(path, size(shape));
    return traced;
  }

  /** Zeros, or other values, in the shapes of the outputs. */
  cotangents(value: () => number): Float32Array[] {
    return this.trace().y.map(({ shape }) => new Float32Array(size(shape)).map(value));
  }

  /** Outputs in float64, with one input changed element by element. */
  evaluate(name: string, change: (x: number, i: number) => number): Float64Array[] {
    const { net, y } = this.trace();
    const value = interpret(net.graph, { ...this.given, [name]: this.given[name].map(change) });
    return y.map(value);
  }

  /** The device's outputs against the float64 interpretation. */
  async *values({ atol = 1e-5, rtol = 1e-3 }: GradcheckOptions): AsyncGenerator<Finding> {
    const pass = await this.#pass("all");
    this.#fill(
      pass,
      this.cotangents(() => 0),
    );
    pass.run();
    const [any] = this.sizes.keys();
    for (const [k, want] of this.evaluate(any ?? "input 0", (x) => x).entries()) {
      const got = Float64Array.from(await pass.read(`output ${k}`));
      yield this.finding(`output ${k}`, "values", got, want, (v) => atol + rtol * Math.abs(v));
    }
  }

  /** Gradients by input from those of the outputs; of one output alone where `only` says which. */
  async pull(dy: readonly Float32Array[], only: number | "all" = "all"): Promise<Map<string, Float64Array>> {
    const pass = await this.#pass(only);
    this.#fill(pass, dy);
    pass.run();
    const found = new Map<string, Float64Array>();
    for (const [name, n] of this.sizes) {
      const traced = pass.plan.outputs.has(`d ${name}`);
      found.set(name, traced ? Float64Array.from(await pass.read(`d ${name}`)) : new Float64Array(n));
    }
    return found;
  }

  finding(
    subject: string,
    check: string,
    got: ArrayLike<number>,
    want: ArrayLike<number>,
    allowed: (want: number) => number,
    shape: Shape = [want.length],
  ): Finding {
    const [a, b] = [Float64Array.from(got), Float64Array.from(want)];
    const verdict = worstError(subject, shape, a, b, b.map(allowed));
    return { layer: "network", subject, check, where: verdict.at, ...verdict };
  }

  close(): void {
    for (const pass of this.#passes.values()) pass.close();
    this.variables.close();
  }

  #fill(pass: Executable, dy: readonly Float32Array[]): void {
    for (const [name, dtype] of Object.entries(this.dtypes))
      if (pass.reads(name)) pass.write(name, stored(this.given[name], dtype));
    for (const [k, d] of dy.entries()) if (pass.reads(`d output ${k}`)) pass.write(`d output ${k}`, d);
  }

  async #pass(only: number | "all"): Promise<Executable> {
    const known = this.#passes.get(only);
    if (known) return known;
    const { net, x, y } = this.trace();
    const dy = new Map<Tensor, Tensor>();
    for (const [k, tensor] of y.entries())
      if (only === "all" || only === k) dy.set(tensor, net.input(`d output ${k}`, tensor.shape));
    const wanted = new Map<string, Tensor>();
    for (const name of this.sizes.keys()) {
      const spec = net.variables.get(name);
      wanted.set(name, spec ? net.graph.variable(name, spec.shape) : x[Number(name.slice(6))]);
    }
    const found = pullback(net.graph, dy, [...wanted.values()]);
    const outputs: Record<string, Tensor> = {};
    for (const [k, tensor] of y.entries()) outputs[`output ${k}`] = tensor;
    for (const [name, tensor] of wanted) {
      const d = found.get(tensor);
      if (d) outputs[`d ${name}`] = d;
    }
    const planned = plan(net.graph, this.device.traits, { outputs });
    const pass = await Executable.load(this.device, planned, (variable) => this.variables.place(variable));
    this.#passes.set(only, pass);
    return pass;
  }
}
