// A small data set to train on where there is no other: drawn shapes and patterns, eight classes.
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { loadSharp } from "../../engine/data/picture.node.ts";
import { TesseraError } from "../../engine/errors.ts";
import { randomBits } from "../../engine/random.ts";

/** Raise it whenever pictures come out otherwise: a set of another version is drawn anew. */
const VERSION = 1;
const MARKER = "drawn.json";
const HOUR = 3_600_000;

export interface DrawOptions {
  readonly perClass?: number;
  /** Pixels a side. */
  readonly size?: number;
  readonly seed?: number;
  readonly onProgress?: (drawn: number, total: number) => void;
}

/** Uniform in [low, high). */
type Random = (low: number, high: number) => number;

function uniform(seed: number, picture: number): Random {
  let drawn = 0;
  return (low, high) => low + ((high - low) * randomBits(seed, picture, drawn++)) / 2 ** 32;
}

// What a class looks like, as SVG about the origin: shapes reach about 110 units, patterns REACH, and the
// picture shows 160 to either side.
const REACH = 480;
const classes: Record<string, (random: Random) => string> = {
  checks: (random) => {
    const side = random(38, 64);
    return lattice(side, (x, y, odd) =>
      odd ? "" : `<rect x="${x}" y="${y}" width="${side}" height="${side}"/>`,
    );
  },
  disc: () => `<circle r="95"/>`,
  dots: (random) => {
    const step = random(46, 76);
    const radius = step * random(0.22, 0.36);
    return lattice(step, (x, y) => `<circle cx="${x}" cy="${y}" r="${radius}"/>`);
  },
  rings: (random) => {
    const count = Math.floor(random(3, 5));
    const gap = 110 / count;
    const ring = (i: number) => `<circle r="${(i + 0.7) * gap}" fill="none" stroke-width="${gap * 0.48}"/>`;
    return `<g stroke="url(#ink)">${Array.from({ length: count }, (_, i) => ring(i)).join("")}</g>`;
  },
  square: () => `<rect x="-84" y="-84" width="168" height="168"/>`,
  star: () => polygon(10, (i) => (i % 2 === 0 ? 115 : 48)),
  stripes: (random) => {
    const step = random(44, 84);
    const width = step * random(0.4, 0.6);
    const band = (x: number) => `<rect x="${x}" y="${-REACH}" width="${width}" height="${2 * REACH}"/>`;
    return Array.from({ length: Math.ceil((2 * REACH) / step) }, (_, i) => band(i * step - REACH)).join("");
  },
  triangle: () => polygon(3, () => 115),
};

/**
 * Draws `perClass` JPEGs of each class, `size` pixels a side, into `dir`/<class>/ and returns `dir`. The same
 * seed gives the same pictures. A set that is there already is left as it is; one drawn with other options is
 * replaced. `dir` appears only when complete. Throws TesseraError if `dir` holds anything else.
 */
export async function drawDataset(dir: string, options: DrawOptions = {}): Promise<string> {
  const { perClass = 40, size = 320, seed = 0, onProgress = () => undefined } = options;
  const target = resolve(dir);
  const count = perClass * Object.keys(classes).length;
  const marker = JSON.stringify({ version: VERSION, count, size, seed });
  const drawn = async () => (await readFile(join(target, MARKER), "utf8").catch(() => undefined)) === marker;
  if (await drawn()) return dir;
  await refuseForeign(target);
  await mkdir(dirname(target), { recursive: true });
  await removeAbandoned(target);

  const partial = await mkdtemp(`${target}.partial-`);
  try {
    const fresh = join(partial, "fresh");
    await drawInto(fresh, { perClass, size, seed, onProgress });
    await writeFile(join(fresh, MARKER), marker);
    // Another process may have come first; then what is there is as good, and perhaps being read.
    if (await drawn()) return dir;
    await rename(target, join(partial, "stale")).catch(() => undefined);
    await rename(fresh, target).catch(async (error) => {
      if (!(await drawn())) throw error;
    });
  } finally {
    await rm(partial, { recursive: true, force: true, maxRetries: 3 });
  }
  return dir;
}

async function drawInto(
  dir: string,
  { perClass, size, seed, onProgress }: Required<DrawOptions>,
): Promise<void> {
  const sharp = await loadSharp();
  const grey = Uint8Array.from({ length: 128 * 128 }, (_, i) => randomBits(0, -1, i) & 255);
  const tile = sharp(grey, { raw: { width: 128, height: 128, channels: 1 } });
  const png = await tile.png().toBuffer();
  const noise = `data:image/png;base64,${png.toString("base64")}`;
  const names = Object.keys(classes);
  let drawn = 0;
  for (const [label, name] of names.entries()) {
    await mkdir(join(dir, name), { recursive: true });
    const draw = async (_: unknown, i: number) => {
      const svg = picture(classes[name], noise, size, uniform(seed, label * perClass + i));
      const path = join(dir, name, `${String(i).padStart(4, "0")}.jpg`);
      await sharp(Buffer.from(svg)).flatten().jpeg({ quality: 90 }).toFile(path);
      onProgress(++drawn, perClass * names.length);
    };
    await Promise.all(Array.from({ length: perClass }, draw));
  }
}

function picture(shape: (random: Random) => string, noise: string, size: number, random: Random): string {
  const hue = random(0, 360);
  const dark = random(0, 1) < 0.5;
  const ground = (turn: number) =>
    `hsl(${hue + turn},${random(30, 70)}%,${dark ? random(14, 34) : random(74, 92)}%)`;
  const inkHue = hue + random(90, 270);
  const ink = (turn: number) =>
    `hsl(${inkHue + turn},${random(55, 90)}%,${dark ? random(58, 76) : random(30, 48)}%)`;
  const gradient = (id: string, color: (turn: number) => string) =>
    `<linearGradient id="${id}" gradientUnits="userSpaceOnUse" x1="-120" y1="0" x2="120" y2="0"
      gradientTransform="rotate(${random(0, 360)})"><stop stop-color="${color(0)}"/><stop offset="1"
      stop-color="${color(random(-40, 40))}"/></linearGradient>`;
  const place = `translate(${random(-36, 36)} ${random(-36, 36)}) rotate(${random(0, 360)}) scale(${random(0.6, 1)})`;
  const grain = random(320, 2400);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="-160 -160 320 320">
    <defs>${gradient("ground", ground)}${gradient("ink", ink)}</defs>
    <rect x="-160" y="-160" width="320" height="320" fill="url(#ground)"/>
    <g transform="${place}" fill="url(#ink)">${shape(random)}</g>
    <image href="${noise}" x="${random(320 - grain, 0) - 160}" y="${random(320 - grain, 0) - 160}"
      width="${grain}" height="${grain}" opacity="${random(0.03, 0.15)}"/>
  </svg>`;
}

/** `cell` at every point of a square lattice; `odd` as the fields of a chess board alternate. */
function lattice(step: number, cell: (x: number, y: number, odd: boolean) => string): string {
  const n = Math.ceil(REACH / step);
  let cells = "";
  for (let i = -n; i <= n; i++)
    for (let j = -n; j <= n; j++) cells += cell(i * step, j * step, (i + j) % 2 !== 0);
  return cells;
}

function polygon(corners: number, radius: (i: number) => number): string {
  const corner = (_: unknown, i: number) => {
    const angle = (2 * Math.PI * i) / corners;
    return `${radius(i) * Math.cos(angle)},${radius(i) * Math.sin(angle)}`;
  };
  return `<polygon points="${Array.from({ length: corners }, corner).join(" ")}"/>`;
}

async function refuseForeign(dir: string): Promise<void> {
  const held: string[] = await readdir(dir).catch(() => []);
  if (held.length > 0 && !held.includes(MARKER))
    throw new TesseraError(
      `${dir} is not a drawn data set (it holds ${held[0]}); it is left alone: name another folder`,
    );
}

/** What a drawing left that was interrupted; a young one may still be at work. */
async function removeAbandoned(dir: string): Promise<void> {
  for (const name of await readdir(dirname(dir))) {
    if (!name.startsWith(`${basename(dir)}.partial-`)) continue;
    const path = join(dirname(dir), name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
    if (Date.now() - mtimeMs > HOUR) await rm(path, { recursive: true, force: true });
  }
}
