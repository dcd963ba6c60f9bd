import { mkdir } from 'node:fs/promises';
import { asError, type Clock, GrapeError, invariant, systemRandom } from '../base/index.ts';
import type { IndexedCollection } from '../model/index.ts';
import type { Logger } from '../observability/index.ts';
import { type KvStore, untilRoom } from '../storage/index.ts';
import type { CollectionIndex } from './collection-index.ts';
import { Flusher } from './flusher.ts';
import { FieldBuilder } from './fields/field-builder.ts';
import type { FieldSpec } from './fields/field-spec.ts';
import type { CompiledFilter, TimedFilter } from './filter/compiled-filter.ts';
import { Generations } from './generations.ts';
import { IndexKeeper } from './index-keeper.ts';
import { IndexRebuilder } from './index-rebuilder.ts';
import { IndexSaver } from './index-saver.ts';
import { type PointAddress, pointKey } from './keys.ts';
import { nativeIndexes } from './native-indexes.ts';
import { searchNode } from './node-search.ts';
import { PointStore } from './point-store.ts';
import { SliceCache } from './slice-cache.ts';
import { orRefused } from './room.ts';
import { visitMatching } from './matching-points.ts';
import type { ScoredPoint } from './scored-point.ts';
import { mergeById, type ScrollPage } from './scroll.ts';
import type { SearchQuery } from './search-query.ts';
import { SerialLock } from './serial-lock.ts';
import type { ShardExport } from './shard-export.ts';
import type { ShardImport } from './shard-import.ts';
import { newShardState, type ShardState } from './shard-state.ts';
import type { StoredPoint } from './stored-point.ts';
import { RecallKeeper } from './recall/recall-keeper.ts';
import type { RetryRef } from './retry-ledger.ts';
import { noRetryCounts, type RetryCounts } from './retry-counts.ts';
import { readRetryRows } from './retry-rows.ts';
import { type Known, Turn } from './turn.ts';
import type { IndexStats, VectorIndexes } from './vector-index-port.ts';

export interface EngineOptions {
  /** `data/`, profile `data`; closed by the caller, after the engine. */
  readonly kv: KvStore;
  /** Where the files of the vector indexes lie; made when missing. */
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly efConstruction: number;
  /** Applied entries of a shard after which its state is flushed (`[raft] snapshot_interval`). */
  readonly snapshotInterval: number;
  /** Bytes of memory that this node may still use; without it any amount. */
  readonly memoryLeft?: (() => number) | undefined;
  /** The addon's by default. */
  readonly indexes?: VectorIndexes | undefined;
}

/** A point named by shard instead of by generation: callers do not know generations. */
export interface PointRef {
  readonly shard: number;
  readonly collection: number;
  readonly idKey: Buffer;
}

/** What the entries of a turn will look at. */
export interface Touched {
  readonly points: readonly PointRef[];
  /** One per write that names itself. */
  readonly retries: readonly RetryRef[];
}

export interface ScrollQuery {
  readonly collection: number;
  readonly shards: readonly number[];
  /** Id key of the last point of the page before. */
  readonly after: Buffer | undefined;
  readonly limit: number;
  readonly filter?: CompiledFilter | undefined;
  /** Otherwise `vector` is empty. */
  readonly withVector: boolean;
}

export interface CountQuery {
  readonly collection: number;
  readonly shards: readonly number[];
  readonly filter?: TimedFilter | undefined;
}

/** How an indexed field stands on this node. */
export interface IndexReport {
  readonly number: number;
  /** Searches rely on it. */
  readonly isReady: boolean;
  /** Points with values of its type. */
  readonly points: number;
  /** Points with values of other types, which searches compare one by one. */
  readonly skipped: number;
}

export interface CollectionStats extends IndexStats {
  readonly collection: number;
  /** Changes that a restart would have to catch up. */
  readonly changesSinceSave: number;
}

/** Every shard is read ahead by one chunk, of which a short page uses only a part. */
const SCROLL_CHUNK_BYTES_MIN = 16 * 1024;
const SCROLL_CHUNK_BYTES_MAX = 256 * 1024;
/** Of every shard: how many points a page looks at is not known. */
const FILTER_CHUNK_BYTES = 64 * 1024;

/**
 * Points and vector indexes of all shards of a node. The store is the truth; an index is a cache of it. Writes come as
 * turns, one at a time; reads go on beside them.
 */
export class Engine {
  readonly #o: EngineOptions;
  readonly #indexes: VectorIndexes;
  readonly #store: PointStore;
  /** Open shards. */
  readonly #states = new Map<number, ShardState>();
  /** What the disk had of all shards and generations when the engine was opened. */
  readonly #stored: readonly ShardState[];
  readonly #slices = new SliceCache(this.#states);
  readonly #lock = new SerialLock();
  readonly #scans = new SerialLock();
  readonly #flusher: Flusher;
  readonly #keeper: IndexKeeper;
  readonly #rebuilder: IndexRebuilder;
  readonly #saver: IndexSaver;
  readonly #generations: Generations;
  readonly #recall: RecallKeeper;
  readonly #fields: FieldBuilder;
  #failure: Error | undefined;
  #isClosing = false;
  readonly #retryCounts = noRetryCounts();

  static async open(options: EngineOptions): Promise<Engine> {
    await mkdir(options.directory, { recursive: true });
    const store = new PointStore(options.kv);
    return new Engine(options, store, await store.shardStates());
  }

  private constructor(options: EngineOptions, store: PointStore, stored: readonly ShardState[]) {
    this.#o = options;
    this.#indexes = options.indexes ?? nativeIndexes;
    this.#store = store;
    this.#stored = stored;
    const { kv, clock, logger } = options;
    const shared = { store, states: this.#states, lock: this.#lock, logger };
    const onFailure = (error: Error): void => this.#fail(error);
    this.#flusher = new Flusher({
      kv,
      intervalEntries: options.snapshotInterval,
      states: () => this.#states.values(),
      onFailure,
    });
    this.#keeper = new IndexKeeper({ ...options, ...shared, indexes: this.#indexes });
    this.#rebuilder = new IndexRebuilder({ ...options, ...shared, keeper: this.#keeper, onFailure });
    this.#saver = new IndexSaver({
      ...shared,
      kv,
      clock,
      keeper: this.#keeper,
      flusher: this.#flusher,
      isRebuilding: () => this.#rebuilder.isRunning,
      onFailure,
    });
    this.#fields = new FieldBuilder({ ...shared, clock });
    this.#recall = new RecallKeeper({
      ...shared,
      clock,
      random: systemRandom(),
      indexes: () => this.#keeper.all(),
    });
    this.#generations = new Generations({
      ...shared,
      kv,
      clock,
      keeper: this.#keeper,
      flusher: this.#flusher,
      bringUp: () => this.#bringUp(),
      onFailure: (error) => {
        if (!this.#isClosing) this.#fail(asError(error));
      },
    });
  }

  /** Opens a shard with the state that the disk has of this generation; answers it. */
  openShard(shard: number, generation = 1): ShardState {
    invariant(!this.#states.has(shard), 'a shard is opened once', { shard });
    const found = this.#stored.find((state) => state.shard === shard && state.generation === generation);
    const state = found ?? newShardState({ shard, generation });
    this.#flusher.opened(state);
    this.#states.set(shard, state);
    this.#bringUp();
    this.#generations.removeOthers(shard);
    return state;
  }

  /** Fails for a shard that is not open. */
  shardState(shard: number): ShardState {
    const state = this.#states.get(shard);
    invariant(state !== undefined, 'the shard is open on this node', { shard });
    return state;
  }

  openShards(): readonly number[] {
    return [...this.#states.keys()];
  }

  /**
   * Makes a collection searchable: loads its index or makes one, and catches up with the store. Resolves when every
   * open shard can be searched. Repeating it with the same schema is allowed.
   */
  async setCollection(schema: IndexedCollection): Promise<void> {
    for (const { shard, collections } of this.#states.values()) {
      const { dimension } = collections.get(schema.id) ?? schema;
      invariant(dimension === schema.dimension, 'the points of a shard have the dimension of the schema', {
        shard,
        dimension,
        schema,
      });
    }
    await this.#keeper.add(schema);
  }

  /**
   * Runs `effects` on a turn that knows what the store has of `touched`, writes everything that it did as one batch, and
   * resolves with its answer when searches see it. Any rejection is fatal: the node must stop applying.
   */
  transact<T>(touched: Touched, effects: (turn: Turn) => T): Promise<T> {
    return this.#lock.run(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      const { kv, clock } = this.#o;
      const turn = new Turn((shard) => this.shardState(shard), await this.#known(touched));
      const answer = effects(turn);
      const states = turn.seal();
      if (turn.batch.count === 0) return answer;
      await untilRoom(clock, () => kv.write(turn.batch, { sync: false }));
      await this.#keeper.applyChanges(turn.changes);
      for (const state of states) this.#states.set(state.shard, state);
      for (const state of states) this.#flusher.noteApplied(state);
      this.#countRetries(turn.retryCounts);
      this.#saver.noteChanges();
      return answer;
    });
  }

  /** What replicas did with named entries since the process started, and the rows that they hold. */
  retryTotals(): Readonly<RetryCounts> & { readonly rows: number } {
    const rows = [...this.#states.values()].reduce((sum, { retryRows }) => sum + retryRows, 0);
    return { ...this.#retryCounts, rows };
  }

  /** The state of a shard as of its last applied entry. */
  openExport(shard: number): Promise<ShardExport> {
    return this.#generations.open(shard);
  }

  /** Begins a new generation of a shard, which `switchTo` takes into use when it is finished. */
  beginImport(
    shard: number,
    expected: { readonly index: number; readonly term: number },
  ): Promise<ShardImport> {
    return this.#generations.beginInstall(shard, expected);
  }

  /** The finished generation is the shard's state from now on. No turn may be under way; a rejection is fatal. */
  switchTo(shard: number, generation: number): Promise<void> {
    return this.#generations.switchTo(shard, generation);
  }

  /** Forgets the state of a shard; answers the generation of the empty one. */
  resetShard(shard: number): Promise<number> {
    return this.#generations.reset(shard);
  }

  /** What is stored now, which may be ahead of `applied`. */
  get(ref: PointRef): Promise<StoredPoint | undefined> {
    return orRefused(this.#store.get(this.#address(ref)));
  }

  /** One answer per point, in order. */
  getMany(refs: readonly PointRef[]): Promise<(StoredPoint | undefined)[]> {
    return orRefused(this.#store.getMany(refs.map((ref) => this.#address(ref))));
  }

  /** Throws SHARD_UNAVAILABLE while this node does not know the collection. */
  async search(query: SearchQuery): Promise<ScoredPoint[]> {
    for (;;) {
      await this.#keeper.ready(query.collection, query.shards);
      const before = this.#slices.of(query);
      const points = await this.#searchOnce(query);
      // A shard whose state was replaced meanwhile may have been searched while the index had nothing of it.
      if (before.every(({ shard, generation }) => this.shardState(shard).generation === generation))
        return points;
    }
  }

  /** These fields of the payloads are indexed from now on, and no others; filling goes on in the background. */
  async setFields(collection: number, specs: readonly FieldSpec[]): Promise<void> {
    const index = this.#index(collection);
    await this.#lock.run(() => index.setFields(specs));
    this.#fields.start(index);
  }

  /** Of the indexed fields, with the points of these shards. */
  async indexReports({ collection, shards }: Omit<CountQuery, 'filter'>): Promise<IndexReport[]> {
    const index = this.#index(collection);
    const ready = new Set(index.fields.ready);
    const slices = shards.map((shard) => ({ shard, generation: this.shardState(shard).generation }));
    return Promise.all(
      index.fields.fed.map(async (spec) => {
        const { fitting, misfits } = await index.fieldCounts(spec.number, slices);
        return { number: spec.number, isReady: ready.has(spec), points: fitting, skipped: misfits };
      }),
    );
  }

  /** Of searches for 10 results with so many candidates; undefined until it was measured. */
  searchRecall(ef: number): number | undefined {
    return this.#recall.recallAt(ef);
  }

  #searchOnce(asked: SearchQuery): Promise<ScoredPoint[]> {
    const index = this.#index(asked.collection);
    const { targetRecall, k } = asked;
    const query =
      targetRecall === undefined ? asked : { ...asked, ef: this.#recall.efFor(index, targetRecall, k) };
    if (!query.exact && query.filter === undefined) this.#recall.noteQuery(index, query.query);
    const context = {
      index,
      indexes: this.#indexes,
      store: this.#store,
      slices: this.#slices,
      clock: this.#o.clock,
      scans: this.#scans,
      settled: () => this.#lock.idle(),
    };
    return orRefused(searchNode(context, query));
  }

  /** At most `limit` points in id order over all `shards`; fewer also when few pass the filter. */
  async scroll(query: ScrollQuery): Promise<ScrollPage> {
    const { collection, after, filter } = query;
    const limit = filter === undefined ? query.limit : undefined;
    const chunkBytes = limit === undefined ? FILTER_CHUNK_BYTES : scrollChunkBytes(limit);
    const sources = query.shards.map((shard) => {
      const { generation } = this.shardState(shard);
      const options = { after, chunkBytes, ...(limit !== undefined && { limit }) };
      return this.#store.scan({ shard, generation, collection }, options);
    });
    const page = await orRefused(mergeById(sources, { limit: query.limit, matcher: filter?.matcher }));
    if (query.withVector) return page;
    return { ...page, points: page.points.map((point) => ({ ...point, vector: NO_VECTOR })) };
  }

  /** Points of one collection in these shards, exact as of the applied state of each; throws as `visitMatching`. */
  async count({ collection, shards, filter }: CountQuery): Promise<number> {
    let live = 0;
    if (filter === undefined) {
      for (const shard of shards) live += this.shardState(shard).collections.get(collection)?.live ?? 0;
      return live;
    }
    const visit = (): void => {
      live += 1;
    };
    const { clock } = this.#o;
    const slices = shards.map((shard) => ({
      shard,
      collection,
      generation: this.shardState(shard).generation,
    }));
    const scans = { store: this.#store, clock, scans: this.#scans };
    await orRefused(visitMatching(scans, { slices, ...filter }, visit));
    return live;
  }

  /** Points of all collections in one shard. */
  vectors(shard: number): number {
    let live = 0;
    for (const collection of this.shardState(shard).collections.values()) live += collection.live;
    return live;
  }

  /** Index up to which the effects of a shard's entries survive a crash, known from a completed flush. */
  durableApplied(shard: number): number {
    return this.#flusher.durableApplied(shard);
  }

  /** Resolves when everything applied so far is durable. */
  flush(): Promise<void> {
    return this.#flusher.flush();
  }

  stats(): CollectionStats[] {
    return [...this.#keeper.all()].map((index) => ({
      collection: index.schema.id,
      changesSinceSave: index.changesSinceSave,
      ...index.stats(),
    }));
  }

  /** Indexes that were made anew since the engine was opened, to be rid of dead slots. */
  indexRebuilds(): number {
    return this.#rebuilder.completed;
  }

  /** Waits for the turn that runs, flushes, saves the indexes and closes them. The caller sends no further turns. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#generations.stop();
    const rebuilder = this.#rebuilder.stop();
    await this.#recall.stop();
    await this.#fields.stop();
    await this.#keeper.stop();
    await rebuilder;
    await this.#saver.stop();
    await this.#lock.idle();
    if (this.#failure === undefined) {
      await this.#flusher.flush();
      await this.#saver.save();
    }
    await this.#keeper.close();
  }

  #countRetries(counts: RetryCounts): void {
    this.#retryCounts.repeated += counts.repeated;
    this.#retryCounts.misnamed += counts.misnamed;
    this.#retryCounts.full += counts.full;
    this.#retryCounts.evicted += counts.evicted;
  }

  /** Searches wait for it; turns of a shard reach the index through the journal until then. */
  #bringUp(): void {
    for (const { schema } of this.#keeper.all()) {
      this.#keeper.bringUp(schema.id).catch((error: unknown) => {
        if (!this.#isClosing) this.#fail(asError(error));
      });
    }
  }

  #index(collection: number): CollectionIndex {
    const index = this.#keeper.get(collection);
    if (index !== undefined) return index;
    throw new GrapeError('SHARD_UNAVAILABLE', `this node does not know collection ${String(collection)} yet`);
  }

  #address(ref: PointRef): PointAddress {
    const { shard, collection, idKey } = ref;
    return { shard, generation: this.shardState(shard).generation, collection, idKey };
  }

  async #known({ points, retries }: Touched): Promise<Known> {
    const versions = await this.#versions(points);
    const state = (shard: number): ShardState => this.shardState(shard);
    return {
      versions,
      retries: await untilRoom(this.#o.clock, () => readRetryRows(this.#store, state, retries)),
    };
  }

  /** By point key as latin1 text. */
  async #versions(points: readonly PointRef[]): Promise<Map<string, number>> {
    const keys = new Map<string, Buffer>();
    for (const ref of points) {
      const key = pointKey(this.#address(ref));
      keys.set(key.toString('latin1'), key);
    }
    const answers = await untilRoom(this.#o.clock, () => this.#store.versions([...keys.values()]));
    return new Map([...keys.keys()].map((text, position) => [text, answers[position] ?? 0]));
  }

  /** Nothing more may be applied: the next turn reports it, and the node stops. */
  #fail(error: Error): void {
    this.#o.logger.error('the engine has failed', { reason: error.message });
    this.#failure ??= error;
  }
}

const NO_VECTOR = Buffer.alloc(0);

function scrollChunkBytes(limit: number): number {
  return Math.min(SCROLL_CHUNK_BYTES_MAX, Math.max(SCROLL_CHUNK_BYTES_MIN, 256 * limit));
}
