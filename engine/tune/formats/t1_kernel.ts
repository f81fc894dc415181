import { FormatError } from "../../errors.ts";
import { stream } from "../../random.ts";
import type { Data, KernelDescription, Output } from "../kernel/kernel.ts";
import type { JsonObject } from "../results/schema.ts";
import type { T1Problem } from "./t1.ts";

const KINDS: Readonly<Record<string, "f32" | "i32" | "u32">> = {
  float: "f32",
  int: "i32",
  int32: "i32",
  uint: "u32",
  uint32: "u32",
};
const ARRAYS = { f32: Float32Array, i32: Int32Array, u32: Uint32Array };

/**
 * The kernel that a T1 problem in WGSL describes. Arguments are bindings by their names: vectors of Size elements and
 * scalars of one, of FillType Random (uniform in [-FillValue, FillValue), whole numbers from 0 on) or Constant; those
 * that are WriteOnly hold garbage. GlobalSize counts invocations, LocalSize those of a workgroup. The default
 * configuration is what the others must agree with; Flops and Bytes of a launch make GFLOP/s and GB/s. Throws FormatError for an argument that is none of these, or another
 * language.
 */
export function kernelOf(problem: T1Problem, wgsl: string, seed = 0): KernelDescription {
  const { name, language, space, globalSize, localSize, flops, bytes } = problem;
  if (language !== "WGSL") throw new FormatError(`${name}: Language is ${language} but WGSL is expected`);
  const buffers = problem.arguments.map((argument) => [argument.Name, buffer(argument, name, seed)]);
  const sides = [0, 1, 2].map((i) => `-(-(${globalSize[i]?.text ?? 1}) // (${localSize[i]?.text ?? 1}))`);
  return {
    label: name,
    wgsl,
    buffers: Object.fromEntries(buffers),
    ...(flops && { flops: flops.text }),
    ...(bytes && { bytes: bytes.text }),
    grid: [sides[0], sides[1], sides[2]],
    like: Object.fromEntries(space.parameters.map((p) => [p.name, p.default ?? p.values[0]])),
  };
}

function buffer(argument: JsonObject, name: string, seed: number): Data | Output {
  const { Name, Type, MemoryType = "Vector", Size = 1, AccessType, FillType, FillValue = 1 } = argument;
  const at = `${name}: argument ${Name}`;
  const type = KINDS[String(Type)];
  if (!type)
    throw new FormatError(`${at}: Type is ${Type} but one of ${Object.keys(KINDS).join(", ")} is expected`);
  if (MemoryType !== "Vector" && MemoryType !== "Scalar")
    throw new FormatError(`${at}: MemoryType is ${MemoryType} but Vector or Scalar is expected`);
  const length = MemoryType === "Scalar" ? 1 : Number(Size);
  if (!(Number.isInteger(length) && length > 0))
    throw new FormatError(`${at}: Size is ${Size} but a number of elements is expected`);
  if (AccessType === "WriteOnly") return { type, length };
  const value = Number(FillValue);
  const random = stream(seed, String(Name));
  const draw = type === "f32" ? () => value * (2 * random() - 1) : () => Math.floor(value * random());
  if (FillType !== "Random" && FillType !== "Constant")
    throw new FormatError(`${at}: FillType is ${FillType} but Random or Constant is expected`);
  return ARRAYS[type].from(Array.from({ length }, FillType === "Random" ? draw : () => value));
}
