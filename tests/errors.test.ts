// What goes wrong says so: a typed error that names the operation or file, the argument, and both values.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { Device } from "../engine/device/device.ts";
import {
  FormatError,
  LimitError,
  NoAdapterError,
  OutOfMemoryError,
  ShapeError,
  TuneError,
  ValueError,
  WeightsError,
} from "../engine/errors.ts";
import { fromFloat32, fromInt32, readSafetensors, writeSafetensors } from "../engine/io/safetensors.ts";
import { checkLabels, trace } from "../engine/nn/model.ts";
import { Net } from "../engine/nn/net.ts";
import { checkState, type StateDict } from "../engine/nn/variables.ts";
import { rmsprop } from "../engine/optim/optimizers.ts";
import { staircase } from "../engine/optim/schedules.ts";
import { Trainer } from "../engine/optim/trainer.ts";
import { plan } from "../engine/plan/plan.ts";
import { conv2dResidual } from "../kernels/index.ts";
import { guess, importWeights } from "../models/checkpoints.ts";
import { getEntry, getModel, netOptions } from "../models/index.ts";
import { device, group } from "./harness.ts";

type ErrorClass = new (...args: any[]) => Error;
type Fault = readonly [what: string, error: ErrorClass, says: RegExp, act: () => unknown];

const net = () => new Net({ training: true });
const images = (n: Net, shape = [2, 8, 8, 3]) => n.input("images", shape);
const variablesOf = (name: string, variant = "paper") => {
  const n = new Net(netOptions(name, { variant, width: 1 / 16, batchNorm: { scale: true } }));
  getModel(name, { variant, classes: 4 })(n, n.input("images", [1, 75, 75, 3]));
  return n.variables;
};
const stateOf = (name: string, variant?: string): StateDict =>
  new Map(
    [...variablesOf(name, variant)].map(([path, { shape }]) => [
      path,
      { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) },
    ]),
  );
const tiny = (n: Net, x: ReturnType<typeof images>) =>
  n.linear("logits", n.globalAvgPool(n.unit("1", x, 4, 3)), 3);

const FAULTS: readonly Fault[] = [
  [
    "images of two channels",
    ShapeError,
    /inception-v4.*\[1,299,299,2\].*\[n,h,w,3\]/,
    () => trace(getModel("inception-v4"), [1, 299, 299, 2], {}),
  ],
  [
    "an image too small",
    ShapeError,
    /inception-v4.*74x80.*75x75/,
    () => trace(getModel("inception-v4"), [1, 74, 80, 3], {}),
  ],
  [
    "a model that does not exist",
    ValueError,
    /inception-v5 \(has inception-v4, inception-resnet-v1/,
    () => getEntry("inception-v5"),
  ],
  [
    "a variant that does not exist",
    ValueError,
    /inception-v4 has no variant facenet \(has paper, slim\)/,
    () => getEntry("inception-v4", "facenet"),
  ],
  [
    "weights of other channels",
    ShapeError,
    /conv2d: x has 3 channels but w expects 4/,
    () => {
      const n = net();
      const x = images(n);
      n.graph.variable("c/w", [3, 3, 4, 8]);
      n.graph.apply(
        convolution(),
        { x, w: n.graph.variable("c/w", [3, 3, 4, 8]) },
        {
          stride: [1, 1],
          padding: [
            [0, 0],
            [0, 0],
          ],
        },
      );
    },
  ],
  [
    "a window larger than the image",
    ShapeError,
    /conv2d: a 9x9 window does not fit the 8x8 input/,
    () => {
      const n = net();
      n.conv2d("c", images(n), 4, 9, { padding: "valid" });
    },
  ],
  [
    "a variable used in two shapes",
    ShapeError,
    /c\/w is \[1,1,3,4\] but is used as \[3,3,3,4\]/,
    () => {
      const n = net();
      const x = images(n);
      n.conv2d("c", x, 4, 1);
      n.conv2d("c", x, 4, 3);
    },
  ],
  [
    "parts of different size",
    ShapeError,
    /concat: x2 is \[2,3,3,3\] but x1 is \[2,8,8,3\]/,
    () => {
      const n = net();
      const x = images(n);
      n.concat(x, n.maxPool(x, 3, { stride: 3 }));
    },
  ],
  [
    "a shortcut of other depth than the convolution beside it",
    ShapeError,
    /conv2d_residual: shortcut is \[2,8,8,3\] but the convolution makes \[2,8,8,5\]/,
    () =>
      conv2dResidual.shapes(
        { x: [2, 8, 8, 3], w: [1, 1, 3, 5], b: [5], shortcut: [2, 8, 8, 3] },
        { ...conv2dResidual.cases[0].attrs },
      ),
  ],
  [
    "a residual of other depth",
    ShapeError,
    /scale_add_relu.*\[2,8,8,3\].*\[2,8,8,5\]/,
    () => {
      const n = net();
      const x = images(n);
      n.residual(x, n.conv2d("c", x, 5, 1), 0.1);
    },
  ],
  [
    "logits of another batch",
    ShapeError,
    /logits are \[2,8,8,3\] but \[2,classes\]/,
    () => trace((_, x) => x, [2, 8, 8, 3], {}),
  ],
  [
    "a label out of range",
    ValueError,
    /label 10 of image 1 is outside the 10 classes 0\.\.9/,
    () => checkLabels(Int32Array.of(0, 10), 2, 10),
  ],
  ["a negative label", ValueError, /label -1 of image 0/, () => checkLabels(Int32Array.of(-1, 1), 2, 10)],
  [
    "too few labels",
    ShapeError,
    /labels: 1 are given for 2 images/,
    () => checkLabels(Int32Array.of(1), 2, 10),
  ],
  [
    "a batch that does not divide",
    ShapeError,
    /batch of 3 does not divide into 2/,
    () => Trainer.create(device, tiny, { input: [3, 8, 8, 3], microBatches: 2 }),
  ],
  [
    "images of the wrong number",
    ShapeError,
    /images: \[2,8,8,3\] takes 384 values but 7 are given/,
    async () => {
      const trainer = await Trainer.create(device, tiny, { input: [2, 8, 8, 3] });
      try {
        await trainer.step(new Float32Array(7), Int32Array.of(0, 1));
      } finally {
        trainer.close();
      }
    },
  ],
  [
    "no micro-batches",
    ValueError,
    /microBatches is 0 but a whole number of at least 1/,
    () => Trainer.create(device, tiny, { input: [2, 8, 8, 3], microBatches: 0 }),
  ],
  [
    "a model without variables",
    ShapeError,
    /no trainable variable/,
    () => Trainer.create(device, (n, x) => n.globalAvgPool(x), { input: [2, 8, 8, 3] }),
  ],
  ["a momentum of one", ValueError, /rmsprop: momentum is 1 but .* below 1/, () => rmsprop({ momentum: 1 })],
  ["a staircase without steps", ValueError, /every is 0 but/, () => staircase({ every: 0 })],
  [
    "weights of another model",
    WeightsError,
    /belong to another model: it has \d+ variables, they are \d+; missing .*; unknown /,
    () => importWeights("inception-v4", "paper", variablesOf("inception-v4"), stateOf("inception-resnet-v1")),
  ],
  [
    "weights of another shape",
    WeightsError,
    /logits\/w: the model has \[96,4\] but the weights have \[96,5\]/,
    () => {
      const state = new Map(stateOf("inception-v4"));
      state.set("logits/w", { shape: [96, 5], data: new Float32Array(480) });
      checkState(variablesOf("inception-v4"), state);
    },
  ],
  [
    "weights of no network",
    WeightsError,
    /no network known here: 1 tensors, the first a/,
    () => guess(new Map([["a", { shape: [1], data: new Float32Array(1) }]])),
  ],
  [
    "a truncated safetensors file",
    FormatError,
    /cut\.safetensors/,
    () => {
      const whole = writeSafetensors(new Map([["a", fromFloat32([4], new Float32Array(4))]]));
      readSafetensors(whole.subarray(0, whole.length - 3), "cut.safetensors");
    },
  ],
  [
    "a lying safetensors header",
    FormatError,
    /lie\.safetensors: header ends at byte 10007 but the file at \d+/,
    () => {
      const whole = writeSafetensors(new Map([["a", fromFloat32([4], new Float32Array(4))]]));
      new DataView(whole.buffer, whole.byteOffset).setBigUint64(0, 9999n, true);
      readSafetensors(whole, "lie.safetensors");
    },
  ],
  [
    "an adapter that is not there",
    NoAdapterError,
    /named voodoo3.*Looked for.*Install/s,
    () => Device.open({ adapter: "voodoo3" }),
  ],
  [
    "a feature that is not there",
    LimitError,
    /feature texture-compression-etc3 is not offered/,
    () => Device.open({ features: ["texture-compression-etc3" as GPUFeatureName] }),
  ],
  [
    "a limit beyond the adapter's",
    LimitError,
    /maxBufferSize of 1e\+30 is asked for but \d+/,
    () => Device.open({ limits: { maxBufferSize: 1e30 } }),
  ],
  [
    "a buffer beyond the adapter's limit",
    LimitError,
    /colossus: \d+ bytes where .* allows \d+/,
    () => device.buffer("colossus", 2 ** 45, GPUBufferUsage.STORAGE),
  ],
  [
    "an algorithm that does not exist",
    TuneError,
    /conv2d\/forward: no algorithm fft \(has broadcast, .*plain\)/,
    () => {
      const { net: n, loss } = trace(tiny, [2, 8, 8, 3], { training: true });
      plan(n.graph, device.traits, {
        outputs: { loss },
        fuse: false,
        choose: (routine) => (routine === "conv2d/forward" ? { algorithm: "fft" } : undefined),
      });
    },
  ],
  [
    "a setting that does not suit the problem",
    LimitError,
    /conv2d\/forward: no algorithm runs on .*workgroup does not fit this problem at .*"WINDOW":0/,
    () => {
      const { net: n, loss } = trace(tiny, [2, 8, 8, 3], { training: true });
      const choose = () => ({ algorithm: "workgroup", tune: { WINDOW: 0 } });
      plan(n.graph, device.traits, {
        outputs: { loss },
        fuse: false,
        choose: (routine) => (routine === "conv2d/forward" ? choose() : undefined),
      });
    },
  ],
  [
    "a setting beyond the adapter's workgroup memory",
    LimitError,
    /a small adapter: workgroup needs 5120 bytes of workgroup memory where the adapter allows 4096/,
    () => {
      const { net: n, loss } = trace(tiny, [2, 8, 8, 3], { training: true });
      const choose = () => ({ algorithm: "workgroup", tune: { BM: 32, BN: 32, BK: 8 } });
      plan(
        n.graph,
        { ...device.traits, name: "a small adapter", maxWorkgroupBytes: 4096 },
        {
          outputs: { loss },
          fuse: false,
          choose: (routine) => (routine === "conv2d/forward" ? choose() : undefined),
        },
      );
    },
  ],
];

const check = group("errors");
for (const [what, error, says, act] of FAULTS)
  check.test(`${what}: ${error.name}`, async () => {
    let raised: unknown;
    try {
      await act();
    } catch (caught) {
      raised = caught;
    }
    assert.instance(raised, error, `${raised}`);
    assert.match((raised as Error).message, says);
  });

check.test("running out of memory: OutOfMemoryError", async () => {
  const gpu = device.gpu as unknown as { createBuffer: unknown; popErrorScope: unknown };
  const { popErrorScope } = device.gpu;
  const scopes = [null, new GPUOutOfMemoryError("no memory")];
  gpu.popErrorScope = async () => {
    await popErrorScope.call(device.gpu);
    return scopes.shift();
  };
  try {
    await device.buffer("activations", 1024, GPUBufferUsage.STORAGE);
    assert.unreachable("allocated");
  } catch (error) {
    assert.instance(error, OutOfMemoryError);
    assert.match((error as Error).message, /activations: .* could not allocate 1024 bytes: no memory/);
  } finally {
    gpu.popErrorScope = popErrorScope;
  }
});

function convolution() {
  const n = net();
  n.conv2d("c", images(n), 1, 1);
  return n.graph.nodes[0].op;
}

const cli = fileURLToPath(new URL("../cli.js", import.meta.url));
const tessera = (...args: string[]) => spawnSync(process.execPath, [cli, ...args], { encoding: "utf8" });

check.test("the command line: exit code and one line, no stack", () => {
  const folder = mkdtempSync(join(tmpdir(), "tessera-errors-"));
  try {
    const file = join(folder, "weights.safetensors");
    writeFileSync(file, writeSafetensors(new Map([["labels", fromInt32([1], Int32Array.of(0))]])));
    const rows: readonly [args: string[], says: RegExp][] = [
      [
        ["parity", "--model", "inception-v5", "--weights", file, "--batch", file, "--out", file],
        /ValueError: no model inception-v5/,
      ],
      [
        [
          "parity",
          "--model",
          "inception-v4",
          "--weights",
          join(folder, "none"),
          "--batch",
          file,
          "--out",
          join(folder, "out"),
        ],
        /FormatError: .*none: no such file/,
      ],
      [
        [
          "parity",
          "--model",
          "inception-v4",
          "--weights",
          file,
          "--batch",
          file,
          "--out",
          join(folder, "out"),
        ],
        /WeightsError: .*no network known here/,
      ],
      [["convert", "--model", "inception-v4", file], /missing required argument 'output'/],
      [["demo", "--steps", "0"], /a whole number of at least 1 is expected/],
      [["demo", "--data", join(folder, "none")], /none/],
      [["info", "--adapter", "voodoo3"], /NoAdapterError: no WebGPU adapter named voodoo3/],
      [["gradcheck", "conv3d"], /ValueError: gradcheck: no subject conv3d; did you mean conv2d\?\n$/],
      [["gradcheck", join(folder, "none.js")], /FormatError: .*none\.js: no such file/],
      [
        ["gradcheck", "relu", "--html", join(file, "page.html")],
        /FormatError: .*page\.html: cannot be written/,
      ],
      [["gradcheck", "repro", "{"], /FormatError: repro: the case is not JSON/],
      [["frobnicate"], /unknown command 'frobnicate'/],
    ];
    for (const [args, says] of rows) {
      const { status, stderr } = tessera(...args);
      assert.is(status, 2, args.join(" "));
      assert.match(stderr, says);
      assert.not.match(stderr, /\n\s+at .*\(/, args.join(" "));
    }
    assert.equal([...readSafetensors(readFileSync(file)).tensors.keys()], ["labels"]); // nothing was overwritten
  } finally {
    rmSync(folder, { recursive: true });
  }
});
check.run();
