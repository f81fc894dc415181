// The page of a tuning run: what it shows of runs of every kind, and that a browser opens it without a fault.

import { parseHTML } from "linkedom";
import * as assert from "uvu/assert";
import { durationUnit, figures, formatQuantity, scale } from "../../bench/page/scale.ts";
import { tuningPage } from "../../bench/tune/report.ts";
import { byStatus, digest, explained, pareto, refusals, type TuningRun } from "../../bench/tune/run.ts";
import { rankSamples } from "../../engine/statistics/ranking.ts";
import { type Row, STATUSES } from "../../engine/tune/results/row.ts";
import { type Configuration, Space } from "../../engine/tune/space/space.ts";
import { inBrowser } from "../browser/pages.ts";
import { group } from "../harness.ts";
import { SPACE } from "./rows.ts";
import { threads } from "./spaces.ts";

const check = group("tuning report");

const rowOf = (configuration: Configuration, more: Partial<Row> = {}): Row => ({
  configuration,
  status: "ok",
  times: [],
  spent: { compilation: 0.5, verification: 0.25, benchmark: 0.25, framework: 0, search: 0 },
  timestamp: "2026-01-02T03:04:05.678Z",
  ...more,
});

const timed = (configuration: Configuration, objective: number, more: Partial<Row> = {}): Row =>
  rowOf(configuration, { objective, times: [objective], ...more });

const failed = (configuration: Configuration, status: Row["status"], message?: string): Row =>
  rowOf(configuration, { status, message });

/** A time for every configuration: the tile decides, the scale hardly. */
const all = Array.from({ length: SPACE.size }, (_, i) => {
  const configuration = SPACE.at(i);
  const { tile, scale: by } = configuration;
  return timed(configuration, 1e-3 * (64 / Number(tile)) * (by === 0.5 ? 1 : 1.01) * (1 + 1e-4 * i), {
    error: 0.01 * Number(tile) * (i + 1),
    metrics: { "GFLOP/s": 100 / (i + 1) },
  });
});

const SECTIONS = ["progress", "distribution", "effects", "accuracy", "best", "statuses", "refusals"];

const parsed = (run: TuningRun) => parseHTML(tuningPage(run)).document as unknown as Document;
const textOf = (document: Document, selector: string) => document.querySelector(selector)?.textContent ?? "";
const plots = (document: Document, section: string) =>
  document.querySelectorAll(`#${section} svg[aria-label]`).length;

/** Every attribute of every mark is a number where it should be one. */
function assertDrawn(document: Document): void {
  for (const mark of document.querySelectorAll("svg *"))
    for (const { name, value } of mark.attributes)
      if (/NaN|undefined|Infinity/.test(value)) assert.unreachable(`${mark.tagName} ${name}="${value}"`);
}

check.test("every plot is there, and every parameter has one", () => {
  const document = parsed({ rows: all, space: SPACE, kernel: "conv2d/forward" });
  assert.equal(
    [...document.querySelectorAll("section")].map(({ id }) => id),
    SECTIONS,
  );
  assert.is(plots(document, "progress"), 2);
  assert.is(plots(document, "distribution"), 1);
  assert.is(plots(document, "effects"), 4);
  assert.is(plots(document, "accuracy"), 1);
  assert.match(textOf(document, "#effects figcaption"), /^tile 100 %/); // what explains most comes first
  assert.match(textOf(document, ".verdict"), "Best 2.003 ms, of 24 rows");
  assert.match(textOf(document, "h1"), "conv2d/forward");
  assertDrawn(document);
});

check.test("the best so far only falls, and is drawn where it does", () => {
  const seconds = [5, 7, 3, 4, 3, 2];
  const document = parsed({ rows: seconds.map((s, i) => timed(SPACE.at(i), s)), space: SPACE });
  const [byEvaluation, bySeconds] = document.querySelectorAll("#progress svg");
  const titles = (svg: Element) =>
    [...svg.querySelectorAll("circle title")].map((title) => title.textContent).sort();
  assert.equal(titles(byEvaluation), ["evaluation 1: 5 s", "evaluation 3: 3 s", "evaluation 6: 2 s"]);
  assert.equal(titles(bySeconds), titles(byEvaluation));
  assert.match(textOf(document, "#progress small"), "2 s after 6 of 6 evaluations, 30 s of 30 s");
});

check.test("every status is counted, with its messages", () => {
  const rows = STATUSES.flatMap((status, i) =>
    Array.from({ length: i + 1 }, (_, k) =>
      status === "ok" ? timed(SPACE.at(0), 1) : failed(SPACE.at(k), status, `${status}: line ${k} is wrong`),
    ),
  );
  const document = parsed({ rows, space: SPACE });
  const lines = [...document.querySelectorAll("#statuses tbody tr")].map((line) => [
    line.querySelector("th")!.textContent,
    Number(line.querySelector("td")!.textContent),
  ]);
  assert.equal(
    lines,
    STATUSES.map((status, i) => [status, i + 1]),
  );
  assert.match(textOf(document, "#statuses"), "9 such as unrankable: line 0 is wrong"); // those of a kind are one
  assert.equal(
    byStatus([
      failed(SPACE.at(0), "compile", "a 1"),
      failed(SPACE.at(0), "compile", "b 2"),
      failed(SPACE.at(0), "compile", "b 3e-5"),
    ]).find(({ status }) => status === "compile")!.messages,
    [
      { text: "b 2", count: 2 },
      { text: "a 1", count: 1 },
    ],
  );
  const many = Array.from({ length: 30 }, (_, i) => failed(SPACE.at(0), "runtime", "x".repeat(i + 1)));
  assert.match(textOf(parsed({ rows: many }), "#statuses"), "24 with other messages");
});

check.test("everything a run says is escaped", () => {
  const bad = "<q>&\"'";
  const space = new Space([
    { name: bad, values: [bad, "other"], default: bad },
    { name: `${bad}_fixed`, values: [bad] },
  ]);
  const rows = [
    timed(space.at(0), 1, { metrics: { [bad]: 1 }, error: 0.5 }),
    timed(space.at(1), 2),
    failed(space.at(0), "compile", bad),
  ];
  const environment = { [bad]: bad };
  const out = tuningPage({
    rows,
    space,
    kernel: bad,
    device: bad,
    problem: bad,
    objective: bad,
    environment,
    notes: [bad],
  });
  assert.not.match(out, /<q|q>&(?!amp;)|&"/);
  assert.ok(out.split("&lt;q&gt;&amp;&quot;&#39;").length > 14);
});

check.test("a run of nothing, of one row, of failures, of equal times", () => {
  const nothing = parsed({ rows: [] });
  assert.match(textOf(nothing, ".verdict.failed"), "nothing was evaluated");
  assert.is(nothing.querySelectorAll("svg").length, 0);

  const one = parsed({ rows: [timed(SPACE.at(3), 2e-6)], space: SPACE });
  assert.match(textOf(one, ".verdict"), "Best 2 µs, of 1 row");
  assert.is(plots(one, "progress") + plots(one, "distribution"), 3);
  assert.is(one.querySelector("#effects"), null); // nothing varies
  assertDrawn(one);

  const failures = parsed({ rows: all.map((row) => ({ ...failed(row.configuration, "timeout", "late") })) });
  assert.match(textOf(failures, ".verdict.failed"), "none of 24 rows has a time that counts");
  assert.is(failures.querySelectorAll("svg").length, 0);
  assert.match(textOf(failures, "#statuses"), "24 such as late");

  const unread = parsed({ rows: [timed(SPACE.at(0), 1, { status: "unrankable", message: "coarse" })] });
  assert.match(textOf(unread, ".verdict.failed"), "none of 1 row has");

  const equal = parsed({ rows: all.map((row) => ({ ...row, objective: 1, error: 0 })), space: SPACE });
  assert.match(textOf(equal, ".verdict"), "Nothing tells 23 other rows from it");
  assertDrawn(equal);
});

check.test("objectives of any size and sign are drawn", () => {
  for (const objective of [
    (i: number) => -i,
    (i: number) => 10 ** (i - 12),
    () => 0,
    (i: number) => 1e9 + i,
  ]) {
    const rows = all.map((row, i) => ({ ...row, objective: objective(i), error: 10 ** (i - 20) }));
    assertDrawn(parsed({ rows, space: SPACE, objective: "energy" }));
    assertDrawn(parsed({ rows, space: SPACE }));
  }
});

check.test("ten thousand rows make a small page, soon", () => {
  const space = new Space(
    ["a", "b", "c", "d"].map((name) => ({ name, values: Array.from({ length: 10 }, (_, i) => i) })),
  );
  const rows = Array.from({ length: space.size }, (_, i) =>
    i % 7 === 0
      ? failed(space.at(i), "compile", `line ${i}: no matching overload`)
      : timed(space.at(i), 1e-3 * (1 + ((i * 7919) % 10007) / 100), { error: ((i * 104729) % 9973) / 1e4 }),
  );
  const out = tuningPage({ rows, space });
  assert.ok(out.length < 1_000_000, `${out.length} bytes`);
});

check.test("the default is marked, and what the best gains on it is shown", () => {
  const parameters = SPACE.parameters.map((parameter) =>
    parameter.name === "tile" ? { ...parameter, default: 16 } : parameter,
  );
  const run = { rows: all, space: new Space(parameters) };
  const { standard } = digest(run);
  assert.equal(standard!.row.configuration, { tile: 16, scale: 0.5, form: "plain", padded: false });
  const document = parsed(run);
  assert.match(textOf(document, ".verdict"), /1\.998 times less than the default/);
  assert.match(textOf(document, "#distribution svg"), /default 4\.003 ms/);
  assert.match(textOf(document, "#progress svg"), "default");
  assert.is(digest({ rows: all, space: SPACE }).standard, undefined);
});

check.test("those tied with the best are those of the ranking, or those whose samples meet", () => {
  const samples = [1, 1.1, 2].map((s) => [s, s, s, s, 5]);
  const rows = [3, 1, 2].map((s, i) => timed(SPACE.at(i), s, { times: [0.9 * s, s, 1.1 * s] }));
  const ties = (run: TuningRun) => [...digest(run).tied].map(({ evaluation }) => evaluation);
  assert.equal(ties({ rows, space: SPACE }), [2]);
  const close = [3, 1, 1.05].map((s, i) => timed(SPACE.at(i), s, { times: [0.9 * s, s, 1.1 * s] }));
  assert.equal(ties({ rows: close, space: SPACE }), [2, 3]);
  const ranking = rankSamples(
    samples.map((list, i) => list.map((s, round) => s * (1 + 0.3 * ((i + round) % 3)))),
  );
  const ranked = { configurations: rows.slice(0, 3).map(({ configuration }) => configuration), ranking };
  const found = digest({ rows, space: SPACE, ranked });
  assert.equal(
    found.ordered.map(({ place }) => place),
    [...ranking.places],
  );
  assert.is(found.tied.size, ranking.tied.length);
  const document = parsed({ rows, space: SPACE, ranked });
  assert.match(textOf(document, "#best"), "measured again in turns");
  assert.is(document.querySelectorAll("#best tr.tied").length, ranking.tied.length);
});

check.test("Pareto rows are those that nothing beats in time and error", () => {
  const pairs = [
    [1, 0.5],
    [2, 0.5],
    [2, 0.1],
    [3, 0.2],
    [4, 0],
    [5, Number.NaN],
    [0.5, Infinity],
  ];
  const rows = pairs.map(([time, error], i) => timed(SPACE.at(i), time, { error }));
  assert.equal(
    pareto(digest({ rows, space: SPACE }).timed).map(({ objective }) => objective),
    [1, 2, 4],
  );
  const document = parsed({ rows, space: SPACE });
  assert.match(textOf(document, "#accuracy"), "2 rows without an error that is a number are not drawn");
  assertDrawn(document);
});

check.test("what the adapter refuses is counted by limit, what constraints refuse by rule", () => {
  const messages = [
    "gemm: maxComputeInvocationsPerWorkgroup is 256 but 512 is needed",
    "gemm: maxComputeInvocationsPerWorkgroup is 256 but 1024 is needed",
    "gemm: needs shader-f16, which the adapter lacks",
    "x binds 300 bytes where llvmpipe allows 128",
    "a grid of 70000x2x1 workgroups where llvmpipe allows 65535 a dimension",
    "no such tunable",
  ];
  const rows = messages.map((message) => failed({ tx: 1 }, "constraints", message));
  assert.equal(refusals([...rows, failed({ tx: 1 }, "runtime", messages[0])]), [
    { limit: "maxComputeInvocationsPerWorkgroup", allows: 256, count: 2, asked: [512, 1024] },
    { limit: "shader-f16", allows: undefined, count: 1 },
    { limit: "maxStorageBufferBindingSize", allows: 128, count: 1, asked: [300, 300] },
    { limit: "maxComputeWorkgroupsPerDimension", allows: 65535, count: 1, asked: [70000, 70000] },
  ]);
  const searched = new Space(
    [
      { name: "tx", values: [1, 16, 64] },
      { name: "ty", values: [1, 4] },
    ],
    [threads],
  );
  const document = parsed({ rows, searched });
  assert.match(textOf(document, "#refusals h2"), "5 of 6 rows by the adapter");
  assert.match(textOf(document, "#refusals code"), "tx * ty <= 64");
  assert.match(textOf(document, "#refusals"), "constraints left 5 of 6 configurations");
});

check.test("a parameter explains what its values' means do", () => {
  const { timed: found } = digest({ rows: all, space: SPACE });
  assert.ok(explained(found, "tile")! > 0.99);
  assert.ok(explained(found, "scale")! < 0.01);
  const single = [0, 1, 1, 0, 0, 1, 1, 0].map((y, x) => timed({ x, y }, 1.5 ** x));
  assert.is(explained(digest({ rows: single }).timed, "x"), undefined); // nothing is left to chance
  assert.is(explained(digest({ rows: single }).timed, "y"), 0);
});

check.test("scales hold all values, with ticks that are round and few", () => {
  for (const values of [[1e-6, 3e-6], [1, 1.01], [5], [0, 7], [-3, 400], [1e-9, 1e9], [0.9, 11], []]) {
    const { at, ticks } = scale("x", values, { name: "", size: 1 });
    for (const value of values)
      assert.ok(at(value) >= 0 && at(value) <= 1, `${values}: ${value} at ${at(value)}`);
    assert.ok(ticks.length >= 1 && ticks.length <= 12, `${values}: ${ticks.map(({ text }) => text)}`);
    assert.ok(ticks.every((tick) => tick.at >= 0 && tick.at <= 1));
    assert.is(
      new Set(ticks.map(({ text }) => text)).size,
      ticks.length,
      `${values}: ${ticks.map(({ text }) => text)}`,
    );
  }
  assert.is(formatQuantity(0.00123456, durationUnit(0.00123456)), "1,235 \u00b5s");
  assert.equal([3e-4, 0.01, 12345.6, 2e7].map(figures), ["3e-4", "0.01", "12,350", "2e+7"]);
});

check.test("a browser opens the page without a fault or a request", () =>
  inBrowser(async (tab, open) => {
    await open(tuningPage({ rows: all, space: SPACE, environment: { adapter: "llvmpipe" } }));
    for (const section of SECTIONS) assert.is(await tab.locator(`#${section}`).count(), 1, section);
    assert.equal(await tab.locator("dd").first().innerText(), "llvmpipe");
    // no label of an axis runs into another, and none is cut off by the side of the page
    for (const svg of await tab.locator("svg").all()) {
      const ticks = await svg.locator('[aria-label="x-axis tick label"] text').all();
      const boxes = await Promise.all(ticks.map((tick) => tick.boundingBox()));
      for (const [i, box] of boxes.entries()) {
        assert.ok(box!.x >= 0);
        if (i > 0) assert.ok(boxes[i - 1]!.x + boxes[i - 1]!.width <= box!.x, `labels ${i - 1} and ${i}`);
      }
    }
  }),
);
check.run();
