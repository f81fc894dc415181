// Weights of every network in every convention: exported, imported again, nothing lost.
import * as assert from "uvu/assert";
import { ValueError, WeightsError } from "../engine/errors.ts";
import { Net } from "../engine/nn/net.ts";
import type { StateDict } from "../engine/nn/variables.ts";
import { stream } from "../engine/random.ts";
import { exportWeights, importWeights } from "../models/checkpoints.ts";
import { fromPublicNames, getModel, listEntries, netOptions, toPublicNames } from "../models/index.ts";
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
check.test("public names in and out of the library, with the gammas that PyTorch asks for", () => {
  const net = new Net(netOptions("inception-v4", { width: 1 / 16 }));
  getModel("inception-v4", { classes: 7 })(net, net.input("images", [1, 75, 75, 3]));
  const next = stream(2);
  const state: StateDict = new Map(
    [...net.variables].map(([path, { shape, initial }]) => [path, { shape, data: initial(shape, next) }]),
  );
  const tensors = toPublicNames("inception-v4", state);
  assert.equal(tensors.get("features.0.conv.weight")!.shape, [2, 3, 3, 3]);
  assert.equal(tensors.get("features.0.bn.weight")!.data, Float32Array.of(1, 1));
  assert.equal(tensors.get("last_linear.weight")!.shape, [7, 96]);
  const rsco = toPublicNames("inception-v4", state, { layout: "RSCO" });
  assert.equal(rsco.get("last_linear.weight")!.shape, [96, 7]);
  assert.equal([...rsco.keys()], [...tensors.keys()]);
  const back = fromPublicNames("inception-v4", tensors);
  for (const [path, { data }] of state) assert.equal(back.get(path)!.data, data, path);
  assert.is(back.size, state.size + [...back.keys()].filter((path) => path.endsWith("/gamma")).length);
  assert.equal(fromPublicNames("inception-v4", state), state);

  const without = new Map([...tensors].filter(([key]) => key !== "features.2.bn.bias"));
  const bent = new Map(tensors).set("features.2.bn.bias", { shape: [5], data: new Float32Array(5) });
  const says = (words: RegExp, act: () => unknown, kind: new (message: string) => Error) =>
    assert.throws(act, (error: unknown) => error instanceof kind && words.test(error.message));
  says(/features\.2\.bn\.bias/, () => fromPublicNames("inception-v4", without), WeightsError);
  says(/features\.2\.bn\.bias.*\[4\].*\[5\]/, () => fromPublicNames("inception-v4", bent), WeightsError);
  says(/no network known here/, () => fromPublicNames("inception-v4", new Map()), WeightsError);
  says(/no model inception-v5/, () => fromPublicNames("inception-v5", tensors), ValueError);
  says(/no variant x/, () => toPublicNames("inception-v4", state, { variant: "x" }), ValueError);
  const odd = new Map([["nowhere/w", { shape: [1], data: new Float32Array(1) }]]);
  says(/nowhere\/w has no public name/, () => toPublicNames("inception-v4", odd), ValueError);
});

check.run();
