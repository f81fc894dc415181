// What tuning has in Node alone: `tessera/tune/node`.

export { Isolated, type IsolationOptions, type Task as IsolatedTask } from "./isolation.node.ts";
export { RunRecord } from "./record.node.ts";
