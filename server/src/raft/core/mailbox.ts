/** Collects values until they are taken all at once; what was taken never changes, and taking nothing allocates nothing. */
export class Mailbox<T> {
  #values: T[] = [];

  get isEmpty(): boolean {
    return this.#values.length === 0;
  }

  push(value: T): void {
    this.#values.push(value);
  }

  take(): readonly T[] {
    if (this.#values.length === 0) return NOTHING;
    const taken = this.#values;
    this.#values = [];
    return taken;
  }
}

const NOTHING: readonly never[] = Object.freeze([]);
