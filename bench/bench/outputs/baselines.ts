// What others published of these networks, beside a result: never as if it had been measured alike.

import { csvParseRows } from "d3-dsv";
import { FormatError } from "../../../engine/errors.ts";
import type { Host, NetworkRow, Result } from "../../measure/result.ts";
import { figures } from "../../page/scale.ts";
import lambda from "../baselines/lambda.csv";
import timm from "../baselines/timm.csv";
import { timmName } from "./csv.ts";
import { markdownTable } from "./markdown.ts";
import { imageRate, named, three } from "./summary.ts";
import type { Table } from "./table.ts";

/** A published row. */
export interface PublishedRow {
  /** Repository with its commit, and file. */
  readonly source: string;
  /** timm's name of the network. */
  readonly model: string;
  readonly mode: "train" | "infer";
  readonly image: number;
  /** Absent where it was not said. */
  readonly batch?: number;
  readonly precision: string;
  readonly layout: string;
  readonly framework: string;
  readonly hardware: string;
  /** Images a second. */
  readonly rate: number;
  /** Milliseconds of a step; of Lambda's rows the batch over its rate. */
  readonly step?: number;
}

const COLUMNS =
  "source,model,mode,img_size,batch_size,precision,layout,framework,hardware,samples_per_sec,step_time";

/** Rows of a baselines file. Throws FormatError naming the line that is otherwise. */
export function readBaselines(text: string, file: string): readonly PublishedRow[] {
  const [header, ...lines] = csvParseRows(text);
  if (header?.join() !== COLUMNS)
    throw new FormatError(`${file}: its columns are ${header} but ${COLUMNS} is expected`);
  return lines.map((cells, i) => {
    const fault = (what: string) => new FormatError(`${file}: line ${i + 2}: ${what}`);
    if (cells.length !== header.length)
      throw fault(`${cells.length} cells but ${header.length} are expected`);
    const [source, model, mode, image, batch, precision, layout, framework, hardware, rate, step] = cells;
    const number = (cell: string, name: string) => {
      if (!(Number(cell) > 0)) throw fault(`${name} is ${cell || "empty"} but a number above 0 is expected`);
      return Number(cell);
    };
    if (mode !== "train" && mode !== "infer") throw fault(`mode is ${mode} but train or infer is expected`);
    return {
      ...{ source, model, mode, precision, layout, framework, hardware },
      image: number(image, "img_size"),
      batch: batch ? number(batch, "batch_size") : undefined,
      rate: number(rate, "samples_per_sec"),
      step: step ? number(step, "step_time") : undefined,
    };
  });
}

/** All published rows: timm's (PyTorch) and Lambda's (TensorFlow). */
export const published: readonly PublishedRow[] = [
  ...readBaselines(timm, "timm.csv"),
  ...readBaselines(lambda, "lambda.csv"),
];

/**
 * The published network that a row is held beside: its own; for Inception-ResNet-v1 Inception-v3, with whose cost the
 * paper (arXiv 1602.07261, section 1) compares it.
 */
const counterpart = ({ network }: NetworkRow): string =>
  network === "inception-resnet-v1" ? "inception_v3" : network.replaceAll("-", "_");

/** Published rows of the same network and mode, the fastest last. */
export const baselinesOf = (row: NetworkRow): readonly PublishedRow[] =>
  published
    .filter(({ model, mode }) => model === counterpart(row) && mode === row.mode)
    .sort((a, b) => a.rate - b.rate);

/** In words, what reserved the engine tells a published row from ours. */
export function baselineDifferences(row: NetworkRow, host: Host, theirs: PublishedRow): readonly string[] {
  const ours = timmName(row);
  const network =
    theirs.model === "inception_v3"
      ? "Inception-v3, another network"
      : theirs.model !== ours && `another variant: timm's ${theirs.model}, not ours (${row.variant})`;
  return [
    network,
    theirs.precision !== row.precision && `${theirs.precision} instead of ${row.precision}`,
    theirs.batch === undefined
      ? `an unknown batch instead of ${row.batch}`
      : theirs.batch !== row.batch && `batch ${theirs.batch} instead of ${row.batch}`,
    theirs.image !== row.image && `${theirs.image}x${theirs.image} instead of ${row.image}x${row.image}`,
    hardwareDifference(theirs, host),
  ].filter((one) => one !== false);
}

/** Kinds of adapters that compute on the processor. */
const SOFTWARE = ["lavapipe", "swiftshader"];

function hardwareDifference({ hardware }: PublishedRow, { adapter, kind, cpu }: Host): string | false {
  const [their, our] = [
    hardware.startsWith("Intel") ? "CPU" : "GPU",
    SOFTWARE.includes(kind) ? "CPU" : "GPU",
  ];
  if (their !== our) return `a ${their} instead of a ${our}`;
  const name = hardware.replace(/^(NVIDIA|Intel) /, "").toLowerCase();
  return !`${adapter} ${our === "CPU" ? cpu : ""}`.toLowerCase().includes(name) && `another ${their}`;
}

/** Where published rows are from, and what to know of all of them. */
export const SOURCES =
  "A ratio says nothing of the engines alone: what else differs stands beside it. timm: github.com/huggingface/pytorch-image-models at aa4b5850, results/benchmark-*.csv. Lambda: github.com/lambdal/deeplearning-benchmark at e086e0e, synthetic data, some rows with XLA; milliseconds are batch over rate.";

/** For every network of a result what was published of it, with all that differs in words. */
export function baselineTables(result: Result): readonly Table[] {
  const name = named(result.networks);
  return result.networks.flatMap((row) => {
    const rows = baselinesOf(row);
    if (rows.length === 0) return [];
    const rate = row.validity.valid ? `${three(imageRate(row))} images/s` : "not valid, so not compared";
    return {
      title: `Published for ${name(row)}`,
      note: `Ours: ${rate}, ${row.mode === "train" ? "training" : "inference"} in ${row.precision}, batch ${row.batch}, ${row.image}x${row.image}, on ${result.host.adapter}.`,
      columns: [
        { heading: "Hardware" },
        { heading: "images/s", number: true },
        { heading: "times ours", number: true },
        { heading: "ms/step", number: true },
        { heading: "They had" },
        { heading: "Framework" },
        { heading: "Source" },
      ],
      rows: rows.map((theirs) => [
        theirs.hardware,
        figures(theirs.rate),
        row.validity.valid ? three(theirs.rate / imageRate(row)) : "",
        theirs.step === undefined ? "" : figures(theirs.step),
        baselineDifferences(row, result.host, theirs).join("; "),
        [theirs.framework, theirs.layout].filter(Boolean).join(", "),
        theirs.source
          .replace(/ \w+ (results\/benchmark-|tf-)/, " ")
          .replace(/\.csv$/, "")
          .replace(/^lambdal\/\S+/, "Lambda"),
      ]),
    };
  });
}

/** The tables of what was published as Markdown. */
export function baselines(result: Result): string {
  const tables = baselineTables(result);
  return tables.length > 0
    ? `${SOURCES}\n\n${tables.map(markdownTable).join("\n")}`
    : "Nothing was published of what this result measured.\n";
}
