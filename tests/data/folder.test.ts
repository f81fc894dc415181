// Folders of images as people have them: what is found, in which order, what is left out and why, what is refused.
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import sharp from "sharp";
import * as assert from "uvu/assert";
import { scanFolder } from "../../engine/data/folder.node.ts";
import { TesseraError } from "../../engine/errors.ts";
import { group } from "../harness.ts";

const check = group("folders");
const picture = sharp({ create: { width: 4, height: 4, channels: 3, background: "red" } });
const jpeg = await picture.jpeg().toBuffer();

/** Two classes, a and b, of one image each, and what `more` adds. */
async function inFolder(more: (dir: string) => Promise<unknown>, body: (dir: string) => Promise<void>) {
  const dir = await mkdtemp(join(tmpdir(), "tessera-folder-"));
  try {
    await put(dir, "a/1.jpg");
    await put(dir, "b/1.jpg");
    await more(dir);
    await body(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function put(dir: string, path: string, data: Uint8Array | string = jpeg): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), data);
}

/** What is found, with paths from the folder. */
async function scanned(dir: string) {
  const { classes, samples, leftOut } = await scanFolder(dir);
  const from = (path: string) => relative(dir, path);
  return {
    classes,
    files: samples.map(({ path, label }) => `${label} ${from(path)}`),
    leftOut: Object.fromEntries(leftOut.map(({ path, why }) => [from(path), why])),
  };
}

async function refused(dir: string, ...words: string[]): Promise<void> {
  const error = await scanFolder(dir).catch((error: Error) => error);
  assert.instance(error, TesseraError);
  for (const word of words) assert.ok(`${error}`.includes(word), `${error} does not say ${word}`);
}

check.test("images in folders inside a class count", () =>
  inFolder(
    async (dir) => {
      await put(dir, "a/deep/down/2.jpg");
      await put(dir, "c/deep/1.jpg");
    },
    async (dir) => {
      const { classes, files } = await scanned(dir);
      assert.equal(classes, ["a", "b", "c"]);
      assert.equal(files, ["0 a/1.jpg", "0 a/deep/down/2.jpg", "1 b/1.jpg", "2 c/deep/1.jpg"]);
    },
  ),
);

check.test("a file counts by its name or else by what it is; what is left out is named", () =>
  inFolder(
    async (dir) => {
      await put(dir, "a/2.JPG");
      await put(dir, "a/3.tif", await picture.tiff().toBuffer());
      await put(dir, "a/4.gif", await picture.gif().toBuffer());
      await put(dir, "a/5.avif", await picture.avif().toBuffer());
      await put(dir, "a/without_ending");
      await put(dir, "a/7.data", await picture.webp().toBuffer());
      await put(dir, "a/8.bmp", "BM......");
      await put(dir, "a/9.bmp");
      await put(dir, "a/notes.txt", "an image? no");
      await put(dir, "a/none", "");
    },
    async (dir) => {
      const { files, leftOut } = await scanned(dir);
      const found = ["1.jpg", "2.JPG", "3.tif", "4.gif", "5.avif", "7.data", "9.bmp", "without_ending"];
      assert.equal(
        files.filter((file) => file.startsWith("0")),
        found.map((name) => `0 a/${name}`),
      );
      assert.equal(leftOut, {
        "a/8.bmp": "BMP is not supported",
        "a/none": "not an image",
        "a/notes.txt": "not an image",
      });
    },
  ),
);

check.test("hidden files and those of file managers are no classes and no images", () =>
  inFolder(
    async (dir) => {
      for (const path of [".DS_Store", "a/.DS_Store", "a/._1.jpg", "a/Thumbs.db", "__MACOSX/._1.jpg"])
        await put(dir, path, "\0\u0005");
      await put(dir, ".ipynb_checkpoints/1.jpg");
      await put(dir, "readme.txt", "x");
    },
    async (dir) => {
      assert.equal(await scanned(dir), {
        classes: ["a", "b"],
        files: ["0 a/1.jpg", "1 b/1.jpg"],
        leftOut: {},
      });
    },
  ),
);

check.test("classes are in the order of Python: by code point", () =>
  inFolder(
    async (dir) => {
      for (const name of ["10", "2", "Z", "é", "犬 🐕", "\u{1F415}", "\uFF21"])
        await put(dir, `${name}/1.jpg`);
    },
    async (dir) => {
      const { classes } = await scanned(dir);
      assert.equal(classes, ["10", "2", "Z", "a", "b", "é", "犬 🐕", "\uFF21", "\u{1F415}"]);
    },
  ),
);

check.test("links are followed, but not in circles and not to nowhere", () =>
  inFolder(
    async (dir) => {
      await symlink("../a/1.jpg", join(dir, "b/link.jpg"));
      await symlink("nowhere.jpg", join(dir, "b/lost.jpg"));
      await symlink("..", join(dir, "a/up"));
      await symlink(".", join(dir, "a/self"));
      await symlink("a", join(dir, "c"));
      await mkdir(join(dir, "a/x.jpg"));
    },
    async (dir) => {
      const { classes, files, leftOut } = await scanned(dir);
      assert.equal(classes, ["a", "b", "c"]);
      assert.equal(files, ["0 a/1.jpg", "1 b/1.jpg", "1 b/link.jpg", "2 c/1.jpg"]);
      assert.equal(Object.keys(leftOut).sort(), ["a/self", "a/up", "b/lost.jpg", "c/self", "c/up"]);
      assert.is(leftOut["a/up"], "a link to a folder around it");
      assert.is(leftOut["b/lost.jpg"], "the link leads nowhere");
    },
  ),
);

check.test("a pipe is not waited for", () =>
  inFolder(
    async (dir) => execFileSync("mkfifo", [join(dir, "a/2.jpg")]),
    async (dir) => {
      assert.equal((await scanned(dir)).leftOut, { "a/2.jpg": "no plain file" });
    },
  ),
);

check.test("what would move the labels is refused", async () => {
  const latin = Buffer.from([0x63, 0x61, 0x66, 0xe9]); // café in Latin-1
  await inFolder(
    (dir) => mkdir(Buffer.concat([Buffer.from(`${dir}/`), latin])),
    (dir) => refused(dir, "not UTF-8", "café in Latin-1"),
  );
  await inFolder(
    (dir) => symlink("nowhere", join(dir, "c")),
    (dir) => refused(dir, join(dir, "c"), "leads nowhere"),
  );
  await inFolder(
    (dir) => put(dir, "c/1.bmp", "BM..."),
    (dir) => refused(dir, "no images in c", "left out: ", "BMP is not supported"),
  );
  await inFolder(
    async (dir) => {
      await mkdir(join(dir, "train"));
      for (const name of ["a", "b"]) await rename(join(dir, name), join(dir, "train", name));
      await put(dir, "val/a/1.jpg");
    },
    (dir) => refused(dir, "train and val, parts of a data set", join(dir, "train")),
  );
});

check.run();
