import { type Command, Option } from "commander";
import { STATUSES } from "../../engine/tune/results/row.ts";
import { strategies } from "../../engine/tune/strategies/index.ts";
import { share, whole } from "../command_line/arguments.ts";
import { diff } from "./diff.ts";
import { exportRecording, importRecording, WRITERS } from "./exchange.ts";
import { repro } from "./repro.ts";
import { scoreStrategies } from "./score.ts";
import { show } from "./show.ts";
import { step } from "./step.ts";
import { run as search } from "./tune.ts";

const adapter = [
  "--adapter <name>",
  "part of the adapter's name: llvmpipe, swiftshader, nvidia ...",
] as const;

/** Adds `tune`, which searches on a device, and what it does with recordings, without one. */
export function addTune(program: Command): void {
  const tune = program
    .command("tune")
    .enablePositionalOptions()
    .description("search the configurations of a kernel for the fastest that is right; look at recordings")
    .argument("<subject>", "operation, .wgsl file, or T1 file (.json) of a kernel in WGSL")
    .option("--space <file>", "T1 file: parameters, constraints, and a kernel's arguments and sizes")
    .option("--routine <name>", "forward or a gradient of the operation (default: forward)")
    .option("--algorithm <name>", "algorithm of the routine (default: the first)")
    .option("--shapes <json>", "shapes of the operation's inputs (default: of its first case)")
    .option("--attrs <json>", "its attributes")
    .addOption(
      new Option("--strategy <name>", "how the space is searched (default: brute_force)").choices(
        strategies.map(({ name }) => name),
      ),
    )
    .option("--set <name=value...>", "settings of the strategy")
    .option("--budget <amount>", "configurations such as 100, a share such as 20%, or seconds such as 90s")
    .option("--seed <n>", "seed of the search and of the values", whole(0), 1)
    .option(
      "--out <dir>",
      "folder for the record of the run, which a second run goes on with, and its report",
      "tuning",
    )
    .option("--no-verify", "time without checking results")
    .option(...adapter)
    .action((subject, options) => search(subject, options));
  addStep(tune);
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
    .option("--wgsl", "the WGSL of the row and nothing else")
    .action((recording, row, options) => show(recording, row, options));

  tune
    .command("diff")
    .description("compare two rows: what they set, what came of them, and their WGSL as a unified diff")
    .argument("<recording>", "a record of tuning; figures of T4 results and Kernel Tuner caches too")
    .argument("<row>", "number of a row, or best")
    .argument("<other>", "another, or now for the WGSL that is made of the row today")
    .option("--against <recording>", "where the other row is (default: the same)")
    .option(...run)
    .option("--against-run <n>", "which run of that", whole(1))
    .option(...adapter)
    .action((recording, row, other, options) => diff(recording, row, other, options));

  tune
    .command("repro")
    .description("evaluate a row again from its record alone; exit code 0 if its status is the same")
    .argument("<record>", "a record of tuning; .gz too")
    .argument("<row>", "number of a row, or best")
    .option(...run)
    .option("--json", "as JSON")
    .option(...adapter)
    .action((record, row, options) => repro(record, row, options));

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

function addStep(tune: Command): void {
  tune
    .command("step")
    .description("tune what dominates a network's training step, and keep what makes the step faster")
    .requiredOption("--model <name>", "network")
    .option("--variant <variant>", "its variant", "paper")
    .option("--image <pixels>", "image side", whole(75), 299)
    .option("--batch <n>", "images a step", whole(1), 1)
    .option("--share <part>", "part of the step's time that is looked at (default: 0.8)", share(0))
    .option("--top <n>", "so many problems instead, the costliest first", whole(1))
    .addOption(
      new Option(
        "--strategy <name>",
        "how each problem is searched (default: iterated_local_search)",
      ).choices(strategies.map(({ name }) => name)),
    )
    .option("--set <name=value...>", "settings of the strategy")
    .option(
      "--budget <amount>",
      "of each problem: configurations such as 100, 20%, or seconds such as 90s",
      "40",
    )
    .option("--rounds <n>", "steps of either kind whenever the two are compared", whole(2), 10)
    .option("--seed <n>", "seed of the searches and of the values", whole(0), 1)
    .option("--out <dir>", "folder for rows, which a second run goes on with, and winners", "tuning/step")
    .option("--merge <file>", "also put the winners into this table")
    .option("--adapter <name>", "part of the adapter's name: llvmpipe, swiftshader, nvidia ...")
    .action((options) => step(options));
}
