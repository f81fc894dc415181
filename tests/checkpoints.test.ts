// Weights of every network in every convention: exported, imported again, nothing lost.
import * as assert from "uvu/assert";
import { Net } from "../engine/nn/net.ts";
import { stream } from "../engine/random.ts";
import { exportWeights, importWeights } from "../models/checkpoints.ts";
import { getModel, listEntries, netOptions } from "../models/index.ts";
import { group } from "./harness.ts";

const check = group("checkpoints");
for (const { name, variant } of listEntries())
  check.test(`${name} ${variant}, both namings, both layouts`, () => {
    const net = new Net(netOptions(name, { variant, width: 1 / 16, batchNorm: { scale: true } }));
    getModel(name, { variant, classes: 7 })(net, net.input("images", [1, 75, 75, 3]));
    const next = stream(2);
    const state = new Map(
      [...net.variables].map(([path, { shape, initial }]) => [
        path,
        { shape, data: initial(shape, next).map(next) },
      ]),
    );
    for (const naming of ["tessera", "public"] as const)
      for (const layout of ["RSCO", "OIHW"] as const) {
        const file = exportWeights(name, variant, state, { naming, layout });
        assert.is(file.size, state.size, "two tensors share a name");
        const back = importWeights(name, variant, net.variables, file);
        assert.is(back.convention.layout, layout);
        assert.equal(back.state, state);
      }
  });

check.test("the names of an older port are kept", () => {
  const net = new Net(netOptions("inception-resnet-v2", { variant: "slim", width: 1 / 16 }));
  getModel("inception-resnet-v2", { variant: "slim", classes: 7 })(net, net.input("images", [1, 75, 75, 3]));
  const next = stream(2);
  const state = new Map(
    [...net.variables].map(([path, { shape, initial }]) => [path, { shape, data: initial(shape, next) }]),
  );
  const file = new Map(
    exportWeights("inception-resnet-v2", "slim", state, { naming: "public", layout: "OIHW" }),
  );
  for (const part of ["weight", "bias"]) {
    file.set(`last_linear.${part}`, file.get(`classif.${part}`)!);
    file.delete(`classif.${part}`);
  }
  const { state: back, convention } = importWeights("inception-resnet-v2", "slim", net.variables, file);
  assert.equal(back, state);
  assert.ok(exportWeights("inception-resnet-v2", "slim", back, convention).has("last_linear.weight"));
});
check.run();
