import { invariant, present } from '../../../base/index.ts';
import type { EntriesResult, Entry, LogStorage, ReplicaId, SnapshotMetadata } from '../types.ts';
import { bytesOf, fitting } from './entry-bytes.ts';
import { Unstable } from './unstable.ts';

export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

export interface LogRange {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly bytesMax: number;
  /** For whom the entries are, see `EntriesRange`. */
  readonly replica: ReplicaId;
}

/** The whole log: the durable part in `LogStorage`, behind it what is still being written. */
export class RaftLog {
  readonly storage: LogStorage;
  readonly unstable: Unstable;
  #committed: number;

  constructor(storage: LogStorage, committed: number) {
    this.storage = storage;
    this.unstable = new Unstable(storage.lastIndex() + 1);
    this.#committed = committed;
    invariant(committed >= storage.firstIndex() - 1, 'what was compacted was committed', { committed });
    invariant(committed <= this.lastIndex, 'the commit index lies in the log', {
      committed,
      last: this.lastIndex,
    });
  }

  /** Index up to which a quorum is known to hold the log. */
  get committed(): number {
    return this.#committed;
  }

  /** One above the last compacted index. */
  get firstIndex(): number {
    const snapshot = this.unstable.snapshot;
    return snapshot === undefined ? this.storage.firstIndex() : snapshot.index + 1;
  }

  get lastIndex(): number {
    return this.unstable.lastIndex;
  }

  get lastTerm(): number {
    return present(this.term(this.lastIndex), 'term of the last entry');
  }

  /** Index up to which the log is durable here; 0 while a snapshot is still being written. */
  get stableIndex(): number {
    return this.unstable.snapshot === undefined ? this.unstable.offset - 1 : 0;
  }

  /** Undefined for an index that was compacted or lies beyond the end. */
  term(index: number): number | undefined {
    if (index >= this.unstable.offset || this.unstable.snapshot !== undefined)
      return this.unstable.term(index);
    return this.storage.term(index);
  }

  /** At least one entry, then as many as fit. */
  entries(range: LogRange): EntriesResult {
    const { from, to, bytesMax, replica } = range;
    invariant(from < to && to <= this.lastIndex + 1, 'the range lies in the log', { from, to });
    if (from < this.firstIndex) return { kind: 'compacted' };
    const offset = this.unstable.offset;
    if (from >= offset) return { kind: 'ok', entries: fitting(this.unstable.slice(from, to), bytesMax) };
    const stableTo = Math.min(to, offset);
    const stored = this.storage.entries({ from, to: stableTo, bytesMax, replica });
    if (stored.kind !== 'ok') return stored;
    invariant(stored.entries[0]?.index === from, 'storage answers from the index asked for', { from });
    const bytesLeft = bytesMax - bytesOf(stored.entries);
    if (to <= offset || stored.entries.length < offset - from || bytesLeft <= 0) return stored;
    const rest = fitting(this.unstable.slice(offset, to), bytesLeft, 0);
    return rest.length === 0 ? stored : { kind: 'ok', entries: [...stored.entries, ...rest] };
  }

  /** The voter's rule (thesis 3.6.1): a candidate's log must be at least as new as the own one. */
  isUpToDate(position: LogPosition): boolean {
    const lastTerm = this.lastTerm;
    return position.term > lastTerm || (position.term === lastTerm && position.index >= this.lastIndex);
  }

  /** Whether an entry stands at `position`, or the compacted log ends there. */
  matches(position: LogPosition): boolean {
    return this.term(position.index) === position.term;
  }

  /** The last position, at `index` or below, whose term is not above `term`; 0 when that is compacted away. */
  lastPositionNotAbove(index: number, term: number): LogPosition {
    for (let at = index; at > 0; at -= 1) {
      const termHere = this.term(at);
      if (termHere === undefined) return { index: at, term: 0 };
      if (termHere <= term) return { index: at, term: termHere };
    }
    return { index: 0, term: 0 };
  }

  /** A leader's own entries, behind the end. */
  append(entries: readonly Entry[]): void {
    invariant(entries[0]?.index === this.lastIndex + 1, 'a leader appends to the end', {
      last: this.lastIndex,
    });
    this.#put(entries);
  }

  /**
   * A leader's entries after `prev`; false when the own log does not have `prev`. Only a conflict cuts the log: an old
   * message that arrives late must not shorten it.
   */
  appendAfter(prev: LogPosition, entries: readonly Entry[]): boolean {
    checkContiguous(prev, entries);
    if (!this.matches(prev)) return false;
    const conflict = entries.findIndex((entry) => !this.matches(entry));
    if (conflict < 0) return true;
    const fresh = conflict === 0 ? entries : entries.slice(conflict);
    const from = prev.index + 1 + conflict;
    invariant(from > this.#committed, 'a committed entry is never replaced', {
      from,
      committed: this.#committed,
    });
    this.#put(fresh);
    return true;
  }

  commitTo(index: number): void {
    if (index <= this.#committed) return;
    invariant(
      index <= this.lastIndex,
      'only what the log holds is committed: the log lost its end otherwise',
      {
        index,
        last: this.lastIndex,
      },
    );
    this.#committed = index;
  }

  /** The caller says that its disk holds the log up to `index`, if the entry there still is the one of `term`. */
  stableTo(index: number, term: number): void {
    const { unstable } = this;
    unstable.stableTo(index, term);
    const isAllDurable = unstable.snapshot === undefined && unstable.lastIndex < unstable.offset;
    if (!isAllDurable) return;
    const last = this.storage.lastIndex();
    invariant(last === this.lastIndex, 'storage ends where the log ends', { last, expected: this.lastIndex });
  }

  /** The snapshot replaces the log. */
  restore(snapshot: SnapshotMetadata): void {
    invariant(snapshot.index > this.#committed, 'a snapshot leads ahead', { index: snapshot.index });
    this.#committed = snapshot.index;
    this.unstable.restore(snapshot);
  }

  #put(entries: readonly Entry[]): void {
    const last = entries[entries.length - 1];
    invariant(Number.isSafeInteger(last?.index), 'an index fits 53 bits', { index: last?.index });
    this.unstable.truncateAndAppend(entries);
  }
}

function checkContiguous(prev: LogPosition, entries: readonly Entry[]): void {
  let { index, term } = prev;
  for (const entry of entries) {
    invariant(entry.index === index + 1, 'entries are contiguous', { after: index, index: entry.index });
    invariant(entry.term >= term, 'terms never fall along the log', { after: term, term: entry.term });
    ({ index, term } = entry);
  }
}
