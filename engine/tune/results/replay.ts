import { TuneError } from "../../errors.ts";
import type { Space } from "../space/space.ts";
import type { Row } from "./row.ts";

/** A space of which every configuration was evaluated before. */
export interface Recorded {
  readonly space: Space;
  /** Objective of a configuration; not finite where it has none. */
  objective(index: number): number;
  /** Seconds that its evaluation took. */
  cost(index: number): number;
}

/** Evaluates from the record, on a clock that shows what the evaluations would have taken. No device is asked. */
export interface Replay {
  evaluate(index: number): number;
  /** Seconds of the evaluations so far. */
  clock(): number;
}

/** A replay that begins at zero seconds: one for each run. The seconds a strategy thinks are not in its clock. */
export function replay(recorded: Recorded): Replay {
  let seconds = 0;
  return {
    evaluate(index) {
      seconds += recorded.cost(index);
      return recorded.objective(index);
    },
    clock: () => seconds,
  };
}

/**
 * The record of a space by its rows, the last where a configuration has several; only a row that is `ok` has an
 * objective. Throws TuneError where a configuration has no row.
 */
export function recorded(space: Space, rows: Iterable<Row>): Recorded {
  const found: Row[] = [];
  for (const row of rows) {
    const index = space.indexOf(row.configuration);
    if (index >= 0) found[index] = row;
  }
  const missing = Array.from({ length: space.size }, (_, index) => index).filter((index) => !found[index]);
  if (missing.length > 0)
    throw new TuneError(
      `replay: ${missing.length} of ${space.size} configurations have no row, first ${space.key(space.at(missing[0]))}`,
    );
  return {
    space,
    objective: (index) => (found[index].status === "ok" ? (found[index].objective ?? Infinity) : Infinity),
    cost: (index) => took(found[index]),
  };
}

/** Seconds that went into a row, its samples included. */
export function took({ spent, times, reading }: Row): number {
  const samples = times.reduce((sum, time) => sum + time, 0) * (reading?.repeats ?? 1);
  return Object.values(spent).reduce((sum, seconds) => sum + seconds, samples);
}
