// What every output says of a result: networks by name, their steps by phase, block and layer, and shares of the roofs.

import type { Phase } from "../../engine/graph/graph.ts";
import type { KernelRow, LaunchRow, NetworkRow, Roofs } from "../measure/result.ts";
import { figures, told, type Unit } from "../tune/scale.ts";

export const PHASES: readonly Phase[] = ["forward", "backward", "update"];

export const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

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
  const groups = new Map<string, LaunchRow[]>();
  for (const launch of launches) {
    const group = groups.get(of(launch));
    if (group) group.push(launch);
    else groups.set(of(launch), [launch]);
  }
  return [...groups].map(([name, group]) => {
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

const layerOf = ({ where }: LaunchRow): string => where.split(" ")[0];

/** The layers of a step by their paths. The update is no layer. */
export const layers = ({ launches }: NetworkRow): readonly Part[] =>
  parts(
    launches.filter(({ phase }) => phase !== "update"),
    layerOf,
  );

/** The blocks of a step by the first part of their layers' paths, and its update. */
export const blocks = ({ launches }: NetworkRow): readonly Part[] =>
  parts(launches, (launch) => (launch.phase === "update" ? UPDATE : layerOf(launch).split("/")[0]));

export const UPDATE = "update";
export const operationOf = ({ routine }: Pick<LaunchRow, "routine">): string => routine.split("/")[0];

export const costliest = (all: readonly Part[]): readonly Part[] =>
  [...all].sort((a, b) => b.seconds - a.seconds);

/** Seconds that work takes at the roofs: that of its multiply-adds or that of its bytes, whichever is longer. */
export const atRoof = ({ flops, bytes }: { flops: number; bytes: number }, roofs: Roofs): number =>
  Math.max(flops / roofs.multiplyAdd, bytes / roofs.copy);

/** Part of the roofs' speed at which launches ran. */
export const roofShare = ({ launches, seconds }: Part, roofs: Roofs): number =>
  sum(launches.map((launch) => atRoof(launch, roofs))) / seconds;

const SIZES: readonly Unit[] = [
  { name: "GB", size: 1e9 },
  { name: "MB", size: 1e6 },
  { name: "kB", size: 1e3 },
  { name: "B", size: 1 },
];
export const sizeUnit = (bytes: number): Unit =>
  SIZES.find(({ size }) => bytes >= 2 * size) ?? SIZES[SIZES.length - 1];

/** Figures of a table: milliseconds, thousands of millions, shares; nothing for what is no number. */
export const bytesTold = (bytes: number): string => told(bytes, sizeUnit(bytes));
export const milliseconds = (seconds: number): string => figures(1e3 * seconds);
export const giga = (value: number): string => (Number.isFinite(value) ? three(value / 1e9) : "");
export const mega = (value: number): string => figures(value / 1e6);
export const percent = (share: number): string =>
  Number.isFinite(share)
    ? `${share < 0.0995 ? +(100 * share).toPrecision(2) : Math.round(100 * share)} %`
    : "";
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
