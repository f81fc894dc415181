// Names are written out: a bundler that minifies renames classes.

/** Every error Tessera raises on purpose; `name` is the class. */
export class TesseraError extends Error {
  static {
    this.prototype.name = "TesseraError";
  }
}

/** Shapes or attributes that an operation cannot take; names the operation, the argument and both values. */
export class ShapeError extends TesseraError {
  static {
    this.prototype.name = "ShapeError";
  }
}
