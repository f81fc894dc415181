// What is said of readings, against values worked out by hand and a table of the sign test.
import * as assert from "uvu/assert";
import { belowInterval, outliers, quantile, spreadOf } from "../../engine/statistics/quantiles.ts";
import { group } from "../harness.ts";

const check = group("quantiles");

check.test("quantiles lie between readings by their distance", () => {
  assert.equal(
    [0, 0.25, 0.5, 0.75, 1].map((share) => quantile([1, 2, 3, 4], share)),
    [1, 1.75, 2.5, 3.25, 4],
  );
  assert.is(quantile([-1, 1], 0.5), 0);
  assert.is(quantile([7], 0.25), 7);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

check.test("the interval of a median leaves out what the sign test's table says", () => {
  const table = { 1: 0, 5: 0, 6: 1, 8: 1, 9: 2, 11: 2, 12: 3, 15: 4, 17: 5, 20: 6, 25: 8, 30: 10, 40: 14 };
  for (const [count, below] of Object.entries(table)) assert.is(belowInterval(Number(count)), below, count);
});

check.test("a spread has quartiles, the least, and the uncertainty of its median", () => {
  const { median, low, high, least, uncertainty } = spreadOf([5, 1, 2, 4, 3, 9, 7, 8, 6]);
  assert.equal([median, low, high, least], [5, 3, 7, 1]);
  assert.is(uncertainty, (8 - 2) / 2 / 5); // of nine readings the second to the eighth
  assert.is(spreadOf([4, 2, 6]).uncertainty, 0.5); // all of them: they are too few
  assert.is(spreadOf([3, 3, 3]).uncertainty, 0);
});

check.test("outliers are far from the others by their own measure", () => {
  assert.equal(outliers(spreadOf([1, 1.01, 0.99, 1.02, 0.98, 1.5])), [1.5]);
  assert.equal(outliers(spreadOf([1, 1, 1, 1.05])), [], "within a tenth");
  assert.equal(outliers(spreadOf([1, 2, 3, 4, 5])), []);
});

check.run();
