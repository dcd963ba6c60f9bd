import { invariant } from '../../base/index.ts';

/** The CRC of every entry of a log, four bytes each: what the next entry, also after a cut, is chained to. */
export class ChainCrcs {
  readonly #baseIndex: number;
  readonly #baseCrc: number;
  #crcs = new Uint32Array(1024);
  #count = 0;

  constructor(base: { readonly index: number; readonly crc: number }) {
    this.#baseIndex = base.index;
    this.#baseCrc = base.crc;
  }

  get lastIndex(): number {
    return this.#baseIndex + this.#count;
  }

  /** Sets the CRC of `index` and forgets those behind it; `index` is at most one behind the last. */
  set(index: number, crc: number): void {
    const at = index - this.#baseIndex - 1;
    invariant(at >= 0 && at <= this.#count, 'a chain has no hole', { index, last: this.lastIndex });
    if (at === this.#crcs.length) {
      const grown = new Uint32Array(this.#crcs.length * 2);
      grown.set(this.#crcs);
      this.#crcs = grown;
    }
    this.#crcs[at] = crc;
    this.#count = at + 1;
  }

  get(index: number): number {
    if (index === this.#baseIndex) return this.#baseCrc;
    const at = index - this.#baseIndex - 1;
    invariant(at >= 0 && at < this.#count, 'the chain knows the index', { index, last: this.lastIndex });
    return this.#crcs[at] as number;
  }
}
