// The clock against simulated ones, whose truth is known: coarse, noisy, slow to start, standing still.

import fc from "fast-check";
import * as assert from "uvu/assert";
import { quantumOf } from "../../engine/device/timestamps.ts";
import { stream } from "../../engine/random.ts";
import { median } from "../../engine/statistics/quantiles.ts";
import { Clock, type Measure } from "../../engine/tune/clock/clock.ts";
import { group } from "../harness.ts";

const check = group("tune clock");

interface Simulated {
  /** Seconds of a dispatch. */
  readonly dispatch: number;
  /** Seconds that a submission takes reserved. */
  readonly fixed?: number;
  readonly quantum?: number;
  /** Standard deviation of a reading, as a part of it. */
  readonly noise?: number;
  /** What the timestamps are multiplied by. */
  readonly wrong?: number;
  readonly timestamps?: boolean;
}

function simulate(of: Simulated, seed = 1): Measure {
  const { dispatch, fixed = 3e-6, quantum = 1e-9, noise = 0.01, wrong = 1, timestamps = true } = of;
  const next = stream(seed);
  let now = 0;
  const masked = (seconds: number) => Math.floor(seconds / quantum) * quantum;
  return async (dispatches) => {
    const took = (fixed + dispatches * dispatch) * (1 + noise * (next() + next() + next() - 1.5) * 2);
    const begin = now + 1e-4 * next();
    now = begin + took;
    const wall = took + 2e-4 + 1e-4 * next();
    return timestamps ? { timestamp: wrong * (masked(now) - masked(begin)), wall } : { wall };
  };
}

const COARSE = 65_536e-9;
const near = (got: number, want: number, part: number) =>
  assert.ok(Math.abs(got - want) <= part * want, `${got} is not within ${part} of ${want}`);

check.test("the step of a clock is the least difference of its readings", () => {
  assert.is(quantumOf([7, 7, 7 + 32, 7 + 96]), 7);
  assert.is(quantumOf([64, 128, 64, 256]), 64);
  assert.is(quantumOf([0, 0, 0]), undefined);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1 << 20 }), fc.array(fc.nat(50)), (step, counts) => {
      const found = quantumOf(counts.map((count) => count * step));
      return found === undefined ? counts.every((count) => count === 0) : found % step === 0;
    }),
  );
});

check.test("a dispatch shorter than the step is read by repeating it", async () => {
  const clock = new Clock({ timestamp: COARSE, wall: 3e-4 });
  const { reading, times, unrankable } = await clock.time(simulate({ dispatch: 5e-6, quantum: COARSE }));
  assert.is(unrankable, undefined);
  assert.is(reading.source, "timestamp");
  assert.ok(reading.repeats * 5e-6 >= 90 * COARSE, `${reading.repeats} repeats`);
  assert.ok(reading.r2! > 0.9);
  near(median(times), 5e-6, 0.05);
});

check.test("one that no number of repeats makes long enough is unrankable", async () => {
  const clock = new Clock({ timestamp: COARSE, wall: 3e-4 });
  const { reading, unrankable } = await clock.time(simulate({ dispatch: 50e-9, quantum: COARSE }));
  assert.is(reading.repeats, clock.options.most);
  assert.match(unrankable!, /where 6\.55 ms are needed: 100 steps of 0\.0655 ms of the timestamp clock/);
});

check.test("and so is one for which there is no time", async () => {
  const clock = new Clock({ timestamp: COARSE, wall: 3e-4 }, { limit: 0.002 });
  const { unrankable } = await clock.time(simulate({ dispatch: 1e-6, quantum: COARSE }));
  assert.match(unrankable!, /dispatches take/);
});

check.test("the fixed cost of a submission cancels", async () => {
  const clock = new Clock({ timestamp: 1e-9, wall: 3e-4 });
  const { times, unrankable } = await clock.time(simulate({ dispatch: 2e-6, fixed: 2e-3, noise: 0.001 }));
  assert.is(unrankable, undefined);
  near(median(times), 2e-6, 0.02);
});

check.test("on a noisy machine samples are taken until the slope is known", async () => {
  const clock = new Clock({ timestamp: 1e-9, wall: 3e-4 });
  const { times, unrankable } = await clock.time(simulate({ dispatch: 1e-4, noise: 0.4 }));
  assert.is(unrankable, undefined);
  assert.ok(times.length > clock.options.samples, `${times.length} samples`);
});

check.test("time that does not follow the number of dispatches is unrankable", async () => {
  const clock = new Clock({ timestamp: 1e-9, wall: 3e-4 });
  const { reading, unrankable } = await clock.time(simulate({ dispatch: 1e-4, noise: 0.8 }));
  assert.ok(reading.r2! < 0.9);
  assert.match(unrankable!, /r2/);
});

check.test(
  "the wall clock takes over where timestamps are absent, stand still or are contradicted",
  async () => {
    for (const [timestamp, of] of [
      [undefined, { timestamps: false }],
      [1e-9, { wrong: 0 }],
      [1e-9, { wrong: 0.05 }],
      [1e-9, { wrong: 20 }],
    ] as const) {
      const clock = new Clock({ timestamp, wall: 3e-4 });
      const measure = simulate({ dispatch: 1e-3, noise: 0.001, ...of });
      const { reading, times, unrankable } = await clock.time(measure);
      assert.is(unrankable, undefined);
      assert.is(reading.source, "wall");
      near(median(times), 1e-3, 0.05);
    }
  },
);

check.test("a long dispatch is read alone, and a hopeless one no more than needed", async () => {
  const clock = new Clock({ timestamp: 1e-9, wall: 3e-4 });
  const { reading, times } = await clock.time(simulate({ dispatch: 0.6 }));
  assert.is(reading.repeats, 1);
  assert.is(reading.r2, undefined);
  near(median(times), 0.6, 0.05);
  const short = await clock.time(simulate({ dispatch: 1e-3 }), 1e-4);
  assert.is(short.times.length, 3);
});

check.test("what is read is what is there, whatever the dispatch and the clock", () =>
  fc.assert(
    fc.asyncProperty(
      fc.double({ min: -6, max: -1, noNaN: true }),
      fc.constantFrom(1e-9, 32e-9, 1e-6, COARSE),
      fc.nat(),
      async (power, quantum, seed) => {
        const dispatch = 10 ** power;
        const clock = new Clock({ timestamp: quantum, wall: 3e-4 });
        const { times, unrankable } = await clock.time(simulate({ dispatch, quantum }, seed));
        assert.is(unrankable, undefined);
        near(median(times), dispatch, 0.1);
      },
    ),
    { numRuns: 50 },
  ),
);

check.run();
