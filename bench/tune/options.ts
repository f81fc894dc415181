import { type Command, Option } from "commander";
import { STATUSES } from "../../engine/tune/results/row.ts";
import { strategies } from "../../engine/tune/strategies/index.ts";
import { parseShare, whole, withAdapter, withJson } from "../command_line/arguments.ts";
import { suggestion } from "../command_line/suggest.ts";

const withStrategy = (command: Command, standard: string): Command =>
  command
    .addOption(
      new Option("--strategy <name>", `search strategy (default: ${standard})`).choices(
        strategies.map(({ name }) => name),
      ),
    )
    .option("--set <name=value...>", "settings of the strategy");

const withRun = (command: Command): Command =>
  command.option("--run <n>", "which run, if the recording has several", whole(1));

const RECORDING = "a record of tuning, T4 results or a Kernel Tuner cache; .gz too";

/** Options of `tune`, which searches on a device, and of what it does with recordings, without one. */
export function tuneOptions(tune: Command): void {
  withAdapter(withStrategy(withJson(tune), "brute_force"))
    .enablePositionalOptions()
    .argument("<subject>", "operation, .wgsl file, or T1 file (.json) of a kernel in WGSL")
    .option("--space <file>", "T1 file: parameters, constraints, and a kernel's arguments and sizes")
    .option("--routine <name>", "forward or a gradient of the operation (default: forward)")
    .option("--algorithm <name>", "algorithm of the routine (default: the first)")
    .option("--shapes <json>", "shapes of the operation's inputs (default: of its first case)")
    .option("--attrs <json>", "its attributes")
    .option("--budget <amount>", "configurations such as 100, a share such as 20%, or seconds such as 90s")
    .option("--seed <n>", "seed of the search and of the values", whole(0), 1)
    .option(
      "--out <dir>",
      "folder for the record of the run and its report; a second run continues",
      "tuning",
    )
    .option("--no-verify", "time without checking results")
    .allowExcessArguments() // so that the action can refuse them with a suggestion
    .action(async (subject, options, { args }: Command) => {
      if (args.length > 1)
        tune.error(
          `tune has no command ${subject}${suggestion(
            subject,
            tune.commands.map((one) => one.name()),
          )}`,
        );
      await (await import("./tune.ts")).tuneOnce(subject, options);
    });
  for (const add of [addStep, addShow, addDiff, addRepro, addScore, addImport, addExport]) add(tune);
}

function addShow(tune: Command): void {
  withRun(withJson(tune.command("show")))
    .description("print the best rows of a recording and counts of the others, or one row in full")
    .argument("<recording>", RECORDING)
    .argument("[row]", "number of a row, or best")
    .option("--top <n>", "rows of the table", whole(1), 20)
    .addOption(new Option("--status <status>", "only rows of this status").choices(STATUSES))
    .option("--wgsl", "the WGSL of the row and nothing else")
    .action(async (recording, row, options) =>
      (await import("./show.ts")).showRecording(recording, row, options),
    );
}

function addDiff(tune: Command): void {
  withAdapter(withRun(withJson(tune.command("diff"))))
    .description("compare two rows: configurations, results, and WGSL as a unified diff")
    .argument("<recording>", `${RECORDING} (figures only, unless it is a record)`)
    .argument("<row>", "number of a row, or best")
    .argument("<other>", "another row, or now for the WGSL that is made of the row today")
    .option("--against <recording>", "recording of the other row (default: the same)")
    .option("--against-run <n>", "which run of that recording", whole(1))
    .action(async (recording, row, other, options) =>
      (await import("./diff.ts")).diff(recording, row, other, options),
    );
}

function addRepro(tune: Command): void {
  withAdapter(withRun(withJson(tune.command("repro"))))
    .description("evaluate a row again from its record alone; exit code 0 if its status is the same")
    .argument("<record>", "a record of tuning; .gz too")
    .argument("<row>", "number of a row, or best")
    .action(async (record, row, options) => (await import("./repro.ts")).reproRow(record, row, options));
}

function addScore(tune: Command): void {
  withJson(tune.command("score"))
    .description("replay searches on recorded spaces and compare them with random search; needs no device")
    .argument("<recording...>", RECORDING)
    .option("--strategy <name...>", "only these, and random search")
    .option("--repeats <n>", "runs of each strategy on each space", whole(2), 100)
    .addOption(
      new Option("--axis <axis>", "what runs are compared at")
        .choices(["evaluations", "seconds"])
        .default("evaluations"),
    )
    .option(
      "--cutoff <share>",
      "scoring ends where random search has come this far from the median to the optimum",
      parseShare(0.5),
      0.96,
    )
    .option("--seed <n>", "seed of the first run; each further run adds 1", whole(0), 0)
    .action(async (recordings, options) => (await import("./score.ts")).scoreStrategies(recordings, options));
}

function addImport(tune: Command): void {
  tune
    .command("import")
    .description("make a record of tuning of T4 results or a Kernel Tuner cache")
    .argument("<file>", "T4 results or a Kernel Tuner cache; .gz too")
    .argument("<out>", "record (.jsonl) to write")
    .option("--t1 <file>", "T1 description of the problem, whose space and constraints go into the record")
    .action(async (file, out, options) =>
      (await import("./exchange.ts")).importRecording(file, out, options),
    );
}

/** Formats that other tuners read. */
const FORMATS = ["t4", "kernel-tuner"];

function addExport(tune: Command): void {
  withRun(tune.command("export"))
    .description("write a recording in a format that other tuners read")
    .argument("<recording>", RECORDING)
    .addOption(new Option("--format <format>", "format to write").choices(FORMATS).makeOptionMandatory())
    .option("--out <file>", "file to write, packed if it ends in .gz (default: stdout)")
    .action(async (recording, options) =>
      (await import("./exchange.ts")).exportRecording(recording, options),
    );
}

function addStep(tune: Command): void {
  withAdapter(withStrategy(withJson(tune.command("step")), "iterated_local_search"))
    .description("tune the costliest kernels of a network's training step; keep what makes the step faster")
    .requiredOption("--model <name>", "network")
    .option("--variant <variant>", "its variant", "paper")
    .option("--image <pixels>", "image side", whole(75), 299)
    .option("--batch <n>", "images in a step", whole(1), 1)
    .option(
      "--share <part>",
      "tune the problems that make up this part of the step (default: 0.8)",
      parseShare(0),
    )
    .option("--top <n>", "tune this many problems instead, the costliest first", whole(1))
    .option(
      "--budget <amount>",
      "of each problem: configurations such as 100, 20%, or seconds such as 90s",
      "40",
    )
    .option("--rounds <n>", "steps of each version in every comparison", whole(2), 10)
    .option("--seed <n>", "seed of the searches and of the values", whole(0), 1)
    .option("--out <dir>", "folder for records and the tuning table; a second run continues", "tuning/step")
    .option("--merge <file>", "also put the results into this tuning table")
    .action(async (options) => (await import("./step.ts")).step(options));
}
