import { ClosedError, DeviceLostError, ValidationError } from "../errors.ts";

/** Milliseconds within which a browser says that a device was lost, after it has refused what was pending on it. */
const LATE = 100;

/**
 * What has gone wrong on a GPUDevice: whether it was lost or closed, and the errors that no scope caught.
 * The device's handlers hold this and nothing else: Dawn keeps a handler for good, and with it what it reaches.
 */
export class Faults {
  #closed = false;
  #lost: string | undefined;
  #errors: string[] = [];
  readonly #loss: Promise<void>;

  constructor(
    private readonly name: string,
    gpu: GPUDevice,
  ) {
    this.#loss = gpu.lost.then(({ reason, message }) => {
      this.#lost = message || reason;
    });
    gpu.onuncapturederror = (event) => {
      event.preventDefault(); // Dawn prints it, and browsers log it: it is thrown in place of that
      this.#errors.push(event.error.message);
    };
  }

  /** Notes that the caller closed the device; false where that was known. */
  close(): boolean {
    const first = !this.#closed;
    this.#closed = true;
    return first;
  }

  /** Throws ClosedError or DeviceLostError naming the call, where the device can do nothing any more. */
  assertOpen(what: string, cause?: unknown): void {
    if (this.#closed) throw new ClosedError(`${what}: the device was closed`, { cause });
    if (this.#lost) throw new DeviceLostError(`${what}: ${this.name} was lost: ${this.#lost}`, { cause });
  }

  /** Throws ValidationError with the first error that no scope caught since the last call. */
  assertValid(what: string, cause?: unknown): void {
    const [first] = this.#errors.splice(0);
    if (first) throw new ValidationError(`${what}: ${first}`, { cause });
  }

  /** Throws what a refusal means: the device is gone, what was pending on it was closed, or the command was wrong. */
  async explain(what: string, cause: unknown): Promise<never> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((then) => {
      timer = setTimeout(then, LATE);
    });
    await Promise.race([this.#loss, late]);
    clearTimeout(timer);
    this.assertOpen(what, cause);
    this.assertValid(what, cause);
    const { name, message } = cause as Error;
    if (name === "AbortError") throw new ClosedError(`${what}: its buffer was closed meanwhile`, { cause });
    throw new ValidationError(`${what}: ${message}`, { cause });
  }
}
