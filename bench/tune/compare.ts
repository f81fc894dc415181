// Two rows as a table of what they differ in.

import type { Recording } from "../../engine/tune/results/recording.ts";
import type { Row } from "../../engine/tune/results/row.ts";
import { formatTable, number, text } from "../command_line/table.ts";
import { figures, formatDuration } from "../page/scale.ts";

/** A row, what heads its column, and what it was recorded with. */
export interface ComparedSide {
  readonly name: string;
  readonly row: Row;
  readonly of: Pick<Recording, "kernel" | "device" | "objective">;
}

/** A table of what differs, with the ratio of figures, the second over the first; below it what is the same. */
export function sideBySide(one: ComparedSide, two: ComparedSide): string {
  const sides = [facts(one), facts(two)];
  const names = [...new Set(sides.flatMap((side) => [...side.keys()]))];
  const shown = (side: ReadonlyMap<string, Fact>, name: string) => side.get(name)?.text ?? "";
  const differ = names.filter((name) => shown(sides[0], name) !== shown(sides[1], name));
  const rows = differ.map((name) => {
    const [a, b] = sides.map((side) => side.get(name)?.figure);
    const ratio = a !== undefined && b !== undefined && a > 0 ? figures(b / a) : "";
    return [name, ...sides.map((side) => shown(side, name)), ratio];
  });
  const columns = [text(""), number(one.name), number(two.name), number("ratio")];
  const same = names
    .filter((name) => !differ.includes(name))
    .map((name) => `${name} ${shown(sides[0], name)}`);
  return [
    ...(differ.length > 0 ? [formatTable(columns, rows)] : []),
    ...(same.length > 0 ? [`in both: ${same.join(", ")}`] : []),
  ].join("\n");
}

interface Fact {
  readonly text: string;
  /** Of which a ratio says something. */
  readonly figure?: number;
}

function facts({ row, of: { kernel, device, objective: by = "time" } }: ComparedSide): Map<string, Fact> {
  const { configuration, status, message, objective, error, metrics = {} } = row;
  const figure = (value: number): Fact => ({ text: figures(value), figure: value });
  const time = (seconds: number): Fact => ({
    text: formatDuration(seconds),
    figure: seconds,
  });
  const all: Record<string, Fact | undefined> = {
    kernel: kernel === undefined ? undefined : { text: kernel },
    ...Object.fromEntries(
      Object.entries(configuration).map(([name, value]) => [name, { text: String(value) }]),
    ),
    device: device === undefined ? undefined : { text: device },
    status: { text: status },
    message: message === undefined ? undefined : { text: message.split("\n")[0] },
    [by]: objective === undefined ? undefined : (by.startsWith("time") ? time : figure)(objective),
    "error / bound": error === undefined ? undefined : figure(error),
    ...Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, figure(value)])),
  };
  return new Map(Object.entries(all).filter((entry): entry is [string, Fact] => entry[1] !== undefined));
}
