import { invariant, present } from '../../base/index.ts';
import type { WriteBatch } from '../../storage/index.ts';
import type {
  ConfState,
  EntriesRange,
  EntriesResult,
  Entry,
  HardState,
  LogStorage,
  Persist,
  ReplicaId,
  SnapshotMetadata,
} from '../core/index.ts';
import { ChainCrcs } from './chain-crcs.ts';
import type { EntryEncoder } from './entry-record.ts';
import { EntryTail, takeFitting } from './entry-tail.ts';
import { entryKey } from './keys.ts';
import { type Configuration, configurationRow, hardStateRow } from './state-record.ts';
import { TermRuns } from './term-runs.ts';

/** The point where a log begins: the entry before its first one. */
export interface LogBase {
  readonly index: number;
  readonly term: number;
  readonly crc: number;
}

/** A log that was never compacted. */
export const LOG_START: LogBase = { index: 0, term: 0, crc: 0 };

/**
 * The log of one group. What the core sees (`LogStorage`) is durable. A `Persist` passes in two steps: `stage` puts it
 * into a write batch, `settle` makes it visible once that batch is durable; batches settle in the order of staging.
 */
export class GroupLog implements LogStorage {
  readonly group: number;
  readonly #base: LogBase;
  readonly #terms: TermRuns;
  /** Runs ahead to what is staged. */
  readonly #crcs: ChainCrcs;
  readonly #tail = new EntryTail();
  #hardState: HardState;
  #configuration: Configuration;
  #configurationIsStaged: boolean;
  #isStored: boolean;
  /** What `entries` could not serve from memory, by the replica it is for. */
  readonly #missing = new Map<ReplicaId, EntriesRange>();
  /** Read from the disk, for one replica each. */
  readonly #loaded = new Map<ReplicaId, readonly Entry[]>();

  constructor(o: {
    readonly group: number;
    readonly base: LogBase;
    readonly hardState: HardState;
    readonly configuration: Configuration;
    /** False: hard state and configuration go into the first batch. */
    readonly isStored: boolean;
  }) {
    this.group = o.group;
    this.#base = o.base;
    this.#terms = new TermRuns(o.base);
    this.#crcs = new ChainCrcs(o.base);
    this.#hardState = o.hardState;
    this.#configuration = o.configuration;
    this.#configurationIsStaged = o.isStored;
    this.#isStored = o.isStored;
  }

  initialState(): { readonly hardState: HardState; readonly confState: ConfState } {
    return { hardState: this.#hardState, confState: this.#configuration.confState };
  }

  firstIndex(): number {
    return this.#base.index + 1;
  }

  lastIndex(): number {
    return this.#terms.lastIndex;
  }

  term(index: number): number | undefined {
    return this.#terms.term(index);
  }

  entries(range: EntriesRange): EntriesResult {
    if (range.from <= this.#base.index) return { kind: 'compacted' };
    invariant(range.from < range.to, 'a range of entries is not empty', { ...range });
    const recent = this.#tail.slice(range);
    if (recent !== undefined) {
      this.#loaded.delete(range.replica);
      return { kind: 'ok', entries: recent };
    }
    const loaded = this.#fromLoaded(range);
    if (loaded !== undefined) return { kind: 'ok', entries: loaded };
    this.#missing.set(range.replica, range);
    return { kind: 'unavailable' };
  }

  snapshot(): SnapshotMetadata {
    const { index, term } = this.#base;
    return { index, term, confState: this.#configuration.confState };
  }

  /** Index of the entry that made the configuration: those up to it must not be applied to it again. */
  get configurationIndex(): number {
    return this.#configuration.index;
  }

  /** Stored with the next batch of this group. */
  setConfiguration(configuration: Configuration): void {
    invariant(configuration.index > this.#configuration.index, 'configurations come in log order', {
      index: configuration.index,
    });
    this.#configuration = configuration;
    this.#configurationIsStaged = false;
  }

  /** Puts `persist` into `batch`. */
  stage(persist: Persist, batch: WriteBatch, encoder: EntryEncoder): void {
    invariant(persist.snapshot === undefined, 'no snapshot is installed: none is ever sent', {
      group: this.group,
    });
    this.#stageEntries(persist.entries, batch, encoder);
    // The first batch of a group holds its whole state: one row without the other would be taken for damage.
    const hardState = persist.hardState ?? (this.#isStored ? undefined : this.#hardState);
    if (hardState !== undefined) this.#stageHardState(hardState, batch);
    if (!this.#configurationIsStaged) {
      const row = configurationRow(this.group, this.#configuration);
      batch.put(row.key, row.value);
    }
    this.#configurationIsStaged = true;
    this.#isStored = true;
  }

  /** The batch that `persist` was staged into is durable. */
  settle(persist: Persist): void {
    const first = persist.entries[0];
    if (first !== undefined) this.#truncateTo(first.index - 1);
    for (const entry of persist.entries) this.#append(entry);
    if (persist.hardState !== undefined) this.#hardState = persist.hardState;
  }

  /** Takes in an entry that was read and checked at start. */
  restore(entry: Entry, crc: number): void {
    this.#crcs.set(entry.index, crc);
    this.#append(entry);
  }

  /** CRC that the entry behind `index` is chained to. */
  crcOf(index: number): number {
    return this.#crcs.get(index);
  }

  /** The ranges that `entries` called unavailable since the last call, at most one for each replica. */
  takeMissing(): readonly EntriesRange[] {
    if (this.#missing.size === 0) return NONE;
    const missing = [...this.#missing.values()];
    this.#missing.clear();
    return missing;
  }

  /** Entries read from the disk for `replica`; they replace those of the time before. */
  setLoaded(replica: ReplicaId, entries: readonly Entry[]): void {
    // What was cut off while the disk was read must not come back.
    const stillThere = entries.filter((entry) => this.#terms.term(entry.index) === entry.term);
    this.#loaded.set(replica, stillThere);
  }

  get tailBytes(): number {
    return this.#tail.bytes;
  }

  /** Forgets the oldest entry held in memory; it stays in the store. */
  evictOldest(): void {
    this.#tail.shift();
  }

  #stageHardState(hardState: HardState, batch: WriteBatch): void {
    const { commit } = hardState;
    const last = this.#crcs.lastIndex;
    invariant(commit <= last, 'the stored commit is within the stored log', {
      group: this.group,
      commit,
      last,
    });
    const row = hardStateRow(this.group, hardState);
    batch.put(row.key, row.value);
  }

  #stageEntries(entries: readonly Entry[], batch: WriteBatch, encoder: EntryEncoder): void {
    const first = entries[0];
    if (first === undefined) return;
    const stagedLast = this.#crcs.lastIndex;
    const newLast = present(entries.at(-1), 'the last entry').index;
    invariant(
      first.index > this.#base.index && first.index <= stagedLast + 1,
      'a log is extended without a hole',
      {
        group: this.group,
        first: first.index,
        stagedLast,
      },
    );
    if (newLast < stagedLast) {
      batch.deleteRange(entryKey(this.group, newLast + 1), entryKey(this.group, stagedLast + 1));
    }
    let crc = this.#crcs.get(first.index - 1);
    for (const entry of entries) {
      const record = encoder.encode(this.group, entry, crc);
      batch.put(record.key, record.value);
      crc = record.crc;
      this.#crcs.set(entry.index, crc);
    }
  }

  #append(entry: Entry): void {
    this.#terms.append(entry.index, entry.term);
    this.#tail.append(entry);
  }

  #truncateTo(index: number): void {
    this.#terms.truncateTo(index);
    this.#tail.truncateTo(index);
    for (const [replica, entries] of this.#loaded) {
      this.#loaded.set(
        replica,
        entries.filter((entry) => entry.index <= index),
      );
    }
  }

  #fromLoaded(range: EntriesRange): Entry[] | undefined {
    const entries = this.#loaded.get(range.replica) ?? NONE;
    const first = entries[0];
    if (first === undefined || range.from < first.index) return undefined;
    const at = range.from - first.index;
    if (at >= entries.length) return undefined;
    const until = Math.min(at + range.to - range.from, entries.length);
    return takeFitting(entries, { at, until, bytesMax: range.bytesMax });
  }
}

const NONE: readonly never[] = [];
