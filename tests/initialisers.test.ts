// First weights have the distribution they are said to have.
import * as assert from "uvu/assert";
import { varianceScaling, xavier } from "../engine/nn/initialisers.ts";
import { stream } from "../engine/random.ts";
import { group } from "./harness.ts";

const check = group("initialisers");
const SHAPE = [3, 3, 100, 400];
const DEVIATION = Math.sqrt((1.3 * 2) / 900);

check.test("variance scaling draws a normal cut at two deviations", () => {
  const z = varianceScaling()(SHAPE, stream(7, "w")).map((w) => w / DEVIATION);
  // shares of a standard normal below each point, of what lies between -2 and 2
  for (const [point, below] of [
    [-1.9, 0.006251],
    [-1.5, 0.046157],
    [-1, 0.142384],
    [-0.5, 0.299411],
    [0, 0.5],
    [0.25, 0.603412],
    [1, 0.857616],
    [1.75, 0.981866],
  ]) {
    const share = z.filter((v) => v < point).length / z.length;
    assert.ok(
      Math.abs(share - below) < 4 * Math.sqrt((below * (1 - below)) / z.length),
      `${point}: ${share}`,
    );
  }
  assert.ok(z.every((v) => Math.abs(v) < 2.000001));
  assert.ok(Math.max(...z.slice(0, 1e5)) > 1.999);
});

check.test("xavier draws uniform values up to its limit, the same for the same seed and path", () => {
  const [a, b, c] = ["w", "w", "v"].map((path) => xavier()([600, 600], stream(7, path)));
  const limit = Math.sqrt(6 / 1200);
  assert.equal(a, b);
  assert.not.equal(a.slice(0, 9), c.slice(0, 9));
  const mean = a.reduce((sum, v) => sum + v, 0) / a.length;
  const square = a.reduce((sum, v) => sum + v * v, 0) / a.length;
  assert.ok(Math.abs(mean) < (4 * limit) / Math.sqrt(3 * a.length) && a.every((v) => Math.abs(v) <= limit));
  assert.ok(Math.abs(square / (limit * limit) - 1 / 3) < 0.003);
});

check.run();
