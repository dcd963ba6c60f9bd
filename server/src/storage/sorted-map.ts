import { invariant } from '../base/index.ts';
import type { HalfOpenRange } from '../native/index.ts';

interface Row {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Buffers by key, in the order of the keys' bytes: a sorted array, made for the sizes of tests. */
export class SortedMap {
  #rows: Row[];

  constructor(rows: Row[] = []) {
    this.#rows = rows;
  }

  get size(): number {
    return this.#rows.length;
  }

  copy(): SortedMap {
    return new SortedMap([...this.#rows]);
  }

  get(key: Buffer): Buffer | undefined {
    const row = this.#rows[this.#indexOf(key)];
    return row?.key.equals(key) === true ? row.value : undefined;
  }

  set(key: Buffer, value: Buffer): void {
    const at = this.#indexOf(key);
    const found = this.#rows[at]?.key.equals(key) === true;
    this.#rows.splice(at, found ? 1 : 0, { key, value });
  }

  deleteRange(range: HalfOpenRange): void {
    const [from, to] = this.#span(range);
    this.#rows.splice(from, to - from);
  }

  /** The rows of a range, first to last; later changes do not reach them. */
  rows(range: HalfOpenRange): Row[] {
    return this.#rows.slice(...this.#span(range));
  }

  #span({ lower, upper }: HalfOpenRange): [number, number] {
    const from = lower === undefined ? 0 : this.#indexOf(lower);
    const to = upper === undefined ? this.#rows.length : this.#indexOf(upper);
    return [from, Math.max(from, to)];
  }

  /** Where the first key that is not smaller stands, or would stand. */
  #indexOf(key: Buffer): number {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const row = this.#rows[middle];
      invariant(row !== undefined, 'a row is within the array', { middle });
      if (Buffer.compare(row.key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
