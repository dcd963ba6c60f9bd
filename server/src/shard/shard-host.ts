import type { Clock } from '../base/index.ts';
import {
  type CountQuery,
  type IndexReport,
  type ScrollPage,
  type CollectionStats,
  Engine,
  type RetryCounts,
  type ScoredPoint,
  type ScrollQuery,
  type SearchQuery,
  type ShardExport,
  type ShardImport,
  type StoredPoint,
  type VectorIndexes,
} from '../engine/index.ts';
import { type IndexedCollection, parseFieldPath, type PayloadIndex } from '../model/index.ts';
import type { Logger } from '../observability/index.ts';
import type { KvStore } from '../storage/index.ts';
import type { CommandResult } from './command-result.ts';
import { type CommittedEntries, decodeEntries, effectsOf, touchedBy } from './state-machine.ts';

export interface ShardHostOptions {
  /** `data/`, profile `data`; closed by the caller, after the host. */
  readonly kv: KvStore;
  /** Where the files of the vector indexes lie. */
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: {
    /** `[index] ef_construction` */
    readonly efConstruction: number;
    /** `[raft] snapshot_interval`: applied entries of a shard between flushes of the state. */
    readonly snapshotInterval: number;
  };
  /** Bytes of memory that this node may still use; without it any amount. */
  readonly memoryLeft?: (() => number) | undefined;
  /** The addon's by default. */
  readonly indexes?: VectorIndexes | undefined;
}

/** Points named by shard and id. */
export interface FetchQuery {
  readonly collection: number;
  readonly points: readonly { readonly shard: number; readonly idKey: Buffer }[];
}

/**
 * All shards of this node: the replicated state machine behind their Raft groups, and its reads. What a read answers
 * is as of `applied(shard)` or newer; when that is recent enough is decided by the caller.
 */
export class ShardHost {
  readonly #engine: Engine;

  static async open(o: ShardHostOptions): Promise<ShardHost> {
    const { options, ...shared } = o;
    return new ShardHost(await Engine.open({ ...shared, ...options }));
  }

  private constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Opens a shard as the disk has this generation of it; an unknown one is empty. Other generations are removed. */
  openShard(shard: number, generation = 1): void {
    this.#engine.openShard(shard, generation);
  }

  /** The state as of the last applied entry. */
  openSnapshot(shard: number): Promise<ShardExport> {
    return this.#engine.openExport(shard);
  }

  /** Begins a new generation of a shard, beside the one in use. */
  beginInstall(shard: number, at: { readonly index: number; readonly term: number }): Promise<ShardImport> {
    return this.#engine.beginImport(shard, at);
  }

  /** The finished generation is the state from now on. No `apply` may be under way; a rejection is fatal. */
  switchTo(shard: number, generation: number): Promise<void> {
    return this.#engine.switchTo(shard, generation);
  }

  /** Forgets the state of a shard that is not applied to: the generation that is answered is empty, and durable. */
  reset(shard: number): Promise<number> {
    return this.#engine.resetShard(shard);
  }

  /** Open shards, in the order of opening. */
  shards(): readonly number[] {
    return this.#engine.openShards();
  }

  /** Index of the last entry whose effects are in the store and visible to searches; 0: none. */
  applied(shard: number): number {
    return this.#engine.shardState(shard).applied;
  }

  /** Running maximum of the clocks on the shard's applied entries, in wall-clock milliseconds; 0: none so far. */
  logTimeMs(shard: number): number {
    return this.#engine.shardState(shard).logTimeMs;
  }

  /** Index up to which effects survive a crash; the log may be compacted up to here, not further. */
  durableApplied(shard: number): number {
    return this.#engine.durableApplied(shard);
  }

  /**
   * Makes a collection searchable here; resolves when every open shard can be searched. Writes to a collection do not
   * wait for this: they go to the store, and reach the index when the schema is known.
   */
  setCollection(schema: IndexedCollection): Promise<void> {
    return this.#engine.setCollection(schema);
  }

  /**
   * Applies committed entries, which follow those applied before, of any number of shards as one write. `results[i][j]`
   * belongs to `batches[i].entries[j]`. Deterministic. A rejection is fatal: the process must end, nothing is skipped.
   */
  async apply(batches: readonly CommittedEntries[]): Promise<readonly (readonly CommandResult[])[]> {
    const decoded = batches.map(decodeEntries);
    return this.#engine.transact(touchedBy(decoded), (turn) =>
      decoded.map((batch) => effectsOf(turn, batch)),
    );
  }

  get(shard: number, collection: number, idKey: Buffer): Promise<StoredPoint | undefined> {
    return this.#engine.get({ shard, collection, idKey });
  }

  /** The best `k` points over `shards`, best first, ties by id order. */
  search(query: SearchQuery): Promise<ScoredPoint[]> {
    return this.#engine.search(query);
  }

  /** The collection has these payload indexes from now on, and no others; they are filled in the background. */
  setPayloadIndexes(collection: number, indexes: readonly PayloadIndex[]): Promise<void> {
    const specs = indexes.map(({ number, field, type }) => ({
      number,
      path: parseFieldPath(field, 'field'),
      type,
    }));
    return this.#engine.setFields(collection, specs);
  }

  /** How its payload indexes stand here, with the points of these shards. */
  indexReports(collection: number, shards: readonly number[]): Promise<IndexReport[]> {
    return this.#engine.indexReports({ collection, shards });
  }

  /** Of searches for 10 results with so many candidates; undefined until it was measured. */
  searchRecall(ef: number): number | undefined {
    return this.#engine.searchRecall(ef);
  }

  /** One answer per point, in order; undefined where nothing is stored now. */
  fetch(query: FetchQuery): Promise<(StoredPoint | undefined)[]> {
    return this.#engine.getMany(query.points.map((point) => ({ ...point, collection: query.collection })));
  }

  /** At most `limit` points with ids above `after`, in id order over all `shards`. */
  scroll(query: ScrollQuery): Promise<ScrollPage> {
    return this.#engine.scroll(query);
  }

  /** Points of one collection in these shards. */
  count(query: CountQuery): Promise<number> {
    return this.#engine.count(query);
  }

  /** Points of all collections in one shard. */
  vectors(shard: number): number {
    return this.#engine.vectors(shard);
  }

  /** Resolves when everything applied so far is durable. */
  flush(): Promise<void> {
    return this.#engine.flush();
  }

  /** What this node's replicas did with entries that name themselves, since it started, and the rows that they hold. */
  retryTotals(): Readonly<RetryCounts> & { readonly rows: number } {
    return this.#engine.retryTotals();
  }

  /** Of every collection's vector index. */
  stats(): readonly CollectionStats[] {
    return this.#engine.stats();
  }

  /** Indexes that were made anew, without their dead slots, since the host was opened. */
  indexRebuilds(): number {
    return this.#engine.indexRebuilds();
  }

  /** Flushes and saves the indexes; to be called after the last `apply` has settled. */
  close(): Promise<void> {
    return this.#engine.close();
  }
}
