// Two measured in turns: verdicts on simulated machines, and what they cost.
import * as assert from "uvu/assert";
import { stream } from "../../engine/random.ts";
import { pairedRatio, ratioOfMedians, type Verdict, verdictOf } from "../../engine/statistics/ratio.ts";
import { compareInTurns, MOST_ROUNDS, type TurnOptions } from "../../engine/statistics/turns.ts";
import { group } from "../harness.ts";

const check = group("turns");

/** A machine whose speed wanders, changes by half now and then, and that is interrupted: the time of a turn on it. */
function machine(seed: number, drift = 0): (seconds: number) => Promise<number> {
  const next = stream(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  let [walk, slow] = [0, 0];
  return async (seconds) => {
    walk += 0.005 * normal() + drift;
    if (next() < 0.02) slow = slow ? 0 : Math.log(1.5);
    return seconds * Math.exp(walk + slow + 0.02 * normal()) * (next() < 0.1 ? 1 + 2 * next() : 1);
  };
}

/** B takes `truth` times as long as A. */
async function simulated(truth: number, seed: number, options: TurnOptions & { drift?: number } = {}) {
  const time = machine(seed, options.drift);
  const pair = { a: () => time(1e-3), b: () => time(1e-3 * truth) };
  const [taken] = await compareInTurns([pair], { seed, resamples: 1000, ...options });
  const verdict: Verdict = taken.ratio ? verdictOf(taken.ratio, options.tolerance) : "UNCLEAR";
  return { ...taken, verdict };
}

check.test("a build and itself are called anything but SAME in at most one of 100 comparisons", async () => {
  const others: Verdict[] = [];
  for (let seed = 1; seed <= 100; seed++) {
    const { verdict } = await simulated(1, seed);
    if (verdict !== "SAME") others.push(verdict);
  }
  assert.ok(others.length <= 1, `${others}`);
});

check.test("what is 5 % slower or faster is called so", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    assert.is((await simulated(1.05, seed)).verdict, "SLOWER");
    assert.is((await simulated(1 / 1.05, seed)).verdict, "FASTER");
  }
});

check.test("a machine that slows down to a third meanwhile changes no verdict", async () => {
  const drift = Math.log(3) / 200;
  for (let seed = 1; seed <= 10; seed++) {
    assert.is((await simulated(1, seed, { drift })).verdict, "SAME");
    const { a } = await simulated(1, seed, { drift, tolerance: 1e-9, time: 100, now: clock(100) });
    const half = a.length >> 1; // one after the other they would differ
    assert.ok(ratioOfMedians(a.slice(0, half), a.slice(half))!.ratio > 1.03);
  }
});

/** A clock that has gone by so many seconds after as many rounds. */
function clock(rounds: number): () => number {
  let looks = 0;
  return () => (100 * looks++) / rounds;
}

check.test("looking often finds no more differences than looking once may", async () => {
  let wrong = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const { verdict } = await simulated(1, seed, {
      tolerance: 1e-6, // a difference of any size counts
      confidence: 0.9,
      time: 100,
      now: clock(256),
    });
    if (verdict !== "UNCLEAR") wrong++;
  }
  assert.ok(wrong <= 10, `${wrong} of 100`);
});

check.test("intervals hold the truth, of medians of two runs too", () => {
  let missed = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const next = stream(seed);
    const run = (truth: number) => Array.from({ length: 30 }, () => truth * (1 + 0.2 * next()));
    const options = { confidence: 0.95, resamples: 1000, seed };
    for (const of of [pairedRatio, ratioOfMedians]) {
      const [low, high] = of(run(1), run(1.1), options)!.interval;
      if (low > 1.1 || high < 1.1) missed++;
    }
  }
  assert.ok(missed <= 20, `${missed} of 200`);
});

check.test("a verdict says where the whole interval lies, and the ratio itself", () => {
  const of = (ratio: number, low: number, high: number) => verdictOf({ ratio, interval: [low, high] }, 0.03);
  assert.is(of(1.005, 0.99, 1.02), "SAME");
  assert.is(of(1.02, 1.01, 1.029), "SAME"); // surely slower, and surely by too little
  assert.is(of(1.1, 1.01, 1.2), "SLOWER");
  assert.is(of(0.9, 0.8, 0.99), "FASTER");
  assert.is(of(1.02, 1.001, 1.04), "UNCLEAR");
  assert.is(of(1.1, 0.99, 1.2), "UNCLEAR");
  assert.is(of(Number.NaN, Number.NaN, Number.NaN), "UNCLEAR");
});

check.test(
  "both take turns, every second round backwards, and what is decided is measured no more",
  async () => {
    const order: string[] = [];
    const turn = (name: string, seconds: number) => async () => {
      order.push(name);
      return seconds;
    };
    const wide = machine(5);
    const pairs = [
      { a: turn("a", 1), b: turn("b", 2) },
      { a: () => wide(1), b: () => wide(1) },
    ];
    const taken = await compareInTurns(pairs, { resamples: 200, tolerance: 1e-6, time: 100, now: clock(40) });
    assert.is(order.slice(0, 8).join(""), "abbaabba");
    assert.is(taken[0].a.length, 32);
    assert.equal(
      taken[0].ratio!.interval.map((end) => +end.toFixed(9)),
      [2, 2],
    );
    assert.is(taken[1].b.length, 39);
  },
);

check.test("an end by hand keeps what was measured", async () => {
  const aborted = new AbortController();
  const onRound = (round: number) => round === 10 && aborted.abort();
  const { a, ratio } = await simulated(2, 1, { signal: aborted.signal, onRound });
  assert.is(a.length, 10);
  assert.ok(ratio!.interval[0] > 1);
  assert.ok(MOST_ROUNDS > 1000);
});

check.run();
