import { checkNames, refuse } from "../arguments.ts";
import { ValueError } from "../errors.ts";

/** How a Device is asked for. */
export interface OpenOptions {
  /** Part of the adapter's name (`llvmpipe`, `swiftshader`, `nvidia`), or `null` for the backend that only compiles. */
  readonly adapter?: string;
  /** Features to ask for; all the adapter offers by default. */
  readonly features?: readonly GPUFeatureName[];
  /** Limits to ask for; all the adapter offers by default. */
  readonly limits?: Readonly<Record<string, number>>;
  /** Tuning table to ask before those of the engine: its JSON as an object, or its path or URL. */
  readonly tuningTable?: string | object;
  /** In Node, whether `Device.open` may change what the whole process sees (the default); its text says what that is. */
  readonly globals?: boolean;
  /**
   * In Node on Linux, keep what Dawn prints of adapters while it looks for one off stderr. File descriptor 2 is closed and
   * opened anew for that moment: leave it out where other threads may be opening files.
   */
  readonly quiet?: boolean;
}

type Check = readonly [want: string, fits: (value: any) => boolean];

const CHECKS: Readonly<Record<keyof OpenOptions, Check>> = {
  adapter: ["part of an adapter's name", (value) => typeof value === "string" && value !== ""],
  features: [
    "a list of names of features",
    (value) => Array.isArray(value) && value.every((name) => typeof name === "string"),
  ],
  limits: [
    "an object of numbers by name",
    (value) =>
      isObject(value) && Object.values(value).every((limit) => typeof limit === "number" && limit >= 0),
  ],
  tuningTable: ["a tuning table or its path", (value) => typeof value === "string" || isObject(value)],
  globals: ["true or false", (value) => typeof value === "boolean"],
  quiet: ["true or false", (value) => typeof value === "boolean"],
};

const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Throws ValueError naming the first option that does not exist, or has a value of another type. */
export function checkOpenOptions(options: OpenOptions): void {
  if (isObject(options) && "winners" in options)
    throw new ValueError("Device.open: the option winners is now called tuningTable");
  checkNames("Device.open", options, Object.keys(CHECKS));
  for (const [name, [want, fits]] of Object.entries(CHECKS)) {
    const value = options[name as keyof OpenOptions];
    if (value !== undefined && !fits(value)) refuse("Device.open", name, value, want);
  }
}
