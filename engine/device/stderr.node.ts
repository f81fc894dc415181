import { closeSync, openSync } from "node:fs";

const PLACE = "/proc/self/fd";

/**
 * Runs it with what native code prints on stderr thrown away. File descriptor 2 is closed and opened anew, before and
 * after: no other thread may open a file at that moment. Does nothing but run it where stderr cannot be opened again:
 * on systems without /proc, or where it is a socket.
 */
export function withoutStderr<T>(act: () => T): T {
  let kept: number;
  try {
    kept = openSync(`${PLACE}/2`, "a");
  } catch {
    return act();
  }
  const moveTo = (path: string, flags: string) => {
    closeSync(2);
    openSync(path, flags); // takes the lowest number that is free, which is 2
  };
  moveTo("/dev/null", "w");
  try {
    return act();
  } finally {
    moveTo(`${PLACE}/${kept}`, "a");
    closeSync(kept);
  }
}
