import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Device } from "../../engine/device/device.ts";
import { ValueError } from "../../engine/errors.ts";
import { type CheckOptions, checkOp, type Finding, identities } from "../../engine/gradcheck/index.ts";
import { type Fixture, readFixtures, verifyFixture } from "../../engine/gradcheck/operations/fixtures.ts";
import { operationsOf } from "../../engine/gradcheck/operations/module.node.ts";
import { type Op, ops } from "../../kernels/index.ts";
import { type ListedBlock, listBlocks, readGolden } from "../../models/gradcheck/golden.ts";
import { uses } from "../../models/gradcheck/uses.ts";
import { verifyBlock, verifyNetwork, verifyStep } from "../../models/gradcheck/verify.ts";
import { listEntries } from "../../models/index.ts";
import { suggestion } from "../command_line/suggest.ts";

/** What is added to an error of an installed package. */
const NO_GOLDENS =
  ". Blocks and networks are compared with PyTorch's values: these are in tests/goldens of the repository, not in the package";

export interface GradcheckRun {
  readonly device: Device;
  readonly options: Pick<CheckOptions, "tunables" | "fuzz" | "seed">;
  readonly signal: AbortSignal;
  add(finding: Finding): void;
}

/** Something that can be checked by name. */
export interface CheckSubject {
  readonly name: string;
  readonly kind: "operation" | "block" | "network";
  /** File that exports the operation, where it is not ours. */
  readonly module?: string;
  check(run: GradcheckRun): Promise<void>;
}

/**
 * Everything there is, by group; `goldens` is the folder of PyTorch's values. Without it, as in an installed package,
 * operations alone can be checked.
 */
export function catalogue(goldens: string): Readonly<Record<string, readonly CheckSubject[]>> {
  if (!existsSync(goldens)) return { operations: ops.map((op) => operation(op, [])) };
  const fixtures = readFixtures(readFileSync(join(goldens, "operations.safetensors")));
  const blocks = listBlocks(readFileSync(join(goldens, "blocks.safetensors")));
  return {
    operations: ops.map((op) => operation(op, fixtures)),
    blocks: blocks.map(block),
    networks: [...new Set(listEntries().map(({ name }) => name))].map((name) => network(name, goldens)),
  };
}

/**
 * Subjects by name, by the name of their group, or by the path of a module that exports operations; all of them where
 * none is named. Throws ValueError naming those there are.
 */
export async function choose(names: readonly string[], goldens: string): Promise<readonly CheckSubject[]> {
  const groups = catalogue(goldens);
  const all = Object.values(groups).flat();
  if (names.length === 0) return all;
  const chosen: CheckSubject[] = [];
  for (const name of names) {
    const found = /\.m?js$/.test(name)
      ? (await operationsOf(name)).map((op) => operation(op, [], name))
      : (groups[name] ?? all.filter((subject) => subject.name === name));
    if (found.length === 0) {
      const known = [...Object.keys(groups), ...all.map((subject) => subject.name)];
      const missing = existsSync(goldens) ? "" : NO_GOLDENS;
      throw new ValueError(`gradcheck: no subject ${name}${suggestion(name, known)}${missing}`);
    }
    chosen.push(...found);
  }
  return chosen;
}

const operation = (op: Op, fixtures: readonly Fixture[], module?: string): CheckSubject => ({
  name: op.name,
  kind: "operation",
  module,
  async check({ device, options, signal, add }) {
    for (const fixture of fixtures)
      if (fixture.op === op) for (const finding of verifyFixture(fixture)) add(finding);
    const onFinding = ({ repro, ...finding }: Finding) =>
      add({ ...finding, repro: repro && module ? JSON.stringify({ module, ...JSON.parse(repro) }) : repro });
    await checkOp(op, { ...options, device, signal, onFinding });
  },
});

const block = ({ model, path, read }: ListedBlock): CheckSubject => ({
  name: `${model}/${path.replace(/_1$/, "")}`,
  kind: "block",
  async check({ device, add }) {
    for await (const finding of verifyBlock(device, read())) add(finding);
  },
});

/** A network: its layers by identities at the paper's size, and its variants against PyTorch. */
const network = (name: string, goldens: string): CheckSubject => ({
  name,
  kind: "network",
  async check({ device, signal, add }) {
    for (const use of uses(name)) {
      if (signal.aborted) return;
      for await (const finding of identities(device, use)) add(finding);
    }
    for (const file of readdirSync(goldens).filter((file) => file.startsWith(`${name}.`))) {
      const golden = readGolden(readFileSync(join(goldens, file)), file);
      for (const verify of [verifyNetwork, verifyStep]) {
        if (signal.aborted) return;
        for await (const finding of verify(device, golden)) add(finding);
      }
    }
  },
});
