// What tuning has in Node alone: `tessera-gpu/tune/node`.

export { Isolated, type IsolationOptions, type Task as IsolatedTask } from "./isolation.node.ts";
export { RunRecord, shaderOf } from "./record.node.ts";
