// A result as comma-separated values: its first columns are those of timm's benchmark.py, so that rows join with its
// published ones (github.com/huggingface/pytorch-image-models, results/benchmark-*.csv).

import { csvFormatRows } from "d3-dsv";
import type { Phase } from "../../../engine/graph/graph.ts";
import type { KernelRow, NetworkRow, Result } from "../../measure/result.ts";
import { deviceSeconds, dispatches, imageRate, problemOf, stepFlops, tuneOf } from "./summary.ts";

type Cell = string | number | boolean | undefined;
type Columns<Row> = Readonly<Record<string, (row: Row) => Cell>>;

/**
 * Networks as CSV (RFC 4180), a line each; of a result without any its kernels. Units are timm's: milliseconds, and
 * millions (parameters, `macts`) or thousands of millions (`gmacs`) to two places. Times are medians, where timm's are
 * means. A cell that says nothing of its row is empty.
 */
export const csv = (result: Result): string =>
  result.networks.length > 0 || result.kernels.length === 0
    ? table(result.networks, networkColumns(result))
    : table(result.kernels, { ...KERNEL, ...host<KernelRow>(result) });

const rounded = (value: number | undefined, places: number): number | undefined =>
  value !== undefined && Number.isFinite(value) ? Number(value.toFixed(places)) : undefined;
const ms = (seconds: number | undefined) => rounded(seconds && 1e3 * seconds, 3);

/** What timm calls a network; a variant that it does not have keeps a name of its own. */
export function timmName({ network, variant }: Pick<NetworkRow, "network" | "variant">): string {
  const name = network.replaceAll("-", "_");
  const theirs = ["inception_v4.paper", "inception_v4.slim", "inception_resnet_v2.slim"];
  const ours = `${name}.${variant.replaceAll(" ", "_")}`;
  return theirs.includes(ours) ? name : ours;
}

/** timm's columns of a mode; parameters are counted once in a file of both. */
function timm(mode: NetworkRow["mode"]): Columns<NetworkRow> {
  const common: Columns<NetworkRow> = {
    samples_per_sec: (row) => rounded(imageRate(row), row.wall.median > 0.1 ? 4 : 2),
    step_time: ({ wall }) => ms(wall.median),
    batch_size: ({ batch }) => batch,
    img_size: ({ image }) => image,
    ...(mode === "infer" && {
      gmacs: ({ timmMacs }) => rounded(timmMacs / 1e9, 2),
      macts: ({ activations }) => rounded(activations / 1e6, 2),
    }),
  };
  return Object.fromEntries(
    Object.entries(common).map(([name, of]) => [
      `${mode}_${name}`,
      (row: NetworkRow) => (row.mode === mode ? of(row) : undefined),
    ]),
  );
}

function networkColumns(result: Result): Columns<NetworkRow> {
  const modes = (["infer", "train"] as const).filter((mode) =>
    result.networks.some((row) => row.mode === mode),
  );
  const phase = (name: Phase) => (row: NetworkRow) => ms(row.phases[name]?.device.median);
  return {
    model: timmName,
    ...Object.assign({}, ...modes.map(timm)),
    param_count: ({ parameters }) => rounded(parameters / 1e6, 2),
    network: ({ network }) => network,
    variant: ({ variant }) => variant,
    mode: ({ mode }) => mode,
    precision: ({ precision }) => precision,
    seed: ({ seed }) => seed,
    valid: ({ validity }) => validity.valid,
    valid_why: ({ validity }) => validity.why,
    loss: ({ validity }) => validity.loss,
    samples: ({ wall }) => wall.samples.length,
    step_time_least: ({ wall }) => ms(wall.least),
    step_time_low: ({ wall }) => ms(wall.low),
    step_time_high: ({ wall }) => ms(wall.high),
    uncertainty: ({ wall }) => rounded(wall.uncertainty, 4),
    device_time: (row) => ms(deviceSeconds(row)),
    fwd_time: phase("forward"),
    bwd_time: phase("backward"),
    opt_time: phase("update"),
    gmacs: ({ timmMacs }) => rounded(timmMacs / 1e9, 2),
    macts: ({ activations }) => rounded(activations / 1e6, 2),
    step_gflop: (row) => rounded(stepFlops(row) / 1e9, 3),
    gflop_per_sec: (row) => rounded(stepFlops(row) / row.wall.median / 1e9, 2),
    dispatches,
    pipelines: ({ pipelines }) => pipelines,
    memory_bytes: ({ memory }) => memory.total,
    arena_bytes: ({ memory }) => memory.arena,
    variable_bytes: ({ memory }) => memory.variables,
    create_time: ({ first }) => ms(first.create),
    compile_time: ({ first }) => ms(first.compile),
    first_step_time: ({ first }) => ms(first.step),
    cpu_time: ({ cpu }) => ms(cpu?.all),
    main_thread_time: ({ cpu }) => ms(cpu?.main),
    ...host<NetworkRow>(result),
  };
}

const KERNEL: Columns<KernelRow> = {
  routine: ({ routine }) => routine,
  algorithm: ({ algorithm }) => algorithm,
  problem: problemOf,
  tune: ({ tune }) => tuneOf(tune),
  time: ({ device }) => rounded(device && 1e3 * device.median, 6),
  time_least: ({ device }) => rounded(device && 1e3 * device.least, 6),
  uncertainty: ({ device }) => rounded(device?.uncertainty, 4),
  samples: ({ device }) => device?.samples.length,
  gflop: ({ flops }) => rounded(flops / 1e9, 6),
  bytes: ({ bytes }) => bytes,
  gflop_per_sec: ({ flops, device }) => rounded(device && flops / device.median / 1e9, 2),
  gbyte_per_sec: ({ bytes, device }) => rounded(device && bytes / device.median / 1e9, 2),
  refusal: ({ refusal }) => refusal,
  doubt: ({ doubt }) => doubt,
};

const host = <Row>({ host: by }: Result): Columns<Row> =>
  Object.fromEntries(
    (["adapter", "driver", "implementation", "os", "cpu", "date", "version", "commit"] as const).map(
      (name) => [name, () => by[name]],
    ),
  );

const table = <Row>(rows: readonly Row[], columns: Columns<Row>): string =>
  `${csvFormatRows([
    Object.keys(columns),
    ...rows.map((row) => Object.values(columns).map((of) => String(of(row) ?? ""))),
  ])}\n`;
