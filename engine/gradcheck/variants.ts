import type { Algorithm } from "../../kernels/op.ts";
import { tunables } from "../device/reflect.ts";
import { LAYOUTS, type Variant } from "./routine.ts";

/**
 * What a check runs of an algorithm: its defaults in every layout, then every tunable at each of its values with the
 * others at default, dense and accumulated: a kernel that computes an element twice shows in nothing else.
 */
export function* variants({ name, kernels }: Pick<Algorithm<any>, "name" | "kernels">): Iterable<Variant> {
  for (const layout of LAYOUTS) yield { algorithm: name, layout };
  const values = new Map<string, readonly number[]>();
  for (const kernel of kernels) for (const [key, { choices }] of tunables(kernel)) values.set(key, choices);
  values.delete("LANES"); // the adapter's subgroup size decides it
  for (const [key, choices] of values)
    for (const value of choices)
      for (const layout of ["dense", "accumulated"] as const)
        yield { algorithm: name, layout, tune: { [key]: value } };
}
