import type { Entry } from '../core/index.ts';

/** What an entry costs in memory beside its data. */
const ENTRY_BYTES = 128;

/** The newest entries of one log, contiguous, held in memory. */
export class EntryTail {
  #entries: Entry[] = [];
  #head = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Index of the oldest entry held; undefined when none is. */
  get firstIndex(): number | undefined {
    return this.#entries[this.#head]?.index;
  }

  append(entry: Entry): void {
    this.#entries.push(entry);
    this.#bytes += entryBytes(entry);
  }

  truncateTo(index: number): void {
    let last = this.#entries.at(-1);
    while (last !== undefined && last.index > index && this.#length > 0) {
      this.#entries.pop();
      this.#bytes -= entryBytes(last);
      last = this.#entries.at(-1);
    }
    if (this.#length === 0) this.#clear();
  }

  /** Drops the oldest entry. */
  shift(): void {
    const oldest = this.#entries[this.#head];
    if (oldest === undefined) return;
    this.#entries[this.#head] = undefined as never;
    this.#head += 1;
    this.#bytes -= entryBytes(oldest);
    if (this.#length === 0) this.#clear();
    else if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Entries [from, to), at least one, as many as fit; undefined when `from` is not held. */
  slice(range: {
    readonly from: number;
    readonly to: number;
    readonly bytesMax: number;
  }): Entry[] | undefined {
    const first = this.firstIndex;
    if (first === undefined || range.from < first) return undefined;
    const at = this.#head + range.from - first;
    if (at >= this.#entries.length) return undefined;
    return takeFitting(this.#entries, {
      at,
      until: Math.min(at + range.to - range.from, this.#entries.length),
      bytesMax: range.bytesMax,
    });
  }

  get #length(): number {
    return this.#entries.length - this.#head;
  }

  #clear(): void {
    this.#entries = [];
    this.#head = 0;
    this.#bytes = 0;
  }
}

/** `entries[at..until)`, at least one, then as many as fit into `bytesMax` of data. */
export function takeFitting(
  entries: readonly Entry[],
  limit: { readonly at: number; readonly until: number; readonly bytesMax: number },
): Entry[] {
  let end = limit.at;
  for (let bytes = 0; end < limit.until; end += 1) {
    bytes += (entries[end] as Entry).data.length;
    if (bytes > limit.bytesMax && end > limit.at) break;
  }
  return entries.slice(limit.at, end);
}

function entryBytes(entry: Entry): number {
  return entry.data.length + ENTRY_BYTES;
}
