import { TuneError } from "../../errors.ts";
import type { Constraint, Value } from "./space.ts";
import { type Arithmetic, type ComparisonNode, type Expression, parse } from "./syntax.ts";

/** What an expression may be: a value, or a list of such. */
export type ExpressionValue = Value | readonly ExpressionValue[];
/** Values by the names that an expression may ask for. */
export type Scope = Readonly<Record<string, ExpressionValue>>;

/** A parsed expression: its text, the names that it reads, and its value where these are known. */
export interface Formula {
  readonly text: string;
  readonly names: readonly string[];
  value(scope: Scope): ExpressionValue;
}

/**
 * The expression that a text of Python's states (see `parse`); evaluated as a tree, never run as code.
 * Throws FormatError where the text is none; its `value` throws TuneError for a name that is not in scope, an operand
 * of the wrong type and a division by zero.
 */
export function formula(text: string): Formula {
  const expression = parse(text);
  const evaluated = (scope: Scope) => {
    try {
      return evaluate(expression, scope);
    } catch (error) {
      if (!(error instanceof TuneError)) throw error;
      throw new TuneError(`expression ${text}: ${error.message}`, { cause: error });
    }
  };
  return { text, names: [...new Set(free(expression))], value: evaluated };
}

/** The constraint that a text of Python's states: it holds where its value is true to Python. Throws as `formula`. */
export function constraint(text: string): Constraint {
  const { names, value } = formula(text);
  return { text, names, holds: (configuration) => truth(value(configuration)) };
}

/** Names that an expression reads, in their order: not those of functions nor those that a comprehension binds. */
function free(expression: Expression): readonly string[] {
  switch (expression.kind) {
    case "value":
      return [];
    case "name":
      return [expression.name];
    case "list":
      return expression.items.flatMap(free);
    case "call":
    case "comparison":
      return expression.operands.flatMap(free);
    case "comprehension": {
      const inside = [expression.each, ...(expression.where ? [expression.where] : [])].flatMap(free);
      return [...free(expression.over), ...inside.filter((name) => name !== expression.name)];
    }
    case "sign":
    case "not":
      return free(expression.operand);
    case "arithmetic":
    case "logic":
      return [expression.left, expression.right].flatMap(free);
    case "conditional":
      return [expression.yes, expression.test, expression.no].flatMap(free);
    case "item":
      return [expression.of, expression.index].flatMap(free);
  }
}

/** The value of an expression, as Python computes it save that numbers are float64: whole ones are exact to 2^53. */
export function evaluate(expression: Expression, scope: Scope): ExpressionValue {
  switch (expression.kind) {
    case "value":
      return expression.value;
    case "name":
      if (!Object.hasOwn(scope, expression.name))
        throw new TuneError(`nothing is called ${expression.name} (has ${Object.keys(scope).join(", ")})`);
      return scope[expression.name];
    case "list":
      return expression.items.map((item) => evaluate(item, scope));
    case "comprehension": {
      const { each, name, over, where } = expression;
      const scopes = sequence(evaluate(over, scope)).map((value) => ({ ...scope, [name]: value }));
      const kept = where ? scopes.filter((inner) => truth(evaluate(where, inner))) : scopes;
      return kept.map((inner) => evaluate(each, inner));
    }
    case "sign": {
      const operand = number(evaluate(expression.operand, scope));
      return expression.operator === "-" ? -operand : operand;
    }
    case "not":
      return !truth(evaluate(expression.operand, scope));
    case "arithmetic":
      return compute(
        expression.operator,
        evaluate(expression.left, scope),
        evaluate(expression.right, scope),
      );
    case "comparison": {
      let left = evaluate(expression.operands[0], scope);
      return expression.operators.every((operator, i) => {
        const right = evaluate(expression.operands[i + 1], scope);
        const holds = compare(operator, left, right);
        left = right;
        return holds;
      });
    }
    case "logic": {
      const left = evaluate(expression.left, scope);
      return truth(left) === (expression.operator === "or") ? left : evaluate(expression.right, scope);
    }
    case "conditional":
      return evaluate(truth(evaluate(expression.test, scope)) ? expression.yes : expression.no, scope);
    case "call": {
      const { name, operands } = expression;
      if (!Object.hasOwn(FUNCTIONS, name))
        throw new TuneError(`no function ${name} (has ${Object.keys(FUNCTIONS).join(", ")})`);
      return FUNCTIONS[name](operands.map((operand) => evaluate(operand, scope)));
    }
    case "item": {
      const items = sequence(evaluate(expression.of, scope));
      const index = number(evaluate(expression.index, scope));
      const item = items[index < 0 ? items.length + index : index];
      if (item === undefined) throw new TuneError(`no item ${index} in a list of ${items.length}`);
      return item;
    }
  }
}

const say = (value: ExpressionValue) => JSON.stringify(value);

/** Whether Python takes it for true. */
const truth = (value: ExpressionValue): boolean => (Array.isArray(value) ? value.length > 0 : Boolean(value));

function number(value: ExpressionValue): number {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value !== "number") throw new TuneError(`expected a number but found ${say(value)}`);
  return value;
}

function sequence(value: ExpressionValue): readonly ExpressionValue[] {
  if (!Array.isArray(value)) throw new TuneError(`expected a list but found ${say(value)}`);
  return value;
}

/** The remainder that has the sign of the divisor. */
function modulo(a: number, b: number): number {
  const remainder = a % b;
  return remainder !== 0 && remainder < 0 !== b < 0 ? remainder + b : remainder;
}

function compute(operator: Arithmetic, left: ExpressionValue, right: ExpressionValue): ExpressionValue {
  if (operator === "+" && Array.isArray(left) && Array.isArray(right)) return [...left, ...right];
  if (operator === "+" && typeof left === "string" && typeof right === "string") return left + right;
  const [a, b] = [number(left), number(right)];
  if (b === 0 && ["/", "//", "%"].includes(operator))
    throw new TuneError(`division by zero: ${a} ${operator} ${b}`);
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "//":
      return Math.round((a - modulo(a, b)) / b);
    case "%":
      return modulo(a, b);
    case "**":
      if (a === 0 && b < 0) throw new TuneError(`division by zero: ${a} ** ${b}`);
      if (a < 0 && !Number.isInteger(b)) throw new TuneError(`${a} ** ${b} is not real`);
      return a ** b;
  }
}

function equal(a: ExpressionValue, b: ExpressionValue): boolean {
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((x, i) => equal(x, b[i]));
  if (typeof a === "string" || typeof b === "string") return a === b;
  return Number(a) === Number(b);
}

function compare(operator: ComparisonNode, a: ExpressionValue, b: ExpressionValue): boolean {
  switch (operator) {
    case "==":
      return equal(a, b);
    case "!=":
      return !equal(a, b);
    case "in":
      if (typeof a === "string" && typeof b === "string") return b.includes(a);
      return sequence(b).some((item) => equal(a, item));
    case "not in":
      return !compare("in", a, b);
    case "<":
      return below(a, b);
    case ">":
      return below(b, a);
    case "<=":
      return equal(a, b) || below(a, b);
    case ">=":
      return equal(a, b) || below(b, a);
  }
}

const below = (a: ExpressionValue, b: ExpressionValue): boolean =>
  typeof a === "string" && typeof b === "string" ? a < b : number(a) < number(b);

/** Operands of a function that takes a list or several values; a single value is a list of itself. */
const several = (operands: readonly ExpressionValue[]): readonly ExpressionValue[] =>
  operands.length === 1 && Array.isArray(operands[0]) ? operands[0] : operands;

function extreme(
  name: string,
  operands: readonly ExpressionValue[],
  better: (a: ExpressionValue, b: ExpressionValue) => boolean,
): ExpressionValue {
  const all = several(operands);
  if (all.length === 0) throw new TuneError(`${name} of nothing`);
  return all.reduce((best, value) => (better(value, best) ? value : best));
}

function range(operands: readonly ExpressionValue[]): number[] {
  const [first, last, step = 1] = operands.length === 1 ? [0, number(operands[0])] : operands.map(number);
  if (last === undefined || step === 0 || operands.length > 3)
    throw new TuneError(`range(${operands.map(say).join(", ")}) is none`);
  return Array.from({ length: Math.max(0, Math.ceil((last - first) / step)) }, (_, i) => first + i * step);
}

/** `max(width)` of a parameter that has one value is that value: T1 files write sizes so. */
const FUNCTIONS: Readonly<Record<string, (operands: readonly ExpressionValue[]) => ExpressionValue>> = {
  min: (operands) => extreme("min", operands, below),
  max: (operands) => extreme("max", operands, (a, b) => below(b, a)),
  sum: (operands) => several(operands).reduce<number>((total, value) => total + number(value), 0),
  abs: ([operand]) => Math.abs(number(operand)),
  int: ([operand]) => Math.trunc(number(operand)),
  len: ([operand]) => (typeof operand === "string" ? operand.length : sequence(operand).length),
  list: ([operand]) => sequence(operand),
  range,
};
