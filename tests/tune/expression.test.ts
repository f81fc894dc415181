// Expressions: what is printed parses to the same tree, and values are those of an evaluator of its own.
import fc from "fast-check";
import * as assert from "uvu/assert";
import { FormatError, TuneError } from "../../engine/errors.ts";
import {
  constraint,
  type ExpressionValue,
  evaluate,
  formula,
  type Scope,
} from "../../engine/tune/space/expression.ts";
import { booleans, enumeration, list, powersOfTwo, range } from "../../engine/tune/space/parameters.ts";
import { Space } from "../../engine/tune/space/space.ts";
import {
  COMPARISONS,
  type Expression,
  PRODUCTS,
  parse,
  printExpression,
  SUMS,
} from "../../engine/tune/space/syntax.ts";
import { group } from "../harness.ts";

const check = group("tune expressions");
const worth = (text: string, scope: Scope = {}) => formula(text).value(scope);

const EXPECTED: readonly (readonly [string, ExpressionValue])[] = [
  ["7 // 2", 3],
  ["-7 // 2", -4],
  ["7 // -2", -4],
  ["-7 % 3", 2],
  ["7 % -3", -2],
  ["-7.5 % 2", 0.5],
  ["7 / 2", 3.5],
  ["-2 ** 2", -4],
  ["2 ** 3 ** 2", 512],
  ["2 ** -1", 0.5],
  ["0 or 5", 5],
  ["3 and 0", 0],
  ['"" or "x"', "x"],
  ["[] or 7", 7],
  ["True + True", 2],
  ["True == 1", true],
  ['"1" == 1', false],
  ["not 0 == 1", true],
  ["!0 == 1", true],
  ["1 < 2 < 3", true],
  ["3 > 2 > 2", false],
  ["1 < 3 > 2", true],
  ["16 in [8, 16, 32]", true],
  ["16 not in (8, 16)", false],
  ['"b" in "abc"', true],
  ["true && !false || false", true],
  ["1 if 0 else 2 if 0 else 3", 3],
  ["min(3, 1, 2) + max([4, 9])", 10],
  ["max(5)", 5],
  ["abs(-3) + len([1, 2])", 5],
  ["[1, 2] + list(range(32, 64 + 1, 32))", [1, 2, 32, 64]],
  ["[2**i for i in range(0, 6) if i % 2 == 0]", [1, 4, 16]],
  ["sizes[0] * sizes[-1]", 12],
  ["1.5e3 + .5 + 2.", 1502.5],
];

for (const [text, wanted] of EXPECTED)
  check.test(text, () => assert.equal(worth(text, { sizes: [3, 5, 4] }), wanted));

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ["a +", /expression a \+: column 4: expected a value, a name or \( but found the end/],
  ["(a", /column 3: expected \) but found the end/],
  ["a b", /column 3: expected an operator or the end but found b/],
  ["a = 3", /column 3: expected .* but found =/],
  ["a if b", /column 7: expected else/],
  ["[i for 3 in x]", /column 8: expected a name but found 3/],
  ["a and or b", /column 7: expected a value/],
];
for (const [text, says] of REFUSED)
  check.test(`${text} is refused`, () => {
    assert.throws(
      () => parse(text),
      (error: unknown) => error instanceof FormatError && says.test(error.message),
    );
  });

for (const text of [
  "1 / 0",
  "1 // 0",
  "1 % 0",
  "0 ** -1",
  "(-8) ** 0.5",
  '"a" < 1',
  "nowhere",
  "open(1)",
  "[1][1]",
])
  check.test(`${text} has no value`, () => {
    assert.throws(
      () => worth(text),
      (error: unknown) => error instanceof TuneError && error.message.includes(text),
    );
  });

check.test("names are what is read: no functions, nothing bound inside", () => {
  assert.equal(formula("max(a, b) + [i * c for i in d if i > e][a] - i").names, [
    "a",
    "b",
    "d",
    "c",
    "e",
    "i",
  ]);
});

check.test("a name that is no parameter is the space's error", () => {
  assert.throws(() => new Space([booleans("a")], [constraint("a == b")]), /asks for b \(parameters: a\)/);
});

check.test("a constraint prunes as the rule in TypeScript does", () => {
  const parameters = [
    powersOfTwo("tile", 1, 64),
    range("unroll", 1, 9, 2),
    booleans("padded"),
    enumeration("form", "plain", "subgroup"),
  ];
  const text =
    "tile % unroll == 0 and (not padded or tile * 4 <= 128) and form in ['plain'] or unroll == 3 < tile";
  const space = new Space(parameters, [constraint(text)]);
  const written = new Space(parameters, [
    {
      text: "the same",
      names: ["tile", "unroll", "padded", "form"],
      holds: ({ tile, unroll, padded, form }) =>
        (Number(tile) % Number(unroll) === 0 && (!padded || Number(tile) * 4 <= 128) && form === "plain") ||
        (unroll === 3 && 3 < Number(tile)),
    },
  ]);
  assert.ok(space.size > 0 && space.size < space.cartesian);
  assert.equal(
    [...Array(space.size).keys()].map((i) => space.at(i)),
    [...Array(written.size).keys()].map((i) => written.at(i)),
  );
});

check.test("parameters list what they say", () => {
  assert.equal(powersOfTwo("p", 0.5, 8).values, [0.5, 1, 2, 4, 8]);
  assert.equal(range("r", 16, 65, 16).values, [16, 32, 48, 64]);
  assert.equal(range("r", 1, 0, -0.1).values.length, 11);
  assert.equal(range("r", 0, 0.3, 0.1).values.length, 4);
  assert.throws(() => powersOfTwo("p", 3, 8), /parameter p: 3 and 8 are not powers of two/);
  assert.throws(() => range("r", 1, 2, -1), /parameter r: steps of -1 do not lead from 1 to 2/);
  assert.throws(() => list("l", [1, 2], 3), /parameter l: default 3 is not one of 1, 2/);
});

const SCOPE = { a: 3, b: -2, c: true, d: 0, e: 17 };
const numbers: fc.Arbitrary<Expression> = fc
  .oneof(fc.nat(40), fc.boolean(), fc.constantFrom(0.5, 2.25))
  .map((value) => ({ kind: "value", value }));
const names: fc.Arbitrary<Expression> = fc
  .constantFrom(...Object.keys(SCOPE))
  .map((name) => ({ kind: "name", name }));

/** Trees of numbers, of every kind that can be had of numbers alone. */
const { tree } = fc.letrec<{ tree: Expression }>((of) => {
  const sub = of("tree");
  const pair = { left: sub, right: sub };
  const three = fc.array(sub, { minLength: 1, maxLength: 3 });
  const several = three.map((items) => ({ kind: "list" as const, items }));
  const inside = fc.record({ operators: fc.constant(["in"] as const), operands: fc.tuple(sub, several) });
  const compared = three.chain((operands) => {
    const operators = fc.array(fc.constantFrom(...COMPARISONS.slice(0, 6)), {
      minLength: operands.length,
      maxLength: operands.length,
    });
    return fc.record({ operators, operands: sub.map((last) => [...operands, last]) });
  });
  return {
    tree: fc.oneof(
      { maxDepth: 5, depthIdentifier: "tree" },
      fc.oneof(numbers, names),
      fc.record({ kind: fc.constant("sign"), operator: fc.constantFrom("-", "+"), operand: sub }),
      fc.record({ kind: fc.constant("not"), operand: sub }),
      fc.record({
        kind: fc.constant("arithmetic"),
        operator: fc.constantFrom(...SUMS, ...PRODUCTS, "**"),
        ...pair,
      }),
      fc.oneof(compared, inside).map((parts) => ({ kind: "comparison", ...parts })),
      fc.record({ kind: fc.constant("logic"), operator: fc.constantFrom("and", "or"), ...pair }),
      fc.record({ kind: fc.constant("conditional"), test: sub, yes: sub, no: sub }),
      fc.record({ kind: fc.constant("call"), name: fc.constantFrom("min", "max"), operands: three }),
      several.map((from) => ({ kind: "item", of: from, index: { kind: "value", value: 0 } })),
    ) as fc.Arbitrary<Expression>,
  };
});

for (const text of [
  "(a ** b) ** c",
  "a - (b - c)",
  "(-a) ** -b ** c",
  "(not a) + b",
  "(a < b) < c",
  "[i + 1 for i in a if i % 2]",
])
  check.test(`${text} is printed as it stands`, () => assert.is(printExpression(parse(text)), text));

check.test("what is printed parses to the same tree", () => {
  fc.assert(
    fc.property(tree, (made) => assert.equal(parse(printExpression(made)), JSON.parse(JSON.stringify(made)))),
  );
});

class None extends Error {}
const whole = (value: number) => {
  if (!Number.isInteger(value) || Math.abs(value) > 2 ** 31) throw new None();
  return value;
};

/** The same on whole numbers, where a floor of the quotient rounds nothing. */
function plainly(tree: any): any {
  const n = (of: any) => Number(plainly(of));
  const floor = (x: number, y: number) => Math.floor(x / y);
  const kinds: Record<string, () => any> = {
    value: () => tree.value,
    name: () => SCOPE[tree.name as keyof typeof SCOPE],
    list: () => tree.items.map(plainly),
    sign: () => (tree.operator === "-" ? -n(tree.operand) : n(tree.operand)),
    not: () => !plainly(tree.operand),
    arithmetic: () => {
      const [x, y] = [n(tree.left), n(tree.right)];
      return whole(
        {
          "+": () => x + y,
          "-": () => x - y,
          "*": () => x * y,
          "/": () => x / y,
          "//": () => floor(x, y),
          "%": () => x - y * floor(x, y),
          "**": () => x ** y,
        }[tree.operator as string]!(),
      );
    },
    comparison: () => {
      let holds = true;
      for (let i = 0; holds && i < tree.operators.length; i++) {
        const [x, y] = [n(tree.operands[i]), tree.operands[i + 1]];
        const operator = tree.operators[i] as keyof typeof ORDER | "in";
        holds = operator === "in" ? plainly(y).map(Number).includes(x) : ORDER[operator](x, n(y));
      }
      return holds;
    },
    logic: () =>
      tree.operator === "and"
        ? plainly(tree.left) && plainly(tree.right)
        : plainly(tree.left) || plainly(tree.right),
    conditional: () => (plainly(tree.test) ? plainly(tree.yes) : plainly(tree.no)),
    call: () => Math[tree.name as "min" | "max"](...tree.operands.map(n)),
    item: () => plainly(tree.of)[0],
  };
  return kinds[tree.kind]();
}
const ORDER = {
  "==": (x: number, y: number) => x === y,
  "!=": (x: number, y: number) => x !== y,
  "<": (x: number, y: number) => x < y,
  "<=": (x: number, y: number) => x <= y,
  ">": (x: number, y: number) => x > y,
  ">=": (x: number, y: number) => x >= y,
};

check.test("values are those of an evaluator of its own", () => {
  let valued = 0;
  fc.assert(
    fc.property(tree, (made) => {
      let wanted: unknown;
      try {
        wanted = plainly(made);
      } catch (error) {
        assert.instance(error, None);
        return;
      }
      valued++;
      assert.equal(Number(evaluate(made, SCOPE)), Number(wanted), printExpression(made));
    }),
    { numRuns: 500 },
  );
  assert.ok(valued > 100, `${valued} of them had a value`);
});

check.run();
