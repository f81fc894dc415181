// Which tests run: all of them, with --fast the essential ones, and of these with ONLY=text those whose name contains it.

/**
 * The files of `--fast`. The rule: what a change of a kernel, of the plan or of training breaks first, in this one
 * process and on small problems. Left out is what starts processes or a browser, what tunes or measures, and what takes
 * a network of the paper as a whole.
 */
export const FAST: readonly string[] = [
  "device_arrays",
  "fixtures",
  "initialisers",
  "io/safetensors",
  "kernels/bounds",
  "kernels/cast",
  "kernels/clip_factor",
  "kernels/nonfinite",
  "kernels/softmax_cross_entropy",
  "layout",
  "library/layers",
  "library/options",
  "library/predictor",
  "library/resume",
  "library/trainer",
  "models",
  "ops",
  "plan",
  "plans",
  "rewrite",
  "tuning_tables",
].map((name) => `${name}.test.js`);

const unknown = process.argv.slice(2).filter((option) => option !== "--fast");
if (unknown.length > 0) {
  console.error(
    `tests: there is no option ${unknown.join(" ")}, only --fast; ONLY=text chooses tests by name`,
  );
  process.exit(2);
}

export const fast = process.argv.includes("--fast");
export const only = process.env.ONLY ?? "";
