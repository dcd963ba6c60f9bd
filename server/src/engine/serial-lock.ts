/** Runs pieces of asynchronous work one after the other, in the order of the calls. */
export class SerialLock {
  #tail: Promise<unknown> = Promise.resolve();

  /** Settles as `work` does; a failure does not stop the work behind it. */
  run<T>(work: () => Promise<T> | T): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.then(ignore, ignore);
    return result;
  }

  /** Resolves when all work queued before this call has ended, well or badly. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}

function ignore(): void {
  // The caller of `run` has the outcome.
}
