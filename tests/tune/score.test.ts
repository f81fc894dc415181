// The score: random search is 0, the optimum from the start is 1, and the curve is what a hand computes.
import * as fc from "fast-check";
import * as assert from "uvu/assert";
import { TuneError } from "../../engine/errors.ts";
import {
  Baseline,
  expectedRanks,
  monotone,
  overall,
  rehearse,
  score,
} from "../../engine/tune/search/score.ts";
import type { Run } from "../../engine/tune/search/search.ts";
import type { Strategy } from "../../engine/tune/strategies/strategy.ts";
import { group } from "../harness.ts";
import { failing, hopeless, line, optimum, rugged, smooth } from "./spaces.ts";

const check = group("tune score");
const near = (got: number, want: number, bound = 1e-12) =>
  assert.ok(Math.abs(got - want) <= bound, `${got} is not ${want}`);

/** A run that evaluated these, a second each. */
const ran = (...indices: number[]): Run => ({
  history: indices.map((index, i) => ({ index, objective: 0, seconds: i + 1 })),
  stopped: "finished",
});

check.test("expected ranks of random draws are those that all orders have on average", () => {
  const orders = (items: readonly number[]): number[][] =>
    items.length
      ? items.flatMap((item, i) => orders(items.toSpliced(i, 1)).map((rest) => [item, ...rest]))
      : [[]];
  for (const [size, valid] of [
    [5, 5],
    [5, 3],
    [6, 1],
  ]) {
    const ranks = Array.from({ length: size }, (_, i) => Math.max(0, i + 1 - (size - valid)));
    const all = orders(ranks);
    for (const [drawn, got] of expectedRanks(size, valid).entries())
      near(got, all.reduce((sum, order) => sum + Math.max(0, ...order.slice(0, drawn)), 0) / all.length);
  }
  for (const [drawn, got] of expectedRanks(100, 100).entries()) near(got, (drawn * 101) / (drawn + 1), 1e-9);
});

check.test("monotone interpolation meets its values and never leaves two neighbours", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 9 }),
      (values) => {
        const at = monotone(values);
        for (const [i, value] of values.entries()) near(at(i), value, 1e-12);
        for (let x = -1; x < values.length; x += 0.07) {
          const ends = [Math.floor(x), Math.ceil(x)].map(
            (i) => values[Math.min(values.length - 1, Math.max(0, i))],
          );
          assert.ok(at(x) >= Math.min(...ends) - 1e-12 && at(x) <= Math.max(...ends) + 1e-12);
        }
      },
    ),
  );
  near(monotone([0, 1, 4])(0.5), 0.4375); // slopes 1 and 1.5: 1/2 + (1 - 1.5) / 8
});

check.test("performance over evaluations against a computation by hand", () => {
  // objectives 5 4 3 2 1: expected rank 6 M / (M + 1) is 3, 4, 4.5, 4.8, 5, so F_random is 3, 2, 1.5, 1.2, 1
  const baseline = new Baseline(line(5));
  for (const [i, want] of [3, 2, 1.5, 1.2, 1].entries()) near(baseline.at(i + 1), want);
  // median 3: half of the way to 1 is 2, after two; 0.75 of it is 1.5, after three
  assert.equal([baseline.reaches(0.5), baseline.reaches(0.75)], [2, 3]);
  // after two: 4 and 2, mean rank 3, F = 3, P = (2 - 3) / (2 - 1); after three: 1 and 2, F = 1.5, P = 0
  const runs = [ran(0, 1, 4), ran(3, 0, 1)];
  const { score: got, performance } = score(baseline, runs, { cutoff: 0.75, points: 2 });
  near(performance[0], -1);
  near(performance[1], 0);
  near(got, -0.5);
  // of 1, 2 and 4 after three: mean 7/3, median 2
  const three = [...runs, ran(0, 1)];
  near(score(baseline, three, { cutoff: 0.75, points: 2, join: "mean" }).performance[1], (1.5 - 7 / 3) / 0.5);
  near(score(baseline, three, { cutoff: 0.75, points: 2, join: "median" }).performance[1], (1.5 - 2) / 0.5);
});

check.test("over seconds an evaluation counts when it is complete", () => {
  const baseline = new Baseline(line(5)); // a second each: half an evaluation is under way
  near(baseline.at(2.5, "seconds"), 2);
  const slow: Run = { history: [{ index: 4, objective: 1, seconds: 2.9 }], stopped: "finished" };
  const { performance } = score(baseline, [slow], { axis: "seconds", cutoff: 0.75, points: 2 });
  near(performance[1], 1);
  assert.ok(performance[0] < 0); // at two seconds it had nothing
});

check.test("random search scores 0 within its interval, also where most configurations fail", async () => {
  for (const axis of ["evaluations", "seconds"] as const)
    for (const [name, space] of Object.entries({ smooth, rugged, failing })) {
      const baseline = new Baseline(space);
      const runs = await rehearse(space, baseline, { strategy: "random_sample" }, { axis, repeats: 400 });
      const { low, high, score: got } = score(baseline, runs, { axis, confidence: 0.99, resamples: 300 });
      assert.ok(low <= 0 && high >= 0 && high - low < 0.5, `${axis} ${name}: ${got} in [${low}, ${high}]`);
    }
});

check.test("who knows the optimum scores 1, who knows the worst less than 0", async () => {
  for (const space of [smooth, rugged, failing]) {
    const target = Array.from({ length: space.space.size }, (_, i) => i).find(
      (index) => space.objective(index) === optimum(space),
    )!;
    const oracle: Strategy = {
      name: "oracle",
      about: "the optimum",
      settings: {},
      run: async (s) => void (await s.evaluate(target)),
    };
    const baseline = new Baseline(space);
    const runs = await rehearse(space, baseline, { strategy: oracle }, { repeats: 2 });
    assert.equal(score(baseline, runs).score, 1);
    assert.ok(score(baseline, [ran()]).score < -0.5);
  }
});

check.test("a search by learning beats random search where there is something to learn", async () => {
  const baseline = new Baseline(smooth);
  for (const strategy of ["surrogate", "greedy_hill_climbing"]) {
    const runs = await rehearse(smooth, baseline, { strategy }, { repeats: 8 });
    assert.ok(score(baseline, runs, { resamples: 100 }).low > 0, strategy);
  }
});

check.test("an interval is the same for the same seed, holds the score, and narrows with runs", async () => {
  const baseline = new Baseline(rugged);
  const runs = await rehearse(rugged, baseline, { strategy: "random_sample" }, { repeats: 160 });
  const [few, many, again] = [runs.slice(0, 10), runs, runs].map((some) =>
    score(baseline, some, { resamples: 200 }),
  );
  assert.equal(many, again);
  assert.ok(many.low < many.score && many.score < many.high);
  const inside = many.resampled.filter((one) => one >= many.low && one <= many.high);
  near(inside.length / many.resampled.length, 0.95, 0.011);
  assert.ok(many.high - many.low < few.high - few.low);
});

check.test("several spaces count the same", () => {
  const baseline = new Baseline(line(5));
  const scores = [[ran(4)], [ran(0)]].map((runs) => score(baseline, runs, { cutoff: 0.75, points: 2 }));
  const both = overall(scores);
  near(both.score, (scores[0].score + scores[1].score) / 2);
  near(both.performance[1], (scores[0].performance[1] + scores[1].performance[1]) / 2);
});

check.test("what cannot be scored is refused", () => {
  assert.throws(
    () => new Baseline(hopeless),
    (error: Error) => error instanceof TuneError && /0 of 294/.test(error.message),
  );
  assert.throws(() => new Baseline(line(1)), /1 of 1 configurations/);
  assert.throws(() => score(new Baseline(line(5)), []), /no runs/);
  assert.throws(
    () => score(new Baseline(line(5)), [ran(0)], { cutoff: 1, points: 3 }),
    /at the optimum at 1 of 3/,
  );
});

check.run();
