// Computes rows of what operations make of infinities and NaN, in Node and in the browser.

import type { Device } from "../../../engine/device/device.ts";
import { algorithms, Launch } from "../../../engine/gradcheck/operations/launch.ts";
import { problemShapes } from "../../../engine/gradcheck/operations/problem.ts";
import { withGradients } from "../../../engine/graph/signature.ts";
import { size, type Values } from "../../../kernels/op.ts";
import { type Row, SIGNS } from "./row.ts";

/** Runs a row by every algorithm that the device can run. Throws where a value is not as stated. */
export async function checkRow(
  device: Device,
  { op, shapes: given, attrs, values, routine = "forward", want }: Row,
): Promise<void> {
  const shapes = withGradients(problemShapes(op, { shapes: given, attrs }));
  const inputs: Values = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      Float64Array.from(values[name] ?? new Float64Array(size(shape)).fill(1)),
    ]),
  );
  for (const [of, { name: algorithm }] of algorithms(device, op, { attrs }, { shapes })) {
    if (of !== routine) continue;
    const launch = await Launch.load(device, op, attrs, shapes, routine, { algorithm, layout: "dense" });
    try {
      const got = await launch!.values(inputs);
      for (const [name, signs] of Object.entries(want))
        if (got[name].length !== signs.length || ![...signs].every((sign, i) => SIGNS[sign](got[name][i])))
          throw new Error(
            `${op.name} ${algorithm}: ${name} is ${[...got[name]].join(" ")} but ${signs} is expected`,
          );
    } finally {
      launch!.close();
    }
  }
}
