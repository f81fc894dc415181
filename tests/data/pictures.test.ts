// Pictures against Pillow: what is decoded, how it is resized, what an evaluation sees of it; and what is refused.
import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { decodePicture } from "../../engine/data/picture.node.ts";
import { evaluationCrop } from "../../engine/data/preprocess.ts";
import { type Interpolation, type Picture, resample } from "../../engine/data/resample.ts";
import { FormatError, ValueError } from "../../engine/errors.ts";
import { readSafetensors } from "../../engine/io/safetensors.ts";
import { group } from "../harness.ts";

const check = group("pictures");
const { tensors } = readSafetensors(readFileSync("tests/goldens/pictures.safetensors"));
const bytes = (name: string) => tensors.get(name)!.bytes;
/** Names of the tensors of one kind, without the kind. */
const named = (kind: string) =>
  [...tensors.keys()]
    .filter((name) => name.startsWith(`${kind}/`))
    .map((name) => name.slice(kind.length + 1));

/** How far two pictures are apart, in levels of 255. */
function apart({ data }: Picture, want: Uint8Array): { mean: number; most: number } {
  assert.is(data.length, want.length);
  let [sum, most] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    const difference = Math.abs(data[i] - want[i]);
    sum += difference;
    most = Math.max(most, difference);
  }
  return { mean: sum / data.length, most };
}

for (const name of named("rgb"))
  check.test(`${name} has Pillow's pixels`, async () => {
    const [height, width] = tensors.get(`rgb/${name}`)!.shape;
    const picture = await decodePicture(bytes(`file/${name}`), { upright: false });
    assert.equal([picture.width, picture.height], [width, height]);
    assert.ok(apart(picture, bytes(`rgb/${name}`)).most <= (/jpg$/.test(name) ? 2 : 0));
  });

check.test("EXIF turns a picture, if asked", async () => {
  const stored = await decodePicture(bytes("file/turned.jpg"), { upright: false });
  const { width, height, data } = await decodePicture(bytes("file/turned.jpg"));
  assert.equal([width, height], [stored.height, stored.width]);
  // 6: what is stored as the first column from below is the first row
  for (let x = 0; x < width; x++)
    for (let c = 0; c < 3; c++)
      assert.is(data[x * 3 + c], stored.data[(stored.height - 1 - x) * stored.width * 3 + c]);
});

check.test("alpha is laid over white; of 16 bits the high 8 are kept", async () => {
  const { data } = await decodePicture(bytes("file/only.alpha.png"));
  const opaque = bytes("rgb/lossless.webp");
  for (let i = 0; i < opaque.length; i += 3) {
    const alpha = opaque[i] / 255; // the red channel was taken for it
    for (let c = 0; c < 3; c++)
      assert.ok(Math.abs(data[i + c] - (255 * (1 - alpha) + alpha * opaque[i + c])) <= 1, `${i + c}`);
  }
  const deep = await decodePicture(bytes("file/only.grey16.png"));
  for (let i = 0; i < 31 * 24; i++) assert.is(deep.data[3 * i], (i * 88) >> 8);
});

check.test("floats, BMP, nothing and what is cut off are refused", async () => {
  const refused = async (data: Uint8Array, why: RegExp) => {
    try {
      await decodePicture(data);
    } catch (error) {
      assert.instance(error, FormatError);
      return assert.match((error as Error).message, why);
    }
    assert.unreachable(`${why} was not said`);
  };
  await refused(bytes("file/only.float.tif"), /floats/);
  await refused(bytes("file/only.bmp"), /BMP is not supported/);
  await refused(new Uint8Array(), /empty/);
  const jpeg = bytes("file/photo.jpg");
  const cut = jpeg.subarray(0, jpeg.length / 2);
  await refused(cut, /premature end/);
  await refused(Buffer.concat([cut, Uint8Array.of(0xff, 0xd9)]), /premature end/);
  await refused(bytes("file/photo.png").subarray(0, 2000), /read error/);
});

check.test("bytes between the parts of a JPEG do no harm", async () => {
  const jpeg = Buffer.from(bytes("file/grey.jpg"));
  const scan = jpeg.indexOf(Uint8Array.of(0xff, 0xda));
  const flawed = Buffer.concat([jpeg.subarray(0, scan), Uint8Array.of(1, 2, 3), jpeg.subarray(scan)]);
  assert.equal((await decodePicture(flawed)).data, (await decodePicture(jpeg)).data);
});

for (const name of named("resize"))
  check.test(`resized, ${name}`, async () => {
    const [, filter, width, height] = /^(\w+)\.(\d+)x(\d+)$/.exec(name)!;
    const picture = await decodePicture(bytes("file/photo.png"));
    const made = resample(picture, Number(width), Number(height), filter as Interpolation);
    assert.is(apart(made, bytes(`resize/${name}`)).most, 0);
  });

for (const name of named("eval"))
  check.test(`seen in evaluation, ${name}`, async () => {
    const [, file, size] = /^(.*)\.(\d+)$/.exec(name)!;
    const made = evaluationCrop(await decodePicture(bytes(`file/${file}`)), Number(size));
    const { mean, most } = apart(made, bytes(`eval/${name}`));
    if (/png$/.test(file)) assert.is(most, 0);
    else assert.ok(mean <= 0.5 && most <= 4, `mean ${mean}, most ${most}`);
  });

check.test("a box is a part of the picture, and must be inside it", async () => {
  const picture = await decodePicture(bytes("file/small.png"));
  const part = resample(picture, 10, 9, "bicubic", { left: 3, top: 4, width: 10, height: 9 });
  for (let y = 0; y < 9; y++)
    for (let i = 0; i < 30; i++) assert.is(part.data[y * 30 + i], picture.data[((y + 4) * 28 + 3) * 3 + i]);
  for (const box of [
    { left: -1, top: 0, width: 5, height: 5 },
    { left: 20, top: 0, width: 9, height: 5 },
    { left: 0, top: 0, width: 5, height: 0 },
    { left: 0, top: Number.NaN, width: 5, height: 5 },
  ])
    assert.throws(
      () => resample(picture, 5, 5, "bilinear", box),
      (error: unknown) => error instanceof ValueError && /box .* picture of 28x28/.test(error.message),
    );
  assert.throws(() => resample(picture, 0, 5, "bilinear"), /width is 0/);
  assert.throws(() => resample(picture, 5, 2.5, "bilinear"), /height is 2.5/);
});

check.run();
