import { environment } from "#platform";

interface Switch {
  /** What it is set to. */
  readonly values: string;
  readonly does: string;
  /** Its name until this release, which is still read, with a warning. */
  readonly formerly?: string;
}

/** Every environment variable that is read. A browser has none. */
export const SWITCHES = {
  ADAPTER: {
    values: "part of an adapter's name: `llvmpipe`, `swiftshader`, `nvidia`; or `null`",
    does: "the adapter to open where the caller names none; `null` compiles and runs nothing",
  },
  TUNING_TABLE: {
    values: "path of a JSON file",
    does: "a tuning table that is asked before those in `engine/plan/tables/`",
    formerly: "WINNERS",
  },
  DEBUG: {
    values: "1, 2, 3 or 4",
    does: "prints 1 the adapter; 2 a line per profiled dispatch with ms, GFLOP/s, GB/s; 3 tunables and the rule that chose; 4 the WGSL",
  },
  DAWN: {
    values: "`enable-dawn-features=...`, `disable-dawn-features=...`, with spaces between",
    does: "options that Dawn starts with, in place of the usual ones",
  },
  ONLY: { values: "text", does: "runs the tests whose name contains it" },
  LP_NUM_THREADS: { values: "a number", does: "Mesa's own: threads of lavapipe, three to a core by default" },
} as const satisfies Readonly<Record<string, Switch>>;

const warned = new Set<string>();

/** What a switch is set to; undefined where it is not set, or empty. Warns once where it is set by its old name. */
export function readSwitch(name: keyof typeof SWITCHES): string | undefined {
  const { formerly }: Switch = SWITCHES[name];
  const value = environment(name);
  if (value !== undefined || formerly === undefined) return value;
  const old = environment(formerly);
  if (old !== undefined && !warned.has(formerly)) {
    warned.add(formerly);
    console.warn(`${formerly} is now called ${name}; the next release does not read the old name`);
  }
  return old;
}
