import { readFileSync, writeFileSync } from "node:fs";
import { COSTS, withTable } from "./costs_table.ts";

writeFileSync(COSTS, withTable(readFileSync(COSTS, "utf8")));
