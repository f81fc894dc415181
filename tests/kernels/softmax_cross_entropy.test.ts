// What no float64 value can say: rows whose label is no class.

import { Graph } from "../../engine/graph/graph.ts";
import { Executable } from "../../engine/plan/executable.ts";
import { plan } from "../../engine/plan/plan.ts";
import { softmaxCrossEntropy } from "../../kernels/softmax_cross_entropy/softmax_cross_entropy.ts";
import { device, group } from "../harness.ts";

const check = group("softmax_cross_entropy labels");
check.test("a label that is no class", async () => {
  const graph = new Graph();
  const logits = graph.input("logits", [4, 9]);
  const labels = graph.input("labels", [4], "i32");
  const outputs = graph.apply(softmaxCrossEntropy, { logits, labels }, { smoothing: 0.1 });
  const executable = await Executable.load(device, plan(graph, device.traits, { outputs }));
  try {
    executable.write(
      "logits",
      Float32Array.from({ length: 36 }, (_, i) => Math.sin(i)),
    );
    executable.write("labels", Int32Array.of(-1, 9, 2 ** 31 - 1, 8));
    executable.run();
    const losses = await executable.read("losses");
    const rank = new Uint32Array(await executable.readBytes("rank"));
    const [loss] = await executable.read("loss");
    const nan = [...losses, loss].map(Number.isNaN).join();
    if (nan !== "true,true,true,false,true") throw new Error(`losses ${losses}, loss ${loss}`);
    const logSum = await executable.read("log_sum"); // the gradient is to be NaN too
    if (logSum.some((v, row) => Number.isNaN(v) !== row < 3)) throw new Error(`log_sum ${logSum}`);
    if (!rank.every((v, row) => (row < 3 ? v === 2 ** 32 - 1 : v < 9))) throw new Error(`rank ${rank}`);
  } finally {
    executable.close();
  }
});
check.run();
