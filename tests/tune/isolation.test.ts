// What hangs is ended, and what comes after it is evaluated all the same.

import * as assert from "uvu/assert";
import { Isolated } from "../../engine/tune/runner/isolation.node.ts";
import { group } from "../harness.ts";
import { FAULTS, planted } from "./planted.ts";

const check = group("tune isolation");
const clock = { samples: 3, least: 1e-3 };

check.test("an endless loop ends as its row, once", async () => {
  const isolated = new Isolated({ kernel: planted }, { clock, patience: { verify: 4 } });
  try {
    const endless = await isolated.evaluate({ FAULT: FAULTS.endless });
    assert.is(endless.status, "timeout", JSON.stringify(endless));
    assert.match(endless.message!, /no sign of life for 4 s at stage verify/);
    assert.is(await isolated.evaluate({ FAULT: FAULTS.endless }), endless);
    assert.equal(isolated.skipped, [endless]);
    assert.is((await isolated.evaluate({ FAULT: FAULTS.wrong })).status, "correctness");
    const { status } = await isolated.evaluate({ FAULT: FAULTS.none });
    assert.ok(status === "ok" || status === "unrankable");
    const { tied } = await isolated.rank([{ WG: 64 }], { rounds: 2 });
    assert.equal(tied, [0]);
  } finally {
    isolated.close();
  }
});

check.test("a task that cannot be read is an error of its own", async () => {
  const unknown = new Isolated({ routine: { op: "relo", shapes: { x: [1] }, attrs: {} } });
  try {
    await unknown.evaluate({});
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /no operation relo/);
  } finally {
    unknown.close();
  }
});

check.run();
