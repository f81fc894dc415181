// Searches: nothing illegal, nothing twice, the same for the same seed, and the end of a run has its reason.
import { createHash } from "node:crypto";
import * as fc from "fast-check";
import * as assert from "uvu/assert";
import { TuneError } from "../../engine/errors.ts";
import { type Recorded, recorded, replay } from "../../engine/tune/results/replay.ts";
import type { STATUSES } from "../../engine/tune/results/row.ts";
import { type Budget, type SearchTask, search } from "../../engine/tune/search/search.ts";
import {
  type Configuration,
  NEIGHBOURHOODS,
  type Neighbourhood,
  Space,
} from "../../engine/tune/space/space.ts";
import { strategies } from "../../engine/tune/strategies/index.ts";
import type { Strategy } from "../../engine/tune/strategies/strategy.ts";
import { expectedImprovement } from "../../engine/tune/strategies/surrogate.ts";
import { group } from "../harness.ts";
import { constrained, failing, hopeless, line, optimum, rugged, smooth, threads } from "./spaces.ts";

const check = group("tune search");
const SPACES = { smooth, rugged, constrained, failing, hopeless, one: line(1), two: line(2), five: line(5) };

const run = (
  space: Recorded,
  strategy: SearchTask["strategy"],
  budget: Budget = {},
  more: Partial<SearchTask> = {},
) => search({ space: space.space, strategy, budget, ...replay(space), ...more });

/** A strategy from a function. */
const own = (body: Strategy["run"]): Strategy => ({
  name: "own",
  about: "for a test",
  settings: {},
  run: body,
});

async function refused(what: Promise<unknown>, message: RegExp): Promise<void> {
  try {
    await what;
  } catch (error) {
    assert.instance(error, TuneError);
    assert.match((error as Error).message, message);
    return;
  }
  assert.unreachable(`not refused: ${message}`);
}

for (const { name } of strategies) {
  check.test(`${name} stays legal, repeats nothing, and does the same for the same seed`, async () => {
    for (const [which, space] of Object.entries(SPACES))
      for (const evaluations of [40, 1000]) {
        const asked: number[] = [];
        const evaluate = (index: number) => {
          asked.push(index);
          return space.objective(index);
        };
        const first = await run(space, name, { evaluations }, { evaluate });
        const indices = first.history.map(({ index }) => index);
        assert.equal(asked, indices, which);
        assert.is(new Set(indices).size, indices.length, `${which}: something twice`);
        assert.ok(
          indices.every((index) => Number.isInteger(index) && index >= 0 && index < space.space.size),
          which,
        );
        const stop = space.space.size <= evaluations ? "exhausted" : "evaluations";
        assert.is(first.stopped, stop, which); // every strategy goes on until it is ended
        const again = await run(space, name, { evaluations }, { evaluate });
        assert.equal(
          again.history.map(({ index }) => index),
          indices,
          which,
        );
      }
  });
  check.test(`${name} finds the bottom of a valley before it has seen everything`, async () => {
    const budget = ["brute_force", "random_sample", "latin_hypercube"].includes(name) ? 294 : 150;
    for (const [space, seed] of [smooth, constrained].flatMap((one) =>
      [0, 1, 2].map((n) => [one, n] as const),
    )) {
      const { best } = await run(space, name, { evaluations: budget }, { seed });
      assert.is(best!.objective, optimum(space));
    }
  });
}

check.test("brute force visits every configuration in order", async () => {
  const { history, stopped } = await run(constrained, "brute_force");
  assert.equal(
    history.map(({ index }) => index),
    [...Array(constrained.space.size).keys()],
  );
  assert.is(stopped, "exhausted");
});

check.test("other seeds search otherwise", async () => {
  for (const { name } of strategies.slice(1)) {
    const [a, b] = await Promise.all([0, 1].map((seed) => run(smooth, name, { evaluations: 30 }, { seed })));
    assert.not.equal(a.history, b.history, name);
  }
});

check.test("a number among a strategy's settings changes what it does", async () => {
  for (const { name, settings } of strategies)
    for (const [setting, { value, least = 0, most = Infinity, whole }] of Object.entries(settings)) {
      if (typeof value !== "number") continue;
      const asked = async (given: number) => {
        const clipped = Math.min(most, Math.max(least, whole ? Math.round(given) : given));
        const settings = { [setting]: clipped };
        const { history } = await run(rugged, name, { evaluations: 150 }, { settings });
        return history.map(({ index }) => index).join();
      };
      const seen = new Set([await asked(value / 4), await asked(value), await asked(4 * value)]);
      assert.ok(seen.size > 1, `${name} ${setting}`);
    }
});

/** A change of one of these changes what a seed means, and with it what a run that is gone on with asks for. */
const SEQUENCES: Readonly<Record<string, string>> = {
  brute_force: "10708993c6b3",
  random_sample: "e68454307de3",
  latin_hypercube: "1a9de23e73b9",
  hill_climbing: "4aa66fc98209",
  greedy_hill_climbing: "f1bc29fe84a4",
  iterated_local_search: "a0b0ab1bf61e",
  simulated_annealing: "a93a9a745c6a",
  genetic_algorithm: "b771e0253214",
  differential_evolution: "eb1ffc3da77f",
  particle_swarm: "f7d6a31bf691",
  surrogate: "fb8da5607b7a",
  beam_search: "f5022d6227b3",
};

check.test("a seed means what it meant", async () => {
  for (const { name } of strategies) {
    const { history } = await run(rugged, name, { evaluations: 200 }, { seed: 5 });
    const asked = createHash("sha256").update(history.map(({ index }) => index).join(" "));
    assert.is(asked.digest("hex").slice(0, 12), SEQUENCES[name], name);
  }
});

check.test("a beam begins at the defaults, or the legal configuration nearest to them", async () => {
  const begins = async ({ space }: Recorded) => {
    const { history } = await search({ space, strategy: "beam_search", evaluate: (index) => index });
    return Object.values(space.at(history[0].index));
  };
  assert.equal(await begins(smooth), [8, 1, "row", false, 4]);
  const narrow = { ...threads, holds: ({ tx }: Configuration) => Number(tx) <= 4 };
  const cut = new Space(smooth.space.parameters, [narrow]);
  assert.equal(await begins({ ...smooth, space: cut }), [4, 1, "row", false, 4]);
});

check.test("neighbours are all that a neighbourhood says, and no others", () => {
  const near: Readonly<Record<Neighbourhood, (steps: readonly number[]) => boolean>> = {
    hamming: (steps) => steps.filter((step) => step > 0).length === 1,
    "strictly-adjacent": (steps) => steps.reduce((sum, step) => sum + step, 0) === 1,
    adjacent: (steps) => Math.max(...steps) === 1,
  };
  const { space } = constrained;
  const all = Array.from({ length: space.size }, (_, index) => index);
  for (const kind of NEIGHBOURHOODS)
    for (const from of all.filter((index) => index % 7 === 0)) {
      const steps = (to: number) =>
        space.places(to).map((place, i) => Math.abs(place - space.places(from)[i]));
      const want = all.filter((to) => near[kind](steps(to)));
      assert.equal(
        space.neighbours(from, kind).toSorted((a, b) => a - b),
        want,
        `${kind} of ${from}`,
      );
    }
});

check.test("every neighbourhood and choice of every strategy runs", async () => {
  for (const { name, settings } of strategies)
    for (const [setting, { choices = [] }] of Object.entries(settings))
      for (const choice of choices) {
        const { best } = await run(constrained, name, {}, { settings: { [setting]: choice } });
        assert.is(best?.objective, optimum(constrained), `${name} ${setting} ${choice}`);
      }
});

check.test("a run ends by whichever budget is spent first, and says so", async () => {
  const ended = async (budget: Budget) => {
    const { stopped, history } = await run(smooth, "random_sample", budget);
    return [stopped, history.length];
  };
  assert.equal(await ended({ evaluations: 7, fraction: 0.5 }), ["evaluations", 7]);
  assert.equal(await ended({ evaluations: 200, fraction: 0.1 }), ["fraction", 30]); // of 294, rounded up
  assert.equal(await ended({ fraction: 1 }), ["exhausted", 294]);
  assert.equal(await ended({}), ["exhausted", 294]);
  const { history, stopped } = await run(smooth, "random_sample", { seconds: 5 });
  assert.is(stopped, "seconds");
  assert.ok(history[history.length - 1].seconds >= 5 && history[history.length - 2].seconds < 5);
});

check.test("patience counts evaluations since the best", async () => {
  const objectives = [5, 4, 4, 4, 3, 9, 9, 9, 1];
  const { history, best, stopped } = await run(
    line(9),
    "brute_force",
    { patience: 3 },
    {
      evaluate: (index) => objectives[index],
    },
  );
  assert.equal([history.length, best!.index, stopped], [8, 4, "patience"]);
  const none = await run(hopeless, "brute_force", { patience: 3 });
  assert.equal([none.history.length, none.best, none.stopped], [3, undefined, "patience"]);
});

check.test("a strategy that returns, or goes round in circles, is ended with its reason", async () => {
  const finished = await run(
    smooth,
    own(async (s) => void (await s.evaluate(3))),
  );
  assert.equal([finished.stopped, finished.history.length], ["finished", 1]);
  const circle = own(async (s) => {
    for (let i = 0; ; i++) await s.evaluate(i % 4);
  });
  const stalled = await run(smooth, circle);
  assert.equal([stalled.stopped, stalled.history.length], ["stalled", 4]);
  const slow = own(async (s) => {
    for (let i = 0; i < 3; i++) for (let asked = 0; asked < 6_000; asked++) await s.evaluate(i);
  });
  const moved = await run(smooth, slow); // asked in vain for long, but never in a row
  assert.equal([moved.stopped, moved.history.length], ["finished", 3]);
});

check.test("a strategy that does not wait still has nothing evaluated twice", async () => {
  const eager = own(async (s) => {
    await Promise.all([1, 2, 1, 2, 3].map((index) => s.evaluate(index)));
  });
  const { history } = await run(smooth, eager);
  assert.equal(
    history.map(({ index }) => index),
    [1, 2, 3],
  );
});

check.test("what has no objective counts as infinite", async () => {
  const given = [Number.NaN, Infinity, -Infinity, 2];
  const { history, best } = await run(line(4), "brute_force", {}, { evaluate: (index) => given[index] });
  assert.equal(
    history.map(({ objective }) => objective),
    [Infinity, Infinity, Infinity, 2],
  );
  assert.is(best!.index, 3);
});

check.test("an empty space is exhausted at once", async () => {
  const none = new Space([{ name: "x", values: [1] }], [{ names: ["x"], text: "no", holds: () => false }]);
  for (const { name } of strategies) {
    const { stopped, history } = await search({ space: none, strategy: name, evaluate: () => 1 });
    assert.equal([stopped, history.length], ["exhausted", 0], name);
  }
});

check.test("what cannot be searched with is refused by name and value", async () => {
  await refused(run(smooth, "tabu"), /no strategy tabu \(strategies: brute_force, /);
  const genetic = (settings: SearchTask["settings"]) => run(smooth, "genetic_algorithm", {}, { settings });
  await refused(genetic({ popsize: 3 }), /genetic_algorithm has no setting popsize \(settings: population/);
  await refused(genetic({ population: 1 }), /population is 1, must be at least 2/);
  await refused(genetic({ population: 2.5 }), /population is 2.5, must be a whole number/);
  await refused(genetic({ population: "20" }), /population is 20, must be a number/);
  await refused(genetic({ crossover: "none" }), /crossover is none, must be one of uniform, /);
  await refused(
    run(smooth, "simulated_annealing", {}, { settings: { cooling: 1 } }),
    /is 1, must be at most 0.9999/,
  );
  await refused(run(smooth, "brute_force", { evaluations: 0 }), /evaluations is 0, must be above 0/);
  await refused(run(smooth, "brute_force", { fraction: 1.5 }), /fraction is 1.5, .* at most 1/);
  await refused(
    run(
      smooth,
      own((s) => s.evaluate(-1).then(() => {})),
    ),
    /no configuration -1 of 294/,
  );
});

check.test("whatever the space, every strategy without a budget evaluates all of it once", async () => {
  const spaces = fc.record({
    counts: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
    holes: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    seed: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(spaces, async ({ counts, holes, seed }) => {
      const names = counts.map((_, i) => `p${i}`);
      const legal = (sum: number) => holes[sum % holes.length];
      const space = new Space(
        counts.map((count, i) => ({ name: names[i], values: [...Array(count).keys()] })),
        [{ names, text: "holes", holds: (c) => legal(names.reduce((sum, n) => sum + Number(c[n]), 0)) }],
      );
      for (const { name } of strategies) {
        const { history, stopped } = await search({
          space,
          strategy: name,
          seed,
          evaluate: (index) => (index % 3 ? ((index * 37) % 11) - 5 : Infinity),
        });
        assert.equal([stopped, history.length], ["exhausted", space.size], name);
      }
    }),
    { numRuns: 25 },
  );
});

check.test("a record replays its rows at what they cost, and a hole in it is refused", async () => {
  const space = new Space([{ name: "x", values: [1, 2, 3] }]);
  const spent = { compilation: 1, verification: 0.5, benchmark: 0.25, framework: 0, search: 0 };
  const row = (x: number, status: (typeof STATUSES)[number], objective?: number) => ({
    configuration: { x },
    status,
    objective,
    times: [0.125, 0.125],
    reading: { source: "wall" as const, quantum: 1e-9, repeats: 2 },
    spent,
    timestamp: "2026-01-01T00:00:00Z",
  });
  const rows = [
    row(1, "ok", 9),
    row(2, "unrankable", 1),
    row(3, "compile"),
    row(1, "ok", 7),
    row(8, "ok", 0),
  ];
  const { history, best } = await run(recorded(space, rows), "brute_force");
  assert.equal(
    history.map(({ objective }) => objective),
    [7, Infinity, Infinity],
  );
  assert.equal(
    history.map(({ seconds }) => seconds),
    [2.25, 4.5, 6.75],
  );
  assert.is(best!.index, 0);
  assert.throws(() => recorded(space, rows.slice(0, 2)), /1 of 3 configurations have no row, first \[3\]/);
});

check.test("expected improvement is what numbers say", () => {
  // mean over a grid of the normal distribution of max(0, best - y)
  for (const [mean, deviation, best] of [
    [1, 0.5, 1.2],
    [3, 1, 1],
    [0, 2, -1],
  ]) {
    let sum = 0;
    for (let z = -8; z < 8; z += 0.001)
      sum +=
        (Math.max(0, best - mean - deviation * z) * Math.exp((-z * z) / 2) * 0.001) / Math.sqrt(2 * Math.PI);
    assert.ok(Math.abs(expectedImprovement(mean, deviation, best) - sum) < 1e-5);
  }
  assert.is(expectedImprovement(1, 0, 3), 2);
  assert.is(expectedImprovement(3, 0, 1), 0);
});

check.test("the threads of the constrained space are what its constraint says", () => {
  const { space } = constrained;
  for (let index = 0; index < space.size; index++) assert.ok(threads.holds(space.at(index)));
});

check.run();
