import { FormatError } from "../../engine/errors.ts";
import { readUnpacked } from "../../engine/io/files.node.ts";
import { parseJson, type Schema } from "../../engine/tune/results/schema.ts";
import type { Result } from "./result.ts";

const STRING: Schema = { type: "string" };
const NUMBER: Schema = { type: "number" };
const STRINGS: Schema = { type: "array", items: STRING };
const OBJECT: Schema = { type: "object" };
const SAMPLES: Schema = { required: ["samples"], properties: { samples: { type: "array", items: NUMBER } } };

const object = (properties: Readonly<Record<string, Schema>>): Schema => ({
  type: "object",
  required: Object.keys(properties),
  properties,
});

const HOST = object({
  adapter: STRING,
  driver: STRING,
  implementation: STRING,
  kind: STRING,
  toggles: STRINGS,
});

const NETWORK = object({
  network: STRING,
  variant: STRING,
  mode: { enum: ["train", "infer"] },
  image: NUMBER,
  batch: NUMBER,
  precision: STRING,
  wall: { type: "object", ...SAMPLES },
  phases: { type: "object", others: object({ device: { type: "object", ...SAMPLES } }) },
  validity: object({ valid: { type: "boolean" }, why: STRING }),
});

const KERNEL: Schema = {
  ...object({ routine: STRING, shapes: OBJECT, algorithm: STRING, tune: OBJECT }),
  properties: {
    routine: STRING,
    shapes: { type: "object", others: { type: "array", items: NUMBER } },
    algorithm: STRING,
    tune: OBJECT,
    device: { type: "object", ...SAMPLES },
    refusal: STRING,
  },
};

/** What comparing and running again need of a result; the rest is taken as it is. */
const RESULT = object({
  format: { enum: ["tessera bench result"] },
  version: { enum: [1] },
  command: STRINGS,
  host: HOST,
  networks: { type: "array", items: NETWORK },
  kernels: { type: "array", items: KERNEL },
});

/** Reads a result, packed by gzip or not. Throws FormatError naming the file, the place in it, and what is expected there. */
export async function readResult(path: string): Promise<Result> {
  const text = (await readUnpacked(path)).toString("utf8");
  try {
    return parseJson(text, RESULT, path) as unknown as Result;
  } catch (error) {
    throw new FormatError(
      `${(error as Error).message}; what \`tessera bench ... --out FILE\` writes is expected`,
      { cause: error },
    );
  }
}
