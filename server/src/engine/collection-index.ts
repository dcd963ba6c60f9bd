import { asError, type Clock, invariant } from '../base/index.ts';
import { readAnew, replay, type Sink } from './catch-up.ts';
import { untilRoom } from '../storage/index.ts';
import type { IndexedCollection } from '../model/index.ts';
import { type Coverage, type CoverageMap, encodeCoverage, entriesBehind } from './coverage.ts';
import { addFieldValues } from './fields/field-feed.ts';
import type { FieldSpec } from './fields/field-spec.ts';
import { FieldTable } from './fields/field-table.ts';
import type { CollectionSlice } from './keys.ts';
import type { PointStore } from './point-store.ts';
import type { ShardState } from './shard-state.ts';
import type { StoredPoint } from './stored-point.ts';
import type { PointChange } from './turn.ts';
import type {
  IndexHit,
  IndexQuery,
  IndexStats,
  RecallSample,
  SampledRecall,
  VectorIndex,
  VectorIndexes,
} from './vector-index-port.ts';

/** How the work of a catch-up goes on. */
export type CatchUp = Pick<Sink, 'signal' | 'pace'>;

/**
 * The vector index of one collection as a cache of the store: it knows how far it holds each shard. A live shard is
 * fed by every turn and holds exactly the applied state; another one is brought up from the store first.
 */
export class CollectionIndex {
  readonly schema: IndexedCollection;
  readonly fields = new FieldTable();
  /** Of the slots: another number, other slots. */
  incarnation = 1;
  #index: VectorIndex;
  readonly #indexes: VectorIndexes;
  readonly #store: PointStore;
  readonly #clock: Clock;
  #live = new Set<number>();
  /** Shards that are not live, as far as the index holds them. */
  readonly #behind: Map<number, Coverage>;
  #saved: CoverageMap;
  #changesSinceSave = 0;
  /** Slots that the graph of the file has. */
  #linkedInFile: number;
  /** A fresh index that is filled beside this one and takes its place when it holds as much. */
  #successor: CollectionIndex | undefined;
  /** Why the successor cannot go on. */
  #successorFailure: Error | undefined;

  constructor(o: {
    readonly schema: IndexedCollection;
    readonly index: VectorIndex;
    readonly indexes: VectorIndexes;
    readonly store: PointStore;
    readonly clock: Clock;
    /** What a loaded file holds; empty for a new index. */
    readonly coverage: CoverageMap;
  }) {
    this.schema = o.schema;
    this.#index = o.index;
    this.#indexes = o.indexes;
    this.#store = o.store;
    this.#clock = o.clock;
    this.#behind = new Map(o.coverage);
    this.#saved = o.coverage;
    this.#linkedInFile = o.coverage.size === 0 ? 0 : o.index.stats().linked;
  }

  /** What the file on the disk holds. */
  get saved(): CoverageMap {
    return this.#saved;
  }

  /** A restart from the file would link again what is linked here. */
  get hasLinkedSinceSave(): boolean {
    return this.#index.stats().linked !== this.#linkedInFile;
  }

  get changesSinceSave(): number {
    return this.#changesSinceSave;
  }

  isLive(shard: number): boolean {
    return this.#live.has(shard);
  }

  /** The shard is fed by `applyChanges` from now on; the caller has just brought it up. */
  setLive(shard: number): void {
    this.#live.add(shard);
    this.#behind.delete(shard);
  }

  /** The shard has another state: what the index holds of it is of no use. */
  setBehind(shard: number): void {
    this.#live.delete(shard);
    this.#behind.delete(shard);
    this.#successor?.setBehind(shard);
  }

  /** Entries that the index lacks of a shard; undefined: it must be read anew. */
  entriesBehind(state: ShardState): number | undefined {
    return this.#live.has(state.shard) ? 0 : entriesBehind(this.#behind.get(state.shard), state);
  }

  /** Effects of a turn; changes of shards that are not live come later, from the journal. */
  async applyChanges(changes: readonly PointChange[]): Promise<void> {
    await Promise.all([this.#feed(changes), this.#feedSuccessor(changes)]);
  }

  /** `successor` is empty and no shard of it is live: the caller brings them up, beside the turns. */
  beginSuccession(successor: CollectionIndex): void {
    invariant(this.#successor === undefined, 'an index has one successor at a time');
    successor.fields.set(this.fields.fed);
    this.#successor = successor;
    this.#successorFailure = undefined;
  }

  /** The successor is of no use any more; its owner closes it. Harmless without one. */
  endSuccession(): void {
    this.#successor = undefined;
  }

  /** Throws what has stopped the successor. */
  checkSuccessor(): void {
    if (this.#successorFailure !== undefined) throw this.#successorFailure;
  }

  /**
   * The successor's slots are this index from now on, for every search that begins: answers the one before, to be
   * closed. Undefined, and nothing has changed, while one of `shards` is not live in both: one that is not live here
   * may be being brought up. No turn may be applied during this call.
   */
  succeed(shards: Iterable<number>): VectorIndex | undefined {
    this.checkSuccessor();
    const successor = this.#successor;
    invariant(successor !== undefined, 'an index that is replaced has a successor');
    for (const shard of shards) if (!this.isLive(shard) || !successor.isLive(shard)) return undefined;
    const before = this.#index;
    this.#index = successor.#index;
    this.#live = successor.#live;
    this.#behind.clear();
    // The file has the slots of the index before, and is as good as it was: it is saved anew like after any changes.
    this.#changesSinceSave = successor.#changesSinceSave;
    this.fields.succeed(successor.fields);
    this.incarnation += 1;
    this.#successor = undefined;
    return before;
  }

  async #feed(changes: readonly PointChange[]): Promise<void> {
    const batch = this.#indexes.batch();
    for (const change of changes) {
      if (!this.#live.has(change.shard)) continue;
      const { shard, generation, version, idKey: id, isInteger, vector, payload } = change;
      const address = { shard, generation, version, id };
      if (vector === undefined || payload === undefined) batch.remove(address);
      else {
        batch.upsert({ ...address, isInteger, vector });
        addFieldValues(batch, this.fields.fed, { ...address, payload });
      }
    }
    if (batch.count === 0) return;
    this.#changesSinceSave += batch.count;
    await untilRoom(this.#clock, () => this.#index.apply(batch));
  }

  /**
   * Opens the read that takes a shard from what the index holds to `state`, as of this call, and answers the work to
   * be done with it. While it runs, later turns may be written: what they change is above `state`.
   */
  openCatchUp(state: ShardState, how: CatchUp): () => Promise<void> {
    const behind = this.entriesBehind(state);
    if (behind === 0) return () => Promise.resolve();
    const { shard, generation, applied } = state;
    const slice: CollectionSlice = { shard, generation, collection: this.schema.id };
    const work = behind === undefined ? this.#openScan(slice, how) : this.#openReplay(slice, applied, how);
    return async () => {
      this.#changesSinceSave += await work();
      this.#behind.set(shard, { generation, applied });
    };
  }

  /** These fields are indexed from now on, and no others; the caller has those filled that are new. No turn may be applied. */
  async setFields(specs: readonly FieldSpec[]): Promise<void> {
    const gone = this.fields.set(specs);
    if (gone.length === 0) return;
    const batch = this.#indexes.batch();
    for (const number of gone) batch.dropField(number);
    await this.#index.apply(batch);
  }

  /** Of points that the index has in these versions; for others it does nothing. */
  async addValues(
    specs: readonly FieldSpec[],
    { shard, generation }: CollectionSlice,
    points: readonly StoredPoint[],
  ): Promise<void> {
    const batch = this.#indexes.batch();
    for (const { idKey: id, version, payload } of points)
      addFieldValues(batch, specs, { shard, generation, version, id, payload });
    if (batch.count > 0) await untilRoom(this.#clock, () => this.#index.apply(batch));
  }

  search(query: IndexQuery): Promise<IndexHit[]> {
    return this.#index.search(query);
  }

  fieldCounts(
    field: number,
    shards: IndexQuery['shards'],
  ): Promise<{ readonly fitting: number; readonly misfits: number }> {
    return this.#index.fieldCounts(field, shards);
  }

  sampleRecall(sample: RecallSample): Promise<SampledRecall> {
    return this.#index.sampleRecall(sample);
  }

  /** The memory is that of a successor, too. */
  stats(): IndexStats {
    const own = this.#index.stats();
    const other = this.#successor?.stats();
    if (other === undefined) return own;
    return {
      ...own,
      bytes: own.bytes + other.bytes,
      codeBytes: own.codeBytes + other.codeBytes,
      originalBytes: own.originalBytes + other.originalBytes,
      graphBytes: own.graphBytes + other.graphBytes,
    };
  }

  /**
   * Starts to write the index with the states of its live shards as its tag; no turn may be applied during this
   * call, but any number while the file is written. `written` settles when it is in place or has failed.
   */
  async startSave(
    path: string,
    states: ReadonlyMap<number, ShardState>,
  ): Promise<{ readonly written: Promise<void> }> {
    await this.#dropClosedShards(states);
    const coverage = new Map<number, Coverage>(this.#behind);
    for (const shard of this.#live) {
      const state = states.get(shard);
      if (state !== undefined) coverage.set(shard, { generation: state.generation, applied: state.applied });
    }
    const changes = this.#changesSinceSave;
    this.#changesSinceSave = 0;
    const { linked } = this.#index.stats();
    const written = this.#index.save(path, encodeCoverage(coverage)).then(
      () => {
        this.#saved = coverage;
        this.#linkedInFile = linked;
      },
      (error: unknown) => {
        this.#changesSinceSave += changes;
        throw error;
      },
    );
    return { written };
  }

  close(): Promise<void> {
    return this.#index.close();
  }

  /** A file may hold shards that have left the node; until now one of them could have been opened. */
  async #dropClosedShards(states: ReadonlyMap<number, ShardState>): Promise<void> {
    const closed = [...this.#behind.keys()].filter((shard) => !states.has(shard));
    if (closed.length === 0) return;
    const batch = this.#indexes.batch();
    for (const shard of closed) {
      batch.dropShard(shard);
      this.#behind.delete(shard);
    }
    await this.#index.apply(batch);
  }

  #openScan(slice: CollectionSlice, how: CatchUp): () => Promise<number> {
    const chunks = this.#store.scan(slice);
    return () => {
      // From here on the index holds only a part of the shard, until all of it is read.
      this.#behind.delete(slice.shard);
      return readAnew(this.#sink(how), slice, chunks);
    };
  }

  #openReplay(slice: CollectionSlice, upTo: number, how: CatchUp): () => Promise<number> {
    const after = this.#behind.get(slice.shard)?.applied ?? 0;
    const chunks = this.#store.journal(slice, { after, upTo });
    return () => replay(this.#sink(how), slice, chunks);
  }

  #sink(how: CatchUp): Sink {
    const fields = (): readonly FieldSpec[] => this.fields.fed;
    return { ...how, index: this.#index, indexes: this.#indexes, store: this.#store, fields };
  }

  /** The successor is a convenience: when it cannot take something, it is the successor that ends. */
  async #feedSuccessor(changes: readonly PointChange[]): Promise<void> {
    const successor = this.#successor;
    if (successor === undefined || this.#successorFailure !== undefined) return;
    try {
      await successor.#feed(changes);
    } catch (error) {
      this.#successorFailure = asError(error);
    }
  }
}
