import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp, { type Sharp } from "sharp";
import * as assert from "uvu/assert";
import { drawDataset } from "../../bench/demo/draw.ts";
import { cacheFolder } from "../../engine/cache.node.ts";
import { decodeImage, ImageBatches } from "../../engine/data/batches.node.ts";
import { type Sample, scanFolder } from "../../engine/data/folder.node.ts";
import { FormatError, TesseraError, ValueError } from "../../engine/errors.ts";
import { group } from "../harness.ts";

const check = group("images");

async function inFolder(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "tessera-images-"));
  try {
    await body(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** `act` fails with exactly this class of error, saying all of `words`. */
async function refused(act: () => unknown, kind: typeof TesseraError, ...words: string[]): Promise<void> {
  let error: unknown;
  try {
    await act();
  } catch (thrown) {
    error = thrown;
  }
  assert.is((error as Error)?.constructor, kind, `${error}`);
  for (const word of words) assert.ok(`${error}`.includes(word), `${error} does not say ${word}`);
}

async function put(path: string, data: Uint8Array | string = ""): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, data);
  return path;
}

type Color = [red: number, green: number, blue: number];

/** A picture from the colour of each pixel. */
function paint(width: number, height: number, color: (x: number, y: number) => Color): Sharp {
  const pixels = Array.from({ length: width * height }, (_, i) => color(i % width, Math.floor(i / width)));
  return sharp(Uint8Array.from(pixels.flat()), { raw: { width, height, channels: 3 } });
}
const plain = (color: Color) => paint(8, 8, () => color);

/** Back from [-1, 1] to 0 .. 255. */
const levels = (image: Float32Array): number[] => [...image].map((v) => Math.round((v + 1) * 127.5));
const near = (got: number[], want: number[], by: number) => {
  assert.is(got.length, want.length);
  assert.ok(
    got.every((v, i) => Math.abs(v - want[i]) <= by),
    `${got} is not within ${by} of ${want}`,
  );
};

check.test("lists classes and files in order", () =>
  inFolder(async (dir) => {
    for (const file of [
      "b/2.jpg",
      "b/10.PNG",
      "a/x.webp",
      "a/y.JPEG",
      "a/notes.txt",
      "a/.z.png",
      ".c/1.jpg",
      "readme.jpg",
    ])
      await put(join(dir, file));
    const { classes, samples } = await scanFolder(dir);
    assert.equal(classes, ["a", "b"]);
    assert.equal(samples, [
      { path: join(dir, "a/x.webp"), label: 0 },
      { path: join(dir, "a/y.JPEG"), label: 0 },
      { path: join(dir, "b/10.PNG"), label: 1 },
      { path: join(dir, "b/2.jpg"), label: 1 },
    ]);
  }),
);

check.test("says what a folder lacks to be a data set", () =>
  inFolder(async (dir) => {
    await refused(() => scanFolder(join(dir, "nowhere")), TesseraError, join(dir, "nowhere"));
    await refused(() => scanFolder(dir), TesseraError, dir, "no folder");
    await put(join(dir, "cats/1.jpg"));
    await refused(() => scanFolder(dir), TesseraError, dir, "one folder, cats");
    await put(join(dir, "dogs/1.txt"));
    await mkdir(join(dir, "eels"));
    await refused(() => scanFolder(dir), TesseraError, dir, "dogs, eels");
    await refused(() => scanFolder(join(dir, "cats/1.jpg")), TesseraError, "1.jpg");
  }),
);

check.test("decodes every kind of picture to the same red, green and blue", () =>
  inFolder(async (dir) => {
    const color: Color = [200, 100, 50];
    const half = {
      create: { width: 9, height: 9, channels: 4 as const, background: { r: 255, g: 0, b: 0, alpha: 0.6 } },
    };
    const kinds: [name: string, picture: Sharp, want: Color, by: number][] = [
      ["plain.png", plain(color).png(), color, 0],
      ["photo.jpg", plain(color).jpeg({ quality: 100 }), color, 2],
      ["web.webp", plain(color).webp({ lossless: true }), color, 0],
      ["palette.png", plain(color).png({ palette: true }), color, 0],
      ["deep.png", plain(color).toColourspace("rgb16").png(), color, 1],
      ["grey.png", plain([90, 90, 90]).toColourspace("b-w").png(), [90, 90, 90], 0],
      ["grey.jpg", plain([90, 90, 90]).toColourspace("b-w").jpeg(), [90, 90, 90], 1],
      ["press.jpg", plain(color).toColourspace("cmyk").jpeg({ quality: 100 }), color, 40],
      ["clear.png", sharp(half).png(), [255, 102, 102], 1],
      ["clear.webp", sharp(half).webp({ lossless: true }), [255, 102, 102], 1],
      ["one.png", paint(1, 1, () => color).png(), color, 0],
      ["narrow.png", paint(1, 50, () => color).png(), color, 0],
    ];
    for (const [name, picture, want, by] of kinds) {
      const got = levels(await decodeImage(await put(join(dir, name), await picture.toBuffer()), 5));
      near(got, Array(25).fill(want).flat(), by);
    }
  }),
);

check.test("keeps pixels, and crops, where timm does", () =>
  inFolder(async (dir) => {
    const color = (x: number, y: number): Color => [x * 4, y * 4, 7];
    // No side is resized here: 8 = floor(7 / 0.875) and 24 = floor(21 / 0.875); halves go to the even pixel.
    for (const [width, height, size, left, top] of [
      [8, 8, 7, 0, 0],
      [24, 24, 21, 2, 2],
      [24, 46, 21, 2, 12],
      [48, 24, 21, 14, 2],
    ]) {
      const file = await put(join(dir, "x.png"), await paint(width, height, color).png().toBuffer());
      const want = paint(size, size, (x, y) => color(x + left, y + top)).raw();
      assert.equal(
        levels(await decodeImage(file, size)),
        [...(await want.toBuffer())],
        `${width} x ${height}`,
      );
    }
  }),
);

check.test("resizes as Pillow does", () =>
  inFolder(async (dir) => {
    const picture = paint(52, 37, (x, y) => [x * 4, y * 6, 40 + 160 * (((x >> 2) + (y >> 2)) % 2)]);
    const got = levels(await decodeImage(await put(join(dir, "x.png"), await picture.png().toBuffer()), 21));
    const at = (x: number, y: number, c: number) => got[(y * 21 + x) * 3 + c];
    const along = (pick: (i: number) => number) => Array.from({ length: 21 }, (_, i) => pick(i));
    // Pillow 12.3: resize((33, 24), BICUBIC).crop((6, 2, 27, 23)). A width of 34 would be 4 levels off at the
    // ends; a linear filter 10 and Lanczos's 4 in the midst of a check.
    const red = [
      39, 45, 52, 58, 64, 70, 77, 83, 89, 96, 102, 108, 115, 121, 127, 134, 140, 146, 152, 159, 165,
    ];
    const green = [
      20, 29, 39, 48, 57, 66, 76, 85, 94, 103, 113, 122, 131, 140, 150, 159, 168, 177, 187, 196, 205,
    ];
    const blue = [
      65, 108, 174, 171, 87, 65, 100, 174, 173, 94, 65, 94, 173, 174, 100, 65, 87, 171, 174, 108, 65,
    ];
    near(
      along((x) => at(x, 10, 0)),
      red,
      1,
    );
    near(
      along((y) => at(10, y, 1)),
      green,
      1,
    );
    near(
      along((x) => at(x, 3, 2)),
      blue,
      2,
    );
  }),
);

check.test("turns a picture upright before it crops", () =>
  inFolder(async (dir) => {
    // Stored lying on its left side: x runs down the picture, y from right to left. Nothing is resized.
    const lying = paint(40, 16, (x, y) => [x * 6, y * 15, 0]);
    const file = await lying.withMetadata({ orientation: 6 }).png().toBuffer();
    const want = paint(14, 14, (x, y) => [(y + 13) * 6, (14 - x) * 15, 0]).raw();
    const got = levels(await decodeImage(await put(join(dir, "x.png"), file), 14));
    assert.equal(got, [...(await want.toBuffer())]);
  }),
);

check.test("names a file that is no picture", () =>
  inFolder(async (dir) => {
    const whole = await sharp({
      create: {
        width: 90,
        height: 90,
        channels: 3,
        background: "white",
        noise: { type: "gaussian", mean: 128, sigma: 40 },
      },
    })
      .jpeg()
      .toBuffer();
    const files: [string, Uint8Array | string][] = [
      ["cut.jpg", whole.subarray(0, whole.length / 2)],
      ["cut.png", (await sharp(whole).png().toBuffer()).subarray(0, -40)],
      ["text.jpg", "no picture at all"],
      ["empty.png", ""],
    ];
    for (const [name, data] of files) {
      const path = await put(join(dir, name), data);
      await refused(() => decodeImage(path, 14), FormatError, path);
    }
    await refused(() => decodeImage(join(dir, "missing.jpg"), 14), FormatError, "missing.jpg");
    await refused(() => decodeImage(dir, 14), FormatError, dir);
  }),
);

/** Pictures each of one grey level, 10 * label + 5: a batch shows which they were. */
async function greys(dir: string, count: number): Promise<Sample[]> {
  const samples = Array.from({ length: count }, (_, label) => ({ path: join(dir, `${label}.png`), label }));
  for (const { path, label } of samples)
    await put(
      path,
      await plain([10 * label + 5, 10 * label + 5, 10 * label + 5])
        .png()
        .toBuffer(),
    );
  return samples;
}

async function labelsOf(batches: ImageBatches, from: number, to: number): Promise<number[]> {
  const labels: number[] = [];
  for (let step = from; step < to; step++) labels.push(...(await batches.at(step)).labels);
  return labels;
}

check.test("shows every sample once an epoch, in another order each time", () =>
  inFolder(async (dir) => {
    const batches = new ImageBatches(await greys(dir, 10), { batch: 4, size: 7, seed: 3 });
    const labels = await labelsOf(batches, 0, 5);
    const epochs = [labels.slice(0, 10), labels.slice(10)];
    for (const epoch of epochs)
      assert.equal(
        epoch.toSorted((a, b) => a - b),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      );
    assert.not.equal(epochs[0], epochs[1]);
    assert.not.equal(
      epochs[0],
      epochs[0].toSorted((a, b) => a - b),
    );
  }),
);

check.test("puts each picture beside its label, in arrays of its own", () =>
  inFolder(async (dir) => {
    const batches = new ImageBatches(await greys(dir, 5), { batch: 7, size: 3 });
    const first = await batches.at(0);
    let steps = 0;
    for await (const { images, labels } of batches) {
      assert.is.not(images, first.images);
      assert.is(images.length, 7 * 3 * 3 * 3);
      assert.equal(
        levels(images),
        [...labels].flatMap((label) => Array(27).fill(10 * label + 5)),
      );
      if (++steps === 4) break;
    }
  }),
);

check.test("depends on seed and step alone", () =>
  inFolder(async (dir) => {
    const samples = await greys(dir, 9);
    const batches = (seed: number) => new ImageBatches(samples, { batch: 4, size: 3, seed });
    const all = await labelsOf(batches(1), 0, 8);
    assert.equal(await labelsOf(batches(1), 0, 8), all);
    assert.equal(await labelsOf(batches(1), 5, 8), all.slice(20));
    assert.not.equal(await labelsOf(batches(2), 0, 8), all);
    const backwards = batches(1);
    await backwards.at(7);
    assert.equal(await labelsOf(backwards, 0, 8), all);
  }),
);

check.test("shuffles without favour", () =>
  inFolder(async (dir) => {
    const [n, epochs] = [6, 1200];
    const labels = await labelsOf(new ImageBatches(await greys(dir, n), { batch: n, size: 1 }), 0, epochs);
    for (let label = 0; label < n; label++) {
      const counts = Array(n).fill(0);
      labels.forEach((l, i) => {
        if (l === label) counts[i % n]++;
      });
      // 200 expected in each place, with a standard deviation of 13.
      for (const count of counts)
        assert.ok(Math.abs(count - 200) < 65, `label ${label} came ${counts} times`);
    }
  }),
);

check.test("mirrors about half of the pictures, and nothing but mirrors them", () =>
  inFolder(async (dir) => {
    const picture = paint(8, 8, (x, y) => [x * 30, y * 30, (x * y * 40) % 256]);
    const samples = [{ path: await put(join(dir, "x.png"), await picture.png().toBuffer()), label: 0 }];
    const options = { batch: 200, size: 7, seed: 5 };
    const still = levels((await new ImageBatches(samples, options).at(0)).images);
    const one = still.slice(0, 147);
    const rows = Array.from({ length: 7 }, (_, y) =>
      Array.from({ length: 7 }, (_, x) => one.slice((y * 7 + x) * 3, (y * 7 + x) * 3 + 3)),
    );
    const mirror = rows.flatMap((row) => row.toReversed()).flat();
    const flipped = levels((await new ImageBatches(samples, { ...options, flip: true }).at(0)).images);
    let mirrored = 0;
    for (let i = 0; i < 200; i++) {
      assert.equal(still.slice(i * 147, (i + 1) * 147), one);
      const got = flipped.slice(i * 147, (i + 1) * 147);
      if (got.join() === mirror.join()) mirrored++;
      else assert.equal(got, one);
    }
    assert.ok(mirrored > 70 && mirrored < 130, `${mirrored} of 200`);
  }),
);

check.test("decodes a picture once, unless there is no memory to keep it", () =>
  inFolder(async (dir) => {
    const samples = await greys(dir, 3);
    const kept = new ImageBatches(samples, { batch: 3, size: 4 });
    const tight = new ImageBatches(samples, { batch: 3, size: 4, cacheBytes: 2 * 4 * 4 * 3, maxBad: 0 });
    const before = levels((await kept.at(0)).images);
    assert.equal(levels((await tight.at(0)).images), before);
    await rm(dir, { recursive: true });
    assert.equal(levels((await kept.at(0)).images), before);
    await refused(() => tight.at(0), FormatError, dir);
  }),
);

check.test("batches that are asked for at once are not mixed", () =>
  inFolder(async (dir) => {
    const samples = await greys(dir, 6);
    const options = { batch: 4, size: 3, seed: 1 };
    const steps = [5, 0, 3, 1];
    const one = new ImageBatches(samples, options);
    const together = await Promise.all(steps.map((step) => one.at(step)));
    for (const [i, step] of steps.entries())
      assert.equal(together[i], await new ImageBatches(samples, options).at(step));
  }),
);

check.test("a file that cannot be decoded is replaced by the next one and named, up to a share", () =>
  inFolder(async (dir) => {
    const samples = await greys(dir, 10);
    await put(samples[4].path, "no picture");
    const options = { batch: 10, size: 3, seed: 1 };
    const batches = new ImageBatches(samples, options);
    const { images, labels } = await batches.at(0);
    const right = [...(await new ImageBatches(await greys(join(dir, "whole"), 10), options).at(0)).labels];
    const at = right.indexOf(4);
    const next = at < 9 ? right[at + 1] : right[0];
    assert.equal([...labels], right.toSpliced(at, 1, next));
    assert.is(levels(images)[at * 27], 10 * next + 5);
    assert.equal(
      batches.bad.map(({ path }) => path),
      [samples[4].path],
    );
    assert.match(batches.bad[0].why, /unsupported image format/);
    await refused(
      () => new ImageBatches(samples, { ...options, maxBad: 0 }).at(0),
      FormatError,
      "1 of 10 images",
      "4.png",
    );
    await put(samples[7].path, "");
    const two = new ImageBatches(samples, options);
    await refused(() => two.at(0), FormatError, "2 of 10 images cannot be decoded, more than 0.01");
    assert.is((await new ImageBatches(samples, { ...options, maxBad: 0.2 }).at(0)).labels.length, 10);
    await refused(() => new ImageBatches([samples[4]], { batch: 1, size: 3 }).at(0), FormatError, "1 of 1");
    await refused(() => new ImageBatches(samples, { ...options, maxBad: 2 }), ValueError, "maxBad is 2");
  }),
);

check.test("refuses batches that cannot be", async () => {
  const samples = [{ path: "x.png", label: 0 }];
  await refused(() => new ImageBatches([], { batch: 1, size: 1 }), ValueError, "no samples");
  await refused(() => new ImageBatches(samples, { batch: 0, size: 1 }), ValueError, "batch is 0");
  await refused(() => new ImageBatches(samples, { batch: 1, size: 1.5 }), ValueError, "size is 1.5");
});

const small = { perClass: 3, size: 48 };
const siblings = async (dir: string) => (await readdir(dirname(dir))).sort();

check.test("draws a data set, the same for the same seed", () =>
  inFolder(async (dir) => {
    const progress: number[] = [];
    const onProgress = (drawn: number, total: number) => progress.push(drawn / total);
    const [a, b, c] = ["a", "deep/b", "c"].map((name) => join(dir, name));
    assert.is(await drawDataset(a, { ...small, seed: 1, onProgress }), a);
    await drawDataset(b, { ...small, seed: 1 });
    await drawDataset(c, { ...small, seed: 2 });
    const { classes, samples } = await scanFolder(a);
    assert.is(classes.length, 8);
    assert.is(samples.length, 24);
    assert.equal(
      progress,
      Array.from({ length: 24 }, (_, i) => (i + 1) / 24),
    );
    const seen = new Set<string>();
    for (const { path } of samples) {
      const bytes = await readFile(path);
      assert.equal(bytes, await readFile(path.replace(a, b)));
      assert.not.equal(bytes, await readFile(path.replace(a, c)));
      seen.add(bytes.toString("base64"));
    }
    assert.is(seen.size, 24);
    assert.equal(await siblings(a), ["a", "c", "deep"]);
  }),
);

check.test("draws a data set once", () =>
  inFolder(async (dir) => {
    const set = join(dir, "set");
    let drawn = 0;
    const draw = (seed: number) => drawDataset(set, { ...small, seed, onProgress: () => drawn++ });
    await draw(1);
    await draw(1);
    assert.is(drawn, 24);
    await draw(2);
    assert.is(drawn, 48);
    assert.equal(await siblings(set), ["set"]);
    await Promise.all([draw(3), draw(3)]);
    assert.is((await scanFolder(set)).samples.length, 24);
    assert.equal(await siblings(set), ["set"]);
  }),
);

check.test("leaves no half of a data set, and nobody else's folder touched", () =>
  inFolder(async (dir) => {
    const set = join(dir, "set");
    const onProgress = (drawn: number) => {
      if (drawn === 5) throw new Error("stopped");
    };
    await refused(() => drawDataset(set, { ...small, onProgress }), Error as never, "stopped");
    assert.equal(await siblings(set), []);

    const [old, young] = ["set.partial-old", "set.partial-young"].map((name) => join(dir, name));
    await put(join(old, "disc/0000.jpg"));
    await put(join(young, "disc/0000.jpg"));
    await utimes(old, 0, 0);
    await put(join(dir, "mine/thesis.txt"));
    await drawDataset(set, small);
    assert.equal(await siblings(set), ["mine", "set", "set.partial-young"]);
    await refused(() => drawDataset(join(dir, "mine"), small), TesseraError, "thesis.txt");
    assert.ok((await stat(join(dir, "mine/thesis.txt"))).isFile());
  }),
);

check.test("finds a place to keep data", () => {
  const { XDG_CACHE_HOME, HOME, USERPROFILE } = process.env;
  const at = (env: Record<string, string>) => {
    for (const name of ["XDG_CACHE_HOME", "HOME", "USERPROFILE"]) delete process.env[name];
    Object.assign(process.env, env);
    return cacheFolder();
  };
  try {
    const root = dirname(tmpdir());
    assert.is(
      at({ XDG_CACHE_HOME: join(root, "xdg"), HOME: join(root, "me") }),
      join(root, "xdg", "tessera"),
    );
    assert.is(at({ XDG_CACHE_HOME: "xdg", HOME: join(root, "me") }), join(root, "me", ".cache", "tessera"));
    assert.is(at({ HOME: join(root, "me") }), join(root, "me", ".cache", "tessera"));
    assert.is(at({ HOME: "", USERPROFILE: join(root, "me") }), join(root, "me", ".cache", "tessera"));
    assert.is(at({ HOME: "" }), join(tmpdir(), "tessera"));
    assert.is(at({}), join(tmpdir(), "tessera"));
  } finally {
    const before = { XDG_CACHE_HOME, HOME, USERPROFILE };
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
});

check.run();
