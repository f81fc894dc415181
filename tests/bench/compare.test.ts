// Verdicts on written results, what is refused, and the commands with their exit codes.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { onAdapter, rerun } from "../../bench/bench/rerun.ts";
import { type Comparison, compareResults, exitCodeOf } from "../../bench/measure/compare.ts";
import { readResult } from "../../bench/measure/read_result.ts";
import { describeDevice } from "../../engine/device/device_info.ts";
import { stream } from "../../engine/random.ts";
import { device, group } from "../harness.ts";
import { kernelRow, networkRow, result } from "./compared.ts";

const check = group("bench compare");
const cli = fileURLToPath(new URL("../../cli.js", import.meta.url));
const tessera = (...args: string[]) =>
  spawnSync(process.execPath, [cli, "bench", ...args], { encoding: "utf8", maxBuffer: 2 ** 24 });

const near = (seconds: number, seed: number) => {
  const next = stream(seed);
  return Array.from({ length: 40 }, () => seconds * (1 + 0.02 * next()));
};
const compared = (a = result({}), b = result({})): Comparison => compareResults(a, b, ["a.json", "b.json"]);
const verdicts = ({ rows }: Comparison) => Object.fromEntries(rows.map((row) => [row.what, row.verdict]));

check.test("results are compared by step, phase and kernel", () => {
  const label = "inception-v4 75x75 batch 2 train";
  const a = result({
    networks: [networkRow({ wall: near(1, 1), backward: near(0.5, 2) })],
    kernels: [kernelRow({ samples: near(1e-3, 3) }), kernelRow({ routine: "relu/forward", samples: [1, 2] })],
  });
  const b = result({
    networks: [networkRow({ wall: near(1, 4), backward: near(0.6, 5) })],
    kernels: [
      kernelRow({ samples: near(0.8e-3, 6), algorithm: "another" }),
      kernelRow({ routine: "relu/forward", samples: [1, 2] }),
      kernelRow({ routine: "add/forward", samples: [1] }),
    ],
    host: { driver: "2", limits: { maxBufferSize: 7 }, features: ["f16"] },
  });
  const found = compared(a, b);
  assert.equal(verdicts(found), {
    [`${label}: step`]: "SAME",
    [`${label}: backward`]: "SLOWER",
    "conv2d/forward x [1,8,8,4]": "FASTER",
    "relu/forward x [1,8,8,4]": "UNCLEAR",
  });
  assert.is(found.rows[3].note, "2 samples where 6 are needed");
  assert.equal(found.alone, [{ what: "add/forward x [1,8,8,4]", in: "b" }]);
  assert.equal(found.differences, [
    { what: "driver", a: "1", b: "2" },
    { what: "features", a: "none", b: "f16" },
    { what: "limits", a: "none", b: "maxBufferSize 7" },
  ]);
  assert.is(exitCodeOf(found), 1);
});

check.test("a kernel that is there with several algorithms is compared with the same", () => {
  const both = (second: number) => [
    kernelRow({ samples: near(1e-3, 1) }),
    kernelRow({ samples: near(second, 2), algorithm: "plain" }),
  ];
  const found = compared(result({ kernels: both(2e-3) }), result({ kernels: both(4e-3) }));
  assert.equal(Object.values(verdicts(found)), ["SAME", "SLOWER"]);
});

check.test("the time of a step that is not valid says nothing", () => {
  const wrong = networkRow({ wall: near(2, 1), validity: { valid: false, why: "loss is NaN" } });
  const found = compared(
    result({ networks: [networkRow({ wall: near(1, 1) })] }),
    result({ networks: [wrong] }),
  );
  assert.is(found.rows[0].verdict, "UNCLEAR");
  assert.is(found.rows[0].note, "not valid: loss is NaN");
  assert.is(exitCodeOf(found), 0);
  assert.is(exitCodeOf(found, true), 3);
});

check.test("what cannot be compared is refused with both values", () => {
  const of = (row: Parameters<typeof networkRow>[0]) => result({ networks: [networkRow(row)] });
  const refused = (row: Parameters<typeof networkRow>[0], message: RegExp) =>
    assert.throws(() => compared(of({}), of(row)), message);
  refused({ image: 299 }, /inception-v4: image is 75 in a\.json but 299 in b\.json/);
  refused({ batch: 1 }, /inception-v4: batch is 2 in a\.json but 1 in b\.json/);
  refused({ mode: "infer" }, /inception-v4: mode is train in a\.json but infer in b\.json/);
  refused(
    { network: "inception-resnet-v1" },
    /nothing is in both: a\.json has inception-v4 75x75 batch 2 train: step.*, but b\.json has inception-resnet-v1/,
  );
  assert.throws(() => compared(), /nothing is in both: a\.json has nothing, but b\.json has nothing/);
});

/** Files in a folder that is gone afterwards. */
async function inFolder(
  files: Readonly<Record<string, unknown>>,
  body: (at: (name: string) => string) => void | Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tessera-compare-"));
  const at = (name: string) => join(folder, name);
  try {
    for (const [name, content] of Object.entries(files))
      writeFileSync(at(name), typeof content === "string" ? content : JSON.stringify(content));
    await body(at);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const whole = result({ networks: [networkRow({ wall: near(1, 1) })], kernels: [kernelRow({})] });

check.test("a file that is no result is refused with its name, the place, and what is expected", () =>
  inFolder(
    {
      "own.json": whole,
      "text.json": "hello",
      "other.json": { rows: [] },
      "later.json": { ...whole, version: 2 },
      "broken.json": {
        ...whole,
        networks: [{ ...whole.networks[0], wall: { samples: [1, null] } }],
      },
    },
    async (at) => {
      assert.equal(await readResult(at("own.json")), JSON.parse(JSON.stringify(whole)));
      const refused = async (name: string, message: RegExp) => {
        const error = await readResult(at(name)).then(
          () => assert.unreachable(),
          (e: Error) => e,
        );
        assert.match((error as Error).message, message);
        assert.match((error as Error).message, at(name));
      };
      await refused("text.json", /not JSON.*`tessera bench \.\.\. --out FILE` writes is expected/);
      await refused("other.json", /expected format in it but found \{"rows"/);
      await refused("later.json", /version: expected one of 1 but found 2/);
      await refused("broken.json", /networks\[0\]\.wall\.samples\[1\]: expected number but found null/);
      await refused("none.json", /no such file/);
    },
  ),
);

check.test("exit codes: 0 nothing slower, 1 slower, 2 not comparable, 3 unclear where that is strict", () =>
  inFolder(
    {
      "a.json": result({ networks: [networkRow({ wall: near(1, 1) })] }),
      "same.json": result({ networks: [networkRow({ wall: near(1, 2) })] }),
      "slower.json": result({ networks: [networkRow({ wall: near(1.2, 2) })] }),
      "few.json": result({ networks: [networkRow({ wall: [1, 1] })] }),
      "other.json": result({ networks: [networkRow({ image: 299 })] }),
    },
    (at) => {
      const ends = (code: number, output: RegExp, ...args: string[]) => {
        const { status, stdout, stderr } = tessera("compare", at("a.json"), ...args);
        assert.match(stdout + stderr, output);
        assert.is(status, code, stdout + stderr);
      };
      ends(0, /SAME/, at("same.json"), "--out", at("out.json"));
      assert.equal(Object.values(verdicts(JSON.parse(readFileSync(at("out.json"), "utf8")))), ["SAME"]);
      ends(1, /1\.[12]\d\d \[1\.\d+, 1\.\d+\].*SLOWER/, at("slower.json"));
      ends(0, /UNCLEAR/, at("few.json"));
      ends(3, /UNCLEAR/, at("few.json"), "--strict");
      ends(2, /image is 75 in .*a\.json but 299 in .*other\.json/, at("other.json"));
      ends(2, /a\.json is a file: two of a kind/, dirname(cli));
      ends(2, /a percentage above 0/, at("same.json"), "--tolerance", "x");
    },
  ),
);

check.test("two builds take turns at the kernels of a network, and a folder that holds none is refused", () =>
  inFolder({}, (at) => {
    const builds = (b: string) => [dirname(cli), b, "--kernels", "max_pool2d", "--most", "1"];
    const more = ["--time", "0.5", "--adapter", device.name.split(/[ :]/)[0], "--out", at("out.json")];
    const { status, stderr } = tessera("compare", ...builds(dirname(cli)), ...more);
    assert.ok(status === 0 || status === 1, stderr);
    const { rows, inTurns: together }: Comparison = JSON.parse(readFileSync(at("out.json"), "utf8"));
    assert.is(together, true);
    assert.match(rows[0].what, /^max_pool2d\/forward x \[1,35,35,64\]/);
    assert.ok(rows[0].samples[0] > 0 && rows[0].a! > 0 && rows[0].b! > 0);
    const none = tessera("compare", ...builds(at(".")), ...more);
    assert.is(none.status, 2);
    assert.match(none.stderr, /no index\.js in it: a build has index\.js, kernels\.js, models\.js/);
  }),
);

check.test("a result is measured again by its command, without its outputs, on its adapter", async () => {
  const { kind, adapter } = await describeDevice(device);
  const before = result({ networks: [networkRow({ wall: near(1, 1) })], host: { kind, adapter } });
  const command = ["step", "inception-v4", "--out", "x.json", "--batch", "2", "--html=y", "--adapter", "old"];
  const again = await onAdapter(command, before.host);
  assert.equal(again.slice(0, 5), ["step", "inception-v4", "--batch", "2", "--adapter"]);
  assert.is(again.length, 6);
  const elsewhere = { ...before.host, kind: "hardware", adapter: "no such thing" };
  assert.equal(await onAdapter(command, elsewhere), ["step", "inception-v4", "--batch", "2"]);

  const main = `import { copyFileSync } from "node:fs";
    const [bench, step, ...rest] = process.argv.slice(2);
    if (bench !== "bench" || step !== "step") process.exit(9);
    copyFileSync(new URL("after.json", import.meta.url), rest[rest.indexOf("--out") + 1]);`;
  const after = result({ networks: [networkRow({ wall: near(1.5, 2) })] });
  await inFolder(
    { "before.json": { ...before, command }, "after.json": after, "main.mjs": main },
    async (at) => {
      const flags = { tolerance: 0.03, confidence: 0.99, out: at("out.json") };
      await rerun(at("before.json"), flags, at("main.mjs"));
      assert.is(process.exitCode, 1);
      assert.equal(JSON.parse(readFileSync(at("out.json"), "utf8")), after);
    },
  );
});

check.test("peers are started where they are installed, and what to install is said where not", () => {
  const { status, stderr } = tessera("peers", "--engines", "none-such");
  assert.is(status, 2);
  assert.match(stderr, existsSync("bench/peers/node_modules") ? /has none-such/ : /npm ci/);
});

check.run();
