import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";

/** Where what is made once is kept: `tessera` under $XDG_CACHE_HOME, else ~/.cache, else the temporary folder. */
export function cacheFolder(): string {
  const { XDG_CACHE_HOME: cache = "", HOME, USERPROFILE } = process.env;
  // The XDG specification has relative paths ignored.
  if (isAbsolute(cache)) return join(cache, "tessera");
  const home = HOME || USERPROFILE;
  return home ? join(home, ".cache", "tessera") : join(tmpdir(), "tessera");
}
