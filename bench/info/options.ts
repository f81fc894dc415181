import type { Command } from "commander";
import { withAdapter, withJson } from "../command_line/arguments.ts";

export const infoOptions = (command: Command): Command =>
  withAdapter(withJson(command)).action(async (options) => (await import("./info.ts")).info(options));
