// Formats of other systems: what is read of them, what they read of ours, and that nothing is lost between.
import fc from "fast-check";
import * as assert from "uvu/assert";
import { FormatError } from "../../engine/errors.ts";
import { readKernelTuner, writeKernelTuner } from "../../engine/tune/formats/kernel_tuner.ts";
import { readSpace, readT1, type T1Problem, writeT1 } from "../../engine/tune/formats/t1.ts";
import { kernelOf } from "../../engine/tune/formats/t1_kernel.ts";
import { INVALIDITY, readT4, writeT4 } from "../../engine/tune/formats/t4.ts";
import type { Recording } from "../../engine/tune/results/recording.ts";
import type { Row } from "../../engine/tune/results/row.ts";
import { constraint, formula } from "../../engine/tune/space/expression.ts";
import { Space } from "../../engine/tune/space/space.ts";
import { group } from "../harness.ts";
import { SPACE, someRows } from "./rows.ts";

const check = group("tune formats");

/** Equal, save that numbers may differ by the rounding of another unit. */
function close(got: any, wanted: any, place = ""): void {
  if (typeof wanted === "number" && Number.isFinite(wanted))
    assert.ok(Math.abs(got - wanted) <= 4e-16 * Math.abs(wanted), `${place}: ${got}, not ${wanted}`);
  else if (typeof wanted === "object" && wanted !== null) {
    assert.equal(Object.keys(got).sort(), Object.keys(wanted).sort(), place);
    for (const key of Object.keys(wanted)) close(got[key], wanted[key], `${place}.${key}`);
  } else assert.equal(got, wanted, place);
}

/** Says where a reader refuses a text. */
function refused(read: () => unknown, says: RegExp): void {
  assert.throws(read, (error: unknown) => error instanceof FormatError && says.test(error.message));
}

const about: Omit<Recording, "rows"> = {
  kernel: "conv2d/forward",
  device: "lavapipe",
  problem: [1, 8, 8, 3],
};
const FORMATS = [
  ["T4", readT4, writeT4],
  ["Kernel Tuner", readKernelTuner, writeKernelTuner],
] as const;

for (const [name, read, write] of FORMATS) {
  check.test(`${name}: our rows come back, each with its own status`, () => {
    fc.assert(
      fc.property(someRows, (rows) => {
        const back = read(write({ ...about, rows, space: SPACE }));
        close(back.rows, rows);
        close([back.kernel, back.device, back.problem], [about.kernel, about.device, about.problem]);
        assert.equal(
          write(back),
          write({ ...back, rows: [...back.rows] }),
          "rows are known again one by one",
        );
      }),
    );
  });

  check.test(`${name}: what is read is written back, rows that were dropped or added apart`, () => {
    fc.assert(
      fc.property(someRows, (rows) => {
        const text = write({ ...about, rows });
        const file = read(text);
        assert.is(write(file), text);
        const fewer = read(write({ ...file, rows: file.rows.slice(1).concat({ ...file.rows[0] }) }));
        close(
          [...fewer.rows].map(({ configuration }) => configuration),
          [...rows.slice(1), rows[0]].map(({ configuration }) => configuration),
        );
      }),
    );
  });
}

/** As published: no version, `compilation`, units misspelt and missing, and keys of somebody else's. */
const PUBLISHED = {
  metadata: { timeunit: "miliseconds", author: "somebody" },
  results: [
    {
      timestamp: "2023-12-22 09:54:05.502007+00:00",
      configuration: { tile: 16, shared: 0 },
      times: {
        compilation: 918.5,
        framework: 105.25,
        search_algorithm: 0.5,
        validation: 2,
        runtimes: [3.5, 4.5, 4],
      },
      invalidity: "correct",
      correctness: 1,
      measurements: [
        { name: "time", value: 4, unit: "" },
        { name: "power", value: 125, unit: "W", probe: "nvml" },
      ],
      objectives: ["time"],
      own: { nested: [null, { more: true }] },
    },
    {
      configuration: { tile: 8, shared: 1 },
      times: { compilation_time: 1000, framework: 0, search_algorithm: 0, validation: 0 },
      invalidity: "runtime",
      correctness: 0,
      measurements: [{ name: "time", value: "RuntimeFailedConfig", unit: "" }],
      objectives: ["time"],
    },
  ],
  tail: 1,
};

check.test("T4: a published file is read in seconds and loses nothing", () => {
  const file = readT4(JSON.stringify(PUBLISHED), "a.json");
  close(file.rows, [
    {
      configuration: { tile: 16, shared: 0 },
      status: "ok",
      objective: 0.004,
      times: [0.0035, 0.0045, 0.004],
      metrics: { power: 125 },
      spent: {
        compilation: 0.9185,
        verification: 0.002,
        benchmark: 0.012,
        framework: 0.10525,
        search: 0.0005,
      },
      timestamp: "2023-12-22T09:54:05.502007+00:00",
    },
    {
      configuration: { tile: 8, shared: 1 },
      status: "runtime",
      message: "RuntimeFailedConfig",
      times: [],
      spent: { compilation: 1, verification: 0, benchmark: 0, framework: 0, search: 0 },
      timestamp: "",
    },
  ] satisfies Row[]);
  assert.is(file.space!.size, 2);
  assert.is(JSON.stringify(JSON.parse(writeT4(file))), JSON.stringify(PUBLISHED));
});

check.test("T4: ours says version, units, and one of six invalidities", () => {
  fc.assert(
    fc.property(someRows, (rows) => {
      const { schema_version, metadata, results } = JSON.parse(writeT4({ rows }));
      assert.equal([schema_version, metadata.timeunit], ["1.0.0", "milliseconds"]);
      for (const [i, result] of results.entries()) {
        assert.is(result.invalidity, INVALIDITY[rows[i].status]);
        assert.is(result.correctness, ["ok", "unrankable"].includes(rows[i].status) ? 1 : 0);
        assert.is(typeof result.times.compilation_time, "number");
        const time = result.measurements.find(({ name }: { name: string }) => name === "time");
        if (time) assert.equal([time.unit, time.value], ["ms", rows[i].objective! * 1e3]);
        assert.is(Boolean(time), rows[i].objective !== undefined);
      }
    }),
  );
});

for (const [status, t4, cache] of [
  ["validation", "compile", "CompilationFailedConfig"],
  ["device_lost", "runtime", "RuntimeFailedConfig"],
  ["constraints", "constraints", "InvalidConfig"],
  ["correctness", "correctness", "RuntimeFailedConfig"],
  ["timeout", "timeout", "RuntimeFailedConfig"],
] as const)
  check.test(`${status} is ${t4} to T4 and ${cache} to Kernel Tuner`, () => {
    const { objective: _, ...row } = readT4(JSON.stringify(PUBLISHED)).rows[0];
    const rows = [{ ...row, status }];
    assert.is(JSON.parse(writeT4({ rows })).results[0].invalidity, t4);
    assert.is(JSON.parse(writeKernelTuner({ rows })).cache["16,0"].time, cache);
  });

check.test("T4: a row that the schema does not allow is not written", () => {
  const [row] = readT4(JSON.stringify(PUBLISHED)).rows;
  const untimed = { ...row, timestamp: undefined as unknown as string };
  refused(
    () => writeT4({ rows: [untimed] }),
    /T4\.results\[0\]\.timestamp: expected string but found nothing/,
  );
});

check.test("T4: an extension that contradicts the file is not believed", () => {
  const [result] = PUBLISHED.results;
  const text = JSON.stringify({ results: [{ ...result, webgpu: { status: "timeout", wgsl_sha256: "ff" } }] });
  assert.equal([readT4(text).rows[0].status, readT4(text).rows[0].wgsl], ["ok", undefined]);
});

const changed = (change: object) => JSON.stringify({ results: [{ ...PUBLISHED.results[0], ...change }] });
for (const [what, text, says] of [
  ["no JSON", "{", /a\.json: not JSON/],
  ["no results", "{}", /a\.json: expected results in it but found \{\}/],
  [
    "an unknown invalidity",
    changed({ invalidity: "odd" }),
    /results\[0\]\.invalidity: expected one of .* but found "odd"/,
  ],
  [
    "a time that is none",
    changed({ times: { framework: "1" } }),
    /times\.framework: expected number but found "1"/,
  ],
  [
    "a configuration of lists",
    changed({ configuration: { a: [] } }),
    /configuration\.a: expected a value but found \[\]/,
  ],
  [
    "a unit that is none",
    '{"results": [], "metadata": {"timeunit": "m"}}',
    /timeunit: expected a unit of time but found "m"/,
  ],
] as const)
  check.test(`T4: ${what} is refused`, () => refused(() => readT4(text, "a.json"), says));

const CACHE = `{
"device_name": "A", "kernel_name": "k", "problem_size": [64, 64], "own": {"cache": [1]},
"tune_params_keys": ["tile", "padded"],
"tune_params": {"tile": [8, 16], "padded": [true, false]},
"objective": "time",
"cache": {
"8,True": {"tile": 8, "padded": true, "time": 4.0, "times": [3.5, 4.5], "compile_time": 100, "verification_time": 1, "benchmark_time": 9, "GFLOP/s": 50, "strategy_time": 2, "framework_time": 3, "timestamp": "2023-12-22 09:54:05+00:00", "own": "}\\"{"},
"8,False": {"tile": 8, "padded": false, "time": "InvalidConfig", "compile_time": 0, "verification_time": 0, "benchmark_time": 0, "strategy_time": 0, "framework_time": 0, "timestamp": "2023-12-22 09:54:05+00:00"},
"16,True": {"tile": 16, "padded": true, "time": "CompilationFailedConfig", "compile_time": 7, "verification_time": 0, "benchmark_time": 0, "strategy_time": 0, "framework_time": 0, "timestamp": "2023-12-22 09:54:05+00:00"},
"16,False": {"tile": 16, "padded": false, "__error__": "RuntimeFailedConfig", "compile_time": 7, "verification_time": 0, "benchmark_time": 0, "strategy_time": 0, "framework_time": 0, "timestamp": "2023-12-22 09:54:05+00:00"}}
}
`;

check.test("Kernel Tuner: a cache is read in seconds and loses nothing", () => {
  const file = readKernelTuner(CACHE);
  assert.equal(
    file.rows.map(({ status }) => status),
    ["ok", "constraints", "compile", "runtime"],
  );
  close(file.rows[0], {
    configuration: { tile: 8, padded: true },
    status: "ok",
    objective: 0.004,
    times: [0.0035, 0.0045],
    metrics: { "GFLOP/s": 50 },
    spent: { compilation: 0.1, verification: 0.001, benchmark: 0.009, framework: 0.003, search: 0.002 },
    timestamp: "2023-12-22T09:54:05+00:00",
  } satisfies Row);
  assert.equal([file.kernel, file.device, file.problem, file.space!.size], ["k", "A", [64, 64], 4]);
  assert.equal(JSON.parse(writeKernelTuner(file)), JSON.parse(CACHE));
});

check.test("Kernel Tuner: cut at any byte it holds the entries that were whole", () => {
  const { rows } = readKernelTuner(CACHE);
  const begin = CACHE.indexOf('"cache": {') + '"cache": {'.length;
  const ends = CACHE.split("\n").flatMap((line) =>
    /^"\d+,/.test(line) ? [CACHE.indexOf(line) + line.lastIndexOf("}}") + 1] : [],
  );
  const closes = rows.map((_, i) => {
    const next = CACHE.indexOf("},\n", i === 0 ? begin : ends[i - 1]);
    ends[i] = next < 0 ? CACHE.lastIndexOf("}}") + 1 : next + 1;
    return ends[i];
  });
  for (let cut = begin; cut <= CACHE.length; cut++) {
    const file = readKernelTuner(CACHE.slice(0, cut));
    assert.equal(file.rows, rows.slice(0, closes.filter((end) => end <= cut).length), `cut at ${cut}`);
  }
  refused(() => readKernelTuner(CACHE.slice(0, begin - 1), "c"), /c: not JSON/);
});

check.test("Kernel Tuner: one configuration twice is refused", () => {
  const { rows } = readKernelTuner(CACHE);
  refused(() => writeKernelTuner({ rows: [rows[0], rows[0]] }), /configuration 8,True is there twice/);
});

const problem = (space: Space): T1Problem => ({
  name: "product",
  language: "WGSL",
  kernel: "main",
  file: "product.wgsl",
  space,
  problemSize: [64, 64],
  localSize: ["tile", "4", "1"].map(formula),
  globalSize: ["ProblemSize[0] // tile", "16", "1"].map(formula),
  arguments: [{ Name: "x", Type: "float", MemoryType: "Vector", Size: 4096, AccessType: "ReadOnly" }],
  budget: [{ type: "ConfigurationCount", value: 20 }],
  search: { name: "annealing", settings: { start: 0.5, moves: "adjacent" } },
  notes: [],
});
const plainly = ({ space, localSize, globalSize, flops, bytes, document: _, ...rest }: T1Problem) => ({
  ...rest,
  figures: [flops?.text, bytes?.text],
  parameters: space.parameters,
  constraints: space.constraints.map(({ text, names }) => ({ text, names })),
  sizes: [...localSize, ...globalSize].map(({ text }) => text),
});

check.test("T1: a problem of ours comes back, and what is around it is kept", () => {
  const parameters = [{ ...SPACE.parameters[0], default: 16 }, ...SPACE.parameters.slice(1)];
  const ours = problem(new Space(parameters, [constraint("padded or tile * scale < 20")]));
  const back = readT1(writeT1(ours));
  assert.equal(plainly(back), plainly(ours));
  assert.is(back.space.size, ours.space.size);
  assert.is(back.localSize[0].value({ tile: 8 }), 8);
  const document: any = JSON.parse(writeT1(ours));
  document.BenchmarkConfig = { iterations: 10 };
  document.KernelSpecification.GridDivX = ["tile"];
  assert.equal(JSON.parse(writeT1(readT1(JSON.stringify(document)))), document);
});

check.test("T1: values as lists, ranges and comprehensions; a default that is no value is left out", () => {
  const text = (Values: unknown, more: object = {}) =>
    JSON.stringify({
      ConfigurationSpace: { TuningParameters: [{ Name: "a", Type: "int", Values, ...more }] },
      KernelSpecification: {
        Language: "CUDA",
        KernelName: "k",
        KernelFile: "k.cu",
        LocalSize: { X: "a" },
        GlobalSize: { X: "1" },
      },
    });
  const values = (of: unknown) => readT1(text(of)).space.parameters[0].values;
  assert.equal(values("[16, 32, 64]"), [16, 32, 64]);
  assert.equal(values("[1, 2] + list(range(32, 96+1, 32))"), [1, 2, 32, 64, 96]);
  assert.equal(values("[2**i for i in range(0, 4)]"), [1, 2, 4, 8]);
  assert.equal(values([1, 2]), [1, 2]);
  assert.is(readT1(text("[1, 2]", { Default: [2] })).space.parameters[0].default, 2);
  const { notes, space } = readT1(text("[1, 2]", { Default: 3 }), "p");
  assert.is(space.parameters[0].default, undefined);
  assert.match(notes[0], /p\.ConfigurationSpace\.TuningParameters\[0\]\.Default: 3 is not among the values/);
  refused(() => values("[1, 2"), /TuningParameters\[0\]\.Values: expression \[1, 2: column 6: expected \]/);
  refused(() => values("__import__('os')"), /Values: expression .*: no function __import__/);
  refused(() => values("7"), /Values: expected a list but found 7/);
  refused(() => values("[0.5]"), /Values: 0.5 is not of type int/);
});

check.test("T1: of an operation the space alone", () => {
  const text = JSON.stringify({
    General: { BenchmarkName: "tiles" },
    ConfigurationSpace: {
      TuningParameters: [{ Name: "ROWS", Type: "uint", Values: "[1, 2, 4]" }],
      Conditions: [{ Expression: "ROWS > 1" }],
    },
    Search: { Name: "random_sample", Attributes: [] },
    Budget: [{ Type: "ConfigurationCount", BudgetValue: 2 }],
  });
  const { name, space, budget, search } = readSpace(text);
  assert.equal([name, space.size, search?.name], ["tiles", 2, "random_sample"]);
  assert.equal(budget, [{ type: "ConfigurationCount", value: 2 }]);
  refused(() => readT1(text, "tiles.json"), /tiles\.json: expected KernelSpecification/);
  refused(() => readSpace("{}", "empty.json"), /empty\.json: expected ConfigurationSpace/);
});

check.test(
  "T1: Flops and Bytes of a launch are ours: expressions in WGSL's problems, others' are left alone",
  () => {
    const ours = { ...problem(SPACE), flops: formula("2 * tile * 64") };
    const back = readT1(writeT1(ours));
    assert.equal(plainly(back), plainly(ours));
    const document: any = JSON.parse(writeT1(ours));
    const of = (Flops: unknown, Language = "WGSL") => {
      const KernelSpecification = { ...document.KernelSpecification, Flops, Language, Arguments: [] };
      return readT1(JSON.stringify({ ...document, KernelSpecification }), "p");
    };
    assert.is(of(4096).flops!.value({}), 4096);
    assert.equal(kernelOf(of("tile * 2"), "").flops, "tile * 2");
    assert.is(kernelOf(of(undefined), "").bytes, undefined);
    for (const [wrong, says] of [
      ["2 * size", /p\.KernelSpecification\.Flops: .*size/],
      ["8 - tile * 2", /p\.KernelSpecification\.Flops: expected a number from 0 on but 8 - tile \* 2 is -8/],
      ["2 *", /p\.KernelSpecification\.Flops: expression 2 \*/],
      [[1], /p\.KernelSpecification\.Flops: /],
    ] as const)
      refused(() => of(wrong), says);
    const theirs = of([1, 2], "CUDA");
    assert.is(theirs.flops, undefined);
    assert.equal(JSON.parse(writeT1(theirs)).KernelSpecification.Flops, [1, 2]);
  },
);

check.test("T1: a constraint that is a function cannot be written", () => {
  const space = new Space(SPACE.parameters, [
    { names: ["tile"], text: "fits the adapter", holds: () => true },
  ]);
  refused(() => writeT1(problem(space)), /product: constraint: expression fits the adapter: column 6/);
});

check.run();
