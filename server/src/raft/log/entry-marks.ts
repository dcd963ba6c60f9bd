import { invariant } from '../../base/index.ts';

/**
 * What is kept in memory of every entry of a log, eight bytes each: its CRC, to which the next entry, also after a cut, is
 * chained, and how many bytes it takes in the store.
 */
export class EntryMarks {
  #baseIndex: number;
  #baseCrc: number;
  #crcs = new Uint32Array(1024);
  #sizes = new Uint32Array(1024);
  #count = 0;
  #bytes = 0;

  constructor(base: { readonly index: number; readonly crc: number }) {
    this.#baseIndex = base.index;
    this.#baseCrc = base.crc;
  }

  get lastIndex(): number {
    return this.#baseIndex + this.#count;
  }

  /** Of all entries together. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Notes the entry at `index` and forgets those behind it; `index` is at most one behind the last. */
  set(index: number, entry: { readonly crc: number; readonly bytes: number }): void {
    const at = index - this.#baseIndex - 1;
    invariant(at >= 0 && at <= this.#count, 'a chain has no hole', { index, last: this.lastIndex });
    for (let gone = at; gone < this.#count; gone += 1) this.#bytes -= this.#sizes[gone] as number;
    if (at === this.#crcs.length) this.#move(0, this.#crcs.length * 2);
    this.#crcs[at] = entry.crc;
    this.#sizes[at] = entry.bytes;
    this.#bytes += entry.bytes;
    this.#count = at + 1;
  }

  crc(index: number): number {
    if (index === this.#baseIndex) return this.#baseCrc;
    const at = index - this.#baseIndex - 1;
    invariant(at >= 0 && at < this.#count, 'the chain knows the index', { index, last: this.lastIndex });
    return this.#crcs[at] as number;
  }

  /** The lowest index behind which at most `bytes` lie. */
  indexLeaving(bytes: number): number {
    let left = this.#bytes;
    let at = 0;
    while (at < this.#count && left > bytes) {
      left -= this.#sizes[at] as number;
      at += 1;
    }
    return this.#baseIndex + at;
  }

  /** Forgets everything up to `index`, which becomes the base. */
  dropTo(index: number): void {
    const crc = this.crc(index);
    const dropped = index - this.#baseIndex;
    for (let at = 0; at < dropped; at += 1) this.#bytes -= this.#sizes[at] as number;
    this.#count -= dropped;
    this.#move(dropped, Math.max(1024, this.#count * 2));
    this.#baseIndex = index;
    this.#baseCrc = crc;
  }

  /** Into arrays of `length`, leaving out the first `dropped`. */
  #move(dropped: number, length: number): void {
    const moved = (from: Uint32Array): Uint32Array<ArrayBuffer> => {
      const to = new Uint32Array(length);
      to.set(from.subarray(dropped, Math.min(from.length, dropped + length)));
      return to;
    };
    this.#crcs = moved(this.#crcs);
    this.#sizes = moved(this.#sizes);
  }
}
