import { createHash } from "node:crypto";
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { FormatError, TesseraError } from "../../errors.ts";
import type { Row } from "../results/row.ts";
import { type Contents, type Header, headerLine, readRecord, rowKey, rowLine, shaderLine } from "./record.ts";

/**
 * The record of a run, a file that only grows: each row is one write at its end, so that a process killed at any byte
 * loses no more than the row that it was writing. One writer at a time.
 */
export class RunRecord {
  /** Bytes of an unfinished line that were cut off when the record was opened. */
  readonly torn: number;
  readonly #file: number;
  readonly #rows = new Map<string, Row>();
  readonly #archived: Set<string>;
  /** The text whose words the others share. */
  #first: { readonly hash: string; readonly text: string } | undefined;
  #size: number;

  /**
   * Opens a record to go on with it, or begins one. A header other than the last one there begins a new section; rows
   * of the same adapter, driver, implementation, toggles and problem are found whichever section they are in.
   * Throws FormatError, and changes nothing, where the file is there but is no record.
   */
  constructor(
    readonly path: string,
    readonly header: Header,
  ) {
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, "a+");
    try {
      const contents = readRecord(readFileSync(this.#file), path);
      const { sections, shaders, whole, torn } = contents;
      this.#archived = new Set(shaders.keys());
      const first = [...shaders.values()].find(({ like }) => like === undefined)?.shader;
      if (first) this.#first = { hash: first, text: shaderOf(contents, first, path)! };
      for (const { header: of, rows } of sections)
        for (const row of rows) this.#rows.set(rowKey(of, row), row);
      this.torn = torn;
      this.#size = whole;
      if (torn > 0) ftruncateSync(this.#file, whole);
      const [last, own] = [sections.at(-1)?.header, JSON.parse(JSON.stringify(header))];
      if (!last || headerLine(last) !== headerLine(own)) this.#write(headerLine(own));
    } catch (error) {
      closeSync(this.#file);
      throw error;
    }
  }

  /** The row of a configuration, if it was measured before under the same header's adapter and problem. */
  find(of: Pick<Row, "configuration" | "wgsl">): Row | undefined {
    return this.#rows.get(rowKey(this.header, of));
  }

  /** Rows in the record, of every section. */
  get size(): number {
    return this.#rows.size;
  }

  /** Adds a row, which is in the file when this returns. False, and nothing is written, where it is there already. */
  append(row: Row): boolean {
    const key = rowKey(this.header, row);
    if (this.#rows.has(key)) return false;
    this.#write(rowLine(row));
    this.#rows.set(key, row);
    return true;
  }

  /** Adds the text of a hash, which is in the file when this has resolved, unless it is there already. */
  async archive(wgsl: string, print: () => Promise<string>): Promise<void> {
    if (this.#archived.has(wgsl)) return;
    const text = await print();
    const dictionary = this.#first && Buffer.from(this.#first.text);
    const deflated = deflateRawSync(text, { level: 9, dictionary }).toString("base64");
    this.#write(shaderLine({ shader: wgsl, like: this.#first?.hash, deflated }));
    this.#first ??= { hash: wgsl, text };
    this.#archived.add(wgsl);
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(line: string): void {
    const bytes = Buffer.from(`${line}\n`);
    const written = writeSync(this.#file, bytes);
    if (written < bytes.length) {
      ftruncateSync(this.#file, this.#size); // a full disk: the file ends with a whole line again
      throw new TesseraError(`${this.path}: ${written} of ${bytes.length} bytes of a row could be written`);
    }
    this.#size += written;
  }
}

/**
 * The WGSL of a hash, undefined where the record does not keep it. Throws FormatError where it is not what was kept.
 */
export function shaderOf(
  { shaders }: Pick<Contents, "shaders">,
  wgsl: string,
  name = "record",
): string | undefined {
  const shader = shaders.get(wgsl);
  if (!shader) return undefined;
  const { like, deflated } = shader;
  let text: string;
  try {
    const first = like === undefined || like === wgsl ? undefined : shaderOf({ shaders }, like, name);
    const dictionary = first === undefined ? undefined : Buffer.from(first);
    text = inflateRawSync(Buffer.from(deflated, "base64"), { dictionary }).toString("utf8");
  } catch (cause) {
    throw new FormatError(`${name}: WGSL ${wgsl} cannot be unpacked: ${(cause as Error).message}`, { cause });
  }
  const hash = createHash("sha256").update(text).digest("hex");
  if (hash === wgsl) return text;
  throw new FormatError(`${name}: WGSL ${wgsl} is not what was kept: its SHA-256 is ${hash}`);
}
