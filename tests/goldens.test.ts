// Networks and their blocks against PyTorch in float64, with weights in the public names and layout.
import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { type Finding, Report } from "../engine/gradcheck/report/report.ts";
import { guess } from "../models/checkpoints.ts";
import { listBlocks, readGolden } from "../models/gradcheck/golden.ts";
import { verifyBlock, verifyNetwork, verifyStep } from "../models/gradcheck/verify.ts";
import { device, group } from "./harness.ts";

const check = group("goldens");
const file = (name: string) => readFileSync(`tests/goldens/${name}.safetensors`);
const EIGHTH = [
  "inception-v4.paper",
  "inception-v4.slim",
  "inception-resnet-v1.paper",
  "inception-resnet-v1.facenet",
  "inception-resnet-v2.paper",
  "inception-resnet-v2.slim",
];
const FULL = ["inception-v4.paper", "inception-resnet-v1.paper", "inception-resnet-v2.paper"];

// every kind of block once; the others differ from them in filters alone
const KINDS = /^inception-v4|^inception-resnet-v1 inception_resnet/;
for (const block of listBlocks(file("blocks")).filter(({ model, path }) => KINDS.test(`${model} ${path}`)))
  check.test(`${block.model} ${block.path} alone`, () => passes(verifyBlock(device, block.read())));

for (const name of EIGHTH.map((name) => `${name}.eighth`).concat(FULL.map((name) => `${name}.full`))) {
  check.test(`${name}: logits, loss, gradients, statistics`, async () => {
    const golden = readGolden(file(name), name);
    const { classes, width } = golden;
    assert.equal(guess(golden.weights), { classes, width, scale: true });
    await passes(verifyNetwork(device, golden));
  });
  if (name.endsWith("eighth"))
    check.test(`${name}: one optimiser step`, () => passes(verifyStep(device, readGolden(file(name), name))));
}

check.run();

async function passes(findings: AsyncIterable<Finding>): Promise<void> {
  const report = new Report();
  for await (const finding of findings) report.add(finding);
  const { failures } = report;
  const worst = [...failures].sort((a, b) => b.figure - a.figure).slice(0, 5);
  assert.ok(report.passed, `${failures.length} failures\n${worst.map(({ message }) => message).join("\n")}`);
}
