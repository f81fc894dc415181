import { suite } from "uvu";
import { Device } from "../engine/device/device.ts";
import { only } from "./selection.ts";

/** The device all tests of one process share. Opened here and not in a hook: uvu swallows what a hook throws. */
export const device = await Device.open();

let registered = 0;
let begun = 0;
let passed = 0;
let groups = 0;
let ran = 0;
/** Milliseconds that the tests of each group took. */
const times = new Map<string, number>();

/** A named group of tests. A WebGPU error raised inside a test fails that test. ONLY=text runs what matches. */
export function group(name: string) {
  const tests = suite(name);
  groups++;
  return {
    test(what: string, body: () => void | Promise<void>): void {
      if (!`${name}: ${what}`.includes(only)) return;
      registered++;
      tests(what, async () => {
        begun++;
        const start = performance.now();
        device.gpu.pushErrorScope("validation");
        device.gpu.pushErrorScope("out-of-memory");
        let failed: unknown;
        try {
          await body();
        } catch (error) {
          failed = error ?? new Error("a test threw nothing");
        }
        const scopes = [device.gpu.popErrorScope(), device.gpu.popErrorScope()];
        times.set(name, (times.get(name) ?? 0) + performance.now() - start);
        const raised = (await device.settle(what, Promise.all(scopes))).find((error) => error);
        if (raised) throw new Error(`WebGPU: ${raised.message}`, { cause: failed }); // wrong values are its consequence
        if (failed) throw failed;
        passed++;
      });
    },
    run(): void {
      ran++;
      tests.run();
    },
  };
}

/** Tests registered, begun and passed so far, and groups made and run: uvu itself misses a group never run. */
export const tally = () => ({ registered, begun, passed, groups, ran, times });
