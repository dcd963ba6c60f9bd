import { join } from 'node:path';
import { asError, type Clock, invariant } from '../base/index.ts';
import { untilRoom } from '../storage/index.ts';
import type { IndexedCollection } from '../model/index.ts';
import type { Logger } from '../observability/index.ts';
import { type CatchUp, CollectionIndex } from './collection-index.ts';
import { type CoverageMap, decodeCoverage } from './coverage.ts';
import type { PointStore } from './point-store.ts';
import { SerialLock } from './serial-lock.ts';
import type { ShardState } from './shard-state.ts';
import type { PointChange } from './turn.ts';
import type { IndexOptions, VectorIndex, VectorIndexes } from './vector-index-port.ts';

/** A shard this close to its state is finished while turns wait; further away it is caught up beside them. */
const LAST_STEP_ENTRIES = 256;
/** Rounds beside the turns; then the rest is done while they wait, so that a fast writer cannot keep a shard behind. */
const ROUNDS_MAX = 8;

/** The vector indexes of a node, by collection: opened from their files, brought up, fed by turns. */
export class IndexKeeper {
  readonly #o: IndexKeeperOptions;
  readonly #byCollection = new Map<number, CollectionIndex>();
  /** Per collection: the work that makes all open shards live. */
  readonly #bringingUp = new Map<number, Promise<void>>();
  readonly #adding = new SerialLock();
  readonly #closing = new AbortController();

  constructor(options: IndexKeeperOptions) {
    this.#o = options;
  }

  /** Creates or loads the index; resolves when every open shard can be searched. */
  async add(schema: IndexedCollection): Promise<void> {
    await this.#adding.run(async () => {
      const known = this.#byCollection.get(schema.id);
      if (known === undefined) this.#byCollection.set(schema.id, await this.#open(schema));
      else checkUnchanged(known.schema, schema);
    });
    await this.bringUp(schema.id);
  }

  get(collection: number): CollectionIndex | undefined {
    return this.#byCollection.get(collection);
  }

  all(): Iterable<CollectionIndex> {
    return this.#byCollection.values();
  }

  /** Resolves when these shards can be searched; for an unknown collection at once. */
  async ready(collection: number, shards: readonly number[]): Promise<void> {
    const index = this.#byCollection.get(collection);
    if (index !== undefined && !shards.every((shard) => index.isLive(shard))) await this.bringUp(collection);
  }

  /** Resolves when every open shard of the collection can be searched; for an unknown collection at once. */
  async bringUp(collection: number): Promise<void> {
    const index = this.#byCollection.get(collection);
    // A shard may be opened while the others are brought up, too late for the work that runs.
    while (index !== undefined && this.#nextToBringUp(index) !== undefined) {
      await (this.#bringingUp.get(collection) ?? this.#startBringingUp(index));
    }
  }

  /** Effects of a turn. The caller holds the lock. */
  async applyChanges(changes: readonly PointChange[]): Promise<void> {
    const byCollection = Map.groupBy(changes, (change) => change.collection);
    for (const [id, own] of byCollection) await this.#byCollection.get(id)?.applyChanges(own);
  }

  /** The shard has another state: `bringUp` makes it searchable again. The caller holds the lock. */
  setBehind(shard: number): void {
    for (const index of this.#byCollection.values()) index.setBehind(shard);
  }

  pathOf(schema: IndexedCollection): string {
    return join(this.#o.directory, `collection-${String(schema.id)}.index`);
  }

  /** An empty index for a collection, of which no shard is live; it belongs to the caller. */
  fresh(schema: IndexedCollection): CollectionIndex {
    const { indexes, store, clock } = this.#o;
    const index = indexes.create(this.#optionsOf(schema));
    return new CollectionIndex({ schema, indexes, store, clock, index, coverage: new Map() });
  }

  /** Makes every open shard live in an index that is not, or not yet, the one of its collection. */
  async fill(index: CollectionIndex, how: CatchUp): Promise<void> {
    await this.#bringUpAll(index, how);
  }

  /** Ends the work of bringing up; who waits for it gets a rejection. */
  async stop(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#bringingUp.values());
  }

  /** After `stop`. */
  async close(): Promise<void> {
    for (const index of this.#byCollection.values()) await index.close();
  }

  #startBringingUp(index: CollectionIndex): Promise<void> {
    const { id } = index.schema;
    const how = { signal: this.#closing.signal, pace: undefined };
    const running = this.#bringUpAll(index, how).finally(() => this.#bringingUp.delete(id));
    this.#bringingUp.set(id, running);
    return running;
  }

  async #bringUpAll(index: CollectionIndex, how: CatchUp): Promise<void> {
    for (;;) {
      const shard = this.#nextToBringUp(index);
      if (shard === undefined) return;
      // Reads of the store may find a queue full of searches; starting the shard again is always right.
      await untilRoom(this.#o.clock, () => this.#bringUpShard(index, shard, how));
    }
  }

  #nextToBringUp(index: CollectionIndex): number | undefined {
    for (const shard of this.#o.states.keys()) if (!index.isLive(shard)) return shard;
    return undefined;
  }

  async #bringUpShard(index: CollectionIndex, shard: number, how: CatchUp): Promise<void> {
    const { lock } = this.#o;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      if ((index.entriesBehind(this.#state(shard)) ?? Infinity) <= LAST_STEP_ENTRIES) break;
      // The read is opened between two turns: what the store holds is then exactly the state.
      how.signal.throwIfAborted();
      const catchUp = await lock.run(() => index.openCatchUp(this.#state(shard), how));
      await catchUp();
    }
    await lock.run(async () => {
      await index.openCatchUp(this.#state(shard), { ...how, pace: undefined })();
      index.setLive(shard);
    });
  }

  #state(shard: number): ShardState {
    const state = this.#o.states.get(shard);
    invariant(state !== undefined, 'a shard that is brought up is open', { shard });
    return state;
  }

  async #open(schema: IndexedCollection): Promise<CollectionIndex> {
    const { indexes, store, clock } = this.#o;
    const loaded = await this.#load(this.pathOf(schema), this.#optionsOf(schema));
    return loaded === undefined
      ? this.fresh(schema)
      : new CollectionIndex({ schema, indexes, store, clock, ...loaded });
  }

  #optionsOf({ dimension, metric, m, binaryQuantization }: IndexedCollection): IndexOptions {
    return { dimension, metric, m, efConstruction: this.#o.efConstruction, binaryQuantization };
  }

  /** Undefined when there is no file or it cannot be used: the store has everything that it had. */
  async #load(path: string, options: IndexOptions): Promise<OpenedIndex | undefined> {
    try {
      const loaded = await this.#o.indexes.load(path, options);
      return loaded && { index: loaded.index, coverage: decodeCoverage(loaded.tag) };
    } catch (error) {
      const reason = asError(error).message;
      this.#o.logger.warn('the saved vector index cannot be used and is rebuilt from the store', {
        path,
        reason,
      });
      return undefined;
    }
  }
}

interface OpenedIndex {
  readonly index: VectorIndex;
  readonly coverage: CoverageMap;
}

function checkUnchanged(known: IndexedCollection, schema: IndexedCollection): void {
  const isSame =
    known.dimension === schema.dimension &&
    known.metric === schema.metric &&
    known.m === schema.m &&
    known.binaryQuantization === schema.binaryQuantization;
  invariant(isSame, 'the schema of a collection never changes', { known, schema });
}

export interface IndexKeeperOptions {
  /** Where the index files lie. */
  readonly directory: string;
  readonly efConstruction: number;
  readonly indexes: VectorIndexes;
  readonly store: PointStore;
  /** Open shards; the engine keeps it up to date. */
  readonly states: ReadonlyMap<number, ShardState>;
  /** Held by every turn. */
  readonly lock: SerialLock;
  readonly clock: Clock;
  readonly logger: Logger;
}
