import { invariant } from '../../../base/index.ts';
import type { Entry, SnapshotMetadata } from '../types.ts';

/**
 * The part of the log that is not known to be durable: a received snapshot, then entries from `offset` on. Below
 * `offsetInProgress` they have been handed out to be written, above they have not.
 */
export class Unstable {
  #snapshot: SnapshotMetadata | undefined;
  #isSnapshotInProgress = false;
  #entries: Entry[] = [];
  #offset: number;
  #offsetInProgress: number;

  constructor(offset: number) {
    this.#offset = offset;
    this.#offsetInProgress = offset;
  }

  get snapshot(): SnapshotMetadata | undefined {
    return this.#snapshot;
  }

  /** Index of the first entry here; everything below it is durable or covered by the snapshot. */
  get offset(): number {
    return this.#offset;
  }

  get lastIndex(): number {
    return this.#offset + this.#entries.length - 1;
  }

  get hasUnwritten(): boolean {
    return (
      this.#offsetInProgress <= this.lastIndex ||
      (this.#snapshot !== undefined && !this.#isSnapshotInProgress)
    );
  }

  /** Term of an index from `offset` on, or of the snapshot's; undefined elsewhere. */
  term(index: number): number | undefined {
    if (index >= this.#offset) return this.#entries[index - this.#offset]?.term;
    return this.#snapshot?.index === index ? this.#snapshot.term : undefined;
  }

  /** Entries [from, to). */
  slice(from: number, to: number): readonly Entry[] {
    invariant(from >= this.#offset && to <= this.lastIndex + 1, 'the range lies here', { from, to });
    return this.#entries.slice(from - this.#offset, to - this.#offset);
  }

  /** Hands out what has not been handed out yet, to be written. */
  takeUnwritten(): { readonly entries: readonly Entry[]; readonly snapshot: SnapshotMetadata | undefined } {
    const entries = this.#entries.slice(this.#offsetInProgress - this.#offset);
    const snapshot = this.#isSnapshotInProgress ? undefined : this.#snapshot;
    this.#offsetInProgress = this.lastIndex + 1;
    this.#isSnapshotInProgress = this.#snapshot !== undefined;
    return { entries, snapshot };
  }

  /**
   * Everything up to `index` is durable, if the entry written there still is the one of `term`: entries that were
   * replaced while they were being written stay until their replacement is written.
   */
  stableTo(index: number, term: number): void {
    if (index < this.#offset || this.term(index) !== term) return;
    this.#entries = this.#entries.slice(index + 1 - this.#offset);
    this.#offset = index + 1;
    this.#offsetInProgress = Math.max(this.#offsetInProgress, this.#offset);
  }

  stableSnapshotTo(index: number): void {
    if (this.#snapshot?.index !== index) return;
    this.#snapshot = undefined;
    this.#isSnapshotInProgress = false;
  }

  /** The snapshot replaces everything. */
  restore(snapshot: SnapshotMetadata): void {
    this.#snapshot = snapshot;
    this.#isSnapshotInProgress = false;
    this.#entries = [];
    this.#offset = snapshot.index + 1;
    this.#offsetInProgress = this.#offset;
  }

  /** Puts `entries` into their place; whatever stood there or above is gone. */
  truncateAndAppend(entries: readonly Entry[]): void {
    const from = entries[0]?.index ?? 0;
    invariant(from > 0 && from <= this.lastIndex + 1, 'entries follow on the log', {
      from,
      last: this.lastIndex,
    });
    if (from <= this.#offset) {
      this.#entries = [];
      this.#offset = from;
    } else {
      this.#entries.length = from - this.#offset;
    }
    this.#offsetInProgress = Math.min(this.#offsetInProgress, from);
    for (const entry of entries) this.#entries.push(entry);
  }
}
