/** Runs asynchronous calls one after the other, in the order in which they were made. */
export class Queue {
  #pending = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** Whether a call is under way: another would wait for it. */
  get busy(): boolean {
    return this.#pending > 0;
  }

  /** Starts `body` at once where nothing is under way, else when what came before has ended, in success or failure. */
  run<T>(body: () => Promise<T>): Promise<T> {
    const idle = this.#pending++ === 0;
    const done = (idle ? body() : this.#last.then(body)).finally(() => this.#pending--);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
