// What the cases of clip_factor cannot say, as nothing lies within a bound of NaN: a run that diverges shows.

import { Graph } from "../../engine/graph/graph.ts";
import { Executable } from "../../engine/plan/executable.ts";
import { plan } from "../../engine/plan/plan.ts";
import { clipFactor } from "../../kernels/clip_factor/clip_factor.ts";
import { device, group } from "../harness.ts";

const check = group("clip_factor");

for (const [limit, gate] of [1, Number.POSITIVE_INFINITY].flatMap((v) => [
  [v, false] as const,
  [v, true] as const,
]))
  check.test(
    `limit ${limit}, gate ${gate}: the norm is infinite or NaN as the squares are, the factor ${gate ? -1 : NaN}`,
    async () => {
      const graph = new Graph();
      const outputs = graph.apply(clipFactor, { squares: graph.input("squares", [1]) }, { limit, gate });
      const executable = await Executable.load(device, plan(graph, device.traits, { outputs }));
      try {
        for (const squares of [Number.POSITIVE_INFINITY, Number.NaN]) {
          executable.poison(1);
          executable.write("squares", Float32Array.of(squares));
          executable.run();
          const [[norm], [factor]] = [await executable.read("norm"), await executable.read("factor")];
          if (!Object.is(norm, squares) || !Object.is(factor, gate ? -1 : Number.NaN))
            throw new Error(`clip_factor: squares ${squares} gave norm ${norm} and factor ${factor}`);
        }
      } finally {
        executable.close();
      }
    },
  );

check.run();
