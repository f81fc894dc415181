// The pages of a gradient check: what a heat map shows, and that a browser opens them without a fault.

import * as assert from "uvu/assert";
import { gradcheckPage, type MutationScore } from "../bench/gradcheck/page.ts";
import { indexOfCell, type MapView, type Plane, project, views } from "../bench/gradcheck/unfold.ts";
import {
  type ErrorMap,
  type Finding,
  LAYERS,
  type Layer,
  passes,
  Report,
} from "../engine/gradcheck/report/report.ts";
import { type Shape, size } from "../kernels/op.ts";
import { inBrowser } from "./browser/pages.ts";
import { group } from "./harness.ts";

const check = group("report");

/** A tensor of errors: `ratio` of an index. */
const mapOf = (name: string, shape: Shape, ratio: (index: readonly number[]) => number): ErrorMap => ({
  name,
  shape,
  ratios: Float64Array.from({ length: size(shape) }, (_, element) => ratio(indexOfCell(element, shape))),
});

/** Indices in `shape` of the worst element of every cell that fails. */
const failing = (map: ErrorMap, view: MapView) =>
  [...project(map.ratios, view).worst]
    .filter((element) => element >= 0 && !passes(map.ratios[element]))
    .map((element) => indexOfCell(element, map.shape));

const cells = ({ rows, columns }: Plane) => (rows.length - 1) * (columns.length - 1);

const finding = (given: Partial<Finding>): Finding => ({
  layer: "kernel",
  subject: "conv2d",
  check: "forward plain",
  figure: 0.3,
  where: "y[0, 1, 2, 3]",
  ...given,
});

const lastTile = mapOf("y", [2, 5, 5, 67], ([, , , channel]) => (channel >= 64 ? 40 : 0.2));
const border = mapOf("y", [3, 6, 6, 4], ([image, row]) => (image === 1 && row === 5 ? Number.NaN : 0.2));

const faults: readonly Finding[] = [
  finding({ figure: 40, message: "conv2d: 1 < 2", repro: "it's {}", map: lastTile }),
  finding({ subject: "max_pool2d", figure: Number.NaN, map: border }),
  finding({ subject: "linear", figure: 3, map: mapOf("dw", [7, 9], ([row]) => (row === 3 ? 3 : 0)) }),
  finding({ subject: "sgd", figure: Infinity, map: mapOf("b", [1000], ([i]) => (i === 777 ? Infinity : 0)) }),
];
const mutations: readonly MutationScore[] = [
  {
    kernel: "relu/forward",
    killed: 7,
    valid: 8,
    survivors: [{ line: 3, before: "a < b", after: "a <= b", operator: "comparison", reason: "b is even" }],
  },
];

function reportOf(findings: readonly Finding[]): Report {
  const report = new Report();
  for (const layer of Object.keys(LAYERS) as Layer[])
    report.add(finding({ layer, beside: { PyTorch: 1e-5 } }));
  for (const one of findings) report.add(one);
  return report;
}

check.test("a wrong last tile of channels is the last rows at every pixel, and nothing else", () => {
  const [channels, images] = views(lastTile);
  const wrong = failing(lastTile, channels);
  assert.is(wrong.length, 2 * 5 * 5 * 3);
  assert.ok(wrong.every(([, , , channel]) => channel >= 64));
  const { rows, columns, worst } = project(lastTile.ratios, channels);
  assert.equal([rows.length, columns.length], [68, 51]);
  assert.ok([...worst].every((element, cell) => passes(lastTile.ratios[element]) === cell < 64 * 50));
  assert.is(failing(lastTile, images).length, 2 * 5 * 5);
});

check.test("a NaN border of one image is that image's last row", () => {
  const [, images] = views(border);
  assert.equal(
    failing(border, images).map(([image, row, column]) => [image, row, column]),
    Array.from({ length: 6 }, (_, column) => [1, 5, column]),
  );
  const { columns, worst } = project(border.ratios, images);
  const places = [...worst.entries()].filter(([, element]) => Number.isNaN(border.ratios[element]));
  assert.is(columns.length, 3 * 6 + 1); // the images side by side
  assert.equal(
    places.map(([cell]) => cell),
    Array.from({ length: 6 }, (_, column) => 5 * 18 + 6 + column),
  );
  const above = border.ratios.map((ratio) => (Number.isNaN(ratio) ? ratio : 1e9)); // NaN outranks any number
  assert.is(failing({ ...border, ratios: above }, images).length, 3 * 36);
  const [channels] = views({ name: "y", shape: [1, 1, 1, 1e5] });
  for (const at of [0, 54_321, 99_999]) {
    const ratios = new Float64Array(1e5).fill(1e9);
    ratios[at] = Number.NaN;
    assert.ok(project(ratios, channels).worst.includes(at), `NaN at ${at}`);
  }
});

check.test("filter taps are panels of their own", () => {
  const taps = mapOf("dw", [3, 3, 5, 7], ([r, s]) => (r === 2 && s === 1 ? 9 : 0.1));
  const [view] = views(taps);
  const { columns, worst } = project(taps.ratios, view);
  const wide = columns.length - 1;
  assert.is(wide, 21);
  for (const [cell, element] of worst.entries()) {
    const [row, column] = [Math.floor(cell / wide), cell % wide];
    const inside = row >= 10 && column >= 7 && column < 14;
    assert.is(passes(taps.ratios[element]), !inside, `row ${row}, column ${column}`);
  }
});

check.test("every element of every shape is in a cell of every view, and no cell is lost to binning", () => {
  const shapes = [
    [],
    [1],
    [1000],
    [300_000],
    [32, 1001],
    [5000, 3],
    [3, 7, 5],
    [2, 17, 17, 67],
    [16, 8, 8, 1536],
    [4, 149, 149, 8],
    [2, 3, 9, 9, 6],
  ];
  for (const shape of shapes)
    for (const name of ["y", "dw"]) {
      const ratios = new Float64Array(size(shape)).fill(0.5);
      const places = [0, Math.floor(ratios.length / 3), ratios.length - 1];
      for (const view of views({ name, shape }))
        for (const at of places) {
          ratios[at] = 7;
          const plane = project(ratios, view);
          assert.ok(plane.worst.includes(at), `${name} [${shape}], ${view.title}: element ${at}`);
          assert.is([...plane.worst].filter((element) => ratios[element] === 7).length, 1);
          assert.ok(cells(plane) <= 20_000, `${name} [${shape}], ${view.title}: ${cells(plane)} cells`);
          ratios[at] = 0.5;
        }
    }
});

check.test("everything a report says is escaped", () => {
  const bad = "<q>&\"'"; // no tag of the page itself
  const map = mapOf(bad, [3], () => 2);
  const beside = { [bad]: 1 };
  const one = finding({
    subject: bad,
    check: bad,
    where: bad,
    message: bad,
    repro: bad,
    figure: 2,
    map,
    beside,
  });
  const survivors = [{ line: 1, before: bad, after: bad, operator: bad, reason: bad }];
  const page = gradcheckPage(reportOf([one]), { [bad]: bad }, [
    { kernel: bad, killed: 0, valid: 1, survivors },
  ]);
  assert.not.match(page, /<q|q>&(?!amp;)|&"/);
  assert.ok(page.split("&lt;q&gt;&amp;&quot;&#39;").length > 14);
});

check.test("a heat map refuses a shape that its ratios do not have", () => {
  const map = { name: "y", shape: [2, 3], ratios: new Float64Array(5) };
  assert.throws(
    () => gradcheckPage(reportOf([finding({ figure: 2, map })]), {}),
    /y has shape \[2,3\] but 5 ratios/,
  );
});

check.test("a report of nothing has not passed", () => {
  assert.match(gradcheckPage(new Report(), {}), "nothing was checked");
});

check.test("a browser opens the pages without a fault or a request, every section in place", () =>
  inBrowser(async (page, open) => {
    const count = (selector: string) => page.locator(selector).count();
    for (const wrong of [faults, []]) {
      const scores = wrong.length ? mutations : undefined;
      await open(gradcheckPage(reportOf(wrong), { adapter: "llvmpipe", seed: "1" }, scores));
      assert.match(
        await page.locator(".verdict").innerText(),
        wrong.length ? "Failed: 4 of 8" : "Passed: all 4",
      );
      assert.equal(await page.locator("dd").allInnerTexts(), ["llvmpipe", "1"]);
      for (const layer of Object.keys(LAYERS)) assert.is(await count(`#${layer} table`), 1, layer);
      assert.is(await count("#failures article"), wrong.length);
      assert.is(await count("#failures svg"), wrong.length ? 2 + 2 + 1 + 1 : 0);
      assert.is(await count("#mutants del"), wrong.length ? 1 : 0);
      assert.is(await count(".over .bar"), wrong.length);
    }
    await page.goBack();
    assert.is(await page.locator("#failure-1 code").innerText(), "tessera gradcheck repro 'it'\\''s {}'");
    assert.match(await page.locator("#failure-2 .heat p").innerText(), "24 NaN");
    const titles = await page.locator("#failure-4 svg rect title").allTextContents();
    assert.ok(titles.includes("[777] ∞"));
  }),
);
check.run();
