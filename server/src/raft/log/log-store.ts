import { invariant } from '../../base/index.ts';
import { type KvEntry, type KvStore, WriteBatch } from '../../storage/index.ts';
import type { ConfState, EntriesRange, Entry, Persist, ReplicaId } from '../core/index.ts';
import { decodeEntry, EntryEncoder } from './entry-record.ts';
import { FIRST_GENERATION, GroupLog, LOG_START } from './group-log.ts';
import { entryKey, groupRange, parseKey } from './keys.ts';
import { GroupLoader, type LoadedGroup } from './load-group.ts';
import { readSequence, sequenceRow } from './state-record.ts';
import { trimTails } from './tail-budget.ts';

const READ_CHUNK_BYTES_MAX = 1024 * 1024;

/** One group's part of a write batch. */
export interface Staged {
  readonly log: GroupLog;
  readonly persist: Persist;
  /** Where the data of its snapshot lie; required with one. */
  readonly generation?: number | undefined;
}

export interface BatchWritten {
  readonly bytes: number;
  readonly entries: number;
}

/** Thrown when an entry that was good at start reads back wrong: the disk can no longer be trusted. */
export class LogCorruptionError extends Error {
  override readonly name = 'LogCorruptionError';
}

/** The logs of all groups of the node, in one key-value store that is written by one atomic batch at a time. */
export class LogStore {
  readonly #kv: KvStore;
  readonly #tailBytesMax: number;
  readonly #encoder = new EntryEncoder();
  readonly #batch = new WriteBatch();
  readonly #groups = new Map<number, LoadedGroup>();
  /** Logs that hold entries in memory. */
  readonly #logs = new Set<GroupLog>();
  /** Up to which index logs shall forget their entries. */
  readonly #compactions = new Map<GroupLog, number>();
  #sequence = 0;

  private constructor(kv: KvStore, tailBytesMax: number) {
    this.#kv = kv;
    this.#tailBytesMax = tailBytesMax;
  }

  /** Reads and checks everything stored. A damaged group is reported by `group`, it does not fail the others. */
  static async open(kv: KvStore, o: { readonly tailBytesMax: number }): Promise<LogStore> {
    const store = new LogStore(kv, o.tailBytesMax);
    await store.#load();
    return store;
  }

  /** Sequence of the newest batch; every write of the node counts it up by one. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Undefined when nothing of the group is stored. */
  group(group: number): LoadedGroup | undefined {
    return this.#groups.get(group);
  }

  /** A log for a group of which nothing is stored; its configuration goes into the first batch. */
  create(group: number, o: { readonly replicaId: ReplicaId; readonly confState: ConfState }): GroupLog {
    invariant(!this.#groups.has(group), 'a group is created once', { group });
    const log = emptyLog(group, { ...o, generation: FIRST_GENERATION });
    this.#groups.set(group, { kind: 'ok', log });
    this.#logs.add(log);
    return log;
  }

  /**
   * Puts the empty log of another replica in the place of what is stored of a group, whatever that is: one synced batch.
   * `generation` holds the state that belongs to it. Must not overlap with `write`.
   */
  async reset(
    group: number,
    o: { readonly replicaId: ReplicaId; readonly generation: number },
  ): Promise<void> {
    const log = emptyLog(group, { ...o, confState: NO_CONFIGURATION });
    const batch = this.#batch;
    batch.clear();
    const { gte, lt } = groupRange(group);
    batch.deleteRange(gte, lt);
    log.stage(NOTHING, batch, this.#encoder);
    const former = this.#groups.get(group);
    if (former?.kind === 'ok') {
      this.#logs.delete(former.log);
      this.#compactions.delete(former.log);
    }
    await this.#commit({ sync: true });
    this.#groups.set(group, { kind: 'ok', log });
    this.#logs.add(log);
  }

  /** Whose log is stored; undefined when none is, or nobody can tell. */
  replicaId(group: number): ReplicaId | undefined {
    const loaded = this.#groups.get(group);
    return loaded?.kind === 'damaged' ? loaded.replicaId : loaded?.log.replicaId;
  }

  /** Generation of the state of a group that is valid on this node; 1 when nothing says otherwise. */
  generation(group: number): number {
    const loaded = this.#groups.get(group);
    return loaded?.kind === 'ok' ? loaded.log.generation : FIRST_GENERATION;
  }

  /** With the next batch `log` forgets its entries up to `index`: they are applied, and durably so. */
  compact(log: GroupLog, index: number): void {
    this.#compactions.set(log, index);
  }

  /** A batch would free space. */
  get isCompactionDue(): boolean {
    return this.#compactions.size > 0;
  }

  /** One atomic batch; what it holds is visible in the logs when the promise resolves. Calls must not overlap. */
  async write(staged: readonly Staged[], options: { readonly sync: boolean }): Promise<BatchWritten> {
    const batch = this.#batch;
    batch.clear();
    let entries = 0;
    for (const { log, persist, generation } of staged) {
      log.stage(persist, batch, this.#encoder, generation);
      entries += persist.entries.length;
    }
    for (const [log, index] of this.#compactions) log.stageCompaction(index, batch);
    this.#compactions.clear();
    // Messages may wait for the disk only because something before them did: then there is nothing to write.
    if (batch.count === 0) return { bytes: 0, entries };
    await this.#commit(options);
    for (const { log, persist } of staged) {
      log.settle(persist);
      if (options.sync) log.synced();
    }
    trimTails(this.#logs, this.#tailBytesMax);
    return { bytes: batch.byteLength, entries };
  }

  /**
   * Entries [from, to) from the disk, at least one, then as many as fit into `bytesMax`; none when they were cut off
   * or forgotten meanwhile. Throws `LogCorruptionError`.
   */
  async read(log: GroupLog, range: EntriesRange): Promise<Entry[]> {
    if (range.from < log.firstIndex() || log.isReplacing) return [];
    const termBefore = log.term(range.from);
    const entries = await this.#readChain(log, range);
    if (entries.length === 0 && termBefore !== undefined && log.term(range.from) === termBefore) {
      throw corruption(log, range.from, 'an entry is missing');
    }
    return entries;
  }

  async #commit(options: { readonly sync: boolean }): Promise<void> {
    this.#sequence += 1;
    const row = sequenceRow(this.#sequence);
    this.#batch.put(row.key, row.value);
    await this.#kv.write(this.#batch, options);
  }

  async #readChain(log: GroupLog, range: EntriesRange): Promise<Entry[]> {
    const entries: Entry[] = [];
    let bytes = 0;
    let lastCrc: number | undefined;
    const keys = { gte: entryKey(log.group, range.from), lt: entryKey(log.group, range.to) };
    for await (const rows of this.#kv.iterate(keys, {
      chunkBytes: Math.min(range.bytesMax, READ_CHUNK_BYTES_MAX),
    })) {
      for (const row of rows) {
        const index = range.from + entries.length;
        const decoded = decodeEntry(row.key, row.value);
        if (decoded.kind === 'bad') throw corruption(log, index, decoded.reason);
        const isNext =
          decoded.entry.index === index && (lastCrc ?? decoded.previousCrc) === decoded.previousCrc;
        if (!isNext) throw corruption(log, index, 'the chain is broken');
        bytes += decoded.entry.data.length;
        if (bytes > range.bytesMax && entries.length > 0) return entries;
        entries.push(decoded.entry);
        lastCrc = decoded.crc;
      }
    }
    return entries;
  }

  async #load(): Promise<void> {
    let loader: { readonly group: number; readonly loader: GroupLoader } | undefined;
    let problem: string | undefined = 'the batch sequence is missing';
    const finish = (): void => {
      if (loader !== undefined) this.#take(loader.group, loader.loader.finish());
    };
    for await (const rows of this.#kv.iterate({})) {
      for (const row of rows) {
        const key = parseKey(row.key);
        if (key.kind === 'sequence') problem = this.#readSequence(row);
        else if (key.kind === 'unknown') problem ??= `a key of unknown shape: ${row.key.toString('hex')}`;
        else {
          if (loader?.group !== key.group) {
            finish();
            loader = { group: key.group, loader: new GroupLoader(key.group) };
          }
          if (key.kind === 'state') loader.loader.addState(key.row, row);
          else loader.loader.addEntry(row);
        }
      }
      trimTails(
        loader?.loader.log === undefined ? this.#logs : [...this.#logs, loader.loader.log],
        this.#tailBytesMax,
      );
    }
    finish();
    // What concerns the whole store leaves no group that could be trusted.
    if (problem !== undefined) this.#condemn(problem);
  }

  #take(group: number, loaded: LoadedGroup): void {
    this.#groups.set(group, loaded);
    if (loaded.kind === 'ok') this.#logs.add(loaded.log);
  }

  #readSequence(row: KvEntry): string | undefined {
    try {
      this.#sequence = readSequence(row);
      return undefined;
    } catch {
      return 'the batch sequence cannot be read';
    }
  }

  #condemn(reason: string): void {
    for (const group of this.#groups.keys()) {
      this.#groups.set(group, { kind: 'damaged', reason, replicaId: this.replicaId(group) });
    }
    this.#logs.clear();
  }
}

/** A replica that was added to its group: a snapshot brings its configuration. */
const NO_CONFIGURATION: ConfState = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

const NOTHING: Persist = {
  token: 0,
  entries: [],
  hardState: undefined,
  snapshot: undefined,
  mustSync: true,
  messagesAfter: [],
};

function emptyLog(
  group: number,
  o: { readonly replicaId: ReplicaId; readonly confState: ConfState; readonly generation: number },
): GroupLog {
  return new GroupLog({
    group,
    base: LOG_START,
    generation: o.generation,
    replicaId: o.replicaId,
    hardState: { term: 0, vote: 0, commit: 0 },
    configuration: { index: 0, confState: o.confState },
    isStored: false,
  });
}

function corruption(log: GroupLog, index: number, reason: string): LogCorruptionError {
  return new LogCorruptionError(`group ${log.group}, index ${index}: ${reason}`);
}
