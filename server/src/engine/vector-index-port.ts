import type { Metric } from '../model/index.ts';

/** What the engine needs of a vector index: one per node and collection, spanning the shards that the node holds. */
export interface VectorIndex {
  /** Visible to searches when it settles; batches take effect in call order. */
  apply(batch: IndexBatch): Promise<void>;
  /** At most `k` hits, best score first, ties by the bytes of the id. */
  search(query: IndexQuery): Promise<IndexHit[]>;
  /**
   * What searches find of the nearest points of some queries, or of random points, each as if it were not in the index. It takes
   * its time.
   */
  sampleRecall(sample: RecallSample): Promise<SampledRecall>;
  /** Points of the shards with values in a field: of its type, and of others. */
  fieldCounts(
    field: number,
    shards: IndexQuery['shards'],
  ): Promise<{ readonly fitting: number; readonly misfits: number }>;
  stats(): IndexStats;
  /** Writes a file beside `path` and renames it. Changes that begin during the call may or may not be in it. */
  save(path: string, tag: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** Changes to an index, in order. */
export interface IndexBatch {
  /** Replaces the point's slot unless that one has a higher version. `vector` holds little-endian float32. */
  upsert(slot: IndexedSlot & { readonly vector: Buffer }): void;
  /** Removes the point's slot unless it has a higher version than `version`. */
  remove(slot: SlotAddress): void;
  /** Adds values of a field (`PackedValues`) to the slot of this point, when that has exactly this version. */
  values(o: SlotAddress & { readonly field: number; readonly values: Buffer }): void;
  /** Forgets all values of a field. */
  dropField(field: number): void;
  /** Removes every slot of the shard, of all generations. */
  dropShard(shard: number): void;
  readonly count: number;
  readonly byteLength: number;
}

export interface SlotAddress {
  readonly shard: number;
  readonly generation: number;
  readonly version: number;
  readonly id: Buffer;
}

export interface IndexQuery {
  readonly query: Float32Array;
  readonly k: number;
  /** Candidates of the graph search, at least `k`. */
  readonly ef: number;
  /** Compare with every vector instead of walking the graph. */
  readonly exact: boolean;
  readonly shards: readonly { readonly shard: number; readonly generation: number }[];
  /** Only points that this expression (`filterProgram`) lets pass. */
  readonly filter?: Buffer | undefined;
  /** Is told how the candidates were found. */
  readonly onPlan?: ((plan: IndexPlan) => void) | undefined;
}

export interface IndexPlan {
  readonly way: 'nothing' | 'graph' | 'scan' | 'exact';
  /** Live points of the shards. */
  readonly points: number;
  /** Of them, those that the filter may let pass; about so many where they are many. */
  readonly admissible: number;
}

export interface RecallSample {
  /** How many points, or queries one after the other. */
  readonly queries: number | Float32Array;
  readonly k: number;
  /** Each is searched with. */
  readonly efs: readonly number[];
  readonly shards: IndexQuery['shards'];
  /** 0 to 2^32 - 1. */
  readonly seed: number;
}

export interface SampledRecall {
  /** Neighbours of all queries together. */
  readonly wanted: number;
  /** Those that were found with each of `efs`. */
  readonly found: readonly number[];
}

/** A slot, and how the id was written. */
export interface IndexedSlot extends SlotAddress {
  /** The id was given as a number. */
  readonly isInteger: boolean;
}

export interface IndexHit extends IndexedSlot {
  readonly score: number;
}

export interface IndexStats {
  readonly slots: number;
  readonly live: number;
  readonly dead: number;
  readonly linked: number;
  /** Slots that searches scan because the graph does not hold them yet. */
  readonly unlinked: number;
  readonly bytes: number;
  /** Of `bytes`: the codes that walks compare. */
  readonly codeBytes: number;
  /** Of `bytes`: the float32 vectors that results are scored with. */
  readonly originalBytes: number;
  /** Of `bytes`: the graph, with what linking needs of it. */
  readonly graphBytes: number;
}

export interface IndexOptions {
  readonly dimension: number;
  readonly metric: Metric;
  readonly m: number;
  readonly efConstruction: number;
  /** Candidates are found by one bit per value. */
  readonly binaryQuantization: boolean;
}

/** Makes indexes; the addon in production, a naive one as the oracle of tests. */
export interface VectorIndexes {
  create(options: IndexOptions): VectorIndex;
  /** Undefined when there is no file; rejects when it is damaged or not of `options`. The caller then rebuilds. */
  load(path: string, options: IndexOptions): Promise<LoadedIndex | undefined>;
  batch(): IndexBatch;
  /** The score of two vectors, exactly as `search` computes it. */
  score(metric: Metric, query: Float32Array, vector: Float32Array): number;
}

export interface LoadedIndex {
  readonly index: VectorIndex;
  /** As it was given to `save`. */
  readonly tag: Buffer;
}
