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
import { EntryMarks } from './entry-marks.ts';
import type { EntryEncoder } from './entry-record.ts';
import { EntryTail, takeFitting } from './entry-tail.ts';
import { entryKey } from './keys.ts';
import {
  baseRow,
  type Configuration,
  configurationRow,
  generationRow,
  hardStateRow,
  type LogBase,
  replicaRow,
} from './state-record.ts';
import { TermRuns } from './term-runs.ts';

/** A log that was never compacted. */
export const LOG_START: LogBase = { index: 0, term: 0, crc: 0 };
/** Generation of the state of a group that was never replaced by a snapshot. */
export const FIRST_GENERATION = 1;

/**
 * The log of one group. What the core sees (`LogStorage`) is durable. A `Persist` passes in two steps: `stage` puts it
 * into a write batch, `settle` makes it visible once that batch is durable; batches settle in the order of staging.
 */
export class GroupLog implements LogStorage {
  readonly group: number;
  /** Whose log it is; undefined in one that an earlier build began. */
  readonly replicaId: ReplicaId | undefined;
  #base: LogBase;
  #generation: number;
  #terms: TermRuns;
  /** Runs ahead to what is staged. */
  #marks: EntryMarks;
  /** A snapshot is staged, the log still shows what was before. */
  #isReplacing = false;
  readonly #tail = new EntryTail();
  #hardState: HardState;
  /** Commit index of the newest hard state that is staged. */
  #stagedCommit: number;
  #applied = 0;
  #configuration: Configuration;
  #configurationIsStaged: boolean;
  /** Index of the newest configuration that is in a batch, and of the newest one that survives a power loss. */
  #stagedConfiguration: number;
  #durableConfiguration: number;
  /** Changes behind the configuration that was stored, as they were read at start. */
  #laterChanges: Entry[] = [];
  #isStored: boolean;
  /** What `entries` could not serve from memory, by the replica it is for. */
  readonly #missing = new Map<ReplicaId, EntriesRange>();
  /** Read from the disk, for one replica each. */
  readonly #loaded = new Map<ReplicaId, readonly Entry[]>();

  constructor(o: {
    readonly group: number;
    readonly base: LogBase;
    readonly generation: number;
    readonly replicaId: ReplicaId | undefined;
    readonly hardState: HardState;
    readonly configuration: Configuration;
    /** False: hard state and configuration go into the first batch. */
    readonly isStored: boolean;
  }) {
    this.group = o.group;
    this.replicaId = o.replicaId;
    this.#base = o.base;
    this.#terms = new TermRuns(o.base);
    this.#marks = new EntryMarks(o.base);
    this.#generation = o.generation;
    this.#hardState = o.hardState;
    this.#stagedCommit = o.hardState.commit;
    this.#configuration = o.configuration;
    this.#configurationIsStaged = o.isStored;
    this.#stagedConfiguration = this.#durableConfiguration = o.configuration.index;
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

  /** What could be sent now: the applied state. The one that is sent is at this index or a later one. */
  snapshot(): SnapshotMetadata {
    const index = Math.max(this.#base.index, this.#applied);
    const term = present(this.#terms.term(index), 'the term of the applied index');
    return { index, term, confState: this.#configuration.confState };
  }

  /** The state machine has applied everything up to `index`. */
  setApplied(index: number): void {
    this.#applied = index;
  }

  /** Which generation of the state machine's rows is the state of this group. */
  get generation(): number {
    return this.#generation;
  }

  /** A snapshot that replaces the log is being written: the entries shown are not in the store any more. */
  get isReplacing(): boolean {
    return this.#isReplacing;
  }

  /** Bytes that the entries take in the store. */
  get storedBytes(): number {
    return this.#marks.bytes;
  }

  /** The lowest index behind which entries of at most `bytes` lie. */
  indexLeaving(bytes: number): number {
    return this.#marks.indexLeaving(bytes);
  }

  /** The configuration in force here. */
  get confState(): ConfState {
    return this.#configuration.confState;
  }

  /** Index of the entry that made the configuration: those up to it must not be applied to it again. */
  get configurationIndex(): number {
    return this.#configuration.index;
  }

  /** The same of the configuration that a restart would find at least. */
  get durableConfigurationIndex(): number {
    return this.#durableConfiguration;
  }

  /** Stored with the next batch of this group. */
  setConfiguration(configuration: Configuration): void {
    invariant(configuration.index > this.#configuration.index, 'configurations come in log order', {
      index: configuration.index,
    });
    this.#configuration = configuration;
    this.#configurationIsStaged = false;
  }

  /** Puts `persist` into `batch`; `generation` holds the data of its snapshot. */
  stage(persist: Persist, batch: WriteBatch, encoder: EntryEncoder, generation?: number): void {
    if (persist.snapshot !== undefined) this.#stageSnapshot(persist.snapshot, batch, generation);
    this.#stageEntries(persist.entries, batch, encoder);
    // The first batch of a group holds its whole state: one row without the other would be taken for damage.
    const hardState = persist.hardState ?? (this.#isStored ? undefined : this.#hardState);
    if (hardState !== undefined) this.#stageHardState(hardState, batch);
    this.#stageConfiguration(batch);
    if (!this.#isStored) this.#stageIdentity(batch);
    this.#isStored = true;
  }

  /**
   * Forgets the entries up to `index`, or as far as the stored commit index and what is durable allow. Takes effect here at
   * once: a crash may bring them back, which harms nobody. False when there is nothing to forget.
   */
  stageCompaction(index: number, batch: WriteBatch): boolean {
    const target = Math.min(index, this.#stagedCommit, this.#terms.lastIndex);
    if (this.#isReplacing || target <= this.#base.index) return false;
    const term = present(this.#terms.term(target), 'the term of an entry in the log');
    const base = { index: target, term, crc: this.#marks.crc(target) };
    batch.deleteRange(entryKey(this.group, this.#base.index + 1), entryKey(this.group, target + 1));
    const row = baseRow(this.group, base);
    batch.put(row.key, row.value);
    // What made it may be among the entries that are forgotten.
    this.#stageConfiguration(batch);
    this.#base = base;
    this.#terms.dropTo(target);
    this.#marks.dropTo(target);
    while ((this.#tail.firstIndex ?? Infinity) <= target) this.#tail.shift();
    return true;
  }

  /** The batch that `persist` was staged into is durable. */
  settle(persist: Persist): void {
    if (persist.snapshot !== undefined) this.#replaceBy(persist.snapshot);
    const first = persist.entries[0];
    if (first !== undefined) this.#truncateTo(first.index - 1);
    for (const entry of persist.entries) this.#append(entry);
    if (persist.hardState !== undefined) this.#hardState = persist.hardState;
  }

  /** Everything that is staged is synced. */
  synced(): void {
    this.#durableConfiguration = this.#stagedConfiguration;
  }

  /** Takes in an entry that was read and checked at start. */
  restore(entry: Entry, mark: { readonly crc: number; readonly bytes: number }): void {
    this.#marks.set(entry.index, mark);
    this.#append(entry);
    if (entry.kind === 'confChange' && entry.index > this.#configuration.index)
      this.#laterChanges.push(entry);
  }

  /** Changes up to `applied` that came after the stored configuration; asked for once, at start. */
  takeChanges(applied: number): readonly Entry[] {
    const changes = this.#laterChanges.filter(({ index }) => index <= applied);
    this.#laterChanges = [];
    return changes;
  }

  /** CRC that the entry behind `index` is chained to. */
  crcOf(index: number): number {
    return this.#marks.crc(index);
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

  #stageConfiguration(batch: WriteBatch): void {
    if (this.#configurationIsStaged) return;
    const row = configurationRow(this.group, this.#configuration);
    batch.put(row.key, row.value);
    this.#configurationIsStaged = true;
    this.#stagedConfiguration = this.#configuration.index;
  }

  #stageIdentity(batch: WriteBatch): void {
    const rows = this.#generation === FIRST_GENERATION ? [] : [generationRow(this.group, this.#generation)];
    if (this.replicaId !== undefined) rows.push(replicaRow(this.group, this.replicaId));
    for (const row of rows) batch.put(row.key, row.value);
  }

  #stageHardState(hardState: HardState, batch: WriteBatch): void {
    const { commit } = hardState;
    const last = this.#marks.lastIndex;
    invariant(commit <= last, 'the stored commit is within the stored log', {
      group: this.group,
      commit,
      last,
    });
    const row = hardStateRow(this.group, hardState);
    batch.put(row.key, row.value);
    this.#stagedCommit = commit;
  }

  /**
   * The log begins behind the snapshot, and its state is the one of `generation`: both become true with the batch. The
   * chain of CRCs starts anew, because the entry before it is not here.
   */
  #stageSnapshot(snapshot: SnapshotMetadata, batch: WriteBatch, generation: number | undefined): void {
    const { index, term, confState } = snapshot;
    const base = { index, term, crc: 0 };
    this.#generation = present(generation, 'the generation that holds the data of a snapshot');
    batch.deleteRange(entryKey(this.group, 1), entryKey(this.group, this.#marks.lastIndex + 1));
    for (const row of [baseRow(this.group, base), generationRow(this.group, this.#generation)]) {
      batch.put(row.key, row.value);
    }
    this.#marks = new EntryMarks(base);
    this.#configuration = { index, confState };
    this.#configurationIsStaged = false;
    this.#isReplacing = true;
  }

  #replaceBy({ index, term }: SnapshotMetadata): void {
    this.#base = { index, term, crc: 0 };
    this.#terms = new TermRuns(this.#base);
    this.#tail.truncateTo(0);
    this.#loaded.clear();
    this.#missing.clear();
    this.#applied = index;
    this.#isReplacing = false;
  }

  #stageEntries(entries: readonly Entry[], batch: WriteBatch, encoder: EntryEncoder): void {
    const first = entries[0];
    if (first === undefined) return;
    const stagedLast = this.#marks.lastIndex;
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
    let crc = this.#marks.crc(first.index - 1);
    for (const entry of entries) {
      const record = encoder.encode(this.group, entry, crc);
      batch.put(record.key, record.value);
      crc = record.crc;
      this.#marks.set(entry.index, { crc, bytes: record.key.length + record.value.length });
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
