// What is written of a result: tables, Markdown, CSV, the trace, what others published.

import * as assert from "uvu/assert";
import {
  baselineDifferences,
  baselines,
  baselinesOf,
  published,
  readBaselines,
} from "../../bench/bench/outputs/baselines.ts";
import { csv } from "../../bench/bench/outputs/csv.ts";
import { markdown } from "../../bench/bench/outputs/markdown.ts";
import { blocks, costliest, layers, named } from "../../bench/bench/outputs/summary.ts";
import { tables } from "../../bench/bench/outputs/tables.ts";
import { perfettoTrace, type TraceEvent } from "../../bench/bench/outputs/trace.ts";
import { summarySentence } from "../../bench/bench/outputs/verdict.ts";
import { sum } from "../../bench/measure/grouped.ts";
import { shareOf } from "../../bench/measure/roofline.ts";
import { group } from "../harness.ts";
import { host, kernelRow, networkRow, resultOf, roofs, three } from "./results.ts";

const check = group("bench outputs");

const said = (result: Parameters<typeof summarySentence>[0]) => {
  const { lead, rest } = summarySentence(result);
  return lead + rest;
};

const broken = networkRow("inception-v4", 1, {
  validity: { valid: false, why: "loss is 3.1 but 6.9 is expected" },
});

check.test("parts of a step add up to it, and the costliest are found", () => {
  const row = networkRow("inception-v4", 1);
  const total = sum(row.launches.map(({ seconds }) => seconds));
  assert.equal(
    blocks(row).map(({ name }) => name),
    ["stem", "inception_a_1", "inception_a_2", "update"],
  );
  assert.ok(Math.abs(sum(blocks(row).map(({ seconds }) => seconds)) - total) < 1e-9);
  assert.is(costliest(blocks(row))[0].name, "inception_a_1");
  assert.is(costliest(layers(row))[0].name, "inception_a_1/branch_1/1");
  for (const { by, seconds } of layers(row)) {
    assert.ok(Math.abs(by.forward + by.backward - seconds) < 1e-12);
    assert.is(by.update, 0);
  }
  // 1e10 FLOP/s at 10 FLOP/byte under 76e9 and 9e9 * 10
  assert.ok(Math.abs(shareOf(row.launches.slice(0, 1), roofs) - 1e10 / 76e9) < 1e-9);
});

check.test("a row is named by what tells it from the others", () => {
  const one = networkRow("inception-v4", 1);
  const rows = [one, { ...one, batch: 4 }, { ...one, variant: "slim", mode: "infer" as const }];
  assert.equal(rows.slice(0, 1).map(named(rows.slice(0, 1))), ["inception-v4"]);
  assert.equal(rows.map(named(rows)), [
    "inception-v4 train batch 1",
    "inception-v4 train batch 4",
    "inception-v4 slim infer batch 1",
  ]);
  assert.equal(rows.slice(0, 2).map(named(rows.slice(0, 2))), [
    "inception-v4 batch 1",
    "inception-v4 batch 4",
  ]);
});

check.test("the verdict names the fastest and why, and never a time that is not valid", () => {
  assert.match(said(three), /^inception-resnet-v1 trains fastest: .* a step of one image/);
  assert.match(said(three), "inception-v4 takes 2 times as long: 2 times the FLOPs at 1 times the speed");
  const near = resultOf([networkRow("inception-v4", 1), networkRow("inception-resnet-v2", 1.001)]);
  assert.match(said(near), "Nothing tells inception-resnet-v2 from it");
  assert.match(said(resultOf([networkRow("inception-v4", 1)])), "the costliest block is inception_a_1");
  assert.match(said(resultOf([broken])), /^Not valid: inception-v4 \(loss is 3.1 but 6.9 is expected\)/);
  assert.match(said(resultOf([...three.networks, broken])), /^Not valid: .* say nothing\. .* trains fastest/);
  const fast = { ...networkRow("inception-resnet-v1", 0.1), validity: broken.validity };
  assert.match(said(resultOf([...three.networks, fast])), "inception-resnet-v1 trains fastest: 70.36 ms");
  assert.match(said({ ...three, interrupted: true }), "It was interrupted");
  assert.match(said(resultOf([])), "Nothing was measured");
  const kernels = [kernelRow("plain", 2e-3), kernelRow("tiled", 1e-3), kernelRow("subgroup")];
  assert.match(
    said(resultOf([], { kernels })),
    /^2 of 3 kernels were timed, 1 refused\. .*tiled is fastest, 1,000 µs, 2 times as fast as plain/,
  );
});

check.test("every table has a cell for every column", () => {
  const kernels = [kernelRow("plain", 1e-3), kernelRow("tiled")];
  for (const result of [three, resultOf([broken]), resultOf([], { kernels })])
    for (const { title, columns, rows } of tables(result))
      for (const row of rows) {
        assert.is(row.length, columns.length, title);
        for (const cell of row) assert.not.match(cell, /NaN|undefined|Infinity|object Object/);
      }
});

check.test("Markdown tables hold, whatever is said in them", () => {
  const text = markdown(resultOf([networkRow("a|b *c*\nd", 1)]));
  const lines = text.split("\n").filter((line) => line.startsWith("|"));
  assert.ok(lines.length > 20);
  assert.match(text, "a\\|b \\*c\\* d");
  let width = 0;
  for (const [i, line] of lines.entries()) {
    const cells = line.replaceAll("\\|", "").split("|").length;
    if (/^[|: -]+$/.test(lines[i + 1] ?? "") && lines[i + 1].includes("---")) width = cells;
    assert.is(cells, width, line);
  }
  assert.match(markdown(resultOf([broken])), /\| NOT VALID \|/);
  assert.match(markdown(resultOf([broken])), "- inception-v4: NOT VALID: loss is 3.1 but 6.9 is expected\n");
  const unsure = { ...kernelRow("plain", 1e-3), doubt: "too short" };
  const alone = markdown(resultOf([], { kernels: [unsure, kernelRow("tiled"), kernelRow("wide")] }));
  assert.match(alone, /~ plain: too short; tiled, wide: needs subgroups\n/);
  assert.match(alone, "| ~ 1 |");
});

check.test("CSV begins with timm's columns and quotes what needs it", () => {
  const train = csv(three).split("\n");
  assert.match(
    train[0],
    /^model,train_samples_per_sec,train_step_time,train_batch_size,train_img_size,param_count,network,/,
  );
  assert.match(train[1], /^inception_v4,[\d.]+,[\d.]+,1,299,42\.68,inception-v4,paper,train,float32,0,true,/);
  const infer = networkRow("inception-resnet-v2", 1, { mode: "infer", variant: "slim", timmMacs: 13.18e9 });
  const lines = csv(resultOf([infer])).split("\n");
  assert.match(
    lines[0],
    /^model,infer_samples_per_sec,infer_step_time,infer_batch_size,infer_img_size,infer_gmacs,infer_macts,param_count,/,
  );
  assert.match(lines[1], /^inception_resnet_v2,[\d.]+,[\d.]+,1,299,13\.18,15\.09,/);
  const both = csv(resultOf([networkRow("inception-v4", 1), infer])).split("\n");
  assert.match(both[1], /^inception_v4,,,,,,,[\d.]+,/); // what is of inference says nothing of training
  assert.match(both[2], /^inception_resnet_v2,[\d.]+,.*,13\.18,15\.09,,,,,42\.68,/);
  const narrow = networkRow("inception-v4", 1, { variant: "paper x0.125" }); // no network of timm's
  assert.match(csv(resultOf([narrow])), "\ninception_v4.paper_x0.125,");
  assert.match(train[1], '"llvmpipe (LLVM 15, 256 bits)"');
  const quoted = networkRow("inception-v4", 1, { validity: { valid: false, why: 'a "b"\nc' } });
  assert.match(csv(resultOf([quoted])), 'false,"a ""b""\nc",');
  const kernels = csv(resultOf([], { kernels: [kernelRow("plain", 1e-3), kernelRow("tiled")] })).split("\n");
  assert.is(kernels.length, 4);
  assert.match(kernels[2], "needs subgroups");
  assert.is(new Set(both.slice(0, 1)[0].split(",")).size, both[0].split(",").length); // no column twice
});

/** Throws where an event is not what the Trace Event Format says of its phase. */
function assertEvent(event: TraceEvent): void {
  const what = JSON.stringify(event);
  for (const name of ["pid", "tid", "ts"] as const)
    assert.ok(Number.isFinite(event[name]) && event[name] >= 0, `${name}: ${what}`);
  assert.type(event.name, "string");
  assert.type(event.args, "object");
  if (event.ph === "X") assert.ok(Number.isFinite(event.dur) && event.dur! >= 0, what);
  else if (event.ph === "C")
    for (const value of Object.values(event.args))
      assert.ok(Number.isFinite(value) && Number(value) >= 0, what);
  else if (event.ph === "M") {
    const named = { process_name: "name", thread_name: "name" }[event.name] ?? "sort_index";
    assert.ok(/^(process|thread)_(name|sort_index)$/.test(event.name), what);
    assert.type(event.args[named], named === "name" ? "string" : "number", what);
  } else assert.unreachable(what);
}

check.test("the trace is what its format says, slices in order and none across another", () => {
  const { traceEvents, displayTimeUnit, otherData } = JSON.parse(perfettoTrace(three));
  assert.is(displayTimeUnit, "ms");
  assert.match(otherData.adapter, "llvmpipe");
  let last = 0;
  const ends = new Map<string, number[]>();
  for (const event of traceEvents as TraceEvent[]) {
    assertEvent(event);
    assert.ok(event.ts >= last, "sorted");
    last = event.ts;
    if (event.ph !== "X") continue;
    const track = `${event.pid} ${event.tid}`;
    const open = (ends.get(track) ?? []).filter((end) => end > event.ts + 1e-6);
    for (const end of open) assert.ok(event.ts + event.dur! <= end + 1e-6, "nested");
    ends.set(track, [...open, event.ts + event.dur!]);
  }
  const of = (ph: string) => (traceEvents as TraceEvent[]).filter((event) => event.ph === ph);
  assert.is(of("X").length, sum(three.networks.map(({ launches }) => launches.length + 1)));
  assert.ok(of("C").length > 3 * 10);
  const tracks = of("M").filter(({ name }) => name === "thread_name");
  assert.equal(
    tracks.filter(({ pid }) => pid === 1).map(({ args }) => args.name),
    ["step", "forward", "backward", "update"],
  );
  assert.match(perfettoTrace(resultOf([broken])), "NOT VALID");
});

check.test("published rows are whole, and those of the research notes are there", () => {
  assert.is(published.length, 66 + 61);
  const find = (text: string, model: string, mode: string) =>
    published.find((row) => row.source.includes(text) && row.model === model && row.mode === mode)!;
  assert.equal(
    [find("train-amp-nhwc", "inception_v4", "train")].map(({ rate, step, batch, hardware, precision }) => [
      ...[rate, step, batch, hardware, precision],
    ]),
    [[405.43, 471.399, 192, "NVIDIA GeForce RTX 3090", "AMP float16"]],
  );
  const v100 = published.find(
    ({ hardware, model, precision }) =>
      hardware === "NVIDIA V100 32GB" && model === "inception_v4" && precision === "float32",
  )!;
  assert.equal([v100.rate, v100.batch], [122, 48]);
  for (const { rate, step, batch, source } of published)
    if (step !== undefined) {
      const implied = (1000 * batch!) / rate;
      assert.ok(Math.abs(step / implied - 1) < 0.02, `${source}: ${step} ms but ${implied} by its rate`);
    }
});

check.test("baselines say in words what differs, and compare nothing that is not valid", () => {
  const row = networkRow("inception-v4", 1);
  const theirs = baselinesOf(row);
  assert.ok(theirs.every(({ model, mode }) => model === "inception_v4" && mode === "train"));
  const amp = theirs.find(({ source }) => source.includes("train-amp-nhwc"))!;
  assert.equal(baselineDifferences(row, host, amp), [
    "AMP float16 instead of float32",
    "batch 192 instead of 1",
    "a GPU instead of a CPU",
  ]);
  const same = { ...row, batch: 192, image: 224 };
  const card = { ...host, kind: "hardware", adapter: "NVIDIA GeForce RTX 3090" };
  assert.equal(baselineDifferences(same, card, { ...amp, precision: "float32" }), [
    "299x299 instead of 224x224",
  ]);
  assert.equal(
    baselineDifferences(same, card, { ...amp, batch: undefined, hardware: "NVIDIA V100" }).slice(1),
    ["an unknown batch instead of 192", "299x299 instead of 224x224", "another GPU"],
  );
  const v1 = networkRow("inception-resnet-v1", 1);
  assert.match(baselineDifferences(v1, host, baselinesOf(v1)[0])[0], "Inception-v3, another network");
  const v2 = networkRow("inception-resnet-v2", 1);
  assert.match(baselineDifferences(v2, host, baselinesOf(v2)[0])[0], "another variant");
  assert.not.match(
    baselineDifferences({ ...v2, variant: "slim" }, host, baselinesOf(v2)[0])[0],
    "another variant",
  );
  assert.match(baselines(resultOf([broken])), "not valid, so not compared");
  assert.match(baselines(resultOf([])), "Nothing was published");
});

check.test("a baselines file that is none is refused by its line", () => {
  const [header, first] = [
    "source,model,mode,img_size,batch_size,precision,layout,framework,hardware,samples_per_sec,step_time",
    "s,m,train,299,,float32,,f,h,10,",
  ];
  assert.is(readBaselines(`${header}\n${first}\n`, "x.csv").length, 1);
  assert.throws(() => readBaselines("a,b\n", "x.csv"), /x\.csv: its columns are a,b but/);
  assert.throws(() => readBaselines(`${header}\n${first}\ns,m\n`, "x.csv"), /x\.csv: line 3: 2 cells but 11/);
  assert.throws(
    () => readBaselines(`${header}\n${first.replace(",10,", ",fast,")}\n`, "x.csv"),
    /line 2: samples_per_sec is fast/,
  );
  assert.throws(() => readBaselines(`${header}\n${first.replace("train", "both")}`, "x.csv"), /mode is both/);
});
check.run();
