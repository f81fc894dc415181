// What tuning has in Node alone: `tessera/tune/node`.

export { Isolated, type IsolationOptions, type Task as IsolatedTask } from "./isolation.node.ts";
export { RunRecord, shaderOf } from "./record.node.ts";
