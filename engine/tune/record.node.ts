import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { TesseraError } from "../errors.ts";
import { type Header, headerLine, readRecord, rowKey, rowLine } from "./record.ts";
import type { Row } from "./row.ts";

/**
 * The record of a run, a file that only grows: each row is one write at its end, so that a process killed at any byte
 * loses no more than the row that it was writing. One writer at a time.
 */
export class RunRecord {
  /** Bytes of an unfinished line that were cut off when the record was opened. */
  readonly torn: number;
  readonly #file: number;
  readonly #rows = new Map<string, Row>();
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
      const { sections, whole, torn } = readRecord(readFileSync(this.#file), path);
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
