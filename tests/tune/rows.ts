import fc from "fast-check";
import { type Row, STATUSES } from "../../engine/tune/results/row.ts";
import { Space } from "../../engine/tune/space/space.ts";

/** A small space with a parameter of every type. */
export const SPACE = new Space([
  { name: "tile", values: [8, 16, 32] },
  { name: "scale", values: [0.5, 1.25] },
  { name: "form", values: ["plain", "with, comma"] },
  { name: "padded", values: [false, true] },
]);

const seconds = fc.double({ min: 1e-9, max: 1e3, noNaN: true });
const times = fc.array(seconds, { minLength: 1, maxLength: 4 });
const error = fc.constantFrom(0, 0.25, 17, Number.POSITIVE_INFINITY, Number.NaN);
const clock = fc.record({
  source: fc.constantFrom("timestamp" as const, "wall" as const),
  quantum: seconds,
  repeats: fc.nat(),
});

/** Rows of different configurations in any state: only those that ran have times, only those that count an objective. */
export const someRows: fc.Arbitrary<Row[]> = fc
  .uniqueArray(fc.nat(SPACE.size - 1), { minLength: 1, maxLength: 8 })
  .chain((indices) => fc.tuple(...indices.map(someRow)));

const someRow = (index: number): fc.Arbitrary<Row> =>
  fc.constantFrom(...STATUSES).chain((status) => {
    const counts = status === "ok" || status === "unrankable";
    return fc
      .record(
        {
          message: fc.string(),
          error,
          metrics: fc.record({ "GFLOP/s": seconds }),
          reading: clock,
          wgsl: fc.constantFrom("00ff", "ff00"),
        },
        { requiredKeys: [] },
      )
      .chain((rest) =>
        fc
          .record({
            configuration: fc.constant(SPACE.at(index)),
            status: fc.constant(status),
            times: counts ? times : fc.constant([]),
            ...(counts && { objective: seconds }),
            spent: fc.record({
              compilation: seconds,
              verification: seconds,
              benchmark: seconds,
              framework: seconds,
              search: seconds,
            }),
            timestamp: fc.constant("2026-01-02T03:04:05.678Z"),
          })
          .map((row) => structuredClone({ ...row, ...rest }) as Row),
      );
  });
