/**
 * Tells one piece of work that nobody waits for it any more. An `AbortController` would do, but an event target costs as much as a search,
 * and a read needs one for each of its shards.
 */
export class Abandonment {
  #isAbandoned = false;
  #listener: (() => void) | undefined;

  get isAbandoned(): boolean {
    return this.#isAbandoned;
  }

  /** Calls `listener`, the only one, when it is abandoned. */
  onAbandoned(listener: () => void): void {
    this.#listener = listener;
  }

  /** Harmless when it was abandoned before. */
  abandon(): void {
    if (this.#isAbandoned) return;
    this.#isAbandoned = true;
    this.#listener?.();
  }
}
