// The spaces in bench/results/spaces: whole, as their T1 says, readable, and such that searches can be scored on them.

import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import * as assert from "uvu/assert";
import { readSpace } from "../../engine/tune/formats/t1.ts";
import { readT4, writeT4 } from "../../engine/tune/formats/t4.ts";
import { recorded } from "../../engine/tune/results/replay.ts";
import { group } from "../harness.ts";

const check = group("tune published spaces");
const folder = new URL("../../../bench/results/spaces/", import.meta.url);

for (const file of readdirSync(folder).filter((name) => name.endsWith("_T1.json")))
  check.test(file.replace("_T1.json", ""), () => {
    const { space } = readSpace(readFileSync(new URL(file, folder), "utf8"), file);
    const results = file.replace("_T1.json", "_lavapipe_T4.json.gz");
    const text = gunzipSync(readFileSync(new URL(results, folder))).toString();
    const recording = readT4(text, results);
    assert.is(recording.rows.length, space.size);
    const { objective } = recorded(space, recording.rows); // throws where one is missing
    for (let i = 0; i < space.size; i++) assert.ok(objective(i) > 0 && objective(i) < Infinity);
    assert.equal(JSON.parse(writeT4(recording)), JSON.parse(text));
  });

check.run();
