/**
 * What tuning has in Node alone: records in files, and evaluation in a process of its own.
 * @module tessera-gpu/tune/node
 */

export { RunRecord, shaderOf } from "./records/record.node.ts";
export { Isolated, type IsolationOptions, type WorkerTask } from "./runner/isolation.node.ts";
