// Names are written out: a bundler that minifies renames classes.
import { TesseraError } from "../kernels/errors.ts";

export { ShapeError, TesseraError } from "../kernels/errors.ts";

/** No adapter was found; says what was looked for and what to install. */
export class NoAdapterError extends TesseraError {
  static {
    this.prototype.name = "NoAdapterError";
  }
}

/** WGSL that the adapter's compiler refused; says file, line and source line. */
export class ShaderError extends TesseraError {
  static {
    this.prototype.name = "ShaderError";
  }
}

/** A size or a need beyond what the adapter offers; names the operation and both values. */
export class LimitError extends TesseraError {
  static {
    this.prototype.name = "LimitError";
  }
}

/** The device could not allocate; names what was allocated and its bytes. */
export class OutOfMemoryError extends TesseraError {
  static {
    this.prototype.name = "OutOfMemoryError";
  }
}

/** The device went away; nothing on it can be read any more. */
export class DeviceLostError extends TesseraError {
  static {
    this.prototype.name = "DeviceLostError";
  }
}

/** WebGPU refused a command; names the operation. */
export class ValidationError extends TesseraError {
  static {
    this.prototype.name = "ValidationError";
  }
}

/** A tunable, kernel or option that does not exist; names those that do. */
export class TuneError extends TesseraError {
  static {
    this.prototype.name = "TuneError";
  }
}

/** A value outside its range, such as a label beyond the classes; names both. */
export class ValueError extends TesseraError {
  static {
    this.prototype.name = "ValueError";
  }
}

/** A call on an object that was closed, or whose work was ended by `close`; names the call. */
export class ClosedError extends TesseraError {
  static {
    this.prototype.name = "ClosedError";
  }
}

/** A gradient with an infinity or a NaN; names the step and the norm. The weights are as before the step. */
export class NonFiniteError extends TesseraError {
  static {
    this.prototype.name = "NonFiniteError";
  }
}

/** A file that is not what it claims to be. */
export class FormatError extends TesseraError {
  static {
    this.prototype.name = "FormatError";
  }
}

/** Weights that do not belong to the model: names missing or unknown, shapes that differ. */
export class WeightsError extends TesseraError {
  static {
    this.prototype.name = "WeightsError";
  }
}

/** A gradient that is not the derivative; names the input, the index, both values and what is allowed. */
export class GradcheckError extends TesseraError {
  static {
    this.prototype.name = "GradcheckError";
  }
}
