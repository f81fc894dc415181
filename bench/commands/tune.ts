import { type Command, Option } from "commander";
import { STATUSES } from "../../engine/tune/row.ts";
import { exportRecording, importRecording, WRITERS } from "../tune/exchange.ts";
import { scoreStrategies } from "../tune/score.ts";
import { show } from "../tune/show.ts";
import { share, whole } from "./arguments.ts";

/** Adds `tune` with what works on recordings, without a device. */
export function addTune(program: Command): void {
  const tune = program
    .command("tune")
    .description("recordings of tuning: look, convert, compare searches on them");
  const run = ["--run <n>", "which run of a record that holds several", whole(1)] as const;

  tune
    .command("show")
    .description("print the best rows of a recording and what became of the others, or one row in full")
    .argument("<recording>", "a record of tuning, T4 results or a Kernel Tuner cache; .gz too")
    .argument("[row]", "number of a row, or best")
    .option("--top <n>", "rows of the table", whole(1), 20)
    .addOption(new Option("--status <status>", "only rows of this status").choices(STATUSES))
    .option(...run)
    .option("--json", "as JSON")
    .action((recording, row, options) => show(recording, row, options));

  tune
    .command("score")
    .description("replay searches on recorded spaces and compare them with random search; no device is used")
    .argument("<recording...>", "records of tuning, T4 results, Kernel Tuner caches; .gz too")
    .option("--strategy <name...>", "only these, beside random search")
    .option("--repeats <n>", "runs of each strategy on each space", whole(2), 100)
    .addOption(
      new Option("--axis <axis>", "what runs are compared at")
        .choices(["evaluations", "seconds"])
        .default("evaluations"),
    )
    .option(
      "--cutoff <share>",
      "ends where random search is so near to the optimum, from the median",
      share(0.5),
      0.96,
    )
    .option("--seed <n>", "seed of the first run; the others count on", whole(0), 0)
    .option("--json", "as JSON, with the curves")
    .action((recordings, options) => scoreStrategies(recordings, options));

  tune
    .command("import")
    .description("make a record of tuning of T4 results or a Kernel Tuner cache")
    .argument("<file>", "T4 results or a Kernel Tuner cache; .gz too")
    .option("--t1 <file>", "T1 description of the problem: its space with constraints goes into the record")
    .argument("<out>", "record (.jsonl) to write")
    .action((file, out, options) => importRecording(file, out, options));

  tune
    .command("export")
    .description("write a recording in a format that other tuners read")
    .argument("<recording>", "a record of tuning, or a recording in another format; .gz too")
    .addOption(
      new Option("--format <format>", "to be written").choices(Object.keys(WRITERS)).makeOptionMandatory(),
    )
    .option("--out <file>", "file to write, packed where it ends in .gz (default: stdout)")
    .option(...run)
    .action((recording, options) => exportRecording(recording, options));
}
