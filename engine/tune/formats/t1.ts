// T1: a tuning problem, as the auto-tuning community exchanges them (github.com/odgaard/TuningSchema, schema 1.0.0).
import { FormatError, TesseraError } from "../../errors.ts";
import { defined, type Json, type JsonObject, parseJson, type Schema } from "../results/schema.ts";
import { constraint, type ExpressionValue, type Formula, formula } from "../space/expression.ts";
import { type Parameter, Space, type Value } from "../space/space.ts";
import { literal } from "../space/syntax.ts";

const TEXT: Schema = { type: "string" };
const NAMED: Schema = { type: "object", required: ["Name"], properties: { Name: TEXT } };
const TYPES = ["int", "uint", "float", "bool", "string"] as const;
/** What ends a search; a duration is in seconds. */
export const BUDGETS = ["TuningDuration", "ConfigurationCount", "ConfigurationFraction"] as const;
const SIZE: Schema = { type: "object", required: ["X"], others: { type: ["string", "number"] } };
const SPACE: Schema = {
  type: "object",
  required: ["ConfigurationSpace"],
  properties: {
    General: { type: "object", properties: { BenchmarkName: TEXT } },
    ConfigurationSpace: {
      type: "object",
      required: ["TuningParameters"],
      properties: {
        TuningParameters: {
          type: "array",
          items: {
            ...NAMED,
            required: ["Name", "Type", "Values"],
            properties: { Name: TEXT, Type: { enum: TYPES }, Values: { type: ["string", "array"] } },
          },
        },
        Conditions: {
          type: "array",
          items: { type: "object", required: ["Expression"], properties: { Expression: TEXT } },
        },
      },
    },
    Search: { ...NAMED, properties: { Name: TEXT, Attributes: { type: "array", items: NAMED } } },
    Budget: {
      type: "array",
      items: {
        type: "object",
        required: ["Type", "BudgetValue"],
        properties: { Type: { enum: BUDGETS }, BudgetValue: { type: "number" } },
      },
    },
  },
};
const FILE: Schema = {
  type: "object",
  required: ["ConfigurationSpace", "KernelSpecification"],
  properties: {
    KernelSpecification: {
      type: "object",
      required: ["Language", "KernelName", "KernelFile", "GlobalSize", "LocalSize"],
      properties: {
        Language: TEXT,
        KernelName: TEXT,
        KernelFile: TEXT,
        LocalSize: SIZE,
        GlobalSize: SIZE,
        ProblemSize: { type: ["array", "number", "string"] },
        Arguments: { type: "array", items: { type: "object" } },
      },
    },
  },
};

/** A tuning problem: what to tune, over which space, how far. Sizes are expressions of the parameters, along x, y, z. */
export interface T1Problem {
  readonly name: string;
  /** `WGSL` is ours; T1 itself knows OpenCL, CUDA and Vulkan. */
  readonly language: string;
  /** The entry point. */
  readonly kernel: string;
  readonly file: string;
  readonly space: Space;
  readonly problemSize: Json;
  /** Invocations of a workgroup. */
  readonly localSize: readonly Formula[];
  readonly globalSize: readonly Formula[];
  /** Floating-point operations and bytes of a launch: fields Flops and Bytes, ours, of kernels in WGSL. */
  readonly flops?: Formula;
  readonly bytes?: Formula;
  /** Buffers and scalars, as T1 describes them: Name, Type, Size, MemoryType, AccessType, FillType, FillValue, Output. */
  readonly arguments: readonly JsonObject[];
  readonly budget: readonly { readonly type: (typeof BUDGETS)[number]; readonly value: number }[];
  readonly search?: { readonly name: string; readonly settings: Readonly<Record<string, Json>> };
  /** What is odd about it, such as a default that is not among the values. */
  readonly notes: readonly string[];
  /** All that the file holds. */
  readonly document?: JsonObject;
}

/** What of a T1 file says how to search: all that an operation, which has its kernels and sizes, needs of one. */
export type Searched = Pick<T1Problem, "space" | "budget" | "search" | "notes"> & { readonly name?: string };

/** Reads the space of a T1 file, which need not say what to tune. Throws as `readT1` does. */
export function readSpace(text: string, name = "T1"): Searched {
  const { ConfigurationSpace, General, Search, Budget } = parseJson(text, SPACE, name);
  const { TuningParameters, Conditions } = ConfigurationSpace as Record<
    string,
    readonly JsonObject[] | undefined
  >;
  const notes: string[] = [];
  const parameters = TuningParameters!.map((parameter, i) =>
    parameterOf(parameter, `${name}.ConfigurationSpace.TuningParameters[${i}]`, notes),
  );
  const constraints = (Conditions ?? []).map(({ Expression }, i) =>
    at(`${name}.ConfigurationSpace.Conditions[${i}].Expression`, () => constraint(Expression as string)),
  );
  return defined({
    name: (General as JsonObject | undefined)?.BenchmarkName as string | undefined,
    space: new Space(parameters, constraints),
    budget: ((Budget ?? []) as readonly JsonObject[]).map(({ Type, BudgetValue }) => ({
      type: Type as (typeof BUDGETS)[number],
      value: BudgetValue as number,
    })),
    search: Search === undefined ? undefined : searchOf(Search as JsonObject),
    notes,
  });
}

/** Reads a T1 problem. Throws FormatError with the place and what was expected there, TuneError for an impossible space. */
export function readT1(text: string, name = "T1"): T1Problem {
  const searched = readSpace(text, name);
  const document = parseJson(text, FILE, name);
  const kernel = document.KernelSpecification as Record<string, any>;
  const sizes = (which: "LocalSize" | "GlobalSize") =>
    ["X", "Y", "Z"].map((axis) =>
      at(`${name}.KernelSpecification.${which}.${axis}`, () => formula(String(kernel[which][axis] ?? 1))),
    );
  const figure = (which: "Flops" | "Bytes") =>
    kernel.Language === "WGSL" && kernel[which] !== undefined
      ? at(`${name}.KernelSpecification.${which}`, () => figureOf(kernel[which], searched.space.parameters))
      : undefined;
  return defined({
    ...searched,
    name: searched.name ?? kernel.KernelName,
    language: kernel.Language,
    kernel: kernel.KernelName,
    file: kernel.KernelFile,
    problemSize: kernel.ProblemSize ?? [],
    localSize: sizes("LocalSize"),
    globalSize: sizes("GlobalSize"),
    flops: figure("Flops"),
    bytes: figure("Bytes"),
    arguments: kernel.Arguments ?? [],
    document,
  });
}

/** Throws FormatError where it is no expression of the parameters that is a number from 0 on. */
function figureOf(given: Json, parameters: readonly Parameter[]): Formula {
  const read = formula(typeof given === "string" ? given : JSON.stringify(given));
  const standard = parameters.map((p) => [p.name, p.default ?? p.values[0]]);
  const value = read.value(Object.fromEntries(standard));
  if (typeof value === "number" && value >= 0) return read;
  throw new FormatError(`expected a number from 0 on but ${read.text} is ${JSON.stringify(value)}`);
}

/** What is wrong within is said with the place. */
function at<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TesseraError)) throw error;
    throw new FormatError(`${place}: ${error.message}`, { cause: error });
  }
}

const FITS: Readonly<Record<(typeof TYPES)[number], (value: ExpressionValue) => boolean>> = {
  int: Number.isInteger,
  uint: (value) => Number.isInteger(value) && Number(value) >= 0,
  float: (value) => typeof value === "number",
  bool: (value) => typeof value === "boolean" || value === 0 || value === 1,
  string: (value) => typeof value === "string",
};

function parameterOf({ Name, Type, Values, Default }: JsonObject, place: string, notes: string[]): Parameter {
  const found = typeof Values === "string" ? at(`${place}.Values`, () => formula(Values).value({})) : Values;
  if (!Array.isArray(found))
    throw new FormatError(`${place}.Values: expected a list but found ${JSON.stringify(found)}`);
  const misfit = found.find((value) => !FITS[Type as (typeof TYPES)[number]](value));
  if (misfit !== undefined)
    throw new FormatError(`${place}.Values: ${JSON.stringify(misfit)} is not of type ${Type}`);
  const values = found as readonly Value[];
  const [first] = [Default].flat() as readonly Value[]; // some files have it in a list
  if (Default === undefined || Default === null) return { name: Name as string, values };
  if (values.includes(first)) return { name: Name as string, values, default: first };
  notes.push(`${place}.Default: ${JSON.stringify(Default)} is not among the values, and is left out`);
  return { name: Name as string, values };
}

/** Attributes are text in T1; those that say a number are one. */
function searchOf({ Name, Attributes = [] }: JsonObject): T1Problem["search"] {
  const settings = (Attributes as readonly JsonObject[]).map(({ Name: of, Value: value }) => {
    const number = typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
    return [of, Number.isNaN(number) ? value : number];
  });
  return { name: Name as string, settings: Object.fromEntries(settings) };
}

/**
 * The T1 text of a problem. What the file of a problem that was read has beyond our fields is kept. Throws FormatError for
 * a constraint that is not an expression, such as a function that was not given as text.
 */
export function writeT1(problem: T1Problem): string {
  const {
    name,
    language,
    kernel,
    file,
    space,
    problemSize,
    localSize,
    globalSize,
    flops,
    bytes,
    budget,
    search,
    document,
  } = problem;
  const size = (formulas: readonly Formula[]) =>
    Object.fromEntries(["X", "Y", "Z"].map((axis, i) => [axis, formulas[i]?.text ?? "1"]));
  const kept = (section: string) => (document?.[section] ?? {}) as JsonObject;
  const conditions = space.constraints.map(({ text, names }) => {
    at(`${name}: constraint`, () => constraint(text));
    return { Expression: text, Parameters: names };
  });
  const written = defined({
    ...document,
    General: { ...kept("General"), BenchmarkName: name },
    ConfigurationSpace: {
      ...kept("ConfigurationSpace"),
      TuningParameters: space.parameters.map(described),
      Conditions: conditions,
    },
    KernelSpecification: {
      ...kept("KernelSpecification"),
      ...defined({ Flops: flops?.text, Bytes: bytes?.text }),
      Language: language,
      KernelName: kernel,
      KernelFile: file,
      LocalSize: size(localSize),
      GlobalSize: size(globalSize),
      ProblemSize: problemSize,
      Arguments: problem.arguments,
    },
    Search: search && {
      Name: search.name,
      Attributes: Object.entries(search.settings).map(([of, value]) => ({ Name: of, Value: String(value) })),
    },
    Budget:
      budget.length > 0 ? budget.map(({ type, value }) => ({ Type: type, BudgetValue: value })) : undefined,
  });
  return `${JSON.stringify(written, null, 2)}\n`;
}

function described({ name, values, default: first }: Parameter): JsonObject {
  const type = TYPES.find((of) => values.every((value) => typeof value === TYPE[of] && FITS[of](value)));
  if (!type)
    throw new FormatError(`parameter ${name}: its values are of several types: ${values.join(", ")}`);
  return defined({
    Name: name,
    Type: type,
    Values: `[${values.map(literal).join(", ")}]`,
    Default: first,
  }) as JsonObject;
}

const TYPE = { int: "number", uint: "number", float: "number", bool: "boolean", string: "string" } as const;
