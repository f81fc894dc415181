// A step as a trace for Perfetto (ui.perfetto.dev) and chrome://tracing: Trace Event Format, its JSON object form.

import { sum } from "../../measure/grouped.ts";
import type { LaunchRow, NetworkRow, Result } from "../../measure/result.ts";
import { facts } from "./facts.ts";
import { NOT_VALID, named, operationOf, PHASES, problemOf, tuneOf } from "./summary.ts";

/** Event of the format: a slice (`X`), a counter (`C`), or a name (`M`); times in microseconds. */
export interface TraceEvent {
  readonly name: string;
  readonly ph: "X" | "C" | "M";
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Track of the steps themselves; those of the phases follow. */
const STEP = 1;

/**
 * One step of every network of a result, launch by launch: a process each, a track for the step and one for each phase,
 * and a counter of the bytes alive. Launches stand one behind the other for the seconds that each took when it was
 * profiled, so that the gaps of a real step are not in it.
 */
export function perfettoTrace(result: Result): string {
  const name = named(result.networks);
  const events = result.networks.flatMap((row, i) => networkEvents(row, name(row), i + 1));
  const content = {
    traceEvents: [...events].sort((a, b) => a.ts - b.ts), // stable: what encloses stays before what it holds
    displayTimeUnit: "ms",
    otherData: facts(result),
  };
  return `${JSON.stringify(content)}\n`;
}

function networkEvents(row: NetworkRow, name: string, pid: number): readonly TraceEvent[] {
  const valid = row.validity.valid ? "" : ` (${NOT_VALID})`;
  const naming = (what: string, tid: number, args: TraceEvent["args"]): TraceEvent => ({
    ...{ name: what, ph: "M", pid, tid, ts: 0, args },
  });
  const tracks = ["step", ...PHASES.filter((phase) => row.launches.some((one) => one.phase === phase))];
  const names = tracks.flatMap((track) => {
    const tid = track === "step" ? STEP : trackOf(track as (typeof PHASES)[number]);
    return [
      naming("thread_name", tid, { name: track }),
      naming("thread_sort_index", tid, { sort_index: tid }),
    ];
  });
  const whole = sum(row.launches.map(nanoseconds));
  const step: TraceEvent = {
    ...{ name: `${row.mode} step`, cat: "step", ph: "X", pid, tid: STEP, ts: 0, dur: whole / 1e3 },
    args: { image: row.image, batch: row.batch, wall_ms: 1e3 * row.wall.median, valid: row.validity.valid },
  };
  return [
    naming("process_name", STEP, { name: `${name}, ${row.mode}${valid}` }),
    naming("process_sort_index", STEP, { sort_index: pid }),
    ...names,
    ...(row.launches.length > 0 ? [step] : []),
    ...launchEvents(row, pid),
  ];
}

const trackOf = (phase: (typeof PHASES)[number]): number => STEP + 1 + PHASES.indexOf(phase);

/** Whole ones, so that no slice begins before the one in front of it ends. */
const nanoseconds = ({ seconds }: LaunchRow): number => Math.round(1e9 * seconds);

function launchEvents({ launches, memory }: NetworkRow, pid: number): readonly TraceEvent[] {
  let now = 0;
  const alive = (i: number): readonly TraceEvent[] =>
    i < memory.alive.length && memory.alive[i] !== memory.alive[i - 1]
      ? [
          {
            name: "arena bytes alive",
            ph: "C",
            pid,
            tid: STEP,
            ts: now / 1e3,
            args: { bytes: memory.alive[i] },
          },
        ]
      : [];
  return launches.flatMap((launch, i) => {
    const [ts, dur] = [now / 1e3, nanoseconds(launch) / 1e3];
    const rate = (amount: number) => (launch.seconds > 0 ? amount / launch.seconds / 1e9 : undefined);
    const slice: TraceEvent = {
      ...{ name: launch.where, cat: operationOf(launch), ph: "X", pid, tid: trackOf(launch.phase), ts, dur },
      args: {
        kernel: launch.label,
        routine: launch.routine,
        algorithm: launch.algorithm,
        tune: tuneOf(launch.tune),
        grid: launch.grid.join("x"),
        problem: problemOf(launch),
        gflop: launch.flops / 1e9,
        gflop_per_s: rate(launch.flops),
        gb_per_s: rate(launch.bytes),
      },
    };
    const events = [...alive(i), slice];
    now += nanoseconds(launch);
    return events;
  });
}
