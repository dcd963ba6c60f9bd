import type { Clock } from '../base/index.ts';
import { untilRoom } from '../storage/index.ts';
import type { IndexedCollection } from '../model/index.ts';
import { type Coverage, type CoverageMap, encodeCoverage, entriesBehind } from './coverage.ts';
import type { JournalRow } from './journal.ts';
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

/**
 * The vector index of one collection as a cache of the store: it knows how far it holds each shard. A live shard is
 * fed by every turn and holds exactly the applied state; another one is brought up from the store first.
 */
export class CollectionIndex {
  readonly schema: IndexedCollection;
  readonly #index: VectorIndex;
  readonly #indexes: VectorIndexes;
  readonly #store: PointStore;
  readonly #clock: Clock;
  readonly #live = new Set<number>();
  /** Shards that are not live, as far as the index holds them. */
  readonly #behind: Map<number, Coverage>;
  #saved: CoverageMap;
  #changesSinceSave = 0;

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
  }

  /** What the file on the disk holds. */
  get saved(): CoverageMap {
    return this.#saved;
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
  }

  /** Entries that the index lacks of a shard; undefined: it must be read anew. */
  entriesBehind(state: ShardState): number | undefined {
    return this.#live.has(state.shard) ? 0 : entriesBehind(this.#behind.get(state.shard), state);
  }

  /** Effects of a turn; changes of shards that are not live come later, from the journal. */
  async applyChanges(changes: readonly PointChange[]): Promise<void> {
    const batch = this.#indexes.batch();
    for (const change of changes) {
      if (!this.#live.has(change.shard)) continue;
      const { shard, generation, version, idKey: id, vector } = change;
      if (vector === undefined) batch.remove({ shard, generation, version, id });
      else batch.upsert({ shard, generation, version, id, vector });
    }
    if (batch.count === 0) return;
    this.#changesSinceSave += batch.count;
    await untilRoom(this.#clock, () => this.#index.apply(batch));
  }

  /**
   * Opens the read that takes a shard from what the index holds to `state`, as of this call, and answers the work to
   * be done with it. While it runs, later turns may be written: what they change is above `state`. The work ends
   * with the reason of `signal` when that is aborted.
   */
  openCatchUp(state: ShardState, signal: AbortSignal): () => Promise<void> {
    const behind = this.entriesBehind(state);
    if (behind === 0) return () => Promise.resolve();
    const { shard, generation, applied } = state;
    const slice: CollectionSlice = { shard, generation, collection: this.schema.id };
    const work =
      behind === undefined ? this.#openScan(slice, signal) : this.#openReplay(slice, applied, signal);
    return async () => {
      this.#changesSinceSave += await work();
      this.#behind.set(shard, { generation, applied });
    };
  }

  search(query: IndexQuery): Promise<IndexHit[]> {
    return this.#index.search(query);
  }

  sampleRecall(sample: RecallSample): Promise<SampledRecall> {
    return this.#index.sampleRecall(sample);
  }

  stats(): IndexStats {
    return this.#index.stats();
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
    const written = this.#index.save(path, encodeCoverage(coverage)).then(
      () => {
        this.#saved = coverage;
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

  #openScan(slice: CollectionSlice, signal: AbortSignal): () => Promise<number> {
    const chunks = this.#store.scan(slice);
    return () => {
      // From here on the index holds only a part of the shard, until all of it is read.
      this.#behind.delete(slice.shard);
      return readAnew(this.#sink(signal), slice, chunks);
    };
  }

  #openReplay(slice: CollectionSlice, upTo: number, signal: AbortSignal): () => Promise<number> {
    const after = this.#behind.get(slice.shard)?.applied ?? 0;
    const chunks = this.#store.journal(slice, { after, upTo });
    return () => replay(this.#sink(signal), slice, chunks);
  }

  #sink(signal: AbortSignal): Sink {
    return { index: this.#index, indexes: this.#indexes, store: this.#store, signal };
  }
}

/** Points that a replay has in memory at one time. */
const REPLAY_POINTS_MAX = 256;

interface Sink {
  readonly index: VectorIndex;
  readonly indexes: VectorIndexes;
  readonly store: PointStore;
  readonly signal: AbortSignal;
}

/** Replaces everything that the index holds of a shard by the points of the store; answers the number of changes. */
async function readAnew(
  sink: Sink,
  slice: CollectionSlice,
  chunks: AsyncIterable<StoredPoint[]>,
): Promise<number> {
  let changes = 0;
  const drop = sink.indexes.batch();
  drop.dropShard(slice.shard);
  await sink.index.apply(drop);
  for await (const points of chunks) {
    sink.signal.throwIfAborted();
    const batch = sink.indexes.batch();
    for (const { idKey: id, version, vector } of points) {
      batch.upsert({ shard: slice.shard, generation: slice.generation, version, id, vector });
    }
    await sink.index.apply(batch);
    changes += points.length;
  }
  return changes;
}

/**
 * Brings every point that the rows name to what the store has now, which may be newer than the row; then a later row
 * says the same again. Answers the number of changes.
 */
async function replay(
  sink: Sink,
  slice: CollectionSlice,
  chunks: AsyncIterable<JournalRow[]>,
): Promise<number> {
  let changes = 0;
  for await (const rows of chunks) {
    const named = lastMentions(rows, slice.collection);
    for (let at = 0; at < named.length; at += REPLAY_POINTS_MAX) {
      sink.signal.throwIfAborted();
      await bringToStore(sink, slice, named.slice(at, at + REPLAY_POINTS_MAX));
    }
    changes += named.length;
  }
  return changes;
}

interface Mention {
  readonly idKey: Buffer;
  /** Of the last row that names the point. */
  readonly index: number;
}

function lastMentions(rows: readonly JournalRow[], collection: number): Mention[] {
  const mentions = new Map<string, Mention>();
  for (const { index, collection: named, idKeys } of rows) {
    if (named !== collection) continue;
    for (const idKey of idKeys) mentions.set(idKey.toString('latin1'), { idKey, index });
  }
  return [...mentions.values()];
}

async function bringToStore(sink: Sink, slice: CollectionSlice, mentions: readonly Mention[]): Promise<void> {
  const { shard, generation } = slice;
  const points = await sink.store.getMany(mentions.map(({ idKey }) => ({ ...slice, idKey })));
  const batch = sink.indexes.batch();
  mentions.forEach(({ idKey: id, index }, position) => {
    const point = points[position];
    if (point === undefined) batch.remove({ shard, generation, version: index, id });
    else batch.upsert({ shard, generation, version: point.version, id, vector: point.vector });
  });
  await sink.index.apply(batch);
}
