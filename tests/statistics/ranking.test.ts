// Identical contenders tie, and one that is faster wins: simulated, with the noise that machines have.

import * as assert from "uvu/assert";
import { stream } from "../../engine/random.ts";
import { rankContenders, rankSamples } from "../../engine/statistics/ranking.ts";
import { group } from "../harness.ts";

const check = group("ranking");

/** Log-normal noise of 2 %, a drift of 20 % with a random walk over all, and now and then a sample three times as long. */
function noise(seed: number, measurements: number): () => number {
  const next = stream(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  let [at, walk] = [0, 0];
  return () => {
    walk += 0.002 * normal();
    const drift = (1 + (0.2 * at++) / measurements) * Math.exp(walk);
    return drift * Math.exp(0.02 * normal()) * (next() < 0.05 ? 1 + 2 * next() : 1);
  };
}

const contenders = (seconds: readonly number[], seed: number, rounds = 20) => {
  const factor = noise(seed, rounds * seconds.length);
  return seconds.map((truth) => async () => truth * factor());
};

check.test("of identical contenders one is called best in at most 5 of 100 rankings", async () => {
  let wrong = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const same = contenders(Array(6).fill(1e-3), seed);
    const { tied } = await rankContenders(same, { seed, resamples: 400 });
    if (tied.length < 6) wrong++;
  }
  assert.ok(wrong <= 5, `${wrong} of 100`);
});

check.test("a contender that is faster by much is the best, and what ties with it is said", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { places, tied } = await rankContenders(contenders([1.2e-3, 1e-3, 1.3e-3, 1e-3], seed), { seed });
    assert.equal([...tied].sort(), [1, 3]);
    assert.ok(places[0].ratio === 1 && places[0].tied);
    const last = places.at(-1)!;
    assert.is(last.contender, 2);
    assert.ok(last.interval[0] > 1 && last.interval[0] < 1.3 && last.interval[1] > 1.3);
  }
});

check.test("a difference of 3 % is found in most rankings in spite of a drift of 20 %", async () => {
  let found = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const { tied } = await rankContenders(contenders([1.03e-3, 1e-3], seed), { seed, resamples: 400 });
    if (tied.length === 1 && tied[0] === 1) found++;
  }
  assert.ok(found >= 24, `${found} of 40`);
});

check.test("contenders are measured in turns, every second round backwards", async () => {
  const order: number[] = [];
  const three = [0, 1, 2].map((i) => async () => {
    order.push(i);
    return 1;
  });
  const { tied, samples } = await rankContenders(three, { rounds: 3 });
  assert.equal(order, [0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0]);
  assert.equal(tied, [0, 1, 2]);
  assert.equal(samples, [Array(4).fill(1), Array(4).fill(1), Array(4).fill(1)]);
});

check.test("the same samples and seed give the same ranking", () => {
  const factor = noise(7, 60);
  const samples = [1, 1.01, 1.05].map((truth) => Array.from({ length: 20 }, () => truth * factor()));
  assert.equal(rankSamples(samples, { seed: 3 }), rankSamples(samples, { seed: 3 }));
});

check.test("one contender is the best, and of none there is no best", () => {
  assert.equal(rankSamples([[1, 2, 3]]).tied, [0]);
  assert.equal(rankSamples([]).tied, []);
});

check.run();
