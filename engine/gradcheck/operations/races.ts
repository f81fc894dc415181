// Kernels whose invocations share workgroup memory, interpreted statement by statement: two accesses of one element
// with no barrier between them, one of them a write, are a race, whether or not an adapter ever shows it.

import { detectRaces } from "wgsl_reflect/wgsl_reflect.module.js";
import type { Op } from "../../../kernels/op.ts";
import type { Device } from "../../device/device.ts";
import { withGradients } from "../../graph/signature.ts";
import type { Dispatch } from "../../plan/dispatch.ts";
import { uniformBytes } from "../../plan/uniforms.ts";
import type { Finding } from "../report/report.ts";
import { algorithms, launchDispatches } from "./launch.ts";
import { elementsOf, problemShapes } from "./problem.ts";

const SHARED = /\bvar<workgroup>/;
/** Iterations of a loop with a barrier that are followed; a small case needs fewer. */
const ITERATIONS = 64;

/** One finding for every kernel with workgroup memory, on the smallest case that launches it. */
export function* races(device: Device, op: Op): Generator<Finding> {
  const seen = new Set<string>();
  const cases = op.cases.map(({ what, attrs, ...example }) => ({
    what,
    attrs,
    shapes: withGradients(problemShapes(op, { ...example, attrs })),
  }));
  for (const { what, attrs, shapes } of cases.sort((a, b) => elementsOf(a.shapes) - elementsOf(b.shapes)))
    for (const [routine, { name }] of algorithms(device, op, { attrs }, { shapes }))
      for (const dispatch of launchDispatches(device.traits, op, attrs, shapes, routine, name)) {
        if (seen.has(dispatch.label) || !SHARED.test(dispatch.kernel.text)) continue;
        seen.add(dispatch.label);
        const { fault, lost } = interpret(dispatch);
        yield {
          layer: "kernel",
          subject: op.name,
          check: "races in workgroup memory",
          figure: fault ? Infinity : 0,
          where: `${dispatch.label}, ${lost ? `not followed: ${lost}` : what}`,
          message: fault && `${dispatch.label}: ${fault}`,
        };
      }
}

/** The first fault the interpreter meets, or where it lost the thread: it does not know all of WGSL. */
function interpret(dispatch: Dispatch): { fault?: string; lost?: string } {
  const { text, reflected } = dispatch.kernel;
  const more = [...reflected.bindings.values()].reduce((most, { index }) => Math.max(most, index), 0) + 1;
  for (let iterations = 0; iterations <= ITERATIONS; iterations++) {
    const flat = flatten(text, iterations, more);
    if (flat === undefined) return { lost: "a barrier stands deeper than in a loop of main" };
    const going = new Uint32Array(1);
    const group: Record<string, unknown> = { [more]: going };
    for (const { index, bytes } of dispatch.bindings) group[index] = new Uint8Array(bytes);
    const shape = reflected.bindings.get("shape");
    if (shape) group[shape.index] = uniformBytes(dispatch);
    try {
      const { races: found, errors } = detectRaces(flat, reflected.entry, [...dispatch.grid], { 0: group });
      if (going[0] !== 0) continue; // the loop has further iterations
      return { fault: found.find(({ bufferId }) => bufferId !== "more")?.message, lost: errors[0] };
    } catch (error) {
      // its memory has no element beyond the last
      if (error instanceof RangeError) return { fault: "reads or writes beyond a tensor" };
      return { lost: (error as Error).message };
    }
  }
  return { lost: `a loop with a barrier takes more than ${ITERATIONS} iterations in a small case` };
}

/**
 * The kernel with loops of `main` that hold a barrier written out, for the interpreter sees barriers only among the
 * statements of `main` itself: `iterations` times each, after which `more` says whether another would follow.
 */
function flatten(text: string, iterations: number, binding: number): string | undefined {
  let code = text.replace(/\/\/.*$/gm, "");
  const main = code.indexOf("{", code.search(/\bfn main\b/));
  let loops = 0;
  for (let at = main + 1, depth = 1; at < code.length && depth > 0; at++) {
    if (code[at] === "{") depth++;
    if (code[at] === "}") depth--;
    if (code.startsWith("workgroupBarrier", at) && depth > 1) return undefined;
    if (depth !== 1 || !/^for\s*\(/.test(code.slice(at, at + 8))) continue;
    const open = code.indexOf("(", at);
    const close = partner(code, open, "(", ")");
    const end = partner(code, code.indexOf("{", close), "{", "}");
    const body = code.slice(code.indexOf("{", close) + 1, end);
    if (!body.includes("workgroupBarrier")) {
      at = end;
      continue;
    }
    const [init, condition, step] = code.slice(open + 1, close).split(";");
    const written = `${init};${`${body};${step};`.repeat(iterations)} if (${condition}) { more[0] = 1u; }`;
    code = code.slice(0, at) + written + code.slice(end + 1);
    at--;
    loops++;
  }
  if (loops === 0) return text;
  return `@group(0) @binding(${binding}) var<storage, read_write> more: array<u32>;\n${code}`;
}

/** Where the bracket that opens at `open` closes. */
function partner(code: string, open: number, opening: string, closing: string): number {
  let depth = 0;
  for (let i = open; i < code.length; i++) {
    if (code[i] === opening) depth++;
    if (code[i] === closing && --depth === 0) return i;
  }
  return code.length;
}
