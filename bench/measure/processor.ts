import { readFileSync } from "node:fs";

/** Ticks that Linux counts a thread's time in, in a second: the same on every architecture that Node runs on. */
const TICKS = 100;

/** Processor seconds that this process has taken so far: all its threads, and its main thread, NaN outside Linux. */
export function processorTime(): { readonly all: number; readonly main: number } {
  const { user, system } = process.cpuUsage();
  return { all: (user + system) / 1e6, main: mainThread() };
}

function mainThread(): number {
  try {
    const stat = readFileSync(`/proc/self/task/${process.pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  } catch {
    return NaN;
  }
}
