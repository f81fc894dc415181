// The README's own example, as a user would run it.
import * as assert from "uvu/assert";
import { type Net, rmsprop, type Tensor, Trainer } from "../engine/index.ts";
import { Predictor } from "../engine/nn/predictor.ts";
import { stream } from "../engine/random.ts";
import { device, group } from "./harness.ts";

const check = group("readme");

function tiny(net: Net, images: Tensor) {
  let x = net.unit("stem", images, 32, 3, { stride: 2, padding: "valid" });
  x = net.concat(
    net.unit("a/1", x, 32, 1),
    net.unit("b/2", net.unit("b/1", x, 32, 1), 48, [1, 7]),
    net.maxPool(x, 3),
  );
  x = net.residual(x, net.conv2d("expansion", net.unit("c/1", x, 32, 3), x.shape[3], 1), 0.2);
  return net.linear("logits", net.dropout(net.globalAvgPool(x), 0.8), 10);
}

check.test("the layer API in ten lines", async () => {
  const next = stream(4);
  const images = Float32Array.from({ length: 16 * 64 * 64 * 3 }, () => 2 * next() - 1);
  const labels = Int32Array.from({ length: 16 }, (_, i) => i % 10);
  const input = [16, 64, 64, 3] as const;
  const trainer = await Trainer.create(device, tiny, {
    input,
    optimizer: rmsprop(),
    rate: 0.045,
    clip: 2,
    average: 0.999,
  });
  const losses = [];
  for (let step = 0; step < 5; step++) losses.push((await trainer.step(images, labels)).loss);
  assert.ok(losses[4] < losses[0], `${losses}`);
  for (const weights of ["value", "average"] as const) {
    const predictor = await Predictor.create(device, tiny, trainer.variables, { input, weights });
    const logits = await predictor.predict(images);
    assert.is(logits.length, 160);
    assert.ok(logits.every(Number.isFinite));
    predictor.close();
  }
  trainer.close();
});
check.run();
