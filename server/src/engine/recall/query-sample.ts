import type { Random } from '../../base/index.ts';

const SAMPLE_MAX = 1_024;
/** Once the sample is full, one query of so many takes the place of the oldest. */
const EVERY = 16;

/** Some of the last queries that were asked: what recall is about. */
export class QuerySample {
  readonly #random: Random;
  readonly #queries: Float32Array[] = [];
  #next = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  note(query: Float32Array): void {
    const isFull = this.#queries.length === SAMPLE_MAX;
    if (isFull && this.#random.next() * EVERY >= 1) return;
    // A copy: the caller's may be a view of a whole request.
    this.#queries[this.#next] = query.slice();
    this.#next = (this.#next + 1) % SAMPLE_MAX;
  }

  get size(): number {
    return this.#queries.length;
  }

  queries(): readonly Float32Array[] {
    return [...this.#queries];
  }
}
