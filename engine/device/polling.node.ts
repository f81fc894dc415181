let waits = 0;
let since = 0;
let immediate = globalThis.setImmediate;

/** Milliseconds to the next look at the device after `waited` in vain: a fiftieth of it, from 1 to 16. */
const pause = (waited: number): number => Math.min(16, Math.max(1, waited / 50));

/** Dawn's callback is native code; everybody else's stay immediate. */
const isDawns = (f: unknown): boolean =>
  /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(f));

const withPauses = ((f: (...args: any[]) => void, ...args: any[]) =>
  isDawns(f)
    ? setTimeout(f, pause(performance.now() - since), ...args)
    : immediate(f, ...args)) as unknown as typeof setImmediate;
Object.defineProperties(withPauses, Object.getOwnPropertyDescriptors(immediate)); // util.promisify looks there

/**
 * Waits for a software adapter. While a promise is pending, Dawn in Node asks the event loop for another turn without
 * pause and keeps a core busy that the adapter needs. As long as something is waited for, `setImmediate` lets Dawn pause
 * between its looks at the device, the longer the wait the longer, as each look costs a tenth of a millisecond.
 */
export async function waitWithPauses<T>(pending: Promise<T>): Promise<T> {
  since = performance.now();
  if (waits++ === 0) {
    immediate = globalThis.setImmediate;
    globalThis.setImmediate = withPauses;
  }
  try {
    return await pending;
  } finally {
    if (--waits === 0 && globalThis.setImmediate === withPauses) globalThis.setImmediate = immediate;
  }
}
