// The page of a result: every section and chart, and that a browser opens it without a fault.

import { parseHTML } from "linkedom";
import * as assert from "uvu/assert";
import { benchPage } from "../../bench/bench/outputs/html.ts";
import type { Result } from "../../bench/measure/result.ts";
import { inBrowser } from "../browser/pages.ts";
import { group } from "../harness.ts";
import { kernelRow, networkRow, resultOf, three } from "./results.ts";

const check = group("bench page");

const parsed = (result: Result) => parseHTML(benchPage(result)).document as unknown as Document;
const sections = (document: Document) => [...document.querySelectorAll("section")].map(({ id }) => id);
const text = (document: Document, selector: string) => document.querySelector(selector)?.textContent ?? "";

const SIDE_BY_SIDE = [
  "networks",
  ...three.networks.map(({ network }) => `layers-of-${network}`),
  ...three.networks.map(({ network }) => `roofline-of-${network}`),
  ...three.networks.map(({ network }) => `memory-of-${network}`),
  "spread-of-the-samples",
  "published-elsewhere",
  "where-it-was-measured",
];
const kernels = [kernelRow("plain", 2e-3), kernelRow("tiled", 1e-3), kernelRow("subgroup")];

/** Every attribute of every mark is a number where it should be one. */
function assertDrawn(document: Document): void {
  for (const mark of document.querySelectorAll("svg *"))
    for (const { name, value } of mark.attributes)
      if (/NaN|undefined|Infinity/.test(value)) assert.unreachable(`${mark.tagName} ${name}="${value}"`);
}

check.test("every part of a result has its section, reached from the top", () => {
  const document = parsed(three);
  assert.equal(sections(document), SIDE_BY_SIDE);
  assert.equal(
    [...document.querySelectorAll("nav a")].map((link) => link.getAttribute("href")),
    SIDE_BY_SIDE.map((id) => `#${id}`),
  );
  assertDrawn(document);
  assert.match(
    text(document, "#layers-of-inception-v4 small"),
    /costliest block inception_a_1, .*branch_1\/1/,
  );
  const bold = document.querySelector("#layers-of-inception-v4 svg [font-weight=bold] text")!;
  assert.match(bold.textContent, /^75 ms, 55\.5 %$/);
  const [forward] = document.querySelectorAll("#networks svg rect title");
  assert.match(forward.textContent, /^forward /);
  assert.match(text(document, "#memory-of-inception-v4 svg"), "11 MB at inception_a_2/branch_2 conv2d");
  assert.match(text(document, "#roofline-of-inception-v4 svg"), "copy 9 GB/s");
  assert.match(text(document, "#roofline-of-inception-v4 .note:last-child"), "1 that count no FLOP");
});

check.test("what was not measured is left out, and what went wrong is said", () => {
  const { roofs: _, ...roofless } = resultOf([networkRow("inception-v4", 1)]);
  assert.match(text(parsed(roofless), "#roofline-of-inception-v4 .note"), "roofs were not measured");
  const unprofiled = parsed(resultOf([networkRow("inception-v4", 1, { launches: [] })]));
  assert.equal(sections(unprofiled)[1], "memory-of-inception-v4");
  assert.match(text(unprofiled, "#memory-of-inception-v4 svg"), "launch (of the step)");
  assertDrawn(unprofiled);
  const { launches } = networkRow("inception-v4", 1);
  const moves = launches.map((one) =>
    one.routine.startsWith("batch_norm_relu") ? { ...one, flops: 0, seconds: 1 } : one,
  );
  const mostly = parsed(resultOf([networkRow("inception-v4", 1, { launches: moves })]));
  assert.match(text(mostly, "#roofline-of-inception-v4 .note:last-child"), "that count no FLOP");
  assert.not.match(text(mostly, "#roofline-of-inception-v4 svg"), /, 0 GFLOP/);
  assertDrawn(mostly);
  const alone = parsed(resultOf([], { kernels }));
  assert.equal(sections(alone), ["kernels-by-themselves", "where-it-was-measured"]);
  assert.match(text(alone, "#kernels-by-themselves"), "subgroup: needs subgroups");
  assertDrawn(alone);
  assert.equal(sections(parsed(resultOf([]))), ["where-it-was-measured"]);
  const validity = { valid: false, why: "loss is 3.1" };
  const wrong = parsed(resultOf([networkRow("inception-v4", 1, { validity, warnings: ["slow first run"] })]));
  assert.ok(wrong.querySelector(".verdict.failed"));
  assert.match(text(wrong, "#networks svg"), "NOT VALID");
  assert.match(text(wrong, "#networks table"), "NOT VALID");
  assert.match(text(wrong, ".messages"), /NOT VALID: loss is 3\.1.*slow first run/s);
});

check.test("everything a result says is escaped", () => {
  const bad = "<q>&\"'";
  const row = networkRow(bad, 1, { validity: { valid: false, why: bad }, warnings: [bad] });
  const launches = row.launches.map((one) => ({
    ...one,
    where: bad,
    label: bad,
    routine: bad,
    algorithm: bad,
  }));
  const result = resultOf([{ ...row, launches }], { command: [bad], kernels: [kernelRow(bad, 1e-3)] });
  const attributes = /aria-label="[^"]*"/g; // where only a quote would end what is said
  assert.not.match(benchPage(result).replace(attributes, ""), /<q|q>&(?!amp;)/);
  assert.is(parsed(result).querySelectorAll("q").length, 0);
});

/** Looks at the charts of a page, in it: whether each shows something, and no label runs into another or is cut. */
function inspect() {
  const faults: string[] = [];
  const charts = [...document.querySelectorAll("svg[aria-label]")];
  for (const svg of charts) {
    const what = svg.getAttribute("aria-label");
    if (!svg.querySelector("rect, circle, path")) faults.push(`${what} is empty`);
    const labels = (axis: string) =>
      [...svg.querySelectorAll(`[aria-label="${axis}-axis tick label"] text`)].map((label) => ({
        text: label.textContent,
        box: label.getBoundingClientRect(),
      }));
    if (labels("x").length < 2) faults.push(`${what}: fewer than two figures along x`);
    for (const [i, { text, box }] of labels("x").entries())
      if (i > 0 && labels("x")[i - 1].box.right > box.left) faults.push(`${what}: ${text} is written over`);
    for (const { text, box } of labels("y"))
      if (box.left < svg.getBoundingClientRect().left - 1) faults.push(`${what}: ${text} is cut`);
  }
  return {
    wide: document.documentElement.scrollWidth > window.innerWidth,
    charts: charts.length,
    faults,
  };
}

check.test("a browser opens the page without a fault or a request, on windows of any width", () =>
  inBrowser(async (tab, open) => {
    await open(benchPage({ ...three, kernels }));
    for (const id of [...SIDE_BY_SIDE, "kernels-by-themselves"])
      assert.is(await tab.locator(`#${id}`).count(), 1, id);
    for (const width of [1200, 390]) {
      await tab.setViewportSize({ width, height: 800 });
      const { wide, charts, faults } = await tab.evaluate(inspect);
      assert.not(wide, `${width} px: the page is wider than the window`);
      assert.is(charts, 1 + 3 + 3 + 1 + 3 + 1);
      assert.equal(faults, [], `${width} px`);
    }
    const folded = () => tab.locator("#published-elsewhere table").first().isVisible();
    assert.not(await folded(), "what others published is folded");
    await tab.emulateMedia({ media: "print" });
    assert.ok(await folded(), "on paper nothing is");
  }),
);
check.run();
