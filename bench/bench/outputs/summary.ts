// What every output says of a result: networks by name, their steps by phase, block and layer, and shares of the roofs.

import type { Phase } from "../../../engine/graph/graph.ts";
import { grouped, sum } from "../../measure/grouped.ts";
import type { KernelRow, LaunchRow, NetworkRow, Result } from "../../measure/result.ts";
import { figures, formatQuantity, type Unit } from "../../page/scale.ts";

export const PHASES: readonly Phase[] = ["forward", "backward", "update"];

/** Images a second of a steady step. */
export const imageRate = ({ batch, wall }: NetworkRow): number => batch / wall.median;

/** Seconds of a step on the device. */
export const deviceSeconds = ({ phases }: NetworkRow): number =>
  sum(Object.values(phases).map(({ device }) => device.median));

export const stepFlops = ({ phases }: NetworkRow): number =>
  sum(Object.values(phases).map(({ flops }) => flops));

export const dispatches = ({ phases }: NetworkRow): number =>
  sum(Object.values(phases).map((phase) => phase.dispatches));

/** Names of rows: the network, and what else it takes to tell it from the others. */
export function named(rows: readonly NetworkRow[]): (row: NetworkRow) => string {
  const several = (of: (row: NetworkRow) => unknown) => new Set(rows.map(of)).size > 1;
  const [modes, images, batches] = [
    several(({ mode }) => mode),
    several(({ image }) => image),
    several(({ batch }) => batch),
  ];
  return ({ network, variant, mode, image, batch }) => {
    const more = [
      variant !== "paper" && variant,
      modes && mode,
      images && `${image}x${image}`,
      batches && `batch ${batch}`,
    ];
    return [network, ...more.filter((one) => one !== false)].join(" ");
  };
}

/** A part of a step: launches that have something in common. */
export interface Part {
  readonly name: string;
  readonly launches: readonly LaunchRow[];
  readonly seconds: number;
  /** Seconds by phase. */
  readonly by: Readonly<Record<Phase, number>>;
  readonly flops: number;
  readonly bytes: number;
}

/** Launches by what they have in common, in the order in which it first occurs. */
export function parts(launches: readonly LaunchRow[], of: (launch: LaunchRow) => string): readonly Part[] {
  return [...grouped(launches, of)].map(([name, group]) => {
    const seconds = (phase: Phase) =>
      sum(group.filter((launch) => launch.phase === phase).map((launch) => launch.seconds));
    return {
      name,
      launches: group,
      seconds: sum(group.map((launch) => launch.seconds)),
      by: { forward: seconds("forward"), backward: seconds("backward"), update: seconds("update") },
      flops: sum(group.map(({ flops }) => flops)),
      bytes: sum(group.map(({ bytes }) => bytes)),
    };
  });
}

/** The layers of a step by their paths. The update is no layer. */
export const layers = ({ launches }: NetworkRow): readonly Part[] =>
  parts(
    launches.filter(({ phase }) => phase !== "update"),
    ({ where }) => where,
  );

/** The blocks of a step by the first part of their layers' paths, and its update. */
export const blocks = ({ launches }: NetworkRow): readonly Part[] =>
  parts(launches, (launch) => (launch.phase === "update" ? UPDATE : launch.where.split("/")[0]));

export const UPDATE = "update";
export const operationOf = ({ routine }: Pick<LaunchRow, "routine">): string => routine.split("/")[0];

export const costliest = (all: readonly Part[]): readonly Part[] =>
  [...all].sort((a, b) => b.seconds - a.seconds);

const SIZES: readonly Unit[] = [
  { name: "GB", size: 1e9 },
  { name: "MB", size: 1e6 },
  { name: "kB", size: 1e3 },
  { name: "B", size: 1 },
];
export const sizeUnit = (bytes: number): Unit =>
  SIZES.find(({ size }) => bytes >= 2 * size) ?? SIZES[SIZES.length - 1];

/** Figures with their unit. */
export const formatBytes = (bytes: number): string => formatQuantity(bytes, sizeUnit(bytes));

/** Figures of a table: milliseconds, thousands of millions, shares; nothing for what is no number. */
export const milliseconds = (seconds: number): string => figures(1e3 * seconds);
export const giga = (value: number): string => (Number.isFinite(value) ? three(value / 1e9) : "");
export const mega = (value: number): string => figures(value / 1e6);
export const percent = (share: number): string =>
  Number.isFinite(share)
    ? `${share < 0.0995 ? +(100 * share).toPrecision(2) : Math.round(100 * share)} %`
    : "";
export const count = (value: number): string => value.toLocaleString("en");
export const three = (value: number): string => figures(+value.toPrecision(3));

/** A kernel's problem in a line: its shapes and its attributes. */
export function problemOf({ shapes, attrs }: Pick<KernelRow, "shapes" | "attrs">): string {
  const all = Object.entries(shapes).map(([name, shape]) => `${name} ${shape.join("x")}`);
  const options = Object.entries((attrs ?? {}) as object).map(
    ([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`,
  );
  return [...all, ...options].join(", ");
}

/** Tunables in a line. */
export const tuneOf = (tune: Readonly<Record<string, number>>): string =>
  Object.entries(tune)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");

/** A word as a shell takes it. */
export const shellWord = (word: string): string =>
  /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** What stands where a time says nothing. */
export const NOT_VALID = "NOT VALID";

/** Whether each network is right and what it was held against, and what is to be known of its figures. */
export function notes({ networks }: Result): readonly string[] {
  const name = named(networks);
  const found = ({ wall, validity }: NetworkRow) =>
    wall.samples.length === 0 ? "" : validity.valid ? "valid: " : `${NOT_VALID}: `;
  return networks.flatMap((row) => [
    `${name(row)}: ${found(row)}${row.validity.why}`,
    ...row.warnings.map((warning) => `${name(row)}: warning: ${warning}`),
  ]);
}
