// Data sets kept as one folder of images for each class. Node only.

import type { Dirent, Stats } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { TesseraError } from "../errors.ts";

export interface Sample {
  readonly path: string;
  /** Index into the classes. */
  readonly label: number;
}

/** What a folder holds. */
export interface ImageFolder {
  /** Names of the folders, by code point, as PyTorch's `ImageFolder` and Python's `sorted` have them. */
  readonly classes: string[];
  /** By class, then by path. */
  readonly samples: Sample[];
  /** Files that are no images or cannot be had, and why. Hidden files and those of file managers are not among them. */
  readonly leftOut: LeftOut[];
}

export interface LeftOut {
  readonly path: string;
  readonly why: string;
}

/** The first of them and why, and how many more there are. */
export function formatLeftOut([first, ...more]: readonly LeftOut[]): string {
  return `${first.path}: ${first.why}${more.length > 0 ? `, and ${more.length} more` : ""}`;
}

/**
 * Lists a data set kept as one folder of images for each class; images in folders inside it count too. Links are
 * followed. A file counts by its name (.jpg .jpeg .jpe .jfif .png .webp .gif .tif .tiff .avif) or else by its first
 * bytes.
 * Throws TesseraError if there is no such folder, fewer than two classes, a class without images, a folder whose name
 * is not UTF-8, a link in the place of a class that leads nowhere, or folders that are parts of a data set (train, val).
 */
export async function scanFolder(dir: string): Promise<ImageFolder> {
  const inside = await entriesOf(dir);
  const lost = inside.find(({ stats }) => !stats);
  if (lost) throw new TesseraError(`${lost.path}: the link leads nowhere`);
  const folders = inside.filter(({ stats }) => stats!.isDirectory());
  const classes = folders.map(({ name }) => name);
  if (classes.length < 2) {
    const found = classes.length === 0 ? "no folder" : `one folder, ${classes[0]}`;
    throw new TesseraError(`${dir} holds ${found}; it takes two classes or more, a folder of images each`);
  }
  if (classes.every((name) => PART.test(name)))
    throw new TesseraError(
      `${dir} holds ${classes.join(" and ")}, parts of a data set and not classes; take ${folders[0].path}`,
    );
  const top = idOf(await stat(dir));
  const found = await Promise.all(folders.map(({ path, stats }) => walk(path, [top, idOf(stats!)])));
  const leftOut = found.flatMap(({ leftOut }) => leftOut);
  const empty = [...classes.keys()].filter((label) => found[label].images.length === 0);
  if (empty.length > 0) {
    const of = empty.flatMap((label) => found[label].leftOut);
    const why = of.length > 0 ? `; left out: ${formatLeftOut(of)}` : "";
    throw new TesseraError(`${dir}: no images in ${empty.map((label) => classes[label]).join(", ")}${why}`);
  }
  const samples = found.flatMap(({ images }, label) => images.map((path) => ({ path, label })));
  return { classes, samples, leftOut };
}

const NAMED = /\.(jpe?g|jpe|jfif|png|webp|gif|tiff?|avif)$/i;
const HIDDEN = /^(\..*|__MACOSX|Thumbs\.db|desktop\.ini)$/i;
const PART = /^(train(ing)?|val(id|idation)?|test(ing)?|eval)$/i;

interface Entry {
  readonly name: string;
  readonly path: string;
  /** Undefined where a link leads nowhere. */
  readonly stats: Pick<Stats, "isFile" | "isDirectory" | "dev" | "ino"> | undefined;
}

/** The entries of a folder by code point, without hidden ones. */
async function entriesOf(dir: string): Promise<Entry[]> {
  let listed: Dirent<Buffer>[];
  try {
    listed = await readdir(dir, { withFileTypes: true, encoding: "buffer" });
  } catch (cause) {
    throw new TesseraError(`cannot list the folder ${dir}: ${(cause as Error).message}`, { cause });
  }
  listed.sort((a, b) => Buffer.compare(a.name, b.name)); // UTF-8 sorts by code point
  const entries = await Promise.all(listed.map((entry) => entryOf(dir, entry)));
  return entries.filter(({ name }) => !HIDDEN.test(name));
}

async function entryOf(dir: string, entry: Dirent<Buffer>): Promise<Entry> {
  const name = entry.name.toString();
  const path = join(dir, name);
  if (!Buffer.from(name).equals(entry.name))
    throw new TesseraError(`${path}: the name is not UTF-8, but ${entry.name.toString("latin1")} in Latin-1`);
  if (entry.isFile()) return { name, path, stats: FILE };
  return { name, path, stats: await stat(path).catch(() => undefined) };
}

/** A plain file needs no look at what it is. */
const FILE = { isFile: () => true, isDirectory: () => false, dev: 0, ino: 0 };

const idOf = ({ dev, ino }: Pick<Stats, "dev" | "ino">) => `${dev} ${ino}`;

/** All images below a folder, whose own and outer folders are `above`. */
async function walk(
  dir: string,
  above: readonly string[],
): Promise<{ images: string[]; leftOut: LeftOut[] }> {
  const images: string[] = [];
  const leftOut: LeftOut[] = [];
  for (const { name, path, stats } of await entriesOf(dir)) {
    if (!stats) leftOut.push({ path, why: "the link leads nowhere" });
    else if (stats.isDirectory()) {
      const id = idOf(stats);
      if (above.includes(id)) leftOut.push({ path, why: "a link to a folder around it" });
      else {
        const inside = await walk(path, [...above, id]);
        images.push(...inside.images);
        leftOut.push(...inside.leftOut);
      }
    } else if (!stats.isFile()) leftOut.push({ path, why: "no plain file" });
    else {
      const why = NAMED.test(name) ? undefined : await refusal(path);
      if (why) leftOut.push({ path, why });
      else images.push(path);
    }
  }
  return { images, leftOut };
}

/** Why a file is no image by its first bytes, if it is none. */
async function refusal(path: string): Promise<string | undefined> {
  const head = await headOf(path).catch((error: NodeJS.ErrnoException) => error);
  if (head instanceof Error) return head.message;
  const text = head.toString("latin1");
  if (text.startsWith("BM")) return "BMP is not supported";
  const known = /^(\xff\xd8\xff|\x89PNG|GIF8|RIFF....WEBP|II\*\0|MM\0\*|....ftyp(avif|avis|mif1))/s;
  return known.test(text) ? undefined : "not an image";
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
